package sim

import (
	"context"

	"emodrop/shared/job"
)

// metaMark is the metadata of a status file: that of shared/bucket, whose files may be
// here too.
const metaMark = "emodrop-mark"

func (b outbox) Status(ctx context.Context, key string) (etag, mark string, err error) {
	o, err := do(ctx, b.w, "outbox.head", key, false, func() (Object, error) { return b.status(key) })
	return o.ETag, o.Meta[metaMark], err
}

func (b outbox) ReadStatus(ctx context.Context, key string) (body []byte, etag string, err error) {
	o, err := do(ctx, b.w, "outbox.get", key, false, func() (Object, error) { return b.status(key) })
	return o.Data, o.ETag, err
}

func (b outbox) status(key string) (Object, error) {
	o, ok := b.w.Outbox.Get(key)
	if !ok {
		return Object{}, job.ErrNotFound
	}
	return o, nil
}

func (b outbox) PutStatus(ctx context.Context, key string, body []byte, mark, over string) (string, error) {
	if over == "" {
		over = "-"
	}
	return do(ctx, b.w, "outbox.status", key, true, func() (string, error) {
		return b.w.Outbox.Put(Object{Key: key, Data: body, ContentType: "application/json", Meta: map[string]string{metaMark: mark}}, over)
	})
}
