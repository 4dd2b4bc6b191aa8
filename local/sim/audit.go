package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"emodrop/local/emo"
	"emodrop/shared/job"
)

// everything is more than any world holds.
const everything = 100_000

// Jobs are all jobs, in the order in which they were made.
func (w *World) Jobs() ([]job.Job, error) {
	w.mu.Lock()
	made := slices.Clone(w.made)
	w.mu.Unlock()
	seen := map[string]bool{}
	var all []job.Job
	for _, id := range made {
		if seen[id] {
			continue
		}
		seen[id] = true
		j, err := w.Store.Job(context.Background(), id)
		if errors.Is(err, job.ErrNotFound) {
			continue // it was to be made, and was not
		}
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", id, err)
		}
		all = append(all, j)
	}
	return all, nil
}

// Films are the charges for films: each is a task that was paid for.
func (w *World) Films() []emo.Charge {
	var films []emo.Charge
	for _, c := range w.Emulator.Ledger() {
		if c.TaskID != "" {
			films = append(films, c)
		}
	}
	return films
}

// Unfinished says what is still under way or cannot be: a job neither ended nor
// held, a slot or a posting lease without its job, something past its time. Empty
// when all is over. It is asked when the indexes have caught up.
func (w *World) Unfinished() (string, error) {
	ctx := context.Background()
	var left []string
	say := func(format string, args ...any) { left = append(left, fmt.Sprintf(format, args...)) }
	jobs, err := w.Jobs()
	if err != nil {
		return "", err
	}
	for _, j := range jobs {
		if !j.State.Told() {
			say("job %s (%s) is %s, due %s", j.Name, j.ID, j.State, j.Due.Format(time.TimeOnly))
		}
	}
	g, err := w.Store.Gate(ctx)
	if err != nil {
		return "", err
	}
	for id := range g.Slots {
		say("slot of %s", id)
	}
	if g.Closed != nil {
		say("gate closed: %s", g.Closed.Code)
	}
	due, err := w.Store.Due(ctx, time.Now().Add(24*time.Hour), everything)
	if err != nil {
		return "", err
	}
	for _, d := range due {
		// Two ticks are what the schedule may take to come to it. A message is to be
		// sent whenever it is due.
		if d.Kind != job.DueMessage && d.At.After(time.Now().Add(-2*w.cfg.Tick)) {
			continue
		}
		say("%s %s due since %s", d.Kind, d.ID, d.At.Format(time.TimeOnly))
	}
	return strings.Join(left, "; "), nil
}
