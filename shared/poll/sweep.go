package poll

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

const (
	// sweepPage is how many objects are listed at once, sweepPages how many times
	// in one batch: a batch is for open jobs first of all.
	sweepPage  = 1000
	sweepPages = 5
	// lookBack is how far a round looks back past the beginning of the one before: what
	// that one handed over may have been lost on its way, and an object may show in a
	// list a little after its time.
	lookBack = time.Hour
	// deepEvery is the time between rounds that look back to the horizon, for what no
	// number of ordinary ones has brought in: submit may have been broken for hours.
	deepEvery = 6 * time.Hour
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
		if _, err := s.Sweeps.PutSweep(ctx, sw, next); err != nil {
			return lost(err) // by another tick, or to nobody: the next one sees which
		}
	}
	s.planned.Store(true)
	return nil
}

// sweep goes through the inbox for hand-ins whose event never came, some pages a
// batch. Only files of the last rounds concern it, every few hours all since the
// horizon; none older than the installation and none past the horizon: nothing makes
// jobs out of the past by itself. Whether a file is new to us intake decides. The
// installation is the first tick: a file of the minute before it has its event alone.
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
		next.Since, next.Started = sw.Started.Add(-lookBack), now
		if now.Sub(sw.Deep) >= deepEvery {
			next.Since, next.Deep = time.Time{}, now
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
		for _, o := range page {
			if !o.Modified.Before(from) {
				keys = append(keys, o.Key)
			}
		}
		if len(page) == 0 {
			done = true
			break
		}
		next.After = page[len(page)-1].Key
	}
	next.Due = now
	if done {
		next.After, next.Due = "", now.Add(s.SweepEvery)
	}
	// What was found is handed over before it is noted as found.
	w := job.Work{Keys: keys}
	if len(keys) > 0 {
		for _, p := range portions(w) {
			if err := s.Functions.Submit(ctx, p); err != nil {
				return err
			}
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

func later(ts ...time.Time) time.Time {
	var out time.Time
	for _, t := range ts {
		if t.After(out) {
			out = t
		}
	}
	return out
}
