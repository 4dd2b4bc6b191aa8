package sim_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

func TestAPutHoldsToTheConditionItWasDecidedOn(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		b := w.Outbox
		first, err := b.Put(sim.Object{Key: "a", Data: []byte("1")}, "-")
		require.NoError(t, err)
		_, err = b.Put(sim.Object{Key: "a", Data: []byte("2")}, "-")
		require.ErrorIs(t, err, job.ErrConflict)
		second, err := b.Put(sim.Object{Key: "a", Data: []byte("2")}, first)
		require.NoError(t, err)
		_, err = b.Put(sim.Object{Key: "a", Data: []byte("3")}, first)
		require.ErrorIs(t, err, job.ErrConflict)
		b.Delete("a")
		_, err = b.Put(sim.Object{Key: "a", Data: []byte("3")}, second)
		require.ErrorIs(t, err, job.ErrNotFound)
		require.Equal(t, 2, b.Puts("a"))
		require.Empty(t, b.Keys(""))
	})
}

// TestALinkWorksWhileItsObjectIsThereAndUntilItEnds takes the links that the vendor
// was given.
func TestALinkWorksWhileItsObjectIsThereAndUntilItEnds(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{LinkLife: 10 * time.Minute}, func(t *testing.T, w *sim.World) {
		get := func(link string) int {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
			require.NoError(t, err)
			resp, err := w.Outbox.RoundTrip(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, resp.ContentLength, int64(len(body)))
			return resp.StatusCode
		}
		_, err := w.Outbox.Put(sim.Object{Key: "staging/a.png", Data: []byte("x"), ContentType: "image/png"}, "")
		require.NoError(t, err)
		link := sim.Link("staging/a.png", time.Now().Add(10*time.Minute)).Reveal()
		require.Equal(t, http.StatusOK, get(link))
		require.Equal(t, http.StatusForbidden, get(link+"0"), "another signature")
		require.Equal(t, http.StatusForbidden, get(sim.Link("staging/b.png", time.Now().Add(time.Hour)).Reveal()), "no such object")
		w.Run(10 * time.Minute)
		require.Equal(t, http.StatusForbidden, get(link))
		again := sim.Link("staging/a.png", time.Now().Add(time.Minute)).Reveal()
		w.Outbox.Delete("staging/a.png")
		require.Equal(t, http.StatusForbidden, get(again))
	})
}

func TestAnInvocationThatRunsIntoItsLimitHasNoEffectAfterwards(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{Latency: 25 * time.Second}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		w.Run(20 * time.Minute)
		first := map[int]time.Duration{}
		for _, c := range w.Calls() {
			if c.Function == "poll" {
				first[c.Invocation] += 25 * time.Second
			}
		}
		require.NotEmpty(t, first)
		for n, took := range first {
			require.LessOrEqual(t, took, 75*time.Second, "invocation %d of poll goes on after its minute", n)
		}
	})
}

func TestUnfinishedNamesWhatIsStillUnderWay(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{{Op: "work", Kind: "stuck"}}}}, func(t *testing.T, w *sim.World) {
		over(t, w)
		hand(w, 1)
		w.Run(5 * time.Minute)
		left, err := w.Unfinished()
		require.NoError(t, err)
		require.Contains(t, left, "job-00")
		require.Contains(t, left, "RUNNING")
		require.Contains(t, left, "slot of")
	})
}

func TestAWorldThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := sim.New(sim.Config{Emulator: emo.Config{Slots: -1}})
		require.ErrorContains(t, err, "Slots")
		_, err = sim.New(sim.Config{MaxInFlight: -1})
		require.ErrorContains(t, err, "MaxInFlight")
	})
}
