package poll_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
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
