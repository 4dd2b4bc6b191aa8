package poll_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// givenUp has a job whose create call was never found, queued again and not posted
// since.
func givenUp(r *rig, id string) job.Job {
	j := r.posting(id)
	j = r.to(j, job.Submitting, func(j *job.Job) {
		in := *j.Intent
		in.Revoked = time.Now().UTC()
		j.Intent = &in
	})
	require.NoError(r.t, r.s.Learn(r.t.Context(), 0, 0, "ours"))
	return r.to(j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
}

// minutes lets poll tick for a while.
func (r *rig) minutes(n int) {
	for range n {
		require.NoError(r.t, r.tick())
		time.Sleep(time.Minute)
	}
}

func (r *rig) stray(j job.Job) error {
	_, err := r.s.Stray(r.t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
	return err
}

func ready(a *job.Answer) { a.VideoURL, a.Seconds, a.Ratio = "https://films/late", 10, job.Square }

func TestATaskThatShowsUpAfterAllIsGivenBackToItsWaitingJob(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		rows := r.vendor.rows
		r.vendor.rows = nil
		j := givenUp(r, "anna")
		r.minutes(4)
		require.Equal(t, job.Queued, r.job("anna").State)
		r.vendor.rows = rows
		r.vendor.says(job.TaskRunning)
		r.minutes(10)
		got := r.job("anna")
		require.Equal(t, job.Running, got.State)
		require.Equal(t, "late", got.Task.ID)
		require.True(t, got.Task.Adopted)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAFilmThatComesAfterItsJobHasFailedIsKept(t *testing.T) {
	for name, end := range map[string]func(r *rig) job.Job{
		"the job failed": func(r *rig) job.Job {
			r.vendor.listed("late", "ours", time.Second)
			return r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		},
		"its task was taken for lost": func(r *rig) job.Job {
			return r.to(r.submitted("anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := end(r)
				r.vendor.says(job.TaskRunning)
				r.minutes(5)
				require.Equal(t, j.State, r.job("anna").State, "it is not there yet")
				r.vendor.says(job.TaskSucceeded, ready)
				r.minutes(5)
				got := r.job("anna")
				require.Equal(t, job.Storing, got.State)
				require.Nil(t, got.Fault)
				require.Equal(t, "https://films/late", got.Result.URL.Reveal())
				require.Equal(t, job.EMO().Price(job.Square, 10), got.Billed)
				require.Contains(t, r.films, "anna")
				require.ErrorIs(t, r.stray(j), job.ErrNotFound)
			})
		})
	}
}

func TestATaskThatNobodyNeedsAnyMoreIsCanceledWhileThatIsFreeAndElseReported(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := givenUp(r, "anna")
		again, err := r.s.Admit(t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{
			At: time.Now(), VendorAt: time.Now().Add(time.Hour), Until: time.Now().Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1"}})
		require.NoError(t, err)
		r.to(again, job.Submitted, func(j *job.Job) {
			j.Due, j.Task = time.Now(), &job.Task{ID: "second", BaseURL: "https://vendor.test", Status: job.TaskPending, Submitted: time.Now().UTC().Truncate(time.Millisecond)}
		})
		r.vendor.says(job.TaskPending)
		r.minutes(5)
		require.Contains(t, r.vendor.canceled, "late")
		require.NotContains(t, r.vendor.canceled, "second")

		r.vendor.task = func(id string) (job.Answer, error) {
			a := job.Answer{TaskID: id, Status: job.TaskRunning}
			if id == "late" {
				a.Status = job.TaskSucceeded
				ready(&a)
			}
			return a, nil
		}
		r.minutes(2)
		got := r.job("anna")
		require.Equal(t, "second", got.Task.ID)
		require.Equal(t, job.EMO().Price(job.Square, 10), got.Wasted)
		require.Contains(t, r.told, "orphan-late")
		owner, err := r.s.Owner(t.Context(), "late")
		require.NoError(t, err)
		require.Equal(t, "anna", owner)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		r.minutes(5)
		require.Equal(t, job.EMO().Price(job.Square, 10), r.job("anna").Wasted, "once")
	})
}

func TestATaskThatCameToNothingIsForgotten(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Canceled, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeReplaced} })
		r.vendor.says(job.TaskFailed)
		r.minutes(5)
		require.Equal(t, job.Canceled, r.job("anna").State)
		require.Zero(t, r.job("anna").Wasted)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAStrayIsLookedForUntilTheVendorForgetsAndNotOften(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		for range 27 * 6 {
			require.NoError(t, r.tick())
			time.Sleep(10 * time.Minute)
		}
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		require.Less(t, r.vendor.lists, 40)
		require.Greater(t, r.vendor.lists, 20)
	})
}

func TestAStrayIsNotTakenFromStrangers(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("theirs", "others", time.Second)
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.vendor.says(job.TaskSucceeded, ready)
		r.minutes(30)
		require.Equal(t, job.Failed, r.job("anna").State)
		require.Empty(t, r.vendor.asked)
		require.NoError(t, r.stray(j), "it goes on being looked for")
	})
}
