package poll

import (
	"context"
	"errors"
	"strings"
	"time"

	"emodrop/shared/job"
)

const (
	// skew is how far a task's creation may lie outside an intent's window: the
	// Date header knows whole seconds only.
	skew = 2 * time.Second
	// listPage is how many rows of the vendor's list are asked for at once.
	listPage = 100
	// listPages bounds a list that never ends.
	listPages = 200
)

// reconcile settles a create call that nobody knows the outcome of. It posts
// nothing: one task of the vendor's list is adopted, none after the quiet period
// sends the job back to the queue, several need a person.
func (s *Step) reconcile(ctx context.Context, r *round, j job.Job) error {
	if r.stopped() {
		return nil
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	found, sure, err := s.candidates(ctx, j, g.KeyID)
	if err != nil {
		v := job.VerdictOf(err)
		if v.Outcome == job.OperatorNeeded {
			err = s.close(ctx, v)
		}
		r.set(func(r *round) { r.stop = true })
		return err
	}
	next := j
	in := *j.Intent
	next.Intent = &in
	now := time.Now().UTC()
	switch {
	case len(found) == 1 && sure:
		t := found[0]
		next.State, next.Due = job.Submitted, now
		next.Task = &job.Task{ID: t.TaskID, RequestID: t.RequestID, BaseURL: in.BaseURL, Status: t.Status,
			Submitted: in.At.Truncate(time.Millisecond), Created: t.Created, Adopted: true}
		s.Log.WarnContext(ctx, "task found in the vendor's list and adopted", "job_id", j.ID, "task_id", t.TaskID)
		if g.KeyID == "" {
			if err := s.Slots.Learn(ctx, 0, 0, t.KeyID); err != nil {
				return err
			}
		}
	case len(found) > 0:
		next.State, next.Due = job.Held, time.Time{}
		next.Fault = &job.Fault{Code: job.CodeAmbiguous}
		next.Candidates = nil
		for _, t := range found {
			next.Candidates = append(next.Candidates, t.TaskID)
		}
		next.Fault.Detail = strings.Join(next.Candidates[:min(len(next.Candidates), 10)], ", ")
	case now.Sub(in.Until) < s.AskFirst:
		next.Tries, next.Due = j.Tries+1, now.Add(s.Interval)
	case in.Revoked.IsZero():
		// A task that has not fetched its inputs yet fails unbilled from here on.
		if err := s.Staging.Remove(ctx, in.StagedImage, in.StagedAudio); err != nil {
			return err
		}
		in.Revoked = now
		next.Tries, next.Due = 0, now.Add(min(s.Interval, s.Quiet))
	case now.Sub(in.Revoked) < s.Quiet:
		next.Tries = j.Tries + 1
		next.Due = now.Add(min(s.Interval<<min(j.Tries, 6), s.Quiet-now.Sub(in.Revoked)))
	default:
		next.State, next.Due, next.Intent = job.Queued, time.Time{}, nil
		s.Log.WarnContext(ctx, "create call left no task; posting again", "job_id", j.ID)
	}
	_, _, err = s.move(ctx, j, next)
	return err
}

// candidates are the tasks of the vendor's list that this intent may have made
// and that have no owner. sure is false when it cannot be told that they are
// ours: the id by which the list knows our key is not learned yet, and the list
// shows several keys.
func (s *Step) candidates(ctx context.Context, j job.Job, keyID string) (found []job.Listed, sure bool, err error) {
	in := j.Intent
	from := in.VendorAt.Add(-skew)
	to := in.VendorAt.Add(in.Until.Sub(in.At) + skew)
	sure = true
	seenKey := ""
	err = s.each(ctx, in.Model, from, func(t job.Listed) error {
		if keyID == "" {
			if seenKey != "" && t.KeyID != seenKey {
				sure = false
			}
			seenKey = t.KeyID
		} else if t.KeyID != keyID {
			return nil
		}
		if t.Created.Before(from) || t.Created.After(to) {
			return nil
		}
		owner, err := s.Jobs.Owner(ctx, t.TaskID)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return err
		}
		if err == nil && owner != j.ID {
			return nil
		}
		found = append(found, t)
		return nil
	})
	return found, sure, err
}

// listed says whether the vendor's list still shows a job's task.
func (s *Step) listed(ctx context.Context, j job.Job) (bool, error) {
	found := false
	at := j.Task.Created
	if at.IsZero() {
		at = j.Task.Submitted
	}
	err := s.each(ctx, "", at.Add(-time.Hour), func(t job.Listed) error {
		found = found || t.TaskID == j.Task.ID
		return nil
	})
	return found, err
}

// each goes through the vendor's list from that time on. The query's own time
// zone is not documented, so the window asked for is a day and the rows' own
// times decide.
func (s *Step) each(ctx context.Context, model string, from time.Time, f func(job.Listed) error) error {
	q := job.ListQuery{From: from.Add(-8 * time.Hour), To: from.Add(16 * time.Hour), Model: model, PageSize: listPage}
	for q.Page = 1; q.Page <= listPages; q.Page++ {
		if err := s.Pace(ctx); err != nil {
			return err
		}
		p, err := s.Vendor.List(ctx, q)
		if err != nil {
			return err
		}
		for _, t := range p.Tasks {
			if err := f(t); err != nil {
				return err
			}
		}
		if q.Page >= p.Pages || len(p.Tasks) == 0 {
			return nil
		}
	}
	return errors.New("the vendor's task list does not end")
}
