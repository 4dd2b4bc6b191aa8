package poll

import (
	"context"
	"errors"
	"strings"
	"time"

	"emodrop/shared/job"
)

const (
	// listPage is how many rows of the vendor's list are asked for at once.
	listPage = 100
	// listPages bounds a list that never ends.
	listPages = 200
)

// reconcile settles a create call that nobody knows the outcome of. It posts
// nothing: one task of the vendor's list is adopted, none after the quiet period
// sends the job back to the queue. Several of our own key need a person, and so do
// tasks of which nobody can tell whose they are, once the quiet period is over: until
// then another job's task may tell which key is ours, and a task that has not fetched
// its inputs fails, which settles it too.
func (s *Step) reconcile(ctx context.Context, r *round, j job.Job) error {
	if r.stopped() {
		return nil
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	c, err := s.candidates(ctx, j, g.KeyID)
	if err != nil {
		// Only the list failed: the others are looked at all the same.
		switch v := job.VerdictOf(err); v.Outcome {
		case job.OperatorNeeded:
			err = s.close(ctx, v)
		case job.Throttled:
			s.throttled(r, v)
		}
		return err
	}
	if c.ours != "" && c.ours != g.KeyID {
		if err := s.Slots.LearnKey(ctx, c.ours); err != nil {
			return err
		}
	}
	next := j
	in := *j.Intent
	next.Intent = &in
	now := time.Now().UTC()
	switch {
	case len(c.found) == 1 && c.sure:
		t := c.found[0]
		next.State, next.Due = job.Submitted, now
		next.Task = &job.Task{ID: t.TaskID, RequestID: t.RequestID, BaseURL: in.BaseURL, Status: t.Status,
			Submitted: in.At.Truncate(time.Millisecond), Created: t.Created, Adopted: true}
		if in.Revoked.IsZero() {
			// What is left to know of it is whether its inputs were taken back.
			next.Intent, next.Silent = nil, 0
		}
		s.Log.WarnContext(ctx, "task found in the vendor's list and adopted", "job_id", j.ID, "task_id", t.TaskID)
	case len(c.found) > 1 && c.sure, len(c.live) > 0 && !in.Revoked.IsZero() && now.Sub(in.Revoked) >= s.Quiet:
		held := c.found
		if !c.sure {
			held = c.live // whosever the others were, they came to nothing
		}
		next.State, next.Due = job.Held, time.Time{}
		next.Fault = &job.Fault{Code: job.CodeAmbiguous}
		next.Candidates = nil
		for _, t := range held {
			next.Candidates = append(next.Candidates, t.TaskID)
		}
		next.Fault.Detail = strings.Join(next.Candidates[:min(len(next.Candidates), 10)], ", ")
	case now.Sub(in.Until) < s.AskFirst:
		next.Due = now.Add(s.Interval)
	case in.Revoked.IsZero():
		// A task that has not fetched its inputs yet fails unbilled from here on. From the
		// vendor's own storage nothing can be taken back: there the list alone decides.
		if in.StagedImage != "" {
			if err := s.Staging.Remove(ctx, in.StagedImage, in.StagedAudio); err != nil {
				return err
			}
		}
		in.Revoked = now
		next.Tries, next.Due = 0, now.Add(min(s.Interval, s.Quiet))
	case now.Sub(in.Revoked) < s.Quiet:
		next.Tries = j.Tries + 1
		next.Due = now.Add(min(s.Interval<<min(j.Tries, 6), s.Quiet-now.Sub(in.Revoked)))
	default:
		next.State, next.Due, next.Intent = job.Queued, time.Time{}, nil
		// The list has just been answered. A vendor that fetches the files before it
		// answers a create call, over a slow way, shows as silence.
		blamed := s.unanswered(g, j, &next)
		s.Log.WarnContext(ctx, "create call left no task", "job_id", j.ID, "in_a_row", next.Silent)
		_, ok, err := s.move(ctx, j, next)
		if ok && blamed {
			s.unfetched(ctx, j)
		}
		return err
	}
	_, _, err = s.move(ctx, j, next)
	return err
}

const (
	// silent is after how many create calls in a row that had no answer and left no
	// task in time the job goes through the vendor's storage.
	silent = 2
	// silentPosts is after how many of them the job fails: that takes a day, as each is
	// waited for for the quiet period.
	silentPosts = 80
)

// unanswered counts one more create call that had no answer and came to nothing. other
// says that the job goes the other way from here on: of one that tries links to S3 again,
// once is enough.
func (s *Step) unanswered(g job.Gate, j job.Job, next *job.Job) (other bool) {
	next.Silent = j.Silent + 1
	if next.Silent >= silentPosts {
		next.State, next.Fault = job.Failed, &job.Fault{Code: job.CodeVendorSilent}
	}
	trial := g.Route != nil && g.Route.Trier == j.ID
	if other = (next.Silent >= silent || trial) && s.Transfer == job.TransferAuto && j.Via != job.TransferTemp; other {
		next.Via = job.TransferTemp
	}
	return other
}

// unfetched notes that the vendor could not fetch a job's inputs from S3. It helps the
// next jobs and is nothing that this one's fate may hang on.
func (s *Step) unfetched(ctx context.Context, j job.Job) {
	if err := s.Slots.Fetched(ctx, job.Fetch{Job: j.ID}); err != nil {
		s.Log.WarnContext(ctx, "route not noted", "err", err)
	}
}

// listed says whether the vendor's list still shows a job's task.
func (s *Step) listed(ctx context.Context, j job.Job) (bool, error) {
	found := false
	at := j.Task.Created
	if at.IsZero() {
		at = j.Task.Submitted
	}
	err := s.each(ctx, "", at, func(t job.Listed) error {
		found = found || t.TaskID == j.Task.ID
		return nil
	})
	return found, err
}

// each goes through the vendor's list from a little before that time on. The
// query's own time zone is not documented (it may be eight hours off), so the window
// asked for is a day and the rows' own times decide.
func (s *Step) each(ctx context.Context, model string, from time.Time, f func(job.Listed) error) error {
	q := job.ListQuery{From: from.Add(-16 * time.Hour), To: from.Add(8 * time.Hour), Model: model, PageSize: listPage}
	for q.Page = 1; q.Page <= listPages; q.Page++ {
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
