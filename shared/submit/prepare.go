package submit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/media"
)

const (
	// detectTries is how often the vendor's detect is asked for one picture before the
	// job fails, while it has had an answer for another one since the last time;
	// detectDay how often when it has none for anybody: it is out of order, and no job
	// is to fail by that in less than a day.
	detectTries = 8
	detectDay   = int(givesUp / job.MaxWait)
	// silent is after how many calls in vain one without any answer has the portrait go
	// another way.
	silent = 2
)

// detectLife is how long the link to a portrait's copy has to work.
const detectLife = 2 * time.Minute

// waitClosed is how long a job waits before it is looked at again while the gate
// is closed, waitTurn the same while more portraits are to be looked at than the
// vendor takes calls.
const (
	waitClosed = 2 * time.Minute
	waitTurn   = 30 * time.Second
)

// turnWithin is how long one waits in the invocation for a turn with detect.
const turnWithin = 20 * time.Second

// Prepare takes a RECEIVED job to the queue: its face found, its price known. A
// job in any other state is left alone. Trouble that may pass leaves the job
// RECEIVED and due again later.
func (s *Step) Prepare(ctx context.Context, id string) error {
	j, err := s.Jobs.Job(ctx, id)
	if err != nil || j.State != job.Received {
		return err
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	if g.Closed != nil && g.Closed.Code != job.CodeBudget {
		// What closed the gate would fail this call too: no storm of them.
		next := j
		next.Due = time.Now().Add(waitClosed)
		_, err := s.move(ctx, j, next)
		return conflict(err)
	}
	if f := optionsRefused(j); f != nil {
		next := j
		next.State, next.Fault = job.Rejected, f
		_, err := s.move(ctx, j, next)
		return conflict(err)
	}
	if f := s.Profile.Unsound(j); f != nil {
		next := j
		next.State, next.Fault = job.Rejected, f
		_, err := s.move(ctx, j, next)
		return conflict(err)
	}
	style, ratio := s.wanted(j)
	priced := j
	priced.Quoted = s.Profile.Price(ratio, j.Audio.Seconds)
	if f := s.overBudget(priced); f != nil {
		priced.State, priced.Fault = job.Rejected, f
		_, err := s.move(ctx, j, priced)
		return conflict(err)
	}
	face, via, err := s.face(ctx, g, j, ratio)
	if err == nil && face.Pass {
		next := priced
		next.State, next.Due, next.Face = job.Queued, time.Time{}, face
		next.Style, next.Ratio, next.Via = style, ratio, via
		if j.Options.DryRun {
			next.State, next.Face = job.Checked, job.Face{}
			_, err = s.move(ctx, j, next)
			return conflict(err)
		}
		if next.Rank, err = s.Place(ctx, j); err != nil {
			return err // its due time drives it
		}
		_, err = s.move(ctx, j, next)
		if err == nil {
			s.queued(j.ID)
		}
		return conflict(err)
	}
	next := j
	var vendors *detectError
	switch {
	case err == nil:
		next.State, next.Fault = job.Rejected, faceRefused(j, face)
	case errors.Is(err, job.ErrConflict), errors.Is(err, job.ErrNotFound):
		next.State, next.Fault = gone(j.Image, err)
	case errors.As(err, &vendors):
		return s.detectFailed(ctx, j, via, vendors)
	case errors.Is(err, errNoTurn), errors.Is(err, errNoTime):
		next.Due, next.Via = time.Now().Add(waitTurn), via
	case time.Since(j.Received) > givesUp && ctx.Err() == nil:
		next.State, next.Fault = job.Failed, &job.Fault{Code: job.CodeUnreadable, File: j.Image.Key}
	default:
		return err // our own trouble is no failure of the job's; its due time drives it
	}
	_, err = s.move(ctx, j, next)
	return conflict(err)
}

// givesUp is how long our own trouble may keep a job from being looked at.
const givesUp = 24 * time.Hour

// detectError is trouble of the vendor's, or on the way there, with a portrait that went
// that way.
type detectError struct {
	err error
	by  job.Transfer
	// trial: it was to show whether S3 can be reached again.
	trial bool
}

func (e *detectError) Error() string { return e.err.Error() }
func (e *detectError) Unwrap() error { return e.err }

// face is what detect finds of the portrait, with the boxes that the hand-in gives in
// the place of its own: whether the face can be used stays the vendor's word. via is how
// the job has to be sent from here on, where the vendor could not fetch the portrait from
// S3.
func (s *Step) face(ctx context.Context, g job.Gate, j job.Job, ratio job.Ratio) (f job.Face, via job.Transfer, err error) {
	f, via, err = s.found(ctx, g, j, ratio)
	if err == nil && f.Pass && j.Options.Ext != (job.Box{}) {
		f.Box, f.Ext = j.Options.Face, j.Options.Ext
	}
	return f, via, err
}

// found has the portrait's face found, once per content and ratio.
func (s *Step) found(ctx context.Context, g job.Gate, j job.Job, ratio job.Ratio) (f job.Face, via job.Transfer, err error) {
	f, err = s.Faces.Face(ctx, j.Image.SHA256, ratio)
	if !errors.Is(err, job.ErrNotFound) {
		return f, j.Via, err
	}
	via = j.Via
	t, trial := g.Transfer(s.Transfer, j, true, time.Now())
	f, err = s.detect(ctx, g, j, ratio, t, trial)
	if errors.Is(err, errTried) {
		t = job.TransferTemp
		f, err = s.detect(ctx, g, j, ratio, t, false)
	}
	switch {
	case t != job.TransferPresign || s.Transfer != job.TransferAuto:
	case err == nil && g.Route != nil:
		s.fetched(ctx, job.Fetch{Job: j.ID, Portrait: true, OK: true})
	case err != nil && job.VerdictOf(err).Outcome == job.OtherTransport:
		s.fetched(ctx, job.Fetch{Job: j.ID, Portrait: true})
		s.Log.WarnContext(ctx, "portrait not fetched from S3; uploading it", "job_id", j.ID, "err", err)
		via = job.TransferTemp
		f, err = s.detect(ctx, g, j, ratio, via, false)
	}
	if errors.Is(err, errKnown) {
		return f, via, nil
	}
	if err != nil {
		return job.Face{}, via, err
	}
	s.mu.Lock()
	s.answered = time.Now()
	s.mu.Unlock()
	if err := s.Faces.PutFace(ctx, j.Image.SHA256, ratio, f); err != nil {
		// It is paid for and goes into the job; only the next one pays again.
		s.Log.WarnContext(ctx, "face not kept", "job_id", j.ID, "err", err)
	}
	return f, via, nil
}

// Place is a job's place in the queue from now on: in turn with the other top-level
// folders' films of its priority, by seconds of film. A job that is not put there has
// spent its folder's turn. Those of one process ask one after the other.
func (s *Step) Place(ctx context.Context, j job.Job) (string, error) {
	select {
	case s.placing <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-s.placing }()
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return "", err
	}
	start, err := s.Shares.Share(ctx, job.ShareOf(g, j, time.Now()))
	return job.Rank(j.Options.Priority, start, j.ID), err
}

