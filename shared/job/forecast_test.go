package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestADedicatedDeploymentWorksOnSeveralFilmsAtOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	var jobs []job.Job
	var queue []string
	for _, id := range []string{"a", "b", "c", "d"} {
		jobs = append(jobs, job.Job{ID: id, State: job.Queued, Audio: job.Input{Seconds: 60}})
		queue = append(queue, id)
	}
	g := job.Gate{Speeds: []int64{10_000}}
	one, last := g.Forecast(jobs, queue, 3, job.EMO(), now)
	require.Equal(t, now.Add(10*time.Minute+5*time.Second), one["a"].Done)
	require.Equal(t, now.Add(40*time.Minute+5*time.Second), one["d"].Done)
	require.Equal(t, one["d"].Done, last)
	many, last := g.Forecast(jobs, queue, 6, job.EMO(), now)
	require.Equal(t, now.Add(10*time.Minute+5*time.Second), many["a"].Done, "no film is made faster than it is")
	require.True(t, many["d"].Done.Before(one["c"].Done))
	require.Equal(t, 4, many["d"].Place)
	require.Equal(t, many["d"].Done, last)
	g.Closed = &job.Closure{}
	closed, last := g.Forecast(jobs, queue, 3, job.EMO(), now)
	require.Equal(t, job.Outlook{Place: 2}, closed["b"])
	require.Zero(t, last)
	_, last = job.Gate{}.Forecast(nil, nil, 3, job.EMO(), now)
	require.Zero(t, last)
}
