package sim_test

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// clip is the length of most films in a large world: 119 s of the vendor's work.
const clip = 14 * time.Second

// observer sees what a world of thousands of jobs does while it does it, as the world
// itself forgets its calls.
type observer struct {
	mu sync.Mutex
	// ended are the vendor's tasks that ended, as it tells of them.
	ended []emo.Finished
	// open is how many tasks were posted and not seen to have ended, over those that have
	// ended and were not seen yet.
	open int
	over map[string]bool
	// asked are poll's calls to the vendor from the beginning of the present batch of each
	// invocation on.
	asked map[int]*batch
	// most is the most calls of one batch beyond one for each task at the vendor.
	most    int
	batches int
	// seen is up to when the vendor's history was looked at, recent its calls of the
	// last second before, by operation.
	seen   time.Time
	recent map[string][]time.Time
	made   map[string]time.Time // tasks, by id
	calls  map[string]int
	wrong  []string
}

// batch is how many calls one had, and how many tasks there were at the vendor.
type batch struct{ calls, tasks int }

// large makes the configuration of a world with so many slots at the vendor.
func (o *observer) large(slots, inFlight int) sim.Config {
	o.asked, o.recent, o.made, o.calls = map[int]*batch{}, map[string][]time.Time{}, map[string]time.Time{}, map[string]int{}
	o.over = map[string]bool{}
	return sim.Config{MaxInFlight: inFlight, Forget: true, Batch: 10, Log: slog.New(slog.DiscardHandler), Emulator: emo.Config{Slots: slots, HistoryLen: 30_000, OnFinish: func(f emo.Finished) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, f)
		o.over[f.TaskID] = true
	}}}
}

// watch is a plan that lets every call be and counts poll's to the vendor. A batch begins
// with a look at what is due, and lasts until the next one. No create call fails in these
// worlds.
func (o *observer) watch(c sim.Call) sim.Fate {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.Op == "vendor.create" {
		o.open++
		for _, b := range o.asked {
			b.tasks++
		}
	}
	if c.Function != "poll" {
		return sim.Pass
	}
	b := o.asked[c.Invocation]
	switch c.Op {
	case "store.Due":
		o.close(b)
		o.asked[c.Invocation] = &batch{tasks: o.open}
	case "store.EndLease":
		o.close(b)
		delete(o.asked, c.Invocation)
	case "vendor.task":
		b.calls++
		if o.over[c.About] {
			delete(o.over, c.About)
			o.open--
		}
	case "vendor.list":
		b.calls++
	}
	return sim.Pass
}

func (o *observer) close(b *batch) {
	if b != nil {
		o.batches++
		o.most = max(o.most, b.calls-b.tasks)
	}
}

// limits are the vendor's, in calls a second.
var limits = map[string]int{"create": 5, "detect": 5, "query": 20, "list": 20, "cancel": 20}

// history goes on through the vendor's history: the limits hold in every window of a
// second, and no id is asked for past half its life.
func (o *observer) history(w *sim.World) {
	calls := w.Emulator.History()
	slices.SortStableFunc(calls, func(a, b emo.Call) int { return a.Time.Compare(b.Time) })
	for _, c := range calls {
		limit, limited := limits[c.Op]
		if !c.Time.After(o.seen) || !limited {
			continue
		}
		o.calls[c.Op]++
		if c.Status != 200 {
			o.say("%s was answered %d %s", c.Op, c.Status, c.Code)
		}
		last := append(o.recent[c.Op], c.Time)
		if len(last) > limit {
			if window := c.Time.Sub(last[0]); window < time.Second {
				o.say("%d calls of %s in %s at %s", limit+1, c.Op, window, c.Time.Format(time.DateTime))
			}
			last = last[1:]
		}
		o.recent[c.Op] = last
		switch c.Op {
		case "create":
			o.made[c.TaskID] = c.Time
		case "query":
			if age := c.Time.Sub(o.made[c.TaskID]); age > 12*time.Hour {
				o.say("task %s was asked for when it was %s old", c.TaskID, age)
			}
		}
	}
	if len(calls) > 0 {
		o.seen = calls[len(calls)-1].Time
	}
}

