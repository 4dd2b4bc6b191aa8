package submit

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// stageTries is how often a job's files are tried to be copied before the job
// fails: for a day, with the waits between.
const stageTries = int(givesUp / job.MaxWait)

// unstaged lets a job whose files cannot be brought to the vendor now step back, so that
// it does not keep those behind it waiting.
func (s *Step) unstaged(ctx context.Context, j job.Job, in job.Input, cause error) error {
	if ctx.Err() != nil {
		return cause // the invocation ended, not the copy
	}
	code := job.CodeUnreadable
	if uploading := new(uploadError); errors.As(cause, &uploading) {
		code = job.CodeCannotUpload
	}
	s.Log.WarnContext(ctx, "stage", "job_id", j.ID, "err", cause, "tries", j.Tries+1)
	next := j
	next.Tries, next.Due = j.Tries+1, s.after(j.Tries, 0)
	if next.Tries >= stageTries {
		next.State, next.Fault = job.Failed, &job.Fault{Code: code, File: in.Key}
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

// withFace finds the face again of a job that has been at the vendor before and is
// posted anew by a person's word: its record does not keep it that long. It is looked
// up, and looked for only if it has been forgotten.
func (s *Step) withFace(ctx context.Context, g job.Gate, j job.Job) (job.Job, error) {
	if j.Face.Pass {
		return j, nil
	}
	face, via, err := s.face(ctx, g, j, j.Ratio)
	var vendors *detectError
	switch {
	case errors.Is(err, job.ErrConflict), errors.Is(err, job.ErrNotFound):
		return job.Job{}, s.inputGone(ctx, j, j.Image, err)
	case errors.As(err, &vendors):
		return job.Job{}, s.detectFailed(ctx, j, via, vendors)
	case errors.Is(err, errNoTurn), errors.Is(err, errNoTime):
		next := j
		next.Due, next.Via = time.Now().Add(waitTurn), via
		_, err := s.move(ctx, j, next)
		return job.Job{}, conflict(err)
	case err != nil:
		return job.Job{}, s.unstaged(ctx, j, j.Image, err)
	case !face.Pass:
		next := j
		next.State, next.Fault = job.Rejected, faceRefused(j, face)
		_, err := s.move(ctx, j, next)
		return job.Job{}, conflict(err)
	}
	next := j
	next.Face, next.Via = face, via
	moved, err := s.move(ctx, j, next)
	return moved, conflict(err)
}

// faceRefused says that detect finds nothing to work with.
func faceRefused(j job.Job, f job.Face) *job.Fault {
	return &job.Fault{Code: job.CodeFaceRefused, File: j.Image.Key, VendorCode: f.Code, VendorMessage: f.Message}
}
