package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAControlObjectCountsOnceForEachWriting(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := job.Heeded{Rev: 1, ETag: "e", Written: at}
	require.True(t, job.Heeded{}.Counts(at, "e"))
	require.False(t, h.Counts(at, "e"), "the same again")
	require.False(t, h.Counts(at.Add(900*time.Millisecond), "e"), "as a listing has it that is finer")
	require.False(t, h.Counts(at.Add(-time.Second), "other"), "an older one that comes late")
	require.True(t, h.Counts(at, "other"), "other content in the same second")
	require.True(t, h.Counts(at.Add(time.Second), "e"), "written again")
}

func TestAnOrderIsOutdatedWhenItsFilesAreNewer(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := job.Order{Control: job.Control{Written: at}}
	require.False(t, o.Outdated())
	for _, put := range []func(*job.Stem, *job.Half){
		func(s *job.Stem, h *job.Half) { s.Image = h }, func(s *job.Stem, h *job.Half) { s.Audio = h }, func(s *job.Stem, h *job.Half) { s.Sidecar = h },
	} {
		o.Stem = job.Stem{}
		put(&o.Stem, &job.Half{Modified: at})
		require.False(t, o.Outdated(), "uploaded together")
		put(&o.Stem, &job.Half{Modified: at.Add(time.Second)})
		require.True(t, o.Outdated())
	}
	require.False(t, o.Before(at.Add(time.Second)), "S3 leaves out the part of the second")
	require.True(t, o.Before(at.Add(1001*time.Millisecond)))
}
