package submit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"emodrop/shared/job"
)

// turns has the calls of one process that wait for a turn with detect at the same time
// ask for all of theirs in one write: those of files dropped together do not race each
// other, and cost less.
type turns struct {
	// asking is held by the one that asks.
	asking  chan struct{}
	mu      sync.Mutex
	waiting []chan time.Time // in the order in which they came
}

// next is the caller's turn, zero if there is none within reach. ask gives the times of as
// many as there may be. Who asks in vain fails for itself; the others ask again.
func (t *turns) next(ctx context.Context, ask func(n int) ([]time.Time, error)) (time.Time, error) {
	mine := make(chan time.Time, 1)
	t.mu.Lock()
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	defer t.leave(mine)
	select {
	case at := <-mine:
		return at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case t.asking <- struct{}{}:
	}
	defer func() { <-t.asking }()
	if len(mine) == 0 { // nobody has asked for it meanwhile
		t.mu.Lock()
		all := slices.Clone(t.waiting)
		t.mu.Unlock()
		times, err := ask(len(all))
		if err != nil {
			return time.Time{}, err
		}
		for i, w := range all {
			var at time.Time
			if i < len(times) {
				at = times[i]
			}
			w <- at
			t.leave(w)
		}
	}
	return <-mine, nil
}

// leave takes one out of those that wait; no harm if it does not.
func (t *turns) leave(w chan time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = slices.DeleteFunc(t.waiting, func(o chan time.Time) bool { return o == w })
}

// detectTurns names the turns with detect.
const detectTurns = "detect"

// turn waits until detect may be called, if it has to: the vendor takes so many calls a
// second of all the stack's processes together.
func (s *Step) turn(ctx context.Context) (waited bool, err error) {
	at, err := s.turns.next(ctx, func(n int) ([]time.Time, error) {
		return s.Faces.Turns(ctx, detectTurns, s.Profile.DetectEvery, turnWithin, n)
	})
	if at.IsZero() && err == nil || errors.Is(err, job.ErrConflict) {
		return false, errNoTurn // a conflict here says nothing of the job's files
	}
	if err != nil {
		return false, err
	}
	wait := time.Until(at)
	return wait > 0, job.Pause(ctx, wait)
}
