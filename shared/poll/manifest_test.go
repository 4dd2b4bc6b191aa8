package poll_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAManifestIsReportedOnInItsTimeAndItsRowsAreSubmits(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		due := func(stem string, at time.Time) string {
			m := job.Manifest{Name: job.Name{Stem: stem}}
			put, err := r.s.PutManifest(t.Context(), m, job.Manifest{File: job.Half{Key: stem}, Due: at})
			require.NoError(t, err)
			return put.ID()
		}
		now, open := due("a", time.Now()), due("b", time.Now())
		due("later", time.Now().Add(time.Hour))
		r.left = map[string]bool{open: true}
		require.NoError(t, r.tick())
		require.ElementsMatch(t, []string{now, open}, r.reported)
		require.Equal(t, []job.Work{{Dispatch: true, Manifests: []string{open}}}, r.work)

		r.broken["Report"] = errors.New("down")
		r.work = nil
		require.ErrorContains(t, r.tick(), "down")
		require.Empty(t, r.work)
	})
}
