package intake

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// take notes how one half of a stem stands in the bucket now, then looks whether
// the stem is a job.
func (h *Handler) take(ctx context.Context, n job.Name, key string, kind Kind) error {
	for range races {
		st, err := h.HandIns.Stem(ctx, n)
		if err != nil {
			return err
		}
		// The bucket is asked after the record: whoever wrote the record in
		// between makes this write lose, so an older look never wins.
		half, err := h.Inbox.Head(ctx, key)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return err
		}
		gone := err != nil
		changed := st
		slot := &changed.Audio
		if kind == Picture {
			slot = &changed.Image
		}
		switch {
		case gone && *slot != nil && (*slot).Key == key:
			*slot = nil
		case gone:
			return nil
		case !half.Newer(*slot):
			// Seen before: but whoever saw it may have died right after.
			return h.pair(ctx, n)
		default:
			*slot = &half
		}
		now := time.Now().UTC()
		if changed.First.IsZero() {
			changed.First = now
		}
		changed.Last, changed.Told = now, false
		changed.Due = now.Add(h.Settle + grace)
		if changed.Audio == nil {
			// A picture alone can only wait; a recording may find a portrait.
			changed.Due = now.Add(h.HalfPairAfter)
		}
		_, err = h.HandIns.PutStem(ctx, st, changed)
		if errors.Is(err, job.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		return h.pair(ctx, n)
	}
	return job.ErrConflict
}

// pair makes a job of a stem once it is complete and settled. It may be called
// for any stem at any time.
func (h *Handler) pair(ctx context.Context, n job.Name) error {
	for range races {
		st, err := h.HandIns.Stem(ctx, n)
		if err != nil || st.Rev == 0 {
			return err
		}
		// The folder is read after the stem was written, and a portrait is
		// written before the folder's stems are looked through: one of the two
		// sees the other.
		p, err := h.picture(ctx, st)
		if err != nil {
			return err
		}
		if st.Audio == nil || p.half == nil {
			return h.waiting(ctx, st)
		}
		if st.Made == p.made(st) {
			return h.settled(ctx, st)
		}
		quiet := st.Last
		if p.shared && p.half.Modified.After(quiet) {
			quiet = p.half.Modified
		}
		if wait := min(time.Until(quiet.Add(h.Settle)), h.Settle); wait > 0 {
			if d, ok := ctx.Deadline(); ok && time.Until(d) < wait+5*time.Second {
				return nil // the stem's due time drives it
			}
			if err := pause(ctx, wait); err != nil {
				return err
			}
			continue
		}
		again, err := h.make(ctx, st, p)
		if errors.Is(err, job.ErrConflict) || err == nil && again {
			continue
		}
		return err
	}
	return job.ErrConflict
}

// picture is the picture a stem goes with.
type picture struct {
	half   *job.Half
	shared bool
	folder job.Folder
}

// made says of which files a job of the stem would be made. Another portrait is
// not another picture: replacing it serves only recordings that have had none.
func (p picture) made(st job.Stem) string {
	if p.shared {
		return "portrait|" + st.Audio.Key + "|" + st.Audio.ETag
	}
	return p.half.Key + "|" + p.half.ETag + "|" + st.Audio.Key + "|" + st.Audio.ETag
}

func (h *Handler) picture(ctx context.Context, st job.Stem) (picture, error) {
	if st.Image != nil {
		return picture{half: st.Image}, nil
	}
	f, err := h.HandIns.Folder(ctx, st.Name.Dir)
	if err != nil {
		return picture{}, err
	}
	return picture{half: f.Portrait, shared: true, folder: f}, nil
}

