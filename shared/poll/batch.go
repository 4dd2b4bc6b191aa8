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
	// holding are the jobs seen to hold a slot, as they stand.
	holding map[string]job.Job
	// aside is what the looks do not wait for.
	aside sync.WaitGroup
	// pending: the vendor said of a task that it has to wait. ended: one is over.
	pending, ended bool
	gauges         gauges
	busy           bool
	// waiting: a job of the queue could go.
	waiting bool
	// gate as it was read last.
	gate job.Gate
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

// now takes note of how a job stands that was at the vendor; the zero value, that nobody
// knows until a batch has read it.
func (r *round) now(id string, j job.Job) {
	r.set(func(r *round) {
		if j.State.AtVendor() {
			r.holding[id] = j
			return
		}
		delete(r.holding, id)
		r.ended = true
	})
}

// give puts a name among those that submit is to see to, if one invocation can take
// it too: what stays due comes with the next batch. Thousands of hand-ins at once must
// not start dozens of invocations.
func (r *round) give(to *[]string, name string) (given bool) {
	r.set(func(r *round) {
		r.busy = true
		if given = len(*to) < portion; given {
			*to = append(*to, name)
		}
	})
	return given
}

func (r *round) stopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stop
}

// throttled ends a batch's questions, and those of the next ones for as long as the vendor
// asks to be left alone.
func (s *Step) throttled(r *round, v job.Verdict) {
	r.set(func(r *round) { r.stop = true })
	until := time.Now().Add(v.RetryAfter).UnixMilli()
	for before := s.mute.Load(); before < until && !s.mute.CompareAndSwap(before, until); before = s.mute.Load() {
	}
}

// batch does all that is due now. The next begins at that time; looks that fall due
// until later are made now, if there are questions to spare. The round is nil when
// nothing could be read; else its busy says that something will want another batch
// within the minute.
func (s *Step) batch(ctx context.Context, p *plan, next, later time.Time) (*round, error) {
	now := time.Now()
	due, err := s.Agenda.Due(ctx, now.Add(s.Period), batchLimit)
	if err != nil {
		return nil, err
	}
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return nil, err
	}
	if g, err = s.reopen(ctx, g); err != nil {
		return nil, err
	}
	r := &round{holding: map[string]job.Job{}}
	// With a refused key every question would be refused; the probe finds out
	// when that is over.
	r.gate = g
	r.stop = keyRefused(g) || now.UnixMilli() < s.mute.Load()
	jobs, rest := agenda(due, g, now)
	s.drive(ctx, r, jobs, now)
	var found []job.Job
	for _, j := range r.holding {
		if j.State.AtVendor() {
			found = append(found, j)
		}
	}
	p.begin(found, g, s.Profile, next)
	now = time.Now()
	// What would be looked at right after the batch may as well be now.
	looks, _ := p.due(now, now.Add(s.Interval/15), later)
	// A vendor that does not answer holds up nothing else.
	r.aside.Go(func() { s.lookAt(ctx, r, p, looks) })
	s.drive(ctx, r, rest, now)
	r.aside.Wait()
	s.bring(ctx, r)
	r.note(s.hand(ctx, r))
	s.report(ctx, r, g)
	err = errors.Join(r.errs...)
	r.errs = nil
	return r, err
}

// keyRefused: the vendor takes no question with the present key.
func keyRefused(g job.Gate) bool { return g.Closed != nil && g.Closed.Code == job.CodeKeyRefused }

// few does something with each of many, by its place, a few at a time, and notes what
// fails.
func few[T any](r *round, all []T, do func(i int, one T) error) {
	var wg sync.WaitGroup
	free := make(chan struct{}, inFlight)
	for i, one := range all {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			r.note(do(i, one))
		})
	}
	wg.Wait()
}

// drive does what is due of these by now.
func (s *Step) drive(ctx context.Context, r *round, all []job.Due, now time.Time) {
	due := slices.DeleteFunc(all, func(d job.Due) bool { return d.At.After(now) })
	if len(due) < len(all) {
		r.set(func(r *round) { r.busy = true })
	}
	few(r, due, func(_ int, d job.Due) error { return s.driveOne(ctx, r, d) })
}

// film has a job's film brought home when the looks are made.
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
	r.films = nil
}

