package intake

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// takePortrait notes the folder's portrait and hands it to the recordings that
// wait for one.
func (h *Handler) takePortrait(ctx context.Context, dir, key string) error {
	if err := h.notePortrait(ctx, dir, key); err != nil {
		return err
	}
	return h.spread(ctx, dir)
}

// notePortrait notes how a portrait stands in the bucket now.
func (h *Handler) notePortrait(ctx context.Context, dir, key string) error {
	for range races {
		f, err := h.HandIns.Folder(ctx, dir)
		if err != nil {
			return err
		}
		half, err := h.Inbox.Head(ctx, key)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return err
		}
		next := f
		switch {
		case err != nil && f.Portrait != nil && f.Portrait.Key == key:
			next.Portrait, next.Facts = nil, nil
		case err != nil || !half.Newer(f.Portrait):
			return nil
		default:
			next.Portrait, next.Facts, next.After = &half, nil, ""
			next.Due = time.Now().Add(h.Settle + grace)
		}
		_, err = h.HandIns.PutFolder(ctx, f, next)
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return job.ErrConflict
}

// page is how many objects of a folder are looked at between two notes of how
// far it has got.
const page = 200

// spread hands a folder's portrait to its recordings, page by page; poll has it
// go on when an invocation ends before the folder does.
func (h *Handler) spread(ctx context.Context, dir string) error {
	for {
		f, err := h.HandIns.Folder(ctx, dir)
		if err != nil {
			return err
		}
		if f.Due.IsZero() || f.Portrait == nil {
			return nil
		}
		keys, err := h.Inbox.List(ctx, dir, f.After, page)
		if err != nil {
			return err
		}
		failed := make(chan error, len(keys))
		each(keys, func(key string) {
			if kind, name := Classify(key); kind == Recording {
				if err := h.take(ctx, name, key, kind); err != nil {
					failed <- err
				}
			}
		})
		select {
		case err := <-failed:
			return err
		default:
		}
		next := f
		if len(keys) == 0 {
			next.After, next.Due = "", time.Time{}
		} else {
			next.After, next.Due = keys[len(keys)-1], time.Now().Add(h.Settle+grace)
		}
		_, err = h.HandIns.PutFolder(ctx, f, next)
		if err != nil && !errors.Is(err, job.ErrConflict) {
			return err
		}
		if d, ok := ctx.Deadline(); ok && time.Until(d) < h.Settle+20*time.Second {
			return nil
		}
	}
}

// pictureFacts reads the picture of a stem; a portrait is read once for all.
func (h *Handler) pictureFacts(ctx context.Context, st job.Stem, p picture) (job.Input, *job.Fault, error) {
	if !p.shared {
		return h.inspect(ctx, *p.half, true)
	}
	if f := p.folder.Facts; f != nil && f.ETag == p.half.ETag && f.Key == p.half.Key {
		return *f, nil, nil
	}
	in, fault, err := h.inspect(ctx, *p.half, true)
	if err != nil || fault != nil {
		return in, fault, err
	}
	next := p.folder
	next.Facts = &in
	if _, err := h.HandIns.PutFolder(ctx, p.folder, next); err != nil && !errors.Is(err, job.ErrConflict) {
		return job.Input{}, nil, err
	}
	return in, nil, nil
}
