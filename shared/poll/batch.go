package poll

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
)

const (
	// inFlight is how many questions to the vendor are under way at once: one at
	// a time would reach only a quarter of the 20 a second.
	inFlight = 16
	// recheck is how long a RECEIVED job given to submit is left alone.
	recheck = 3 * time.Minute
	// handover is how long finalize may take to begin before it is invoked again;
	// once it has begun it takes a lease of its own.
	handover = time.Minute
)

// round is what one batch gathers.
type round struct {
	mu   sync.Mutex
	errs []error
	work job.Work
	// films are the jobs whose films are to be brought home.
	films []job.Job
	// holding are the jobs seen to hold a slot.
	holding map[string]job.Job
	gauges  gauges
	busy    bool
	// stop is set when the vendor wants no more questions for now.
	stop bool
}

func (r *round) note(err error) {
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	}
}

func (r *round) set(f func(*round)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(r)
}

func (r *round) stopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

// batch does all that is due now. busy says that something will want another
// batch within the minute.
func (s *Step) batch(ctx context.Context) (busy bool, err error) {
	now := time.Now()
	due, err := s.Agenda.Due(ctx, now.Add(s.Period), batchLimit)
	if err != nil {
		return true, err
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return true, err
	}
	r := &round{holding: map[string]job.Job{}}
	// With a refused key every question would be refused; the probe finds out
	// when that is over.
	r.stop = g.Closed != nil && g.Closed.Code == job.CodeKeyRefused
	var wg sync.WaitGroup
	free := make(chan struct{}, inFlight)
	for _, d := range due {
		if d.At.After(now) {
			r.set(func(r *round) { r.busy = true })
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			r.note(s.drive(ctx, r, d))
		})
	}
	wg.Wait()
	s.bring(ctx, r)
	r.note(s.hand(ctx, r))
	s.report(ctx, r, g)
	return r.busy, errors.Join(r.errs...)
}

// film has a job's film brought home at the end of the batch.
func (r *round) film(j job.Job) { r.set(func(r *round) { r.films = append(r.films, j) }) }

// bring invokes finalize, for the film first whose link ends first. One that cannot be
// invoked now is past its time soon.
func (s *Step) bring(ctx context.Context, r *round) {
	slices.SortFunc(r.films, func(a, b job.Job) int {
		return cmp.Or(a.Result.URLEnds.Compare(b.Result.URLEnds), strings.Compare(a.ID, b.ID))
	})
	for _, j := range r.films {
		r.note(s.Functions.Finalize(ctx, j.ID))
	}
}

// drive does what one due thing wants.
func (s *Step) drive(ctx context.Context, r *round, d job.Due) error {
	switch d.Kind {
	case job.DueStem:
		r.set(func(r *round) { r.work.Stems, r.busy = append(r.work.Stems, d.ID), true })
	case job.DueFolder:
		r.set(func(r *round) { r.work.Folders, r.busy = append(r.work.Folders, d.ID), true })
	case job.DueMessage:
		if err := s.Tell.Tell(ctx, d.ID); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "err", err)
		}
	case job.DueGate:
		return s.probe(ctx)
	case job.DueStray:
		return s.stray(ctx, r, d.ID)
	case job.DueSweep:
		return s.sweep(ctx, r)
	case job.DueJob:
		j, err := s.Jobs.Job(ctx, d.ID)
		if errors.Is(err, job.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.driveJob(ctx, r, j)
	}
	return nil
}

func (s *Step) driveJob(ctx context.Context, r *round, j job.Job) error {
	r.measure(j)
	if j.State.HoldsSlot() {
		r.set(func(r *round) { r.holding[j.ID], r.busy = j, true })
	}
	if j.Due.IsZero() || j.Due.After(time.Now()) {
		return nil // the index was behind
	}
	next := j
	switch j.State {
	case job.Submitted, job.Running:
		return s.look(ctx, r, j)
	case job.Submitting:
		return s.reconcile(ctx, r, j)
	case job.Storing:
		// Whoever had it is dead, or waits for its link to work again.
		next.Due = time.Now().Add(handover)
		moved, ok, err := s.move(ctx, j, next)
		if err == nil && ok {
			r.film(moved)
		}
		return err
	case job.Received:
		next.Due = time.Now().Add(recheck)
		_, ok, err := s.move(ctx, j, next)
		if err != nil || !ok {
			return err
		}
		r.set(func(r *round) { r.work.Jobs, r.busy = append(r.work.Jobs, j.ID), true })
	case job.Queued:
		// It waited before going again; now it stands in the queue like any other.
		next.Due = time.Time{}
		_, _, err := s.move(ctx, j, next)
		return err
	}
	return nil
}

