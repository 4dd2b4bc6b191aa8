package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/sim"
)

func TestAPairBecomesOneFilmPaidAndToldOnce(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		began := time.Now()
		hand(w, 1)
		w.Run(3 * time.Minute)
		finished(t, w, 1)
		j := jobs(t, w)["job-00"]
		require.Less(t, j.Ended.Sub(began), 95*time.Second, "settling, 17 s of work, and the schedule's minute")
		require.Equal(t, 1, j.Attempt)
		require.Equal(t, 1, j.Posts)
		require.False(t, j.Task.Adopted)
		require.Len(t, w.Notes(), 1)
		require.Len(t, w.Events(), 1)
		require.Len(t, w.Emulator.Ledger(), 2, "one detect, one film")
	})
}