func (o *observer) say(format string, args ...any) {
	if len(o.wrong) < 20 {
		o.wrong = append(o.wrong, fmt.Sprintf(format, args...))
	}
}

// films is how many films the vendor has made.
func (o *observer) films() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, f := range o.ended {
		if f.Status == "SUCCEEDED" {
			n++
		}
	}
	return n
}

// run lets the world go on until n films are made, for so long at most, and settle.
func (o *observer) run(w *sim.World, n int, limit time.Duration) {
	for end := time.Now().Add(limit); o.films() < n && time.Now().Before(end); {
		w.Run(20 * time.Minute)
		o.history(w)
	}
	w.Run(10 * time.Minute)
	o.history(w)
}

// drop hands in n pairs at once. Each picture is another file.
func drop(w *sim.World, from, n int) {
	for i := from; i < from+n; i++ {
		name := fmt.Sprintf("courses/week-%d/lesson-%05d", i%7, i)
		w.Hand(name+".wav", sim.Clip(i, clip))
		w.Hand(name+".png", sim.Likeness(portrait(i), i))
	}
}

// delivered demands that n hand-ins ended in one film each, paid for and told once,
// with nothing left behind, and that no promise about the vendor was broken.
func (o *observer) delivered(t *testing.T, w *sim.World, n int) {
	t.Helper()
	over(t, w)
	all, err := w.Jobs()
	require.NoError(t, err)
	require.Len(t, all, n)
	paid := map[string]int{}
	for _, c := range w.Films() {
		paid[c.TaskID]++
	}
	require.Len(t, paid, n, "paid tasks")
	ended := map[string]emo.Finished{}
	for _, f := range o.ended {
		ended[f.TaskID] = f
	}
	require.Len(t, ended, n, "nothing was made that was not used")
	for _, j := range all {
		require.Equal(t, job.Succeeded, j.State, "%s: %+v", j.Name, j.Fault)
		require.Equal(t, 1, paid[j.Task.ID], "%s was paid for", j.Name)
		f := ended[j.Task.ID]
		require.Less(t, f.Scheduled.Sub(f.Submitted), 45*time.Minute, "%s waited at the vendor", j.Name)
		require.Less(t, j.Ended.Sub(f.Ended), 12*time.Hour, "%s: its link", j.Name)
	}
	require.Equal(t, n, len(w.Outbox.Keys("videos/"))/2)
	require.Empty(t, w.Outbox.Keys("failed/"))
	told(t, w, n)
	require.Empty(t, o.wrong)
	require.GreaterOrEqual(t, w.Outbox.Left(), 30*time.Minute, "no link to an input was used past half its hour")
	require.LessOrEqual(t, o.most, 2, "calls to the vendor beyond one a task, in the worst of %d batches", o.batches)
}

// busy is the share of the time from one instant to another for which so many slots
// of the vendor were at work.
func (o *observer) busy(from, to time.Time, slots int) float64 {
	var work time.Duration
	for _, f := range o.ended {
		begin, end := f.Scheduled, f.Ended
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		work += max(0, end.Sub(begin))
	}
	return work.Seconds() / to.Sub(from).Seconds() / float64(slots)
}

// begun are the times at which the vendor began with the tasks, in their order, and
// posted those at which it got them.
func (o *observer) begun() (begun, posted []time.Time, last time.Time) {
	for _, f := range o.ended {
		begun, posted = append(begun, f.Scheduled), append(posted, f.Submitted)
		if f.Ended.After(last) {
			last = f.Ended
		}
	}
	slices.SortFunc(begun, time.Time.Compare)
	slices.SortFunc(posted, time.Time.Compare)
	return begun, posted, last
}
