package sim

import (
	"bytes"
	"context"
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
		h := job.Half{Key: key, ETag: o.ETag, Size: int64(len(o.Data)), Modified: o.Modified}
		h.Asks, h.Mark = job.MarkOf(o.Meta)
		return h, nil
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

// The metadata that a film carries: that of shared/bucket, whose films may be here too.
const metaJob, metaSHA256 = "emodrop-job", "emodrop-sha256"

func (b outbox) Film(ctx context.Context, key string) (job.Stored, error) {
	return do(ctx, b.w, "outbox.head", key, false, func() (job.Stored, error) {
		o, ok := b.w.Outbox.Get(key)
		if !ok {
			return job.Stored{}, job.ErrNotFound
		}
		return job.Stored{Key: key, ETag: o.ETag, Job: o.Meta[metaJob], SHA256: o.Meta[metaSHA256]}, nil
	})
}

func (b outbox) CopyFilm(ctx context.Context, seen job.Stored, to string) error {
	return done(ctx, b.w, "outbox.copy", to, true, func() error {
		o, err := same(b.w.Outbox, seen.Key, seen.ETag)
		if err != nil {
			return err
		}
		o.Key = to
		_, err = b.w.Outbox.Put(o, "")
		return err
	})
}

func (b outbox) PutFilm(ctx context.Context, j job.Job, f job.Film, file *os.File, over string) (string, error) {
	data, err := io.ReadAll(io.NewSectionReader(file, 0, f.Size))
	if err != nil {
		return "", fmt.Errorf("store the film: %w", err)
	}
	if over == "" {
		over = "-"
	}
	return do(ctx, b.w, "outbox.put", f.Key, true, func() (string, error) {
		return b.w.Outbox.Put(Object{Key: f.Key, Data: data, ContentType: "video/mp4",
			Meta: map[string]string{metaJob: j.ID, metaSHA256: f.SHA256}}, over)
	})
}

func (b outbox) PutRecord(ctx context.Context, key string, body []byte) error {
	return done(ctx, b.w, "outbox.record", key, true, func() error {
		_, err := b.w.Outbox.Put(Object{Key: key, Data: body, ContentType: "application/json"}, "")
		return err
	})
}

func (b outbox) PutLines(ctx context.Context, key string, lines []byte) error {
	return done(ctx, b.w, "outbox.lines", key, true, func() error {
		_, err := b.w.Outbox.Put(Object{Key: key, Data: lines, ContentType: "application/x-ndjson"}, "")
		return err
	})
}

func (b outbox) PutLinesOver(ctx context.Context, key string, lines []byte, over string) (string, error) {
	if over == "" {
		over = "-"
	}
	return do(ctx, b.w, "outbox.results", key, true, func() (string, error) {
		return b.w.Outbox.Put(Object{Key: key, Data: lines, ContentType: "application/x-ndjson"}, over)
	})
}

func (b outbox) ETag(ctx context.Context, key string) (string, error) {
	return do(ctx, b.w, "outbox.etag", key, false, func() (string, error) {
		o, ok := b.w.Outbox.Get(key)
		if !ok {
			return "", job.ErrNotFound
		}
		return o.ETag, nil
	})
}

func (b outbox) Lines(ctx context.Context, key string) ([]byte, error) {
	return do(ctx, b.w, "outbox.read", key, false, func() ([]byte, error) {
		o, ok := b.w.Outbox.Get(key)
		if !ok {
			return nil, job.ErrNotFound
		}
		return o.Data, nil
	})
}

func (b outbox) RemoveRecord(ctx context.Context, key string) error {
	return done(ctx, b.w, "outbox.unrecord", key, true, func() error { b.w.Outbox.Delete(key); return nil })
}
