package sim_test

import (
	"testing"
	"time"

	"emodrop/local/sim"
)

func TestOverTheWireAPairBecomesOneFilmPaidAndToldOnce(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		w.Run(3 * time.Minute)
		if testing.Verbose() {
			t.Log(w.Trace(true))
		}
		finished(t, w, 1)
	})
}
