package sim

import (
	"context"

	"emodrop/shared/job"
)

func (r records) Heeded(ctx context.Context, key string) (job.Heeded, error) {
	return do(ctx, r.w, "store.Heeded", key, false, func() (job.Heeded, error) { return r.s.Heeded(ctx, key) })
}

func (r records) Heed(ctx context.Context, o job.Order, refusal *job.Message) error {
	return done(ctx, r.w, "store.Heed", o.Key, true, func() error {
		err := r.s.Heed(ctx, o, refusal)
		if err == nil {
			r.w.heeded(o, refusal != nil)
		}
		return err
	})
}

func (r records) Obey(ctx context.Context, from, to job.Job, o job.Order) (job.Job, error) {
	return do(ctx, r.w, "store.Obey", from.ID, true, func() (job.Job, error) {
		moved, err := r.watched(ctx, from, func() (job.Job, error) { return r.s.Obey(ctx, from, to, o) })
		if err == nil {
			r.w.heeded(o, false)
		}
		return moved, err
	})
}

func (r records) Share(ctx context.Context, sh job.Share) (int64, error) {
	return do(ctx, r.w, "store.Share", sh.Folder, true, func() (int64, error) { return r.s.Share(ctx, sh) })
}