// hand gives submit what it is to do, and repairs the gate's set of slots.
func (s *Step) hand(ctx context.Context, r *round) error {
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	if err := s.repair(ctx, r, g); err != nil {
		return err
	}
	switch g.Admits(time.Now(), "", 0, s.MaxInFlight, time.Now().Add(time.Hour), s.Profile) {
	case job.Go, job.TooLong:
		queue, err := s.Agenda.Queue(ctx, 1)
		if err != nil {
			return err
		}
		r.work.Dispatch = len(queue) > 0
		r.busy = r.busy || len(queue) > 0
	}
	if !r.work.Dispatch && r.work.Empty() {
		return nil
	}
	for _, w := range portions(r.work) {
		if err := s.Functions.Submit(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// portion is how many names go into one invocation: far below the 256 KB that an
// asynchronous one may carry, however long the names are.
const portion = 100

func portions(w job.Work) []job.Work {
	w.Dispatch = true
	var out []job.Work
	for {
		p := job.Work{Dispatch: true}
		p.Keys, w.Keys = split(w.Keys)
		p.Stems, w.Stems = split(w.Stems)
		p.Folders, w.Folders = split(w.Folders)
		p.Jobs, w.Jobs = split(w.Jobs)
		out = append(out, p)
		if w.Empty() {
			return out
		}
	}
}

func split(all []string) (head, rest []string) {
	n := min(len(all), portion)
	return all[:n], all[n:]
}

// repair makes the gate's set of slots what the jobs say: a slot whose job holds
// none is freed, a job at the vendor without a slot gets one.
func (s *Step) repair(ctx context.Context, r *round, g job.Gate) error {
	for _, id := range slices.Sorted(maps.Keys(g.Slots)) {
		if _, ok := r.holding[id]; ok {
			continue
		}
		j, err := s.Jobs.Job(ctx, id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return err
		}
		if err == nil && j.State.HoldsSlot() {
			continue
		}
		err = s.Slots.FreeSlot(ctx, id, g.Fence)
		if err != nil && !errors.Is(err, job.ErrConflict) {
			return err
		}
		s.Log.WarnContext(ctx, "slot without a task freed", "job_id", id)
	}
	for _, id := range slices.Sorted(maps.Keys(r.holding)) {
		seen := r.holding[id]
		if _, ok := g.Slots[id]; ok {
			continue
		}
		j, err := s.Jobs.Job(ctx, id)
		if err != nil || !j.State.HoldsSlot() || j.Rev != seen.Rev {
			continue // it has moved since
		}
		if err := s.Slots.TakeSlot(ctx, j); err != nil {
			return err
		}
		s.Log.WarnContext(ctx, "task without a slot given one", "job_id", id)
	}
	return nil
}

// probe tries, with a call that costs nothing, whether what closed the gate has
// passed.
func (s *Step) probe(ctx context.Context) error {
	g, err := s.Gate.Gate(ctx)
	if err != nil || g.Closed == nil || g.Closed.ByHand || g.Due.After(time.Now()) {
		return err
	}
	// A call of its own: the clock may be carried on from an answer that came before
	// the key was refused.
	if _, cause := s.Vendor.List(ctx, job.ListQuery{Page: 1, PageSize: 1}); cause != nil {
		n := g.Closed.Probes + 1
		wait := job.ProbeWait(n)
		s.Log.WarnContext(ctx, "gate stays closed", "code", g.Closed.Code, "err", cause)
		err := s.Gate.NextProbe(ctx, n, time.Now().Add(wait))
		if errors.Is(err, job.ErrConflict) {
			return nil
		}
		return err
	}
	if err := s.Gate.Reopen(ctx, *g.Closed); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "gate open", "code", g.Closed.Code)
	return nil
}
