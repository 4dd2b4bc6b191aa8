package sim_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/sim"
	"emodrop/shared/job"
)

var (
	seeds = flag.Int("seeds", 0, "how many seeds TestSeeds plays; 0: a few hundred, with the race detector a few")
	seed  = flag.Uint64("seed", 0, "play this one seed and print what happened; 0: many")
)

// play lets a schedule happen and judges it.
func play(t *testing.T, s sim.Schedule, after func(w *sim.World, v sim.Verdict)) {
	synctest.Test(t, func(t *testing.T) {
		w, err := sim.New(s.Config)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Close()) }()
		s.Play(w)
		after(w, w.Judge())
	})
}

// each calls f with the numbers from 1 to n, several at once, until it returns false.
func each(t *testing.T, n uint64, f func(uint64) bool) {
	var next atomic.Uint64
	var stop atomic.Bool
	t.Run("all", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1); i <= n && !stop.Load(); i = next.Add(1) {
					if !f(i) {
						stop.Store(true)
					}
				}
			})
		}
	})
}

func drawn() [][]byte {
	all := portraits()
	return all[:]
}

// TestSeeds plays many seeded schedules, each of which drops, repeats, delays and
// reorders what happens, kills functions and lets every neighbour fail, and demands
// that nothing is lost, paid for twice, told wrongly or stuck.
func TestSeeds(t *testing.T) {
	t.Parallel()
	if *seed != 0 {
		s := scheduled(*seed)
		play(t, s, func(w *sim.World, v sim.Verdict) {
			fmt.Printf("%s\n%+v\nstorm %+v\nvendor's faults %v\n", w.Trace(testing.Verbose()), v, s.Config.Storm, s.Config.Emulator.FaultRates)
			require.Empty(t, v.Problems)
		})
		return
	}
	many := *seeds
	if many == 0 {
		if many = 200; racing {
			many = 3
		}
	}
	var (
		mu     sync.Mutex
		states = map[job.State]int{}
		failed []string
		held   []string
		paid   int
		double int
		late   int
		began  = time.Now()
		first  = flag.Lookup("test.failfast").Value.String() == "true"
	)
	each(t, uint64(many), func(n uint64) bool {
		play(t, scheduled(n), func(_ *sim.World, v sim.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			for s, k := range v.Jobs {
				states[s] += k
			}
			paid, double, late = paid+v.Paid, double+v.Double, late+v.Late
			for _, h := range v.Held {
				held = append(held, fmt.Sprintf("seed %d: %s", n, h))
			}
			for _, p := range v.Problems {
				failed = append(failed, fmt.Sprintf("seed %d: %s", n, p))
			}
		})
		mu.Lock()
		defer mu.Unlock()
		return !first || len(failed) == 0
	})
	var line []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		line = append(line, fmt.Sprintf("%s %d", s, states[s]))
	}
	fmt.Printf("%d seeds in %s (%s): %s; %d films paid for, %d of them twice (and %d where the list lagged for longer than it is waited for, each told with its cost); %d needed a person\n", many, time.Since(began).Round(time.Second),
		split(many), strings.Join(line, ", "), paid, double, late, len(held))
	for _, h := range held {
		fmt.Println("held:", h)
	}
	for _, f := range failed[:min(len(failed), 200)] {
		t.Errorf("%s", f)
	}
	if len(failed) > 0 {
		t.Errorf("%d problems; make sim SEED=n plays one seed and prints what happened", len(failed))
	}
}

// TestTheNaiveStackPaysTwice is the control: a stack that simply makes a create call
// again when it got no clear answer, in a tenth of the same storms. If it did no
// damage, that the real one does none would say nothing.
func TestTheNaiveStackPaysTwice(t *testing.T) {
	t.Parallel()
	if *seed != 0 || racing {
		return // one seed is to be looked at; and a naive stack's races are nobody's
	}
	var mu sync.Mutex
	n, films, double := uint64(max(20, *seeds/10)), 0, 0
	each(t, n, func(n uint64) bool {
		s := sim.NewSchedule(n, drawn())
		s.Config.Naive = true
		play(t, s, func(_ *sim.World, v sim.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			films, double = films+v.Paid, double+v.Double+v.Late
		})
		return true
	})
	fmt.Printf("naive control, %d seeds: %d films paid for, %d of them twice\n", n, films, double)
	require.Greater(t, double, *seeds/100, "storms in which a naive stack pays for hardly anything twice prove nothing")
}

// TestASeedGoesTheSameWayEveryTime plays seeds twice and compares all that happened.
func TestASeedGoesTheSameWayEveryTime(t *testing.T) {
	t.Parallel()
	most := uint64(*seeds) / 50 // 200 of 10,000
	if most == 0 {
		if most = 10; racing {
			return // the seeds themselves show what races
		}
	}
	for n := range most {
		var traces []string
		for range 2 {
			play(t, scheduled(n+1), func(w *sim.World, _ sim.Verdict) { traces = append(traces, w.Trace(true)) })
		}
		if traces[0] != traces[1] {
			a, b := strings.Split(traces[0], "\n"), strings.Split(traces[1], "\n")
			i := 0
			for i < min(len(a), len(b)) && a[i] == b[i] {
				i++
			}
			require.Failf(t, "not the same", "seed %d, line %d:\n%s\nnow\n%s", n+1, i, strings.Join(a[max(0, i-3):min(len(a), i+3)], "\n"), strings.Join(b[max(0, i-3):min(len(b), i+3)], "\n"))
		}
	}
}