// errTried: somebody else has begun to try S3 again. errKnown: the face was found for
// another job meanwhile.
var (
	errTried = errors.New("another job tries S3")
	errKnown = errors.New("the face is known by now")
)

// detect makes the one call, with the portrait where that transfer puts it; errKnown with
// the face, if that is not needed any more when its turn comes. A trial is noted right
// before it, and errTried where that cannot be.
func (s *Step) detect(ctx context.Context, g job.Gate, j job.Job, ratio job.Ratio, t job.Transfer, trial bool) (job.Face, error) {
	link, err := s.portrait(ctx, j, t)
	if err != nil {
		return job.Face{}, err
	}
	waited, err := s.turn(ctx)
	if err != nil {
		return job.Face{}, err
	}
	if waited {
		f, err := s.Faces.Face(ctx, j.Image.SHA256, ratio)
		if err == nil {
			return f, errKnown
		}
		if !errors.Is(err, job.ErrNotFound) {
			return job.Face{}, err
		}
	}
	if trial {
		switch err := s.Gate.Trial(ctx, g, j.ID); {
		case errors.Is(err, job.ErrConflict):
			return job.Face{}, errTried
		case err != nil:
			return job.Face{}, err
		}
		s.Log.InfoContext(ctx, "trying links to S3 again", "job_id", j.ID)
	}
	f, err := s.Vendor.Detect(ctx, job.DetectRequest{Model: s.DetectModel, ImageURL: link, Ratio: ratio})
	if !untouched(err) {
		s.uploads.drop(s.lookedAt(j))
	}
	if err != nil {
		return job.Face{}, &detectError{err, t, trial}
	}
	return f, nil
}

