package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/report"
)

// TestKilledAnywhereTheResultsAreRightInTheEnd dies at every call, before and after.
func TestKilledAnywhereTheResultsAreRightInTheEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	// prepared is a manifest of which both rows have ended since its last report, if it
	// has had one.
	prepared := func(w *world, reported bool) {
		if reported {
			w.report()
			time.Sleep(time.Minute)
		}
		w.end(0, job.Failed)
		w.end(1, job.Rejected)
	}
	in(t, 2, func(t *testing.T, w *world) {
		prepared(w, true)
		w.calls = 0
		w.report()
		calls = w.calls
	})
	require.Greater(t, calls, 8)
	for n := 1; n <= calls+2; n++ {
		for fate := range 4 {
			after := fate%2 == 1
			in(t, 2, func(t *testing.T, w *world) {
				prepared(w, fate > 1)
				w.calls, w.killAt, w.after = 0, n, after
				_, _ = w.step().Report(t.Context(), w.m.ID())
				w.killAt = 0
				for range 3 {
					time.Sleep(time.Minute)
					w.report()
				}
				require.Equal(t, []string{"r0 FAILED vendor_failed", "r1 REJECTED face_refused"}, w.lines())
				require.Zero(t, w.now().Due)
				seen := map[string]bool{}
				for _, m := range w.told {
					seen[m.ID] = true
				}
				// What was written down and not sent is poll's to send.
				due, err := w.s.Due(t.Context(), time.Now().Add(time.Hour), 10)
				require.NoError(t, err)
				for _, d := range due {
					if d.Kind == job.DueMessage && strings.HasPrefix(d.ID, "manifest-") {
						seen[d.ID] = true
					}
				}
				require.Len(t, seen, 2, "call %d, after %t", n, after)
			})
		}
	}
}

// TestKilledAnywhereAPortionIsTakenFromTheResultsInTheEnd is the same with a portion that
// somebody has deleted.
func TestKilledAnywhereAPortionIsTakenFromTheResultsInTheEnd(t *testing.T) {
	t.Parallel()
	calls := 0
	prepared := func(w *world) {
		w.report()
		time.Sleep(time.Minute)
		w.end(0, job.Failed)
		w.end(1, job.Rejected)
		w.remove(job.PortionKey(w.m, 0))
		w.calls = 0
	}
	in(t, 2, func(t *testing.T, w *world) {
		prepared(w)
		w.report()
		calls = w.calls
	})
	require.Greater(t, calls, 12)
	for n := 1; n <= calls; n++ {
		for _, after := range []bool{false, true} {
			in(t, 2, func(t *testing.T, w *world) {
				prepared(w)
				w.killAt, w.after = n, after
				_, _ = w.step().Report(t.Context(), w.m.ID())
				w.killAt = 0
				for range 3 {
					time.Sleep(time.Minute)
					w.report()
				}
				require.Equal(t, []string{"r0 FAILED vendor_failed", "r1 REJECTED face_refused"}, w.lines(), "call %d, after %t", n, after)
				require.False(t, w.now().Lost)
			})
		}
	}
}

func TestWhatIsMissingIsListed(t *testing.T) {
	t.Parallel()
	_, err := report.New(report.Config{})
	for _, what := range []string{"Manifests", "Jobs", "Lines", "Tell", "Log"} {
		require.ErrorContains(t, err, "report: "+what+" is required")
	}
}
