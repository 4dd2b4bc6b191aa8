package submit

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

const (
	// createTries is how often clear refusals that may pass send a job back to
	// the queue before it fails.
	createTries = 5
	// recordTries is how often the answer's transaction is tried again when others
	// are in its way: what it fails to write, poll has to find in the list.
	recordTries = 3
)

// record writes what the vendor answered. If it cannot, poll finds the task in
// the vendor's list.
func (s *Step) record(ctx context.Context, j job.Job, c job.Created) error {
	next := j
	next.State = job.Submitted
	// The task says all that the intent was for. The due time stays what it is: poll
	// looks after whoever holds a slot.
	next.Intent, next.Silent = nil, 0
	next.Task = &job.Task{ID: c.TaskID, RequestID: c.RequestID, BaseURL: j.Intent.BaseURL, Status: c.Status,
		Submitted: time.Now().UTC().Truncate(time.Millisecond), Created: c.At}
	_, err := s.move(ctx, j, next)
	for range recordTries {
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
		// Was it another transaction in the way, or has the job moved? What was only
		// noted on it keeps the answer from nothing.
		now, rerr := s.Jobs.Job(ctx, j.ID)
		if rerr != nil {
			return rerr
		}
		if now.State != job.Submitting || now.Intent == nil || now.Intent.Fence != j.Intent.Fence {
			break
		}
		again := now
		again.State, again.Due, again.Task, again.Silent = next.State, next.Due, next.Task, 0
		if now.Intent.Revoked.IsZero() {
			again.Intent = nil // else the task will fail by what was taken back
		}
		_, err = s.move(ctx, now, again)
	}
	if errors.Is(err, job.ErrConflict) {
		// Poll was faster: it adopted this task, or holds the job with the task
		// among its candidates.
		s.Log.WarnContext(ctx, "answer of the create call came late", "job_id", j.ID, "task_id", c.TaskID)
		return nil
	}
	return err
}

// notCreated decides what a create call without a task means.
func (s *Step) notCreated(ctx context.Context, j job.Job, cause error) (goOn bool, err error) {
	v := job.VerdictOf(cause)
	s.Log.WarnContext(ctx, "create", "job_id", j.ID, "outcome", v.Outcome, "err", cause)
	next := j
	next.State = job.Queued
	next.Tries = j.Tries
	switch v.Outcome {
	case job.Unknown, job.Retry:
		// The task may exist. The job stays SUBMITTING, keeps its slot, and is
		// not posted again until poll has settled what happened.
		return false, s.noteRequest(ctx, j, v.RequestID)
	case job.Throttled:
		if err := s.Gate.Throttle(ctx, s.after(0, v.RetryAfter)); err != nil {
			return false, err
		}
		next.Due = time.Time{}
	case job.NotSent:
		// It says nothing about the job: another one would not get there either.
		if err := s.Gate.Throttle(ctx, s.after(1, v.RetryAfter)); err != nil {
			return false, err
		}
		next.Due = time.Time{}
	case job.OperatorNeeded:
		if err := s.close(ctx, v); err != nil {
			return false, err
		}
		next.Due = time.Time{}
	case job.BadInput:
		goOn = true
		next.State, next.Fault = job.Rejected, job.FaultOf(job.CodeInputRefused, v)
	case job.Refused, job.Lost:
		goOn = true
		next.State, next.Fault = job.Failed, job.FaultOf(job.CodeVendorRefused, v)
	default: // FreshURL, OtherTransport
		goOn = true
		next.Refusals = j.Refusals + 1
		next.Due = s.after(j.Refusals, v.RetryAfter)
		if next.Refusals >= createTries {
			next.State, next.Fault = job.Failed, job.FaultOf(job.CodeVendorRefused, v)
			if v.Outcome == job.OtherTransport {
				next.Fault.Code = job.CodeCannotDownload
			}
		}
		if v.Outcome == job.OtherTransport && j.Via != job.TransferTemp && s.Transfer == job.TransferAuto {
			// What S3 is to blame for counts for nothing and waits for nothing: it goes
			// the other way at once.
			s.fetched(ctx, job.Fetch{Job: j.ID})
			next.State, next.Fault, next.Refusals, next.Due, next.Via = job.Queued, nil, j.Refusals, time.Time{}, job.TransferTemp
		}
	}
	if next.State == job.Queued {
		next.Intent, next.Silent = nil, 0
	}
	_, err = s.move(ctx, j, next)
	return goOn && err == nil, conflict(err)
}

// noteRequest keeps the id of a call whose outcome nobody knows: by it poll tells the
// task from a stranger's. Without it the search only has less to go by.
func (s *Step) noteRequest(ctx context.Context, j job.Job, id string) error {
	if id == "" {
		return nil
	}
	next := j
	in := *j.Intent
	in.RequestID = id
	next.Intent = &in
	_, err := s.Jobs.Move(ctx, j, next)
	return conflict(err)
}

// clockFailed decides what trouble with the free call means: nothing was written,
// so the job stays queued in any case.
func (s *Step) clockFailed(ctx context.Context, cause error) error {
	v := job.VerdictOf(cause)
	switch v.Outcome {
	case job.OperatorNeeded:
		return s.close(ctx, v)
	case job.Throttled:
		return s.Gate.Throttle(ctx, s.after(0, v.RetryAfter))
	}
	s.Log.WarnContext(ctx, "vendor's clock", "err", cause)
	return s.Gate.Throttle(ctx, s.after(1, v.RetryAfter))
}
