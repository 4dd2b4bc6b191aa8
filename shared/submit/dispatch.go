package submit

import (
	"context"
	"errors"
	"slices"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/media"
)

const (
	// candidates is how many queued jobs are looked at for one slot: the index
	// lags, so the first may have left already.
	candidates = 10
	// maxFresh bounds how many jobs a process remembers to have queued.
	maxFresh = 1000
	// races bounds how often one dispatch tries again after losing the gate.
	races = 10
	// createTries is how often clear refusals that may pass send a job back to
	// the queue before it fails.
	createTries = 5
	// recordTries is how often the answer's transaction is tried again when others
	// are in its way: what it fails to write, poll has to find in the list.
	recordTries = 3
	// spare is what an invocation keeps in hand for the answer's transaction.
	spare = 10 * time.Second
	// urlMargin is what a link must live longer than the vendor may take to
	// fetch it.
	urlMargin = 10 * time.Minute
)

// Dispatch sends queued jobs to the vendor, one after the other, until no slot is
// free, the queue is empty, somebody else is posting, or time is up.
func (s *Step) Dispatch(ctx context.Context) error {
	seen := map[string]bool{}
	for lost := 0; lost < races; {
		if !s.inTime(ctx) {
			return nil
		}
		g, err := s.Gate.Gate(ctx)
		if err != nil {
			return err
		}
		// A look without a job: is anyone admitted at all?
		switch g.Admits(time.Now(), "", 0, s.MaxInFlight, time.Now().Add(time.Hour), s.Profile) {
		case job.Closed, job.Throttle, job.Posting, job.Full:
			return nil
		}
		j, found, err := s.next(ctx, seen)
		if err != nil || !found {
			return err
		}
		goOn, err := s.send(ctx, g, j)
		if errors.Is(err, errRaced) {
			// Whoever was faster may have taken this very job, or another one: the
			// order stays.
			lost++
			continue
		}
		seen[j.ID] = true
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// errRaced: somebody else was admitted meanwhile.
var errRaced = errors.New("the gate was taken by somebody else")

// inTime says whether a create call and its answer still fit into the invocation.
func (s *Step) inTime(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return !ok || time.Until(d) >= s.CreateWithin+spare
}

// queued remembers a job for the dispatch that follows, which the index may be
// behind for.
func (s *Step) queued(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = append(s.fresh, id)
	s.fresh = s.fresh[max(0, len(s.fresh)-maxFresh):]
}

// recent are the jobs that queued remembers, less those that were seen elsewhere
// since.
func (s *Step) recent(gone map[string]bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = slices.DeleteFunc(s.fresh, func(id string) bool { return gone[id] })
	return slices.Clone(s.fresh)
}

// next is the first job of the queue that has not been tried in this round: as the
// index shows it, and behind that what this process has queued itself just now.
func (s *Step) next(ctx context.Context, seen map[string]bool) (job.Job, bool, error) {
	ids, err := s.Jobs.Queue(ctx, candidates+len(seen))
	if err != nil {
		return job.Job{}, false, err
	}
	gone := map[string]bool{}
	for _, id := range append(ids, s.recent(nil)...) {
		if seen[id] || gone[id] {
			continue
		}
		j, err := s.Jobs.Job(ctx, id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return job.Job{}, false, err
		}
		if err == nil && j.State == job.Queued && j.Due.IsZero() {
			return j, true, nil
		}
		gone[id] = true
	}
	s.recent(gone)
	return job.Job{}, false, nil
}

// send takes one job through the protocol. goOn says whether another may follow.
func (s *Step) send(ctx context.Context, g job.Gate, j job.Job) (goOn bool, err error) {
	image, audio := media.Format(j.Image.Format), media.Format(j.Audio.Format)
	imageKey, audioKey := job.StagedKeys(j, j.Posts+1, image.Ext(), audio.Ext())
	for _, c := range []struct {
		in       job.Input
		to, kind string
	}{
		{j.Image, imageKey, image.ContentType()}, {j.Audio, audioKey, audio.ContentType()},
	} {
		err := s.Staging.Stage(ctx, c.in.Key, c.in.ETag, c.to, c.kind)
		if errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound) {
			return true, s.inputGone(ctx, j, c.in, err)
		}
		if err != nil {
			return true, s.unstaged(ctx, j, c.in, err)
		}
	}
	urls, end, err := s.Staging.Sign(ctx, imageKey, audioKey)
	if err != nil {
		return false, err
	}
	// A free call before anything is written: it shows that key and permission are
	// in order, and says what time it is at the vendor. It comes last, as the window
	// in which a lost task is looked for begins with it.
	vendorAt, err := s.Vendor.Clock(ctx)
	if err != nil {
		return false, s.clockFailed(ctx, err)
	}
	// Without its monotonic reading, so that time that this machine spent frozen
	// counts.
	now := time.Now().Round(0).UTC()
	if g.Admits(now, j.ID, j.Seconds(), s.MaxInFlight, end.Add(-urlMargin), s.Profile) != job.Go || !s.inTime(ctx) {
		return false, nil
	}
	until := now.Add(s.PostLease)
	admitted, err := s.Gate.Admit(ctx, j, job.Admission{Gate: g, Limit: s.MaxInFlight, Intent: job.Intent{
		At: now, VendorAt: vendorAt, Until: until, BaseURL: s.Vendor.BaseURL(), Model: s.Model,
		StagedImage: imageKey, StagedAudio: audioKey, URLsEnd: end,
	}})
	if errors.Is(err, job.ErrConflict) {
		return true, errRaced
	}
	if err != nil {
		return false, err
	}
	// Nothing comes between the intent and the call but this one look: an
	// invocation that was asleep meanwhile has lost its right to post.
	if time.Until(until) < s.CreateWithin {
		return false, nil
	}
	call, cancel := context.WithTimeout(ctx, s.CreateWithin)
	created, err := s.Vendor.Create(call, job.CreateRequest{Model: s.Model, ImageURL: urls[0], AudioURL: urls[1],
		Face: j.Face.Box, Ext: j.Face.Ext, Style: j.Style})
	cancel()
	if err != nil {
		return s.notCreated(ctx, admitted, err)
	}
	return true, s.record(ctx, admitted, created)
}

// record writes what the vendor answered. If it cannot, poll finds the task in
// the vendor's list.
func (s *Step) record(ctx context.Context, j job.Job, c job.Created) error {
	next := j
	next.State = job.Submitted
	next.Due = time.Now().UTC()
	next.Task = &job.Task{ID: c.TaskID, RequestID: c.RequestID, BaseURL: j.Intent.BaseURL, Status: c.Status,
		Submitted: next.Due.Truncate(time.Millisecond), Created: c.At}
	_, err := s.move(ctx, j, next)
	for range recordTries {
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
		// Was it another transaction in the way, or has the job moved?
		now, rerr := s.Jobs.Job(ctx, j.ID)
		if rerr != nil {
			return rerr
		}
		if now.Rev != j.Rev {
			break
		}
		_, err = s.move(ctx, j, next)
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
		return false, nil
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
	}
	if next.State == job.Queued {
		next.Intent = nil
	}
	_, err = s.move(ctx, j, next)
	return goOn && err == nil, conflict(err)
}

// stageTries is how often a job's files are tried to be copied before the job
// fails: over a day, with the waits between.
const stageTries = 30

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
	if errors.Is(cause, job.ErrConflict) {
		// What stands there now is another hand-in, with a job of its own.
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced, File: in.Key}
	} else {
		next.State, next.Fault = job.Rejected, &job.Fault{Code: job.CodeFileGone, File: in.Key}
	}
	_, err := s.move(ctx, j, next)
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
