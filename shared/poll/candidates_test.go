package poll_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// TestAnotherJobsTaskIsPassedOverForTheLostOne has both in the list: whose the other is
// does not end the search.
func TestAnotherJobsTaskIsPassedOverForTheLostOne(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		r.vendor.listed("lost", "k1", 2*time.Second)
		r.vendor.listed("task-bert", "k1", time.Second)
		time.Sleep(91 * time.Second)
		r.submitted("bert")
		r.until("anna", 2*time.Minute, job.Submitted, job.Running)
		require.Equal(t, "lost", r.job("anna").Task.ID)
		require.Equal(t, "k1", r.theGate().KeyID, "bert's create was answered")
	})
}

func TestOwnersThatCannotBeReadSettleNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		r.vendor.listed("lost", "k1", time.Second)
		r.broken["Owner"] = errAWS
		for range 30 {
			_ = r.tick()
			time.Sleep(time.Minute)
		}
		require.Equal(t, job.Submitting, r.job("anna").State, "it may be another job's")
		require.Empty(t, r.removed)
		delete(r.broken, "Owner")
		r.until("anna", time.Minute, job.Submitted, job.Running)
	})
}

func TestATaskThatCameToNothingKeepsNoJobFromThePost(t *testing.T) {
	for _, status := range []job.TaskStatus{job.TaskFailed, job.TaskCanceled} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				require.NoError(t, r.s.LearnKey(t.Context(), "k1"))
				r.posting("anna")
				r.vendor.listed("whose", "k2", time.Second)
				r.vendor.rows[0].Status = status
				r.until("anna", 20*time.Minute, job.Queued, job.Held)
				require.Equal(t, job.Queued, r.job("anna").State, "whosever it was, it cost nothing")
			})
		})
	}
}

// forgetful has lost the record of a job.
type forgetful struct {
	poll.Jobs
	id string
}

func (f forgetful) Job(ctx context.Context, id string) (job.Job, error) {
	if id == f.id {
		return job.Job{}, job.ErrNotFound
	}
	return f.Jobs.Job(ctx, id)
}

func TestOnlyTheTaskThatAJobHasNowTellsOfAKey(t *testing.T) {
	for name, change := range map[string]func(r *rig){
		"the job has another by now": func(r *rig) {
			r.to(r.job("bert"), job.Submitted, func(j *job.Job) { j.Task = &job.Task{ID: "newer", Submitted: time.Now()} })
		},
		"the job is tried again": func(r *rig) {
			j := r.to(r.job("bert"), job.Canceled, func(*job.Job) {})
			r.to(j, job.Received, func(j *job.Job) { j.Due, j.Task = time.Now().Add(24*time.Hour), nil })
		},
		"the job's record is gone": func(r *rig) {
			r.to(r.job("bert"), job.Canceled, func(*job.Job) {})
			r.change = func(c *poll.Config) { c.Jobs = forgetful{c.Jobs, "bert"} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				require.NoError(t, r.s.LearnKey(t.Context(), "k1"))
				r.submitted("bert")
				r.vendor.listed("task-bert", "k9", 0)
				change(r)
				time.Sleep(5 * time.Minute)
				r.posting("anna")
				r.vendor.listed("a", "k9", time.Second)
				r.until("anna", 20*time.Minute, job.Held, job.Submitted, job.Running)
				require.Equal(t, job.Held, r.job("anna").State, "the older one may have been adopted from a stranger")
				require.Equal(t, "k1", r.theGate().KeyID)
			})
		})
	}
}

func TestUntilTheQuietPeriodIsOverALaterTaskMayTellWhichKeyIsOurs(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		require.NoError(t, r.s.LearnKey(t.Context(), "k1"))
		r.posting("anna")
		r.vendor.listed("a", "k2", time.Second) // the key has been exchanged
		for range 4 * 16 {
			require.NoError(t, r.tick())
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, job.Submitting, r.job("anna").State)
		r.submitted("bert")
		r.vendor.listed("task-bert", "k2", 0)
		r.until("anna", 3*time.Minute, job.Submitted, job.Running)
		require.Equal(t, "a", r.job("anna").Task.ID)
	})
}