// portrait puts the picture where the vendor can look at it.
func (s *Step) portrait(ctx context.Context, j job.Job, t job.Transfer) (job.Secret, error) {
	if t == job.TransferTemp {
		link, err := s.uploadPortrait(ctx, j)
		var vendors *uploadError
		if errors.As(err, &vendors) {
			err = &detectError{err: err, by: t}
		}
		return link, err
	}
	format := media.Format(j.Image.Format)
	key := job.DetectKey(j.Image.SHA256, format.Ext())
	if err := s.Staging.Stage(ctx, j.Image.Key, j.Image.ETag, key, format.ContentType()); err != nil {
		return "", err
	}
	urls, end, err := s.Staging.Sign(ctx, key)
	if err != nil {
		return "", err
	}
	if time.Until(end) < detectLife {
		return "", fmt.Errorf("sign the portrait: the credentials end in %s", time.Until(end).Round(time.Second))
	}
	return urls[0], nil
}

// errNoTurn: too many others are about to call detect. errNoTime: the invocation has no
// time left to upload a portrait.
var (
	errNoTurn = errors.New("no turn with detect is near")
	errNoTime = errors.New("no time left to upload")
)

// detectFailed decides what trouble with detect means for the job.
func (s *Step) detectFailed(ctx context.Context, j job.Job, via job.Transfer, cause *detectError) error {
	err := cause.err
	v := job.VerdictOf(err)
	var up *uploadError
	uploading := errors.As(err, &up)
	next := j
	next.Via = via
	next.Tries = j.Tries + 1
	next.Due = s.after(j.Tries, v.RetryAfter)
	switch v.Outcome {
	case job.BadInput:
		next.State, next.Fault = job.Rejected, job.FaultOf(job.CodeFaceRefused, v)
		if uploading {
			next.State, next.Fault.Code, next.Fault.Detail = job.Failed, job.CodeCannotUpload, v.Message
		}
		next.Fault.File = j.Image.Key
	case job.Refused:
		next.State, next.Fault = job.Failed, job.FaultOf(job.CodeVendorRefused, v)
	case job.OperatorNeeded:
		if err := s.close(ctx, v); err != nil {
			return err
		}
		next.Tries = j.Tries
	case job.Throttled:
		next.Tries = j.Tries
		if v.RetryAfter > 0 && !uploading {
			// The others would be told the same, one by one.
			if err := s.Faces.Rest(ctx, detectTurns, next.Due); err != nil {
				return err
			}
		}
	case job.Unknown:
		if v.Status == 0 && ctx.Err() != nil {
			return err // the invocation ended; the job's due time drives it
		}
		if v.Status == 0 && (next.Tries >= silent || cause.trial) && cause.by == job.TransferPresign && s.Transfer == job.TransferAuto && s.answers(ctx) {
			// It may be waiting for the portrait: links over a border are slow before
			// they fail.
			s.fetched(ctx, job.Fetch{Job: j.ID, Portrait: true})
			next.Via = job.TransferTemp
		}
		fallthrough
	default:
		switch {
		case uploading && next.Tries >= detectDay:
			next.State, next.Fault = job.Failed, job.FaultOf(job.CodeCannotUpload, v)
			next.Fault.File = j.Image.Key
		case uploading:
		case next.Tries >= detectTries && (v.Outcome == job.OtherTransport || s.answeredSince(j.Updated)) || next.Tries >= detectDay:
			next.State, next.Fault = job.Failed, job.FaultOf(job.CodeDetectFails, v)
			if v.Outcome == job.OtherTransport {
				next.Fault.Code = job.CodeCannotDownload
			}
		}
	}
	s.Log.WarnContext(ctx, "detect", "job_id", j.ID, "err", err, "tries", next.Tries)
	_, err = s.move(ctx, j, next)
	return conflict(err)
}

// answers asks the vendor something free, to tell a call that waits for S3 from a vendor
// that answers nobody.
func (s *Step) answers(ctx context.Context) bool {
	_, err := s.Vendor.List(ctx, job.ListQuery{Page: 1, PageSize: 1})
	return err == nil
}

// answeredSince: the vendor has had an answer for another picture since then, by this
// process's own experience.
func (s *Step) answeredSince(then time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered.After(then)
}

// conflict takes a lost race for what it is: somebody else moved the job.
func conflict(err error) error {
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}
