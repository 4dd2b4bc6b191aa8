package submit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/media"
)

// Inbox is where the files were handed in.
type Inbox interface {
	// Open reads a file as it stood when it had that ETag: job.ErrConflict when it has
	// changed since, job.ErrNotFound when it is gone.
	Open(ctx context.Context, key, etag string) (io.ReadCloser, error)
}

// tempLife is how long a file lives in the vendor's storage, less a margin.
// Source: https://help.aliyun.com/zh/model-studio/get-temporary-file-url (2026): 48 hours
const tempLife = 47 * time.Hour

// sent is where the vendor finds a job's inputs.
type sent struct {
	image, audio job.Secret
	ends         time.Time
	// staged are the keys of the copies in the outbox; empty with the vendor's storage.
	stagedImage, stagedAudio string
}

// inputError is trouble with one of the files, on our side.
type inputError struct {
	in    job.Input
	cause error
}

func (e *inputError) Error() string { return e.cause.Error() }
func (e *inputError) Unwrap() error { return e.cause }

// bring puts a job's inputs where the vendor can fetch them, as they were checked.
func (s *Step) bring(ctx context.Context, j job.Job, t job.Transfer) (sent, error) {
	if t == job.TransferTemp {
		return s.upload(ctx, j)
	}
	image, audio := media.Format(j.Image.Format), media.Format(j.Audio.Format)
	var out sent
	out.stagedImage, out.stagedAudio = job.StagedKeys(j, j.Posts+1, strings.ToLower(rand.Text()[:8]), image.Ext(), audio.Ext())
	for _, c := range []struct {
		in       job.Input
		to, kind string
	}{
		{j.Image, out.stagedImage, image.ContentType()}, {j.Audio, out.stagedAudio, audio.ContentType()},
	} {
		if err := s.Staging.Stage(ctx, c.in.Key, c.in.ETag, c.to, c.kind); err != nil {
			return sent{}, &inputError{c.in, err}
		}
	}
	urls, end, err := s.Staging.Sign(ctx, out.stagedImage, out.stagedAudio)
	if err != nil {
		return sent{}, err
	}
	out.image, out.audio, out.ends = urls[0], urls[1], end
	return out, nil
}

// upload puts them into the vendor's own storage. What an invocation has no time for it
// gives up while it can still say so; what was uploaded by then need not be again, if the
// same process comes back to the job.
func (s *Step) upload(ctx context.Context, j job.Job) (out sent, err error) {
	ctx, cancel := s.whileUploading(ctx)
	defer cancel()
	var links [2]uploaded
	for i, in := range []job.Input{j.Image, j.Audio} {
		if links[i], err = s.uploadOne(ctx, s.Model, j.ID, j.ID, in); err != nil {
			return sent{}, err
		}
	}
	out.image, out.audio, out.ends = links[0].link, links[1].link, links[0].ends
	if links[1].ends.Before(out.ends) {
		out.ends = links[1].ends
	}
	return out, nil
}

// uploaded is a file in the vendor's storage: one of a job, or a portrait for detect.
type uploaded struct {
	of, sha256 string
	link       job.Secret
	ends       time.Time
}

// uploads are those that no call has had an answer to yet. Safe for concurrent use; the
// zero value is ready.
type uploads struct {
	mu   sync.Mutex
	kept []uploaded
}

const (
	// maxUploads bounds how many are kept.
	maxUploads = 1000
	// usable is how long a kept link has to live.
	usable = 24 * time.Hour
)

// of is a job's file, or a portrait, or nothing.
func (u *uploads) of(id, sha256 string) uploaded {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, k := range u.kept {
		if k.of == id && k.sha256 == sha256 && time.Until(k.ends) > usable {
			return k
		}
	}
	return uploaded{}
}

func (u *uploads) keep(one uploaded) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.kept = append(u.kept, one)
	u.kept = u.kept[max(0, len(u.kept)-maxUploads):]
}

// all says whether all of a job's are there.
func (u *uploads) all(j job.Job) bool {
	return u.of(j.ID, j.Image.SHA256).link != "" && u.of(j.ID, j.Audio.SHA256).link != ""
}

// drop forgets a job's, or a portrait.
func (u *uploads) drop(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.kept = slices.DeleteFunc(u.kept, func(k uploaded) bool { return k.of == id })
}

