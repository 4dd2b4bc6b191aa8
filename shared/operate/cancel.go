package operate

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// races is how often a job that moves at the same moment is looked at again.
const races = 5

// Cancel takes a job back. What has not left for the vendor ends at once. What waits
// there is canceled there, and ends here when the vendor's own word for the task is
// CANCELED and not before: a film that comes after all has been paid for. Then the
// job is returned as it stands, still SUBMITTED, and poll ends it.
func (s *Step) Cancel(ctx context.Context, id string) (job.Job, error) {
	return s.cancel(ctx, id, s.Jobs.Move)
}

func (s *Step) cancel(ctx context.Context, id string, by mover) (job.Job, error) {
	for range races {
		j, err := s.Jobs.Job(ctx, id)
		if err != nil {
			return job.Job{}, err
		}
		if code := uncancelable(j.State); code != "" {
			return job.Job{}, refuse(code, j)
		}
		if j.State == job.Submitted {
			gone, err := s.canceledThere(ctx, j)
			if err != nil || !gone {
				return j, err
			}
		}
		next := j
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		if j.Task != nil {
			t := *j.Task
			t.Status, t.Ended = job.TaskCanceled, time.Now().UTC().Truncate(time.Millisecond)
			next.Task = &t
		}
		moved, err := s.moveBy(ctx, by, j, next)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != Moved {
			return moved, err
		}
		// Somebody was faster: it has left for the vendor, or poll has seen the
		// vendor's word first and ended it.
		if now, err := s.Jobs.Job(ctx, id); err != nil || now.State == job.Canceled {
			return now, err
		}
	}
	j, err := s.Jobs.Job(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	return job.Job{}, refuse(Moved, j)
}

// Cancelable says whether a job in that state may be taken back. One that is at the
// vendor may be refused all the same: its film may have been begun since.
func Cancelable(s job.State) bool { return uncancelable(s) == "" }

// uncancelable is why a job in that state cannot be taken back; empty when it may.
func uncancelable(s job.State) string {
	switch s {
	case job.Received, job.Queued, job.Submitted:
		return ""
	case job.Submitting:
		return BeingSent
	case job.Running:
		return BeingMade
	case job.Storing:
		return AlreadyMade
	case job.Held:
		return IsHeld
	}
	return HasEnded
}

// canceledThere cancels a job's task and says whether the vendor now calls it
// canceled.
func (s *Step) canceledThere(ctx context.Context, j job.Job) (bool, error) {
	cause := s.Vendor.CancelAt(ctx, j.Task.BaseURL, j.Task.ID)
	switch job.VerdictOf(cause).Outcome {
	case job.OperatorNeeded, job.Throttled, job.NotSent:
		return false, cause // it was not heard
	}
	// Refused, unclear or taken: the task's own word counts.
	a, err := s.Vendor.Task(ctx, j.Task.BaseURL, j.Task.ID)
	if err != nil {
		s.Log.WarnContext(ctx, "look after a cancel", "job_id", j.ID, "err", err)
		return false, refuse(CancelUnclear, j)
	}
	switch a.Status {
	case job.TaskCanceled:
		return true, nil
	case job.TaskRunning:
		return false, refuse(BeingMade, j)
	case job.TaskSucceeded:
		return false, refuse(AlreadyMade, j)
	}
	if cause != nil {
		return false, refuse(CancelUnclear, j)
	}
	return false, nil
}
