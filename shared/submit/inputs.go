package submit

import (
	"context"
	"errors"

	"emodrop/shared/job"
)

// stageTries is how often a job's files are tried to be copied before the job
// fails: for a day, with the waits between.
const stageTries = int(givesUp / job.MaxWait)

// unstaged lets a job whose files cannot be copied now step back, so that it does
// not keep those behind it waiting.
func (s *Step) unstaged(ctx context.Context, j job.Job, in job.Input, cause error) error {
	if ctx.Err() != nil {
		return cause // the invocation ended, not the copy
	}
	s.Log.WarnContext(ctx, "stage", "job_id", j.ID, "err", cause, "tries", j.Tries+1)
	next := j
	next.Tries, next.Due = j.Tries+1, s.after(j.Tries, 0)
	if next.Tries >= stageTries {
		next.State, next.Fault = job.Failed, &job.Fault{Code: job.CodeUnreadable, File: in.Key}
	}
	_, err := s.move(ctx, j, next)
	return conflict(err)
}

// inputGone ends a queued job whose file is no longer what was checked.
func (s *Step) inputGone(ctx context.Context, j job.Job, in job.Input, cause error) error {
	next := j
	next.State, next.Fault = gone(in, cause)
	_, err := s.move(ctx, j, next)
	return conflict(err)
}

// gone says what becomes of a job whose file is not there any more as it was. What
// stands there now is another hand-in, of which intake makes a job of its own.
func gone(in job.Input, cause error) (job.State, *job.Fault) {
	if errors.Is(cause, job.ErrConflict) {
		return job.Canceled, &job.Fault{Code: job.CodeReplaced, File: in.Key}
	}
	return job.Rejected, &job.Fault{Code: job.CodeFileGone, File: in.Key}
}