// untouched says of a call's error that the vendor has not come to the files: else they
// may be the reason for it, and are not used again.
func untouched(err error) bool {
	switch job.VerdictOf(err).Outcome {
	case job.Throttled, job.NotSent, job.OperatorNeeded:
		return true
	}
	return false
}

// whileUploading ends when uploads have to be done.
func (s *Step) whileUploading(ctx context.Context) (context.Context, context.CancelFunc) {
	if until := s.uploadsUntil(ctx); !until.IsZero() {
		return context.WithDeadline(ctx, until)
	}
	return context.WithCancel(ctx)
}

// uploadPortrait puts the picture there for detect, for whichever jobs show it: it may
// wait for its turn for long.
func (s *Step) uploadPortrait(ctx context.Context, j job.Job) (job.Secret, error) {
	of, sha256 := s.lookedAt(j), j.Image.SHA256
	if s.uploads.of(of, sha256).link == "" && !s.timeToUpload(ctx, j) {
		return "", errNoTime
	}
	ctx, cancel := s.whileUploading(ctx)
	defer cancel()
	u, err := s.uploadOne(ctx, s.DetectModel, of, sha256, j.Image)
	return u.link, err
}

// lookedAt is what uploads know a portrait by that is for detect.
func (s *Step) lookedAt(j job.Job) string { return s.DetectModel + "/" + j.Image.SHA256 }

// uploadOne streams one file, unless it is there already; of is what uploads know it by, and
// stem is plain ASCII. A file that was uploaded for one model is not there for another.
func (s *Step) uploadOne(ctx context.Context, model, of, stem string, in job.Input) (uploaded, error) {
	if kept := s.uploads.of(of, in.SHA256); kept.link != "" {
		return kept, nil
	}
	at := time.Now()
	body, err := s.Inbox.Open(ctx, in.Key, in.ETag)
	if err != nil {
		return uploaded{}, &inputError{in, err}
	}
	defer body.Close()
	format := media.Format(in.Format)
	link, err := s.Vendor.Upload(ctx, model, stem+format.Ext(), format.ContentType(), in.Size, body)
	if err != nil {
		return uploaded{}, &uploadError{in, fmt.Errorf("upload to the vendor's storage: %w", err)}
	}
	u := uploaded{of: of, sha256: in.SHA256, link: job.Secret(link), ends: at.Add(tempLife)}
	s.uploads.keep(u)
	return u, nil
}

// uploadError is trouble of the vendor's storage, or on the way there.
type uploadError struct {
	in    job.Input
	cause error
}

func (e *uploadError) Error() string { return e.cause.Error() }
func (e *uploadError) Unwrap() error { return e.cause }

// unsent decides what it means that a queued job's inputs could not be put where the
// vendor can fetch them. Nothing has been written, and nothing paid.
func (s *Step) unsent(ctx context.Context, j job.Job, cause error) (goOn bool, err error) {
	var ours *inputError
	var vendors *uploadError
	switch {
	case errors.As(cause, &ours) && (errors.Is(cause, job.ErrConflict) || errors.Is(cause, job.ErrNotFound)):
		return true, s.inputGone(ctx, j, ours.in, cause)
	case errors.As(cause, &ours):
		return true, s.unstaged(ctx, j, ours.in, cause)
	case !errors.As(cause, &vendors):
		return false, cause
	}
	switch v := job.VerdictOf(cause); v.Outcome {
	case job.BadInput:
		next := j
		next.State, next.Fault = job.Failed, job.FaultOf(job.CodeCannotUpload, v)
		next.Fault.File, next.Fault.Detail = vendors.in.Key, v.Message
		_, err := s.move(ctx, j, next)
		return true, conflict(err)
	case job.OperatorNeeded:
		return false, s.close(ctx, v)
	case job.Throttled, job.NotSent:
		s.Log.WarnContext(ctx, "upload", "job_id", j.ID, "err", cause)
		return false, s.Gate.Throttle(ctx, s.after(0, v.RetryAfter))
	}
	return true, s.unstaged(ctx, j, vendors.in, cause)
}

// fetched notes what became of a link to S3. It helps the next jobs and is nothing that
// this one's fate may hang on.
func (s *Step) fetched(ctx context.Context, f job.Fetch) {
	if s.Transfer != job.TransferAuto {
		return
	}
	if err := s.Gate.Fetched(ctx, f); err != nil {
		s.Log.WarnContext(ctx, "route not noted", "err", err)
	}
}
