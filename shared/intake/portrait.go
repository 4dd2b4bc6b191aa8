package intake

import (
	"context"
	"errors"
	"slices"
	"sync"
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
			next.Portrait, next.Facts, next.After, next.Due = nil, nil, "", time.Time{}
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

const (
	// page is how many objects of a folder are looked at between two notes of how
	// far it has got.
	page = 100
	// lastPage is what an invocation must have left to begin another page.
	lastPage = 20 * time.Second
	// maxErrors bounds what is said of recordings that could not be taken.
	maxErrors = 10
)

// spread hands a folder's portrait to its recordings, page by page; poll has it
// go on when an invocation ends before the folder does. A recording that cannot be
// read keeps no other from its portrait: the folder is gone through again for it.
func (h *Handler) spread(ctx context.Context, dir string) error {
	if err := h.readPortrait(ctx, dir); err != nil {
		return err
	}
	var errs []error
	for {
		f, err := h.HandIns.Folder(ctx, dir)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if f.Due.IsZero() || f.Portrait == nil {
			return errors.Join(errs...)
		}
		keys, err := h.folderPage(ctx, f)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		errs = append(errs, h.serve(ctx, keys)...)
		errs = errs[:min(len(errs), maxErrors)]
		if ctx.Err() != nil {
			return errors.Join(errs...) // time is up: this page is not done
		}
		next, stop := f, false
		if d, ok := ctx.Deadline(); ok {
			stop = time.Until(d) < h.Settle+lastPage
		}
		switch {
		case len(keys) == 0 && len(errs) == 0:
			next.After, next.Due = "", time.Time{}
		case len(keys) == 0:
			next.After, next.Due, stop = "", time.Now().Add(grace), true
		case stop:
			next.After, next.Due = keys[len(keys)-1], time.Now()
		default:
			next.After, next.Due = keys[len(keys)-1], time.Now().Add(h.Settle+grace)
		}
		if _, err = h.HandIns.PutFolder(ctx, f, next); err != nil && !errors.Is(err, job.ErrConflict) {
			return errors.Join(append(errs, err)...)
		}
		if stop {
			return errors.Join(errs...)
		}
	}
}

// serve hands the portrait to the recordings among these keys. All are noted before
// the first is waited for, so that they settle together.
func (h *Handler) serve(ctx context.Context, keys []string) (errs []error) {
	var mu sync.Mutex
	var names []job.Name
	each(keys, func(key string) {
		kind, name := Classify(key)
		if kind != Recording {
			return
		}
		known, err := h.note(ctx, name, key)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			errs = append(errs, err)
		} else if known && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	each(names, func(name job.Name) {
		if err := h.pair(ctx, name); err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
	})
	return errs
}

// folderPage lists the next objects of a folder. A folder's name may stand in the
// bucket in several Unicode forms, which are one folder to people; the keys of one
// form all come before those of the next, so one key says how far all have got.
func (h *Handler) folderPage(ctx context.Context, f job.Folder) ([]string, error) {
	for _, form := range formsOf(folderOf(f.Portrait.Key)) {
		keys, err := h.Inbox.List(ctx, form, f.After, page)
		if err != nil || len(keys) > 0 {
			return keys, err
		}
	}
	return nil, nil
}

// ownFiles is how many keys after a recording's stem are looked at for files of its
// own: few names begin with the whole of another and a dot.
const ownFiles = 50

// unheard looks for files of the stem's own whose event has not come yet, before the
// recording goes without them: a picture, where it would go with the portrait, and its
// options, whose event may be lost like any other.
func (h *Handler) unheard(ctx context.Context, st job.Stem) (found bool, err error) {
	if st.Image != nil && st.Sidecar != nil {
		return false, nil
	}
	keys, err := h.own(ctx, st.Audio.Key, st.Name)
	if err != nil {
		return false, err
	}
	for _, k := range keys {
		kind, _ := Classify(k)
		if kind != Sidecar && kind != Picture || *partOf(&st, kind) != nil {
			continue
		}
		known, err := h.note(ctx, st.Name, k)
		if err != nil || known {
			return known, err
		}
	}
	return false, nil
}

// readPortrait reads a folder's portrait before its recordings want it, all at
// once.
func (h *Handler) readPortrait(ctx context.Context, dir string) error {
	f, err := h.HandIns.Folder(ctx, dir)
	if err != nil || f.Portrait == nil || f.Facts != nil || f.Due.IsZero() {
		return err
	}
	if wait := min(time.Until(f.Portrait.Modified.Add(h.Settle)), h.Settle); wait > 0 {
		if d, ok := ctx.Deadline(); ok && time.Until(d) < wait+5*time.Second {
			return nil
		}
		if err := job.Pause(ctx, wait); err != nil {
			return err
		}
	}
	_, _, err = h.pictureFacts(ctx, job.Stem{}, picture{half: f.Portrait, shared: true, folder: f})
	if changed(err) {
		return h.notePortrait(ctx, dir, f.Portrait.Key)
	}
	return err
}

// pictureFacts reads the picture of a stem; a portrait is read once for all.
func (h *Handler) pictureFacts(ctx context.Context, st job.Stem, p picture) (job.Input, *job.Fault, error) {
	if !p.shared {
		return h.inspect(ctx, *p.half, true)
	}
	if f := p.folder.Facts; f != nil && f.ETag == p.half.ETag && f.Key == p.half.Key {
		return *f, nil, nil
	}
	got, first, err := h.portraits.read(ctx, p.half.Key+"\x00"+p.half.ETag, func() (got reading, err error) {
		got.in, got.fault, err = h.inspect(ctx, *p.half, true)
		return got, err
	})
	in := got.in
	if err != nil || got.fault != nil || !first {
		return in, got.fault, err
	}
	next := p.folder
	next.Facts = &in
	if _, err := h.HandIns.PutFolder(ctx, p.folder, next); err != nil && !errors.Is(err, job.ErrConflict) {
		return job.Input{}, nil, err
	}
	return in, nil, nil
}
