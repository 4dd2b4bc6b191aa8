package poll_test

import (
	"context"
	"maps"
	"sync"
	"time"

	"emodrop/shared/job"
)

// light is a store for very many looks: the jobs at the vendor and the gate, without the
// cost of writing them down. The real one's rules are tested where it is.
type light struct {
	guard sync.Mutex
	jobs  map[string]job.Job
	gate  job.Gate
	// writes of jobs, by what they change.
	moves int
	lease string
	until time.Time
	plan  job.Sweep
}

func (l *light) put(j job.Job) {
	l.guard.Lock()
	defer l.guard.Unlock()
	l.jobs[j.ID] = j
	if l.gate.Slots == nil {
		l.gate.Slots = map[string]job.Slot{}
	}
	l.gate.Slots[j.ID] = job.Slot{Seconds: j.Seconds()}
	l.gate.Fence++
}

// finish has a film be where it belongs: the list of jobs is rid of it after a while.
func (l *light) finish(id string) {
	l.guard.Lock()
	defer l.guard.Unlock()
	if j, ok := l.jobs[id]; ok {
		j.State, j.Updated, j.Due = job.Succeeded, time.Now(), time.Time{}
		j.Rev++
		l.jobs[id] = j
	}
}

func (l *light) taken() int {
	l.guard.Lock()
	defer l.guard.Unlock()
	return len(l.gate.Slots)
}

func (l *light) Job(_ context.Context, id string) (job.Job, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	j, ok := l.jobs[id]
	if !ok {
		return j, job.ErrNotFound
	}
	return j, nil
}

func (l *light) Move(_ context.Context, from, to job.Job) (job.Job, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.jobs[from.ID].Rev != from.Rev {
		return job.Job{}, job.ErrConflict
	}
	to.Rev, to.Updated = from.Rev+1, time.Now()
	l.jobs[to.ID] = to
	l.moves++
	l.gate = l.gate.Taught(from, to, time.Now())
	if !to.State.HoldsSlot() {
		delete(l.gate.Slots, to.ID)
		delete(l.jobs, to.ID)
		if to.State == job.Storing {
			l.jobs[to.ID] = to
		}
	}
	return to, nil
}

func (l *light) Owner(_ context.Context, task string) (string, error) {
	return task[len("task-"):], nil
}

func (l *light) Gate(context.Context) (job.Gate, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	g := l.gate
	g.Slots = maps.Clone(g.Slots)
	return g, nil
}

func (l *light) Lease(_ context.Context, _, owner string, until time.Time) error {
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.lease != "" && l.lease != owner && time.Now().Before(l.until) {
		return job.ErrConflict
	}
	l.lease, l.until = owner, until
	return nil
}

func (l *light) LeaseAfter(ctx context.Context, name, last, owner string, until time.Time) error {
	l.guard.Lock()
	other := l.lease != last
	l.guard.Unlock()
	if other {
		return job.ErrConflict
	}
	return l.Lease(ctx, name, owner, until)
}

func (l *light) EndLease(_ context.Context, _, owner string) error {
	l.guard.Lock()
	defer l.guard.Unlock()
	if l.lease == owner {
		l.until = time.Time{}
	}
	return nil
}

func (l *light) Held(context.Context, int) ([]string, error) { return nil, nil }

func (l *light) Sweep(context.Context) (job.Sweep, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	return l.plan, nil
}

func (l *light) PutSweep(_ context.Context, _, to job.Sweep) (job.Sweep, error) {
	l.guard.Lock()
	defer l.guard.Unlock()
	to.Rev++
	l.plan = to
	return to, nil
}

// What these jobs never need.
func (l *light) CloseGate(context.Context, job.Closure, time.Time) (bool, error) { panic("closed") }
func (l *light) NoteBudget(context.Context, job.Budget) error                    { panic("noted") }
func (l *light) NextProbe(context.Context, int, time.Time) error                 { panic("probed") }
func (l *light) Reopen(context.Context, job.Closure) error                       { panic("opened") }
func (l *light) FreeSlot(context.Context, string, int64) error                   { panic("a slot leaked") }
func (l *light) LearnKey(context.Context, string) error                          { panic("the list is not needed") }
func (l *light) Fetched(context.Context, job.Fetch) error                        { panic("nothing failed to be fetched") }
func (l *light) TakeSlot(context.Context, job.Job) error                         { panic("a slot was lost") }
func (l *light) Stray(context.Context, string) (job.Stray, error)                { panic("a stray") }
func (l *light) PutStray(context.Context, job.Stray, job.Stray) error            { panic("a stray") }
func (l *light) DropStray(context.Context, job.Stray) error                      { panic("a stray") }
func (l *light) Orphan(context.Context, job.Stray, job.Job, job.Money) (job.Message, error) {
	panic("an orphan")
}
