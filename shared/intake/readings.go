package intake

import (
	"context"
	"sync"

	"emodrop/shared/job"
)

// reading is what was read of a file.
type reading struct {
	half  job.Half
	in    job.Input
	fault *job.Fault
}

// readings remembers what this process has read of files, so that hand-ins that want
// the same one at the same time read it once. The zero value is ready.
type readings struct {
	mu    sync.Mutex
	known map[string]*pending
	// most bounds what is remembered; past it all is forgotten. Zero: 64.
	most int
}

// pending is a reading that may be under way.
type pending struct {
	done chan struct{}
	reading
	err error
}

// read is what look says of the file of that name, and whether this call was the first
// to hear it, and so the one to note it. Trouble in reading is not remembered.
func (r *readings) read(ctx context.Context, name string, look func() (reading, error)) (got reading, first bool, err error) {
	r.mu.Lock()
	one, ok := r.known[name]
	if !ok {
		if most := max(r.most, 64); r.known == nil || len(r.known) >= most {
			r.known = map[string]*pending{}
		}
		one = &pending{done: make(chan struct{})}
		r.known[name] = one
	}
	r.mu.Unlock()
	if ok {
		select {
		case <-one.done:
			return one.reading, false, one.err
		case <-ctx.Done():
			return reading{}, false, ctx.Err()
		}
	}
	one.reading, one.err = look()
	if one.err != nil {
		r.mu.Lock()
		if r.known[name] == one {
			delete(r.known, name)
		}
		r.mu.Unlock()
	}
	close(one.done)
	return one.reading, true, one.err
}
