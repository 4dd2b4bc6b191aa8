package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestWaitsDoubleToFourMinutes(t *testing.T) {
	t.Parallel()
	for tries, want := range []time.Duration{15, 30, 60, 120, 240, 240, 240} {
		require.Equal(t, want*time.Second, job.Backoff(15*time.Second, tries))
	}
	require.Equal(t, job.MaxWait, job.Backoff(time.Second, 1<<60))
	require.Equal(t, job.MaxWait, job.Backoff(time.Hour, 0))
	require.Equal(t, time.Second, job.Backoff(time.Second, -1))
}
