package console

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

func TestFilmsAreExpectedOneAfterTheOtherByTheMeasuredSpeed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local)
	at := func(n int, s job.State, started time.Duration) job.Job {
		j := one(n, s, "x")
		j.Audio.Seconds = 10
		if s.AtVendor() {
			j.Task = &job.Task{Submitted: now.Add(-started)}
			if s == job.Running {
				j.Task.Started = now.Add(-started)
			}
		}
		return j
	}
	l := &look{jobs: []job.Job{at(1, job.Queued, 0), at(2, job.Queued, 0), at(3, job.Submitted, time.Minute), at(4, job.Running, 30*time.Second),
		at(5, job.Storing, 0), at(6, job.Succeeded, 0), at(7, job.Received, 0)},
		queue: []string{idOf(2), idOf(99), idOf(1)}, gate: job.Gate{Speeds: []int64{6000}, Slots: map[string]job.Slot{idOf(3): {Seconds: 10}, idOf(4): {Seconds: 10}, idOf(98): {Seconds: 20}}}}
	got := l.forecast(job.EMO(), now)
	in := func(d time.Duration) time.Time { return now.Add(d).Add(5 * time.Second) }
	require.Equal(t, map[string]job.Outlook{
		idOf(4): {Done: in(30 * time.Second)}, // half of its minute is over
		idOf(3): {Done: in(90 * time.Second)},
		idOf(5): {Done: in(0)},
		idOf(2): {Place: 1, Done: in(90*time.Second + 2*time.Minute + time.Minute)}, // behind two minutes that the page does not show
		idOf(1): {Place: 3, Done: in(90*time.Second + 2*time.Minute + 3*time.Minute)},
	}, got)
	for lang, want := range map[words.Lang][2]string{words.English: {"ready in a moment", "Number 3 in the queue · ready about 12:07"}, words.Chinese: {"即将完成", "排在第 3 位 · 预计 12:07 完成"}} {
		soon, err := expected(got[idOf(4)], lang, now)
		require.NoError(t, err)
		late, err := expected(got[idOf(1)], lang, now)
		require.NoError(t, err)
		require.Equal(t, want, [2]string{soon, late})
	}
	l.gate.Closed = &job.Closure{}
	require.Equal(t, job.Outlook{Place: 1}, l.forecast(job.EMO(), now)[idOf(2)], "while nothing is sent nobody can tell")
}
