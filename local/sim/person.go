package sim

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"emodrop/shared/dashscope"
	"emodrop/shared/job"
	"emodrop/shared/operate"
)

// settleHeld has a person look at each job that needs one, as an operator does who
// has the vendor's own list of tasks and what they were made of: the task that is the
// job's is adopted, a job that has none is posted again, a film that does not fit is
// taken. It returns why the jobs were held.
func (w *World) settleHeld() ([]string, error) {
	jobs, err := w.Jobs()
	if err != nil {
		return nil, err
	}
	client, err := dashscope.New(dashscope.Config{BaseURL: apiBase, HTTP: w.transport,
		Key: func(context.Context) (job.Secret, error) { return job.Secret(w.key), nil }})
	if err != nil {
		return nil, err
	}
	step, err := operate.New(operate.Config{Vendor: client, Jobs: w.Store, Gate: w.Store, Messages: w.Store, Controls: w.Store, Tell: later{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	var held []string
	for _, j := range jobs {
		if j.State != job.Held {
			continue
		}
		its := w.taskOf(j)
		why := j.Name.String() + ": " + j.Fault.Code + " " + j.Fault.Detail
		if j.Fault.Code == job.CodeAmbiguous && its != "" && !slices.Contains(j.Candidates, its) && w.cfg.Emulator.ListLag < quiet {
			why += " (and its own task " + its + " is not among them)"
		}
		held = append(held, why)
		w.watch.needed = append(w.watch.needed, job.OutcomeMessage(j).ID)
		switch {
		case j.Fault.Code == job.CodeFilmMisfit:
			_, err = step.Accept(w.ctx, j.ID)
		case its != "":
			_, err = step.Adopt(w.ctx, j.ID, its)
		default:
			_, err = step.Repost(w.ctx, j.ID, true)
		}
		if err != nil {
			return held, err
		}
	}
	return held, nil
}

// taskOf is the job's task that was paid for or may be yet; empty when there is none.
func (w *World) taskOf(j job.Job) string {
	for _, t := range w.Emulator.Tasks() {
		if jobOf(t) == j.ID && t.Status != string(job.TaskFailed) && t.Status != string(job.TaskCanceled) {
			return t.ID
		}
	}
	return ""
}

// later leaves what is to be told to poll.
type later struct{}

func (later) Tell(context.Context, string) error { return nil }

// afterwards is how long a person's word takes to come to its end.
const afterwards = 8 * time.Minute
