package intake

import (
	"context"
	"sync"

	"emodrop/shared/job"
)

// readings remembers what this process has read of portraits, so that recordings
// that want the same one at the same time read it once. The zero value is ready.
type readings struct {
	mu    sync.Mutex
	known map[string]*reading
}

type reading struct {
	done  chan struct{}
	in    job.Input
	fault *job.Fault
	err   error
}

// maxReadings bounds what is remembered; past it all is forgotten.
const maxReadings = 64

// read is what inspect says of a portrait, and whether this call was the first to
// hear it, and so the one to note it. Trouble in reading is not remembered.
func (r *readings) read(ctx context.Context, half job.Half,
	inspect func(context.Context, job.Half, bool) (job.Input, *job.Fault, error)) (in job.Input, fault *job.Fault, first bool, err error) {
	key := half.Key + "\x00" + half.ETag
	r.mu.Lock()
	one, ok := r.known[key]
	if !ok {
		if r.known == nil || len(r.known) >= maxReadings {
			r.known = map[string]*reading{}
		}
		one = &reading{done: make(chan struct{})}
		r.known[key] = one
	}
	r.mu.Unlock()
	if ok {
		select {
		case <-one.done:
			return one.in, one.fault, false, one.err
		case <-ctx.Done():
			return job.Input{}, nil, false, ctx.Err()
		}
	}
	one.in, one.fault, one.err = inspect(ctx, half, true)
	if one.err != nil {
		r.mu.Lock()
		if r.known[key] == one {
			delete(r.known, key)
		}
		r.mu.Unlock()
	}
	close(one.done)
	return one.in, one.fault, true, one.err
}
