package poll

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// strayWait is how long a stray is left alone after so many looks. The vendor's list
// is seldom late by much, so the first looks are close together.
func strayWait(tries int) time.Duration { return min(2*time.Minute<<min(tries, 8), time.Hour) }

// stray looks for a task that a job has gone on without. What is found is given to the
// job if it still wants it; if it does not, the task is canceled while that is free,
// and reported with its cost once it has been charged.
func (s *Step) stray(ctx context.Context, r *round, id string) error {
	st, err := s.Strays.Stray(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil || st.Due.After(time.Now()) || r.stopped() {
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
		return s.Strays.DropStray(ctx, st) // nobody can know of it any more
	}
	found, err := s.findStray(ctx, st, j)
	switch {
	case err != nil:
		return s.strayFailed(ctx, r, st, err)
	case found == "":
		return s.strayLater(ctx, st, strayWait(st.Tries))
	}
	if st.TaskID == "" {
		next := st
		next.TaskID = found
		if err := s.Strays.PutStray(ctx, st, next); err != nil {
			return lost(err)
		}
		next.Rev++
		st = next
		s.Log.WarnContext(ctx, "a task that was given up for lost has shown up", "job_id", j.ID, "task_id", found)
	}
	a, err := s.Vendor.Task(ctx, st.Intent.BaseURL, st.TaskID)
	if err != nil {
		return s.strayFailed(ctx, r, st, err)
	}
	return s.settleStray(ctx, r, st, j, a)
}

// findStray is the id of the stray's task; empty while the list shows none that is
// ours beyond doubt.
func (s *Step) findStray(ctx context.Context, st job.Stray, j job.Job) (string, error) {
	if st.TaskID != "" {
		return st.TaskID, nil
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return "", err
	}
	was := j
	was.Intent = &st.Intent
	c, err := s.candidates(ctx, was, g.KeyID)
	if err != nil || len(c.found) != 1 || !c.sure {
		return "", err
	}
	return c.found[0].TaskID, nil
}

// settleStray decides what a stray is good for.
func (s *Step) settleStray(ctx context.Context, r *round, st job.Stray, j job.Job, a job.Answer) error {
	switch a.Status {
	case job.TaskFailed, job.TaskCanceled:
		return s.Strays.DropStray(ctx, st) // it cost nothing
	}
	intent := st.Intent
	next := j
	next.Task = &job.Task{ID: st.TaskID, RequestID: a.RequestID, BaseURL: intent.BaseURL, Status: a.Status,
		Submitted: intent.At.Truncate(time.Millisecond), Created: intent.VendorAt, Adopted: true}
	switch {
	case j.State == job.Queued && j.Posts == st.Post:
		// Not posted since: the job has its task back.
		next.State, next.Due, next.Intent = job.Submitted, time.Now(), &intent
		return s.giveStray(ctx, r, st, j, next)
	case wantsFilm(j) && a.Status == job.TaskSucceeded && a.VideoURL != "":
		next.Fault = nil
		return s.giveStray(ctx, r, st, j, s.storing(next, a))
	case wantsFilm(j), j.State == job.Queued, j.State == job.Received, j.State == job.Held:
		return s.strayLater(ctx, st, time.Minute)
	case a.Status == job.TaskPending:
		if err := s.Vendor.Cancel(ctx, st.TaskID); err != nil {
			s.Log.WarnContext(ctx, "a task that nobody needs is not canceled", "task_id", st.TaskID, "err", err)
		}
		return s.strayLater(ctx, st, s.Interval)
	case a.Status == job.TaskSucceeded:
		m, err := s.Strays.Orphan(ctx, st, j, s.bill(j, a))
		if err != nil {
			return lost(err)
		}
		s.Log.ErrorContext(ctx, "a film was charged that no job can use", "job_id", j.ID, "task_id", st.TaskID)
		s.tell(ctx, m.ID)
		return nil
	}
	return s.strayLater(ctx, st, time.Minute)
}

// has: the task is the job's present one.
func has(j job.Job, taskID string) bool {
	switch j.State {
	case job.Submitted, job.Running, job.Storing, job.Succeeded, job.Held:
		return taskID != "" && j.Task != nil && j.Task.ID == taskID
	}
	return false
}

// wantsFilm: the job has ended without a film, and would be glad of one.
func wantsFilm(j job.Job) bool { return j.State.Final() && j.State != job.Succeeded && j.Film == nil }

// giveStray gives a job the task it had gone on without. Whoever dies before the stray
// is dropped leaves one that the next look finds to be the job's.
func (s *Step) giveStray(ctx context.Context, r *round, st job.Stray, j, next job.Job) error {
	moved, ok, err := s.move(ctx, j, next)
	if err != nil || !ok {
		return err
	}
	if err := s.Strays.DropStray(ctx, st); err != nil {
		return err
	}
	if moved.State == job.Storing {
		r.film(moved)
	}
	return nil
}

func (s *Step) strayLater(ctx context.Context, st job.Stray, wait time.Duration) error {
	next := st
	next.Tries, next.Due = st.Tries+1, time.Now().Add(wait)
	return lost(s.Strays.PutStray(ctx, st, next))
}

// strayFailed lets a stray that cannot be looked for now step back.
func (s *Step) strayFailed(ctx context.Context, r *round, st job.Stray, cause error) error {
	s.Log.WarnContext(ctx, "look for a lost task", "job_id", st.Job, "err", cause)
	if job.VerdictOf(cause).Outcome == job.Throttled {
		r.set(func(r *round) { r.stop = true })
	}
	next := st
	next.Due = time.Now().Add(time.Minute)
	return lost(s.Strays.PutStray(ctx, st, next))
}

// lost takes a lost race for what it is.
func lost(err error) error {
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}
