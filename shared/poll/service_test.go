package poll_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// service is a vendor that works on so many tasks at once, in the order in which they
// came, a stack that keeps posting to it, and what is measured of both.
type service struct {
	light
	// slots of the vendor, inFlight of the stack, jobs in all.
	slots, inFlight, jobs int
	// speed is the work for a second of film, before a film's own share; zero: what the
	// profile says.
	speed time.Duration
	// spread is how far a film's own work lies from that at most; zero: 8 of 100.
	spread float64
	// failing is the share of the tasks that fail, at any moment of their work.
	failing float64
	// answer is how long the vendor takes to answer at most.
	answer time.Duration
	// skew is how far the vendor's clock is ahead of ours.
	skew time.Duration
	// pushed is the share of the ends that are pushed, a second later.
	pushed float64
	// strange is the share of the tasks that somebody else's comes before.
	strange float64
	// rest is how long the stack posts nothing after an end.
	rest time.Duration
	// cold has each tick begin in a process of its own, twice has two begin at once.
	cold, twice bool

	mu       sync.Mutex
	dice     *rand.Rand
	free     []time.Time // when each slot is free
	tasks    map[string]task
	posted   int
	wanted   chan struct{}
	open     int // tasks at the vendor, as the stack knows
	most     int // of them, since the batch began
	calls    int // since the batch began
	seconds  []time.Time
	asked    int // questions in all
	fixed    int // what a look at each in each batch would have asked
	late     []time.Duration
	problems []string
	pace     *rate.Limiter
	single   *poll.Single
	pushes   sync.WaitGroup
}

type task struct {
	begin, end time.Time
	fails      bool
}

func (v *service) say(format string, args ...any) {
	if len(v.problems) < 10 {
		v.problems = append(v.problems, fmt.Sprintf(format, args...))
	}
}

// Due begins a batch, or is the list's look at what is to come.
func (v *service) Due(_ context.Context, upTo time.Time, _ int) ([]job.Due, error) {
	if upTo.After(time.Now().Add(time.Hour)) {
		return nil, nil
	}
	v.mu.Lock()
	v.close()
	v.fixed += v.open
	v.most = v.open
	v.mu.Unlock()
	return nil, nil // what is at the vendor is known by its slot
}

func (v *service) close() {
	if v.calls > v.most+2 {
		v.say("%d questions in a batch with %d tasks", v.calls, v.most)
	}
	v.calls = 0
}

func (v *service) Task(ctx context.Context, _, id string) (job.Answer, error) {
	if err := v.pace.Wait(ctx); err != nil {
		return job.Answer{}, err
	}
	v.mu.Lock()
	v.calls++
	v.asked++
	v.mu.Unlock()
	return v.ask(id)
}

// pushed is the vendor as the callback's look asks it, in a share of its own.
type pushed struct{ *service }

func (p pushed) Task(_ context.Context, _, id string) (job.Answer, error) { return p.ask(id) }

func (v *service) ask(id string) (job.Answer, error) {
	v.mu.Lock()
	now := time.Now()
	if v.seconds = append(v.seconds, now); len(v.seconds) > 20 {
		if now.Sub(v.seconds[0]) < time.Second {
			v.say("more than 20 questions in a second")
		}
		v.seconds = v.seconds[1:]
	}
	var wait time.Duration
	if v.answer > 0 {
		wait = time.Duration(v.dice.Int64N(int64(v.answer)))
	}
	t := v.tasks[id]
	v.mu.Unlock()
	time.Sleep(wait)
	now = time.Now()
	a := job.Answer{TaskID: id, Status: job.TaskPending}
	if now.Before(t.begin) {
		return a, nil
	}
	a.Status, a.Started = job.TaskRunning, t.begin.Add(v.skew)
	if now.Before(t.end) {
		return a, nil
	}
	a.Ended, a.Status = t.end.Add(v.skew), job.TaskSucceeded
	if t.fails {
		a.Status, a.Fault = job.TaskFailed, job.Verdict{Outcome: job.BadInput}
		return a, nil
	}
	a.VideoURL = "https://films/1"
	return a, nil
}

func (v *service) List(context.Context, job.ListQuery) (job.ListPage, error) {
	return job.ListPage{}, errors.New("nobody looks into the list")
}

func (v *service) CancelAt(context.Context, string, string) error { return nil }

// Move sees a task end.
func (v *service) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	moved, err := v.light.Move(ctx, from, to)
	if err == nil && from.State.AtVendor() && !to.State.AtVendor() {
		v.mu.Lock()
		v.open--
		v.late = append(v.late, time.Since(v.tasks[from.Task.ID].end))
		v.mu.Unlock()
		if v.rest > 0 {
			time.AfterFunc(v.rest, v.want)
		}
	}
	return moved, err
}

func (v *service) Finalize(_ context.Context, id string) error {
	v.finish(id)
	return nil
}

func (v *service) Submit(context.Context, job.Work) error {
	if v.rest == 0 {
		v.want()
	}
	return nil
}

func (v *service) Tell(context.Context, string) error                    { return nil }
func (v *service) Remove(context.Context, ...string) error               { return nil }
func (v *service) Page(context.Context, string, int) ([]job.Half, error) { return nil, nil }
func (v *service) Knows(context.Context, job.Half) (bool, error)         { return true, nil }

func (v *service) Queue(context.Context, int) ([]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.posted < v.jobs {
		return []string{"next"}, nil
	}
	return nil, nil
}

func (v *service) want() {
	select {
	case v.wanted <- struct{}{}:
	default:
	}
}

