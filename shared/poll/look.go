package poll

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

const (
	// looks is how often in a row the vendor must not know a task, before its
	// life is over, until the list is asked too: not before a new task must be in
	// it.
	looks = 3
	// idGrace is how far past a task's life it is still asked for.
	idGrace = 10 * time.Minute
)

// look asks how a task stands and stores what changed. Somebody may have written the job
// meanwhile, as a push does that is noted: then the answer is taken for what stands there
// now, for the next one is a whole interval away.
func (s *Step) look(ctx context.Context, r *round, j job.Job) error {
	a, err := s.Vendor.Task(ctx, j.Task.BaseURL, j.Task.ID)
	if err != nil {
		return s.lookFailed(ctx, r, j, err)
	}
	for n := 1; ; n++ {
		err := s.take(ctx, r, j, a)
		if n == turns || !errors.Is(err, job.ErrConflict) {
			return err
		}
		now, err := s.Jobs.Job(ctx, j.ID)
		if err != nil {
			return err
		}
		if !awaits(now, j.Task.ID) {
			return job.ErrConflict
		}
		r.now(j.ID, now)
		j = now
	}
}

// take stores what an answer has changed; job.ErrConflict when somebody else was faster. An
// unchanged answer writes nothing.
func (s *Step) take(ctx context.Context, r *round, j job.Job, a job.Answer) error {
	switch a.Status {
	case job.TaskPending:
		r.set(func(r *round) { r.pending = true })
	case job.TaskRunning:
		if j.State == job.Submitted {
			next := with(j, func(t *job.Task) { t.Status, t.Started, t.Missing = a.Status, a.Started.UTC(), 0 })
			next.State = job.Running
			return s.answered(ctx, r, j, next)
		}
	case job.TaskSucceeded:
		if a.VideoURL != "" {
			return s.succeeded(ctx, r, j, a)
		}
		s.Log.ErrorContext(ctx, "task succeeded without a film's link", "job_id", j.ID, "request_id", a.RequestID)
		if cost := s.bill(j, a); j.Task.Status != job.TaskSucceeded || j.Billed != cost {
			// It is charged whatever becomes of it, and known for a day only. One that was
			// adopted may have been seen to succeed before anybody asked what it cost.
			next := with(j, func(t *job.Task) { t.Status, t.Ended, t.Missing = a.Status, a.Ended.UTC(), 0 })
			next.Billed = cost
			return s.answered(ctx, r, j, next)
		}
	case job.TaskFailed:
		return s.failed(ctx, r, j, a)
	case job.TaskCanceled:
		next := with(j, func(t *job.Task) { t.Status, t.Ended = a.Status, a.Ended.UTC() })
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeVendorCanceled, RequestID: a.RequestID}
		return s.answered(ctx, r, j, next)
	case job.TaskUnknown:
		return s.missing(ctx, r, j, a)
	}
	// Still going on, or a word we do not know, or one that goes backwards.
	if s.outlived(j) {
		return s.expire(ctx, r, j, job.CodeTaskExpired, a.RequestID)
	}
	if j.Task.Missing > 0 && a.Status != job.TaskSucceeded {
		return s.answered(ctx, r, j, with(j, func(t *job.Task) { t.Missing = 0 }))
	}
	return nil
}

// answered stores what an answer made of the job, for the next look too.
func (s *Step) answered(ctx context.Context, r *round, j, next job.Job) error {
	_, err := s.store(ctx, r, j, next)
	return err
}

// store is answered, with what became of it.
func (s *Step) store(ctx context.Context, r *round, j, next job.Job) (job.Job, error) {
	moved, ok, err := s.move(ctx, j, next)
	switch {
	case err != nil:
		return job.Job{}, err
	case !ok:
		return job.Job{}, job.ErrConflict
	}
	r.now(j.ID, moved)
	return moved, nil
}