// agenda is what is due: the jobs, the longest overdue of them first, with whoever else
// holds a slot, and all the rest. What is at the vendor is read in every batch, without a
// due time that moves with it.
func agenda(due []job.Due, g job.Gate, now time.Time) (jobs, rest []job.Due) {
	others := maps.Clone(g.Slots)
	for _, d := range due {
		if d.Kind != job.DueJob {
			rest = append(rest, d)
			continue
		}
		if _, holds := others[d.ID]; holds {
			d.At = now
			delete(others, d.ID)
		}
		jobs = append(jobs, d)
	}
	for _, id := range slices.Sorted(maps.Keys(others)) {
		jobs = append(jobs, job.Due{Kind: job.DueJob, ID: id, At: now})
	}
	return jobs, rest
}

// driveOne does what one due thing wants.
func (s *Step) driveOne(ctx context.Context, r *round, d job.Due) error {
	switch d.Kind {
	case job.DueStem:
		r.give(&r.work.Stems, d.ID)
	case job.DueFolder:
		r.give(&r.work.Folders, d.ID)
	case job.DueMessage:
		if err := s.Tell.Tell(ctx, d.ID); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "err", err)
		}
	case job.DueGate:
		return s.probe(ctx)
	case job.DueManifest:
		return s.manifest(ctx, r, d.ID)
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
	if !j.State.AtVendor() && (j.Due.IsZero() || j.Due.After(time.Now())) {
		return nil // its time is not yet, or the index was behind
	}
	next := j
	switch j.State {
	case job.Submitted, job.Running:
		return nil // the plan says when it is looked at
	case job.Submitting:
		r.aside.Go(func() { r.note(s.reconcile(ctx, r, j)) })
	case job.Storing:
		if inHand(j, time.Now()) {
			r.set(func(r *round) { r.busy = true })
			return nil
		}
		// Whoever had it is dead, or waits for its link to work again.
		moved, ok, err := s.move(ctx, j, next)
		if err == nil && ok {
			r.film(moved)
		}
		return err
	case job.Received:
		if !r.give(&r.work.Jobs, j.ID) {
			return nil
		}
		next.Due = time.Now().Add(recheck)
		// Whoever has moved it meanwhile sees to it; another look does no harm.
		_, _, err := s.move(ctx, j, next)
		return err
	case job.Queued:
		// It waited before going again; now it stands in the queue like any other.
		next.Due = time.Time{}
		_, _, err := s.move(ctx, j, next)
		return err
	}
	return nil
}

// inHand says whether some invocation of finalize has a film, or should have begun with
// it by now. A due time that was over when the job was last written is none to wait
// for: since that write the film is handed over. So it need not move, which would cost
// two entries of an index each time, with every step of a film on its way home.
func inHand(j job.Job, now time.Time) bool {
	return now.Before(j.Busy) || !j.Due.After(j.Updated) && now.Before(j.Updated.Add(handover))
}

// hand gives submit what it is to do, and repairs the gate's set of slots.
func (s *Step) hand(ctx context.Context, r *round) error {
	r.ended = false
	g, err := s.Gate.Gate(ctx)
	if err != nil {
		return err
	}
	r.gate = g
	if err := s.repair(ctx, r, g); err != nil {
		return err
	}
	switch g.Admits(time.Now(), "", 0, s.MaxInFlight, time.Now().Add(time.Hour), s.Profile) {
	case job.Go, job.TooLong:
		queue, err := s.Agenda.Queue(ctx, 1)
		if err != nil {
			return err
		}
		r.waiting = len(queue) > 0
		tight := false
		if r.waiting {
			if tight, err = s.tight(ctx, g); err != nil {
				return err
			}
		}
		r.work.Dispatch = r.waiting && !tight
		r.busy = r.busy || len(queue) > 0
	}
	if !r.work.Dispatch && r.work.Empty() {
		return nil
	}
	r.work.Dispatch = true
	w := r.work
	r.work = job.Work{}
	return s.Functions.Submit(ctx, w)
}

// portion is how many names of a kind go into one invocation, and so into one batch:
// far below the 256 KB that an asynchronous one may carry, however long the names are,
// and no more than it has time for.
const portion = 100

// repair makes the gate's set of slots what the jobs say: a slot whose job holds
// none is freed, a job at the vendor without a slot gets one, and each reserves what its
// film may cost.
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
		slot, had := g.Slots[id]
		if had && slot.Reserved == seen.Most() {
			continue
		}
		j, err := s.Jobs.Job(ctx, id)
		if err != nil || !j.State.HoldsSlot() || j.Rev != seen.Rev {
			continue // it has moved since
		}
		if err := s.Slots.TakeSlot(ctx, j); err != nil {
			return err
		}
		if had {
			s.Log.WarnContext(ctx, "slot that reserved something else put right", "job_id", id)
			continue
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
