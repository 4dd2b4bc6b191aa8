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
		if many = 300; racing {
			many = 6
		}
	}
	var (
		mu     sync.Mutex
		states = map[job.State]int{}
		paid   int
		failed []string
		held   []string
		next   atomic.Uint64
	)
	t.Run("all", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for n := next.Add(1); n <= uint64(many); n = next.Add(1) {
					play(t, scheduled(n), func(_ *sim.World, v sim.Verdict) {
						mu.Lock()
						defer mu.Unlock()
						for s, k := range v.Jobs {
							states[s] += k
						}
						paid += v.Paid
						for _, h := range v.Held {
							held = append(held, fmt.Sprintf("seed %d: %s", n, h))
						}
						for _, p := range v.Problems {
							failed = append(failed, fmt.Sprintf("seed %d: %s", n, p))
						}
					})
				}
			})
		}
	})
	var line []string
	for _, s := range slices.Sorted(maps.Keys(states)) {
		line = append(line, fmt.Sprintf("%s %d", s, states[s]))
	}
	fmt.Printf("%d seeds, %s: %s; %d films paid for\n", many, split(many), strings.Join(line, ", "), paid)
	for _, h := range held {
		fmt.Println("held:", h)
	}
	for _, f := range failed[:min(len(failed), 200)] {
		t.Errorf("%s", f)
	}
	if len(failed) > 0 {
		t.Errorf("%d problems; replay one with: make sim SEED=n", len(failed))
	}
}

// TestASeedGoesTheSameWayEveryTime plays seeds twice and compares all that happened.
func TestASeedGoesTheSameWayEveryTime(t *testing.T) {
	t.Parallel()
	most := uint64(*seeds) / 50 // 200 of 10,000
	if most == 0 {
		if most = 20; racing {
			most = 2
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
