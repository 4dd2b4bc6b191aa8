package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"emodrop/shared/job"
)

// The bucket's names.
const inboxName, outboxName = "inbox", "outbox"

// inbox is what intake reads.
type inbox struct{ w *World }

func (b inbox) Head(ctx context.Context, key string) (job.Half, error) {
	return do(ctx, b.w, "inbox.head", key, false, func() (job.Half, error) {
		o, ok := b.w.Inbox.Get(key)
		if !ok {
			return job.Half{}, job.ErrNotFound
		}
		return job.Half{Key: key, ETag: o.ETag, Size: int64(len(o.Data)), Modified: o.Modified}, nil
	})
}

func (b inbox) Open(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	return do(ctx, b.w, "inbox.open", key, false, func() (io.ReadCloser, error) {
		o, err := same(b.w.Inbox, key, etag)
		return io.NopCloser(bytes.NewReader(o.Data)), err
	})
}

func (b inbox) List(ctx context.Context, dir, after string, limit int) ([]string, error) {
	return do(ctx, b.w, "inbox.list", dir, false, func() ([]string, error) { return b.w.Inbox.list(dir, after, limit), nil })
}

func (b inbox) Page(ctx context.Context, after string, limit int) ([]job.Half, error) {
	return do(ctx, b.w, "inbox.page", after, false, func() ([]job.Half, error) { return b.w.Inbox.page(after, limit), nil })
}

// same is an object as it stood when it had that ETag.
func same(b *Bucket, key, etag string) (Object, error) {
	o, ok := b.Get(key)
	switch {
	case !ok:
		return Object{}, job.ErrNotFound
	case o.ETag != etag:
		return Object{}, job.ErrConflict
	}
	return o, nil
}

// outbox is where films, records and staged copies go.
type outbox struct{ w *World }

func (b outbox) Stage(ctx context.Context, key, etag, to, contentType string) error {
	return done(ctx, b.w, "staging.stage", plain(to), true, func() error {
		o, err := same(b.w.Inbox, key, etag)
		if err != nil {
			return err
		}
		_, err = b.w.Outbox.Put(Object{Key: to, Data: o.Data, ContentType: contentType}, "")
		return err
	})
}

func (b outbox) Sign(ctx context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	end := time.Now().Add(b.w.cfg.LinkLife)
	urls, err := do(ctx, b.w, "staging.sign", plain(keys[0]), false, func() ([]job.Secret, error) {
		var urls []job.Secret
		for _, k := range keys {
			urls = append(urls, Link(k, end))
		}
		return urls, nil
	})
	return urls, end, err
}

func (b outbox) Remove(ctx context.Context, keys ...string) error {
	for _, k := range keys {
		if err := done(ctx, b.w, "staging.remove", plain(k), true, func() error { b.w.Outbox.Delete(k); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// nonce is what makes the keys of staged copies of one post its own; chance, and so
// no part of what a call is about.
var nonce = regexp.MustCompile(`^(staging/[0-9a-f]+/[0-9]+)-[a-z0-9]+/`)

func plain(key string) string { return nonce.ReplaceAllString(key, "$1/") }

// The metadata that a film carries.
const metaJob, metaSHA256 = "job", "sha256"

func (b outbox) PutFilm(ctx context.Context, j job.Job, f job.Film, file *os.File) (string, job.Aside, error) {
	var aside job.Aside
	data, err := io.ReadAll(io.NewSectionReader(file, 0, f.Size))
	if err != nil {
		return "", aside, fmt.Errorf("store the film: %w", err)
	}
	for range 5 {
		old, err := do(ctx, b.w, "outbox.head", f.Key, false, func() (Object, error) {
			o, ok := b.w.Outbox.Get(f.Key)
			if !ok {
				return o, job.ErrNotFound
			}
			return o, nil
		})
		seen := old.ETag
		switch {
		case err == nil && old.Meta[metaSHA256] == f.SHA256 && old.Meta[metaJob] == j.ID:
			return old.ETag, aside, nil
		case errors.Is(err, job.ErrNotFound):
			seen = "-"
		case err != nil:
			return "", aside, err
		case old.Meta[metaJob] != j.ID:
			aside = job.Aside{Job: old.Meta[metaJob], Key: job.VideoKey(job.Job{ID: old.Meta[metaJob], Name: j.Name}, false)}
			err := done(ctx, b.w, "outbox.copy", aside.Key, true, func() error {
				old.Key = aside.Key
				_, err := b.w.Outbox.Put(old, "")
				return err
			})
			if err != nil {
				return "", aside, err
			}
		}
		etag, err := do(ctx, b.w, "outbox.put", f.Key, true, func() (string, error) {
			return b.w.Outbox.Put(Object{Key: f.Key, Data: data, ContentType: "video/mp4",
				Meta: map[string]string{metaJob: j.ID, metaSHA256: f.SHA256}}, seen)
		})
		if !errors.Is(err, job.ErrConflict) && !errors.Is(err, job.ErrNotFound) {
			return etag, aside, err
		}
	}
	return "", aside, job.ErrConflict
}

func (b outbox) PutRecord(ctx context.Context, key string, body []byte) error {
	return done(ctx, b.w, "outbox.record", key, true, func() error {
		_, err := b.w.Outbox.Put(Object{Key: key, Data: body, ContentType: "application/json"}, "")
		return err
	})
}

func (b outbox) RemoveRecord(ctx context.Context, key string) error {
	return done(ctx, b.w, "outbox.unrecord", key, true, func() error { b.w.Outbox.Delete(key); return nil })
}
