package poll

import (
	"context"
	"errors"
	"slices"
	"time"

	"emodrop/shared/job"
)

// strayWait is how long a stray is left alone after so many looks. The vendor's list
// is seldom late by much, so the first looks are close together.
func strayWait(tries int) time.Duration { return min(2*time.Minute<<min(tries, 8), time.Hour) }

// strayAgain is how long one is left alone that has been found.
const strayAgain = time.Minute

// stray looks for a task that a job has gone on without. What is found is given to the
// job if it still wants it; if it does not, the task is canceled while that is free,
// and reported with its cost once it has been charged.
func (s *Step) stray(ctx context.Context, r *round, id string) error {
	st, err := s.Strays.Stray(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil || st.Due.After(time.Now()) {
		return err
	}
	j, err := s.Jobs.Job(ctx, st.Job)
	if errors.Is(err, job.ErrNotFound) || err == nil && has(j, st.TaskID) {
		return s.Strays.DropStray(ctx, st) // it is the job's by now
	}
	if err != nil {
		return err
	}
	if time.Since(st.Intent.At) > s.Profile.IDLife+idGrace {
		return s.strayOver(ctx, st, j)
	}
	if r.stopped() {
		return nil
	}
	found, err := s.findStray(ctx, st, j)
	switch {
	case err != nil:
		return s.strayFailed(ctx, r, st, err)
	case found.TaskID == "":
		return s.strayLater(ctx, st, st, strayWait(st.Tries))
	case has(j, found.TaskID):
		return s.Strays.DropStray(ctx, st) // a person has given it back
	}
	if owner, err := s.Jobs.Owner(ctx, found.TaskID); err == nil && owner != j.ID {
		return s.Strays.DropStray(ctx, st) // a person has given it to another job
	} else if err != nil && !errors.Is(err, job.ErrNotFound) {
		return err
	}
	if st.TaskID == "" {
		if err := s.Strays.PutStray(ctx, st, found); err != nil {
			return lost(err)
		}
		found.Rev++
		st = found
		s.Log.WarnContext(ctx, "a task that was given up for lost has shown up", "job_id", j.ID, "task_id", st.TaskID)
	}
	a, err := s.Vendor.Task(ctx, st.Intent.BaseURL, st.TaskID)
	if err != nil {
		return s.strayFailed(ctx, r, st, err)
	}
	return s.settleStray(ctx, r, st, j, a)
}

// findStray is the stray with its task; as it was while the list shows none that is ours
// beyond doubt. One that reconcile would take for ours unproven is so too once it has
// ended with a film: that can no longer be another's task that we cancel, and nobody else
// would tell of it. Of several of our own key one is ours: once all have ended, one that was
// charged stands for them.
func (s *Step) findStray(ctx context.Context, st job.Stray, j job.Job) (job.Stray, error) {
	if st.TaskID != "" {
		return st, nil
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return st, err
	}
	was := j
	was.Intent = &st.Intent
	c, err := s.candidates(ctx, was, g.KeyID)
	open := func(t job.Listed) bool { return !t.Status.Ended() }
	switch {
	case err != nil:
		return st, err
	case len(c.own) == 1:
		st.TaskID = c.own[0].TaskID
	case len(c.own) > 1 && !slices.ContainsFunc(c.own, open):
		st.TaskID = c.own[max(0, slices.IndexFunc(c.own, filmed))].TaskID
		for _, t := range c.own {
			st.Among = append(st.Among, t.TaskID)
		}
	case len(c.found) == 1 && c.sure && filmed(c.found[0]):
		st.TaskID = c.found[0].TaskID
	}
	return st, nil
}

// filmed: the task has ended with a film, and was charged.
func filmed(t job.Listed) bool { return t.Status == job.TaskSucceeded }

// settleStray decides what a stray is good for.
func (s *Step) settleStray(ctx context.Context, r *round, st job.Stray, j job.Job, a job.Answer) error {
	charged, open := a.Status == job.TaskSucceeded, a.Status == job.TaskPending || a.Status == job.TaskRunning
	if a.Status == job.TaskFailed || a.Status == job.TaskCanceled {
		return s.Strays.DropStray(ctx, st) // it cost nothing
	}
	seen := st
	seen.Live = (open || charged) && len(st.Among) == 0
	if charged {
		seen.Cost = s.bill(j, a)
	}
	intent := st.Intent
	next := j
	next.Task = &job.Task{ID: st.TaskID, RequestID: a.RequestID, BaseURL: intent.BaseURL, Status: a.Status,
		Submitted: intent.At.Truncate(time.Millisecond), Created: intent.VendorAt, Adopted: true}
	switch {
	case j.State == job.Submitting:
		// Another create call is under way: nothing is to come between it and its
		// answer.
	case len(st.Among) > 0:
		if charged { // whosever film it is: it is told of, and no job gets it
			return s.orphan(ctx, st, j, seen.Cost)
		}
	case j.State == job.Queued && j.Posts == st.Post && (open || charged):
		// Not posted since: the job has its task back, and is billed for it then.
		next.Wasted -= st.Counted
		next.State, next.Due, next.Intent = job.Submitted, time.Now(), &intent
		return s.giveStray(ctx, r, st, j, next)
	case wantsFilm(j) && charged && a.VideoURL != "":
		next.Fault, next.Wasted = nil, j.Wasted-st.Counted
		return s.giveStray(ctx, r, st, j, s.storing(next, a))
	case a.Status == job.TaskPending && !hopes(j):
		if err := s.Vendor.CancelAt(ctx, intent.BaseURL, st.TaskID); err != nil {
			s.Log.WarnContext(ctx, "a task that nobody needs is not canceled", "task_id", st.TaskID, "err", err)
		}
		return s.strayLater(ctx, st, seen, s.Interval)
	case charged && onItsWay(j):
		return s.orphan(ctx, st, j, seen.Cost)
	}
	return s.strayLater(ctx, st, seen, strayAgain)
}

// orphan reports a film that was charged and that no job can use.
func (s *Step) orphan(ctx context.Context, st job.Stray, j job.Job, cost job.Money) error {
	m, err := s.Strays.Orphan(ctx, st, j, cost)
	if errors.Is(err, job.ErrConflict) {
		seen := st
		seen.Cost = cost
		return s.strayLater(ctx, st, seen, strayAgain)
	}
	if err != nil {
		return err
	}
	s.Log.ErrorContext(ctx, "a film was charged that no job can use", "job_id", j.ID, "task_id", st.TaskID)
	s.tell(ctx, m.ID)
	return nil
}

// strayOver ends the search when the vendor knows of no such task any more. What was
// charged meanwhile is not forgotten with it.
func (s *Step) strayOver(ctx context.Context, st job.Stray, j job.Job) error {
	if st.Cost > 0 {
		return s.orphan(ctx, st, j, st.Cost)
	}
	if st.TaskID != "" {
		st.Doubt = job.Doubt{} // there was such a task: what may have been charged stays counted
	}
	return s.Strays.DropStray(ctx, st)
}

// has: the task is the job's present one.
func has(j job.Job, taskID string) bool {
	return (onItsWay(j) || j.State == job.Held) && taskID != "" && j.Task != nil && j.Task.ID == taskID
}

// onItsWay: the job has a film, or a task of its own that is to bring one.
func onItsWay(j job.Job) bool {
	return j.State.AtVendor() || j.State == job.Storing || j.State == job.Succeeded
}

// wantsFilm: the job has ended without a film, and one that was paid for is kept.
func wantsFilm(j job.Job) bool { return j.State.Final() && j.State != job.Succeeded && j.Film == nil }

// hopes: a task that has not been charged yet would still serve the job. One that was
// taken back wants none.
func hopes(j job.Job) bool {
	return !onItsWay(j) && j.State != job.Canceled
}

// giveStray gives a job the task it had gone on without. Whoever dies before the stray
// is dropped leaves one that the next look finds to be the job's.
func (s *Step) giveStray(ctx context.Context, r *round, st job.Stray, j, next job.Job) error {
	moved, ok, err := s.move(ctx, j, next)
	if err != nil {
		return err
	}
	if !ok {
		return s.strayLater(ctx, st, st, strayAgain)
	}
	if err := s.Strays.DropStray(ctx, st); err != nil {
		return err
	}
	if moved.State == job.Storing {
		r.film(moved)
	}
	return nil
}

// strayLater notes what was seen of a stray and lets it be for a while.
func (s *Step) strayLater(ctx context.Context, st, seen job.Stray, wait time.Duration) error {
	seen.Tries, seen.Due = st.Tries+1, time.Now().Add(wait)
	return lost(s.Strays.PutStray(ctx, st, seen))
}

// strayFailed lets a stray that cannot be looked for now step back.
func (s *Step) strayFailed(ctx context.Context, r *round, st job.Stray, cause error) error {
	s.Log.WarnContext(ctx, "look for a lost task", "job_id", st.Job, "err", cause)
	next := st
	switch v := job.VerdictOf(cause); v.Outcome {
	case job.Throttled:
		s.throttled(r, v)
	case job.OperatorNeeded:
		next.Live = false // it may be another key's by now: nobody waits for it
	}
	next.Due = time.Now().Add(strayAgain)
	return lost(s.Strays.PutStray(ctx, st, next))
}

// lost takes a lost race for what it is.
func lost(err error) error {
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}
