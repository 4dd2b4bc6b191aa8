package sim_test

import (
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/local/sim"
)

// sized chooses between what is promised, which `make sim-scale` tries and takes
// minutes for, and what an ordinary run makes of it.
func sized(promised, everyDay int) int {
	if os.Getenv("EMODROP_SCALE") != "" {
		return promised
	}
	return everyDay
}

// turn is how long a place at the vendor may stand empty after its task has ended, if
// nothing waits there: a batch, its questions, and the posting of the next.
const turn = 30 * time.Second

// inFlight is the MaxInFlight of a dedicated deployment: its units, and what ends of
// such clips within a turn.
func inFlight(units int) int {
	work := clip * 17 / 2 // the vendor's, at 8.5 s a second of film
	return units + int(math.Ceil(float64(units)*turn.Seconds()/work.Seconds()))
}

// TestThousandsOfJobsGoThroughOneSlot is a week of the shared model: all is dropped at
// once, and waits in our queue.
func TestThousandsOfJobsGoThroughOneSlot(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	n := sized(5000, 5)
	var o observer
	in(t, o.large(1, 3), func(t *testing.T, w *sim.World) {
		w.SetPlan(o.watch)
		drop(w, 0, n)
		o.run(w, n, time.Duration(n)*2*time.Minute+time.Hour)
		o.delivered(t, w, n)
		begun, _, last := o.begun()
		busy := o.busy(begun[0], last, 1)
		t.Logf("%d films in %s, the slot busy %.2f %% of the time", n, last.Sub(begun[0]), 100*busy)
		require.GreaterOrEqual(t, busy, .995)
	})
}

// TestThousandsOfJobsKeepADedicatedDeploymentBusy has a hundred slots, with everything
// dropped at once.
func TestThousandsOfJobsKeepADedicatedDeploymentBusy(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	n, slots := sized(5000, 12), sized(100, 4)
	var o observer
	in(t, o.large(slots, inFlight(slots)), func(t *testing.T, w *sim.World) {
		w.SetPlan(o.watch)
		drop(w, 0, n)
		o.run(w, n, 24*time.Hour)
		o.delivered(t, w, n)
		begun, posted, last := o.begun()
		first, empty := begun[slots-1], posted[n-1]
		busy := o.busy(first, empty, slots)
		t.Logf("%d films in %s, the first wave in %s; until the queue was empty all slots were busy %.2f %% of the time",
			n, last.Sub(begun[0]), first.Sub(begun[0]), 100*busy)
		if n < 100 {
			return // so few come together and end together, with nobody left to wait
		}
		require.GreaterOrEqual(t, busy, .98)
	})
}

// TestThousandsOfJobsOverADayAreMadeAsTheyCome has most come at noon and none at
// midnight.
func TestThousandsOfJobsOverADayAreMadeAsTheyCome(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	n, slots := sized(10_000, 6), sized(100, 4)
	day := 24 * time.Hour
	if n < 100 {
		day = 10 * time.Minute
	}
	var o observer
	in(t, o.large(slots, inFlight(slots)), func(t *testing.T, w *sim.World) {
		w.SetPlan(o.watch)
		began := time.Now()
		for i := range n {
			at := began.Add(time.Duration(float64(day) * daytime((float64(i)+.5)/float64(n))))
			for time.Until(at) > 20*time.Minute {
				w.Run(20 * time.Minute)
				o.history(w)
			}
			w.Run(time.Until(at))
			drop(w, i, 1)
			if i%500 == 0 {
				o.history(w)
			}
		}
		o.run(w, n, time.Hour)
		o.delivered(t, w, n)
		all, err := w.Jobs()
		require.NoError(t, err)
		var longest time.Duration
		for _, j := range all {
			longest = max(longest, j.Ended.Sub(j.Received))
		}
		t.Logf("%d films in a day of %s, each in %s at most", n, day, longest)
		require.Less(t, longest, 4*time.Minute, "two minutes of work, and nobody waits for a place")
	})
}

// daytime is at what part of the day that part of all hand-ins has come, with the rate
// following the sun.
func daytime(part float64) float64 {
	low, high := 0., 1.
	for range 40 {
		at := (low + high) / 2
		if at-math.Sin(2*math.Pi*at)/(2*math.Pi) < part {
			low = at
		} else {
			high = at
		}
	}
	return low
}
