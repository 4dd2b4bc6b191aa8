package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// closures counts how often the gate was closed anew, and opened.
func closures(w *sim.World) (closed, opened int) {
	for _, c := range w.Calls() {
		switch c.Op {
		case "store.CloseGate":
			closed++
		case "store.Reopen":
			opened++
		}
	}
	return closed, opened
}

func TestAKeyThatIsRefusedForAnHourCostsAnHour(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		hand(w, 2)
		w.Run(70 * time.Second)
		w.SetKey("sk-revoked")
		for i := range 4 {
			w.Hand(strings.Repeat("x", i+1)+".wav", sim.Recording(10+i, length))
			w.Hand(strings.Repeat("x", i+1)+".png", portrait(10+i))
		}
		w.Run(30 * time.Minute)
		g, err := w.Store.Gate(t.Context())
		require.NoError(t, err)
		require.Equal(t, job.CodeKeyRefused, g.Closed.Code)
		w.Run(30 * time.Minute)
		for name, j := range jobs(t, w) {
			require.NotEqual(t, job.Failed, j.State, name)
			require.NotEqual(t, job.Rejected, j.State, name)
			require.Nil(t, j.Fault, name)
		}
		refused := 0
		for _, op := range []string{"create", "detect", "query", "list"} {
			refused += calls(w, op)[401]
		}
		require.Less(t, refused, 40, "no storm: a few first calls, then the probe's")
		require.LessOrEqual(t, calls(w, "create")[401], 1)
		_, opened := closures(w)
		require.Zero(t, opened)

		w.SetKey("sk-sim")
		w.Run(30 * time.Minute)
		all := jobs(t, w)
		require.Len(t, all, 6)
		for name, j := range all {
			require.Equal(t, job.Succeeded, j.State, name)
		}
		require.Len(t, w.Films(), 6)
		told(t, w, 6)
		over(t, w)
		_, opened = closures(w)
		require.Equal(t, 1, opened)
	})
}

func TestAnAccountWithoutMoneyFailsNoJob(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{{Op: "create", Kind: "status", Code: "Arrearage", Count: 20}}}}, func(t *testing.T, w *sim.World) {
		hand(w, 3)
		w.Run(2 * time.Hour)
		finished(t, w, 3)
	})
}

func TestAStormOfThrottlingIsWaitedOut(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"create", "detect", "query"} {
		oneOf(t, op, func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
				add(t, w, emo.Rule{Op: op, Kind: "throttle"})
				hand(w, 3)
				w.Run(time.Hour)
				require.Less(t, calls(w, op)[429], 800, "an hour of four jobs' patience")
				for name, j := range jobs(t, w) {
					require.False(t, j.State.Final(), "%s is %s", name, j.State)
				}
				w.Emulator.ClearFaults()
				w.Run(patience)
				finished(t, w, 3)
			})
		})
	}
}
