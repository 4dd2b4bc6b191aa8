package poll_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// sleepy is a store whose index shows nothing.
type sleepy struct{ *counted }

func (sleepy) Due(context.Context, time.Time, int) ([]job.Due, error) { return nil, nil }

func TestWhoeverHoldsASlotIsLookedAtWithoutADueTime(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.submitted("anna")
		next := j
		next.Due = time.Now().Add(time.Hour)
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		r.change = func(c *poll.Config) { c.Agenda = sleepy{c.Agenda.(*counted)} }
		r.vendor.says(job.TaskRunning)
		for range 3 {
			require.NoError(t, r.tick())
		}
		require.Equal(t, []string{"task-anna", "task-anna", "task-anna"}, r.vendor.asked, "once a batch")
		require.Equal(t, job.Running, r.job("anna").State)
	})
}

func TestWhatIsDueAndHoldsASlotIsLookedAtOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for i := range 30 {
			r.submitted(fmt.Sprint("job-", i))
		}
		require.NoError(t, r.tick())
		require.Len(t, r.vendor.asked, 30)
	})
}

func TestTheLongestAtTheVendorAreLookedAtFirst(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		var want []string
		for i := range 20 {
			id := fmt.Sprint("job-", 20-i) // not in the order of their names
			r.submitted(id)
			want = append(want, "task-"+id)
			time.Sleep(time.Second)
		}
		r.vendor.task = func(string) (job.Answer, error) {
			return job.Answer{}, said(job.Verdict{Outcome: job.Throttled})
		}
		require.NoError(t, r.tick())
		require.Subset(t, want[:17], r.vendor.asked, "the vendor takes no more: the newest can wait")
	})
}

func TestAPostThatIsStillUnderWayIsNotLookedInto(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		require.NoError(t, r.tick())
		require.Zero(t, r.vendor.lists, "its intent's time is not over, and it holds a slot all the same")
		require.Contains(t, r.theGate().Slots, "anna")
	})
}

func TestAFilmInHandIsLeftToWhoeverHasIt(t *testing.T) {
	type step struct {
		after  time.Duration
		handed int // to finalize, all in all
	}
	for name, c := range map[string]struct {
		finalize func(j *job.Job, now time.Time) // what finalize wrote, a second after it was handed over
		steps    []step
	}{
		"nobody began": {nil, []step{{30 * time.Second, 1}, {59 * time.Second, 1}, {62 * time.Second, 2}, {100 * time.Second, 2}, {125 * time.Second, 3}}},
		"somebody began and died": {func(j *job.Job, now time.Time) { j.Busy = now.Add(6 * time.Minute) },
			[]step{{90 * time.Second, 1}, {5 * time.Minute, 1}, {6*time.Minute + 2*time.Second, 2}}},
		"it could not be copied, and waits": {func(j *job.Job, now time.Time) { j.Due = now.Add(15 * time.Second) },
			[]step{{10 * time.Second, 1}, {17 * time.Second, 2}, {60 * time.Second, 2}, {80 * time.Second, 3}}},
		"it could not be copied, and waits longer": {func(j *job.Job, now time.Time) { j.Due = now.Add(10 * time.Minute) },
			[]step{{2 * time.Minute, 1}, {9 * time.Minute, 1}, {10*time.Minute + 2*time.Second, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.submitted("anna")
				time.Sleep(2 * time.Minute)
				due := j.Due
				r.vendor.says(job.TaskSucceeded, func(a *job.Answer) { a.VideoURL = "https://films/1" })
				require.NoError(t, r.tick())
				began := time.Now()
				require.Equal(t, due, r.job("anna").Due, "its place in the index stays")
				if c.finalize != nil {
					time.Sleep(time.Second)
					j := r.job("anna")
					next := j
					c.finalize(&next, time.Now())
					_, err := r.s.Move(t.Context(), j, next)
					require.NoError(t, err)
				}
				for _, s := range c.steps {
					time.Sleep(time.Until(began.Add(s.after)))
					require.NoError(t, r.tick())
					require.Len(t, r.films, s.handed, "%s after it was handed over", s.after)
				}
			})
		})
	}
}

func TestWhatATaskNeededIsForgottenWhenItHasSucceeded(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.submitted("anna")
		next := j
		next.Face = job.Face{Pass: true, Ext: job.Box{0, 0, 4, 4}}
		task := *j.Task
		task.RequestID, task.Created = "request-1", time.Now().UTC().Truncate(time.Second)
		next.Task = &task
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		r.vendor.says(job.TaskSucceeded, func(a *job.Answer) { a.VideoURL = "https://films/1" })
		require.NoError(t, r.tick())
		got := r.job("anna")
		require.Equal(t, job.Storing, got.State)
		require.Zero(t, got.Face)
		require.Empty(t, got.Task.RequestID)
		require.Zero(t, got.Task.Created)
		require.Equal(t, j.Task.ID, got.Task.ID)
		require.Equal(t, j.Task.BaseURL, got.Task.BaseURL, "the link may have to be asked for again")
	})
}