// lookFailed decides what trouble with the question means: never anything for
// the job.
func (s *Step) lookFailed(ctx context.Context, r *round, j job.Job, cause error) error {
	v := job.VerdictOf(cause)
	s.Log.WarnContext(ctx, "look", "job_id", j.ID, "err", cause)
	switch v.Outcome {
	case job.Throttled:
		s.throttled(r, v)
	case job.OperatorNeeded:
		// Not the end of the batch, and only for what would fail every job: a 403 or
		// 404 may be this task's own trouble, of a key that went elsewhere.
		if c := job.ClosureOf(v, time.Now()); c.Code != job.CodeNoAccess {
			if err := s.close(ctx, v); err != nil {
				return err
			}
			r.set(func(r *round) { r.stop = r.stop || c.Code == job.CodeKeyRefused })
		}
	}
	if s.outlived(j) {
		return s.expire(ctx, r, j, job.CodeTaskExpired, v.RequestID)
	}
	return nil
}

// unasked is what becomes of a job that nobody may ask for now. Asking with a key that
// is refused comes to nothing, and a key may stay refused for good: a task that no key
// could be told of any more ends all the same, and its slot is free.
func (s *Step) unasked(ctx context.Context, r *round, j job.Job) error {
	if !keyRefused(r.gate) || !s.outlived(j) {
		return nil
	}
	return s.expire(ctx, r, j, job.CodeTaskExpired, "")
}

// outlived: the vendor has forgotten the job's task by now.
func (s *Step) outlived(j job.Job) bool {
	return time.Since(j.Task.Submitted) > s.Profile.IDLife+idGrace
}

// storing is a job whose task has succeeded by that answer.
func (s *Step) storing(j job.Job, a job.Answer) job.Job {
	next := with(j, func(t *job.Task) {
		t.Status, t.Started, t.Ended, t.Missing = a.Status, a.Started.UTC(), a.Ended.UTC(), 0
		t.RequestID, t.Created = "", time.Time{}
	})
	// Its due time stays: see inHand. And with the film's link the record would pass a
	// KB, so that every write from here on cost twice: what only a task under way needs
	// goes.
	next.State, next.Busy, next.Face, next.Silent = job.Storing, time.Time{}, job.Face{}, 0
	next.Result = &job.Result{
		URL: a.VideoURL, Seconds: a.Seconds, Ratio: a.Ratio,
		// The vendor's clock is not ours, and the film may have been ready for a
		// while: it cannot have been before the task was there.
		URLEnds: j.Task.Submitted.Add(s.Profile.LinkLife),
	}
	if next.Due.IsZero() {
		next.Due = time.Now() // a job that had ended already
	}
	next.Billed = s.bill(j, a)
	return next
}

// succeeded stores the answer and hands the film to finalize.
func (s *Step) succeeded(ctx context.Context, r *round, j job.Job, a job.Answer) error {
	moved, err := s.store(ctx, r, j, s.storing(j, a))
	if err != nil {
		return err
	}
	r.film(moved)
	return nil
}

// bill is what a finished task costs: by the vendor's own word of length and
// ratio, or by the request's where it says nothing.
func (s *Step) bill(j job.Job, a job.Answer) job.Money {
	ratio, seconds := a.Ratio, a.Seconds
	if _, known := s.Profile.PricePerSecond[ratio]; !known {
		ratio = j.Ratio
	}
	if seconds <= 0 {
		seconds = j.Audio.Seconds
	}
	return s.Profile.Price(ratio, seconds)
}