// settled makes sure that a stem whose job is made wakes nobody any more.
func (h *Handler) settled(ctx context.Context, st job.Stem) error {
	if st.Due.IsZero() {
		return nil
	}
	done := st
	done.Due = time.Time{}
	_, err := h.HandIns.PutStem(ctx, st, done)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// postpone lets a stem that cannot be read now step back, so that poll does not hand
// it over again with every batch.
func (h *Handler) postpone(ctx context.Context, n job.Name) error {
	if ctx.Err() != nil {
		return nil // the invocation ended; the next batch hands it over
	}
	st, err := h.HandIns.Stem(ctx, n)
	if err != nil || st.Rev == 0 || st.Due.IsZero() {
		return err
	}
	next := st
	next.Due = time.Now().Add(grace)
	_, err = h.HandIns.PutStem(ctx, st, next)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// waiting leaves a half pair until its other half comes, and tells of it once
// when that takes too long.
func (h *Handler) waiting(ctx context.Context, st job.Stem) error {
	next := st
	if st.Told || st.Audio == nil && st.Image == nil {
		return h.settled(ctx, st)
	}
	notice := st.Last.Add(h.HalfPairAfter)
	if time.Now().Before(notice) {
		if st.Due.Equal(notice.Truncate(time.Millisecond)) {
			return nil
		}
		next.Due = notice
	} else {
		f := job.Fault{Code: job.CodePictureMissing}
		about := ""
		if st.Audio == nil {
			f.Code, f.File, about = job.CodeAudioMissing, st.Image.Key, st.Image.ETag
		} else {
			f.File, about = st.Audio.Key, st.Audio.ETag
		}
		if err := h.notice(ctx, st.Name, about, f); err != nil {
			return err
		}
		next.Told, next.Due = true, time.Time{}
	}
	_, err := h.HandIns.PutStem(ctx, st, next)
	if errors.Is(err, job.ErrConflict) {
		return nil // somebody knows more; their own look follows
	}
	return err
}

// make reads both files and writes the job. again asks for another look: a file
// changed while it was read.
func (h *Handler) make(ctx context.Context, st job.Stem, p picture) (again bool, err error) {
	may, err := h.mayReplace(ctx, st, p)
	if err != nil {
		return false, err
	}
	if !may {
		return false, h.tooLate(ctx, st, p)
	}
	image, imageFault, err := h.pictureFacts(ctx, st, p)
	if changed(err) {
		return true, h.lookAgain(ctx, st, p, p.half.Key)
	}
	if err != nil {
		return false, err
	}
	audio, audioFault, err := h.inspect(ctx, *st.Audio, false)
	if changed(err) {
		return true, h.lookAgain(ctx, st, p, st.Audio.Key)
	}
	if err != nil {
		return false, err
	}
	now := time.Now().UTC()
	j := job.Job{
		State: job.Received, Name: st.Name, Image: image, Audio: audio,
		Received: now.Truncate(time.Millisecond), Due: now.Add(grace),
	}
	j.ID = job.Identity(st.Name, image.SHA256, audio.SHA256, j.Options)
	if f := firstOf(imageFault, audioFault); f != nil {
		j.State, j.Fault = job.Rejected, f
	}
	j, isNew, err := h.create(ctx, j)
	if err != nil {
		return false, err
	}
	if st.Job != "" && st.Job != j.ID {
		if err := h.replace(ctx, st.Job); err != nil {
			return false, err
		}
	}
	done := st
	done.Job, done.Made, done.Shared, done.Due = j.ID, p.made(st), p.shared, time.Time{}
	if _, err := h.HandIns.PutStem(ctx, st, done); err != nil {
		return false, err
	}
	switch {
	case isNew:
		h.Log.InfoContext(ctx, "job", "job_id", j.ID, "from", "", "to", j.State, "code", codeOf(j.Fault))
	default:
		h.Log.InfoContext(ctx, "same hand-in again", "job_id", j.ID)
	}
	if j.State == job.Rejected && isNew {
		h.tell(ctx, job.OutcomeMessage(j).ID)
		return false, nil
	}
	if j.State == job.Received {
		return false, h.Next.Prepare(ctx, j.ID)
	}
	return false, nil
}

// create writes a job unless the same hand-in has made one before. A job that was
// taken back for a newer hand-in and is now handed in again lives again.
func (h *Handler) create(ctx context.Context, j job.Job) (out job.Job, isNew bool, err error) {
	out, err = h.Jobs.Create(ctx, j)
	if !errors.Is(err, job.ErrConflict) {
		return out, err == nil, err
	}
	old, err := h.Jobs.Job(ctx, j.ID)
	if err != nil {
		return job.Job{}, false, err
	}
	if old.State != job.Canceled || old.Fault == nil || old.Fault.Code != job.CodeReplaced || j.State != job.Received {
		return old, false, nil
	}
	back := old
	back.State, back.Attempt, back.Fault = job.Received, old.Attempt+1, nil
	back.Image, back.Audio, back.Received, back.Due = j.Image, j.Audio, j.Received, j.Due
	out, err = h.Jobs.Move(ctx, old, back)
	return out, err == nil, err
}

// replace takes back the job that an earlier state of the same name made, if it
// has not left for the vendor. One that has goes on: it may be paid for.
func (h *Handler) replace(ctx context.Context, id string) error {
	old, err := h.Jobs.Job(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if old.State != job.Received && old.State != job.Queued {
		return nil
	}
	gone := old
	gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced}
	gone, err = h.Jobs.Move(ctx, old, gone)
	if err != nil {
		return err
	}
	h.Log.InfoContext(ctx, "job", "job_id", id, "from", old.State, "to", gone.State, "code", job.CodeReplaced)
	h.tell(ctx, job.OutcomeMessage(gone).ID)
	return nil
}

// mayReplace says whether a stem's own picture may take the place of the
// folder's portrait that its recording has gone with: while that job has not left
// for the vendor, or has ended unpaid.
func (h *Handler) mayReplace(ctx context.Context, st job.Stem, p picture) (bool, error) {
	if !st.Shared || p.shared || st.Job == "" || st.Made != (picture{shared: true}).made(st) {
		return true, nil
	}
	old, err := h.Jobs.Job(ctx, st.Job)
	if errors.Is(err, job.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	switch old.State {
	case job.Received, job.Queued, job.Rejected, job.Canceled, job.Failed:
		return true, nil
	}
	return false, nil
}

// tooLate tells that a picture came after its recording had been sent with the
// folder's portrait, once.
func (h *Handler) tooLate(ctx context.Context, st job.Stem, p picture) error {
	if err := h.notice(ctx, st.Name, p.half.ETag, job.Fault{Code: job.CodeTooLate, File: p.half.Key}); err != nil {
		return err
	}
	done := st
	done.Made, done.Due = p.made(st), time.Time{}
	_, err := h.HandIns.PutStem(ctx, st, done)
	return err
}

// lookAgain notes how a file stands that was not any more as it was noted.
func (h *Handler) lookAgain(ctx context.Context, st job.Stem, p picture, key string) error {
	if p.shared && key == p.half.Key {
		return h.notePortrait(ctx, st.Name.Dir, key)
	}
	half, err := h.Inbox.Head(ctx, key)
	next := st
	switch {
	case errors.Is(err, job.ErrNotFound) && st.Audio.Key == key:
		next.Audio = nil
	case errors.Is(err, job.ErrNotFound):
		next.Image = nil
	case err != nil:
		return err
	case st.Audio.Key == key:
		next.Audio = &half
	default:
		next.Image = &half
	}
	next.Last = time.Now().UTC()
	_, err = h.HandIns.PutStem(ctx, st, next)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

func changed(err error) bool {
	return errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

func firstOf(fs ...*job.Fault) *job.Fault {
	for _, f := range fs {
		if f != nil {
			return f
		}
	}
	return nil
}

func codeOf(f *job.Fault) string {
	if f == nil {
		return ""
	}
	return f.Code
}