func (v *service) done() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.late) == v.jobs
}

// post is submit: it fills the slots, a second for each.
func (v *service) post(t *testing.T) {
	for range v.wanted {
		for v.posted < v.jobs && v.taken() < v.inFlight {
			v.postOne(t.Context())
		}
		if v.posted == v.jobs {
			return
		}
	}
}

// first is the slot that is free first.
func (v *service) first() (slot int) {
	for i, at := range v.free {
		if at.Before(v.free[slot]) {
			slot = i
		}
	}
	return slot
}

func (v *service) postOne(ctx context.Context) {
	id := fmt.Sprintf("job-%05d", v.posted)
	v.mu.Lock()
	seconds := 5 + 25*v.dice.Float64()
	share := 1 + v.spread*(2*v.dice.Float64()-1)
	fails, part, push := v.dice.Float64() < v.failing, v.dice.Float64(), v.dice.Float64() < v.pushed
	v.mu.Unlock()
	time.Sleep(time.Second)
	now := time.Now().UTC().Truncate(time.Millisecond)
	work := time.Duration(seconds * share * float64(v.speed))
	if fails {
		work = time.Duration(part * float64(work))
	}
	v.mu.Lock()
	slot := v.first()
	if v.dice.Float64() < v.strange {
		if v.free[slot].Before(now) {
			v.free[slot] = now
		}
		v.free[slot] = v.free[slot].Add(time.Duration(30*v.dice.Float64()) * v.speed)
		slot = v.first()
	}
	begin := now
	if v.free[slot].After(now) {
		begin = v.free[slot]
	}
	v.free[slot] = begin.Add(work)
	v.tasks["task-"+id] = task{begin, begin.Add(work), fails}
	v.posted++
	v.open++
	v.most++
	v.mu.Unlock()
	v.put(job.Job{ID: id, Name: job.Name{Stem: id}, State: job.Submitted, Attempt: 1, Received: now, Updated: now, Due: now, Ratio: job.Square, Audio: job.Input{Seconds: seconds},
		// Its clock as a Date header says it.
		Task: &job.Task{ID: "task-" + id, Status: job.TaskPending, Submitted: now, Created: now.Add(v.skew).Truncate(time.Second)}})
	if push {
		v.pushes.Go(func() {
			time.Sleep(time.Until(begin.Add(work + time.Second)))
			// What has ended is not kept here.
			if err := v.single.Look(ctx, "task-"+id); err != nil && !errors.Is(err, job.ErrNotFound) {
				v.mu.Lock()
				v.say("push: %v", err)
				v.mu.Unlock()
			}
		})
	}
}

func (v *service) Report(context.Context, string) (bool, error) { return false, nil }

func (v *service) step(t *testing.T) *poll.Step {
	s, err := poll.New(poll.Config{Vendor: v, Jobs: v, Agenda: v, Leases: v, Gate: v, Slots: v, Strays: v, Functions: v, Staging: v,
		Inbox: v, Register: v, Sweeps: v, Manifests: v, Tell: v, Board: &wall{}, Profile: job.EMO(), MaxInFlight: v.inFlight, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return s
}

// measured is what became of a service's jobs.
type measured struct {
	mean, p95, most time.Duration
	asked, fixed    int
}

func (m measured) String() string {
	return fmt.Sprintf("seen after %.2f s on average, p95 %.1f s, %.1f s at most; %d questions, every quarter of a minute: %d",
		m.mean.Seconds(), m.p95.Seconds(), m.most.Seconds(), m.asked, m.fixed)
}

// play has the jobs go through, a tick every minute, and demands what must always hold.
func (v *service) play(t *testing.T) (m measured) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		v.light = light{jobs: map[string]job.Job{}}
		v.dice, v.tasks, v.wanted = rand.New(rand.NewPCG(8, 0)), map[string]task{}, make(chan struct{}, 1)
		v.pace, v.free = rate.NewLimiter(17, 1), make([]time.Time, v.slots)
		if v.speed == 0 {
			v.speed = job.EMO().WorkPerSecond
		}
		if v.spread == 0 {
			v.spread = .08
		}
		var err error
		v.single, err = poll.NewSingle(poll.SingleConfig{Vendor: pushed{v}, Jobs: v, Slots: v, Functions: v, Profile: job.EMO(), Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		s, other := v.step(t), v.step(t)
		require.NoError(t, s.Run(t.Context())) // the first has a sweep to plan
		time.Sleep(7 * time.Second)
		v.want()
		var running sync.WaitGroup
		running.Go(func() { v.post(t) })
		for begun := time.Now(); !v.done(); {
			require.Less(t, time.Since(begun), 3000*time.Hour)
			if v.cold {
				s = v.step(t)
			}
			ticks := []*poll.Step{s}
			if v.twice {
				ticks = append(ticks, other)
			}
			for _, tick := range ticks {
				running.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
					defer cancel()
					if err := tick.Run(ctx); err != nil {
						v.mu.Lock()
						v.say("tick: %v", err)
						v.mu.Unlock()
					}
				})
			}
			time.Sleep(time.Minute)
		}
		v.want()
		running.Wait()
		v.pushes.Wait()
		v.close()
		require.Empty(t, v.problems)
	})
	slices.Sort(v.late)
	var sum time.Duration
	for _, d := range v.late {
		sum += d
	}
	n := len(v.late)
	m = measured{sum / time.Duration(n), v.late[n*95/100], v.late[n-1], v.asked, v.fixed}
	t.Log(m)
	return m
}