// failed decides what a task that ended without a film means. It is not billed.
func (s *Step) failed(ctx context.Context, r *round, j job.Job, a job.Answer) error {
	next := with(j, func(t *job.Task) { t.Status, t.Started, t.Ended = a.Status, a.Started.UTC(), a.Ended.UTC() })
	again := func() {
		next.State, next.Due = job.Queued, time.Now().Add(job.Backoff(s.Backoff, j.Attempt-1))
		next.Attempt, next.Intent, next.Refusals, next.Silent = j.Attempt+1, nil, 0, 0
	}
	v := a.Fault
	s.Log.WarnContext(ctx, "task failed", "job_id", j.ID, "vendor_code", v.Code, "vendor_message", v.Message,
		"request_id", v.RequestID)
	// Only what stood in our own bucket could be taken back.
	switch revoked := j.Intent != nil && !j.Intent.Revoked.IsZero() && j.Via != job.TransferTemp; {
	case revoked && v.Outcome != job.OperatorNeeded:
		// We took its inputs away ourselves: that was no attempt, and whatever the
		// vendor makes of it says nothing about the files. A vendor whose answers are
		// lost, and whose list is late, would have it so for ever: it counts as silence.
		again()
		next.Attempt = j.Attempt
		s.unanswered(r.gate, j, &next)
	case v.Outcome == job.BadInput:
		next.State, next.Fault = job.Rejected, job.FaultOf(job.CodeInputRefused, v)
	case v.Outcome == job.Refused, v.Outcome == job.Lost:
		next.State, next.Fault = job.Failed, job.FaultOf(job.CodeVendorRefused, v)
	case v.Outcome == job.OperatorNeeded:
		if err := s.close(ctx, v); err != nil {
			return err
		}
		again()
		next.Series = j.Series + 1 // no attempt of the job's own
	case v.Outcome == job.OtherTransport && j.Via != job.TransferTemp && s.Transfer == job.TransferAuto:
		// The way is to blame, not the job: the same again through the vendor's storage,
		// and it counts for nothing.
		again()
		next.Due, next.Series, next.Via = time.Now(), j.Series+1, job.TransferTemp
		err := s.answered(ctx, r, j, next)
		if err == nil && !late(j, a) {
			s.unfetched(ctx, j)
		}
		return err
	default:
		if j.Attempt-j.Series < s.MaxAttempts {
			again()
			break
		}
		next.State, next.Fault = job.Failed, job.FaultOf(job.CodeVendorFailed, v)
		if v.Outcome == job.OtherTransport {
			next.Fault.Code = job.CodeCannotDownload
		}
	}
	return s.answered(ctx, r, j, next)
}

// late says whether a task may have come to its inputs when their links had ended: that
// S3 refuses those says nothing against the way there.
func late(j job.Job, a job.Answer) bool {
	if a.Ended.IsZero() || j.Task.Created.IsZero() {
		return time.Since(j.Task.Submitted) > job.InputLife
	}
	return a.Ended.Sub(j.Task.Created) > job.InputLife
}

// missing decides what it means that the vendor does not know a task.
func (s *Step) missing(ctx context.Context, r *round, j job.Job, a job.Answer) error {
	age := time.Since(j.Task.Submitted)
	if age >= s.Profile.IDLife {
		return s.expire(ctx, r, j, job.CodeTaskExpired, a.RequestID)
	}
	next := with(j, func(t *job.Task) { t.Missing++ })
	if next.Task.Missing > looks {
		// The list lags as long as it may for a create call that nobody knows of.
		if age < s.AskFirst+s.Quiet {
			return nil
		}
		listed, err := s.listed(ctx, j)
		if err != nil {
			return err
		}
		if !listed {
			return s.expire(ctx, r, j, job.CodeVendorLost, a.RequestID)
		}
		next.Task.Missing = 0
	}
	return s.answered(ctx, r, j, next)
}

// expire ends a job whose task is gone. Unless the vendor has said so, nobody can
// tell from here whether it was charged: the message says that.
func (s *Step) expire(ctx context.Context, r *round, j job.Job, code, requestID string) error {
	next := j
	next.Wasted, next.Billed = j.Wasted+j.Billed, 0
	next.State, next.Fault = job.Expired, &job.Fault{Code: code, RequestID: requestID}
	return s.answered(ctx, r, j, next)
}

// close stops the stack for what would fail every job.
func (s *Step) close(ctx context.Context, v job.Verdict) error {
	c := job.ClosureOf(v, time.Now())
	closed, err := s.Gate.CloseGate(ctx, c, time.Now().Add(job.ProbeWait(0)))
	if err == nil && closed {
		s.Log.ErrorContext(ctx, "gate closed", "code", c.Code, "vendor_code", v.Code, "request_id", v.RequestID)
	}
	return err
}

// with returns the job with a changed copy of its task.
func with(j job.Job, change func(*job.Task)) job.Job {
	t := *j.Task
	change(&t)
	j.Task = &t
	return j
}
