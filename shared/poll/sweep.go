package poll

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"emodrop/shared/job"
)

const (
	// sweepPage is how many objects are listed at once, sweepPages how many times
	// in one batch: a batch is for open jobs first of all. What it hands over is one
	// portion at most, however many events were lost.
	sweepPage  = 1000
	sweepPages = 5
	// overlap is how far a round looks back past the beginning of the one before:
	// an object may show in a list a little after its time.
	overlap = 5 * time.Minute
)

// plan makes the first round of a new stack due.
func (s *Step) plan(ctx context.Context) error {
	if s.planned.Load() {
		return nil
	}
	sw, err := s.Sweeps.Sweep(ctx)
	if err != nil {
		return err
	}
	if sw.Rev == 0 {
		next := sw
		next.Due = time.Now().Add(s.SweepEvery)
		if _, err := s.Sweeps.PutSweep(ctx, sw, next); errors.Is(err, job.ErrConflict) {
			return nil // perhaps somebody else has planned it: the next tick looks
		} else if err != nil {
			return err
		}
	}
	s.planned.Store(true)
	return nil
}

// sweep goes through the inbox for hand-ins whose event never came, some pages a
// batch. Only files that came since the round before began concern it, none older
// than the installation and none past the horizon: nothing makes jobs out of the
// past by itself. What it hands over may get lost on the way like any event, so a file
// concerns every round until somebody has taken it in.
func (s *Step) sweep(ctx context.Context, r *round) error {
	sw, err := s.Sweeps.Sweep(ctx)
	if err != nil || sw.Due.After(time.Now()) {
		return err
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	next := sw
	if sw.After == "" {
		next.Since, next.Started, next.Open = sw.Started.Add(-overlap), now, time.Time{}
		if !sw.Open.IsZero() && sw.Open.Before(next.Since) {
			next.Since = sw.Open
		}
	}
	// S3 knows whole seconds.
	from := later(next.Since, g.Installed.Truncate(time.Second), now.Add(-s.Horizon))
	var keys []string
	done := false
	for range sweepPages {
		page, err := s.Inbox.Page(ctx, next.After, sweepPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			done = true
			break
		}
		fresh := slices.DeleteFunc(slices.Clone(page), func(o job.Half) bool { return o.Modified.Before(from) })
		unknown, err := s.unknown(ctx, fresh)
		if err != nil {
			return err
		}
		next.After = page[len(page)-1].Key
		for _, o := range unknown {
			if len(keys) == portion {
				break
			}
			keys = append(keys, o.Key)
			if next.Open.IsZero() || o.Modified.Before(next.Open) {
				next.Open = o.Modified
			}
		}
		if len(keys) == portion {
			next.After = keys[portion-1]
			break
		}
	}
	next.Due = now
	if done {
		next.After, next.Due = "", now.Add(s.SweepEvery)
	}
	// What was found is handed over before it is noted as found.
	if len(keys) > 0 {
		if err := s.Functions.Submit(ctx, job.Work{Dispatch: true, Keys: keys}); err != nil {
			return err
		}
	}
	if !done {
		r.set(func(r *round) { r.busy = true })
	}
	_, err = s.Sweeps.PutSweep(ctx, sw, next)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// unknown are the files among these that nobody has taken in as they are.
func (s *Step) unknown(ctx context.Context, files []job.Half) ([]job.Half, error) {
	known, errs := make([]bool, len(files)), make([]error, len(files))
	var wg sync.WaitGroup
	free := make(chan struct{}, inFlight)
	for i, o := range files {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			known[i], errs[i] = s.Register.Knows(ctx, o)
		})
	}
	wg.Wait()
	var unknown []job.Half
	for i, o := range files {
		if !known[i] {
			unknown = append(unknown, o)
		}
	}
	return unknown, errors.Join(errs...)
}

func later(ts ...time.Time) time.Time {
	var out time.Time
	for _, t := range ts {
		if t.After(out) {
			out = t
		}
	}
	return out
}
