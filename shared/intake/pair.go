package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"emodrop/shared/job"
)

// take notes how the halves of a stem stand in the bucket now, one or more of them,
// then looks whether the stem is a job.
func (h *Handler) take(ctx context.Context, n job.Name, keys ...string) error {
	known, err := h.note(ctx, n, keys...)
	if err != nil || !known {
		return err
	}
	// Also when nothing is new: whoever saw it first may have died right after.
	return h.pair(ctx, n)
}

// note notes how files of a stem stand in the bucket now. known is false when there
// are none and the stem does not count on them.
func (h *Handler) note(ctx context.Context, n job.Name, keys ...string) (known bool, err error) {
	for range races {
		st, err := h.HandIns.Stem(ctx, n)
		if err != nil {
			return false, err
		}
		// The bucket is asked after the record: whoever wrote the record in
		// between makes this write lose, so an older look never wins.
		changed, news := st, false
		known = false
		for _, key := range keys {
			half, err := h.Inbox.Head(ctx, key)
			if err != nil && !errors.Is(err, job.ErrNotFound) {
				return false, err
			}
			gone := err != nil
			kind, _ := Classify(key)
			slot := partOf(&changed, kind)
			switch {
			case gone && *slot != nil && (*slot).Key == key:
				*slot, news, known = nil, true, true
			case gone:
			case !half.Newer(*slot):
				known = true
			default:
				*slot, news, known = &half, true, true
			}
		}
		if !news {
			return known, nil
		}
		now := time.Now().UTC()
		if changed.First.IsZero() {
			changed.First = now
		}
		changed.Last, changed.Told = now, false
		changed.Due = later(ctx, st.Due, now.Add(h.Settle+grace))
		if changed.Audio == nil {
			// A picture alone can only wait; a recording may find a portrait.
			changed.Due = now.Add(h.HalfPairAfter)
		}
		_, err = h.HandIns.PutStem(ctx, st, changed)
		if !errors.Is(err, job.ErrConflict) {
			return err == nil, err
		}
	}
	return false, job.ErrConflict
}

// partOf is where a stem keeps its file of a kind.
func partOf(st *job.Stem, k Kind) **job.Half {
	switch k {
	case Picture:
		return &st.Image
	case Sidecar:
		return &st.Sidecar
	}
	return &st.Audio
}

// deathMargin is how long after its limit an invocation may still be at work.
const deathMargin = 10 * time.Second

// later is a due time at which whoever is at work now is done or dead: the one that
// stands if it will do, as an entry of the index that moves costs two writes.
func later(ctx context.Context, stands, wanted time.Time) time.Time {
	d, ok := ctx.Deadline()
	if ok && stands.After(d.Add(deathMargin)) && stands.Before(wanted) {
		return stands
	}
	return wanted
}

// pair makes a job of a stem once it is complete and settled. It may be called
// for any stem at any time.
func (h *Handler) pair(ctx context.Context, n job.Name) error {
	waited := "" // the portrait that has had its time to settle
	for range races {
		st, err := h.HandIns.Stem(ctx, n)
		if err != nil || st.Rev == 0 {
			return err
		}
		if st.OfRow() {
			return h.settled(ctx, st)
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
			if served, err := h.served(ctx, st, p); err != nil || served {
				return errors.Join(err, h.settled(ctx, st))
			}
		}
		wait := time.Until(st.Last.Add(h.Settle))
		if p.shared && waited != p.half.ETag {
			// By the bucket's clock, which may be ahead of ours: once is enough.
			wait = max(wait, time.Until(p.half.Modified.Add(wholeSecond+h.Settle)))
		}
		if wait = min(wait, h.Settle); wait > 0 {
			if d, ok := ctx.Deadline(); ok && time.Until(d) < wait+5*time.Second {
				return nil // the stem's due time drives it
			}
			if err := job.Pause(ctx, wait); err != nil {
				return err
			}
			waited = p.half.ETag
			continue
		}
		if found, err := h.unheard(ctx, st); err != nil {
			return err
		} else if found {
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

// wholeSecond is by how much an object may be younger than S3 says, which gives times in
// whole seconds.
const wholeSecond = time.Second

// picture is the picture a stem goes with.
type picture struct {
	half   *job.Half
	shared bool
	folder job.Folder
}

// made says of which files, with which options of their own, a job of the stem would be
// made. Another portrait is not another picture by itself, nor are its options others:
// see served.
func (p picture) made(st job.Stem) string {
	if p.shared {
		return optionsMark(st) + "portrait" + audioMark(st)
	}
	return optionsMark(st) + pictureMark(p) + audioMark(st)
}

func pictureMark(p picture) string { return p.half.Key + "|" + p.half.ETag }

// optionsMark names what a stem's own files ask for; empty when they ask for nothing.
func optionsMark(st job.Stem) string {
	var marks []string
	if st.Sidecar != nil {
		marks = append(marks, "sidecar", st.Sidecar.Key, st.Sidecar.ETag)
	}
	for _, half := range []*job.Half{st.Audio, st.Image} {
		if half != nil && half.Mark != "" {
			marks = append(marks, half.Mark)
		}
	}
	if marks == nil {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(marks, "\x00")))
	return hex.EncodeToString(sum[:8]) + "|"
}

func audioMark(st job.Stem) string { return "|" + st.Audio.Key + "|" + st.Audio.ETag }

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
	half, code, other := st.Audio, job.CodePictureMissing, []Kind{Picture}
	if half == nil {
		half, code, other = st.Image, job.CodeAudioMissing, []Kind{Recording}
	}
	if half == nil {
		half, code, other = st.Sidecar, job.CodeFilesMissing, []Kind{Picture, Recording}
	}
	if half == nil || st.Told {
		return h.settled(ctx, st)
	}
	next := st
	next.Due = st.Last.Add(h.HalfPairAfter)
	if time.Now().Before(next.Due) {
		if st.Due.After(time.Now()) && !st.Due.After(next.Due) {
			return nil // the next look comes by itself, mostly with the other half
		}
	} else {
		// It may have gone, or been written anew, without our hearing of it.
		now, err := h.Inbox.Head(ctx, half.Key)
		if errors.Is(err, job.ErrNotFound) || err == nil && (now.ETag != half.ETag || now.Mark != half.Mark) {
			return h.take(ctx, st.Name, half.Key)
		}
		if err != nil {
			return err
		}
		near, err := h.closest(ctx, *half, other...)
		if err != nil {
			return err
		}
		if err := h.notice(ctx, st.Name, half.ETag, job.Fault{Code: code, File: half.Key, Detail: near}); err != nil {
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
