package submit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/submit"
)

// costs has a queued job cost what its ten seconds do, and its film 0.88 at most.
func (r *rig) costs(id string, seconds float64) job.Job {
	j := r.queued(id)
	next := j
	next.Audio.Seconds, next.Quoted = seconds, job.EMO().Price(job.Square, seconds)
	j, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
	return j
}

func (r *rig) budget(b job.Budget) { r.change = func(c *submit.Config) { c.Budget = b } }

// charged ends a job's task with its bill.
func (r *rig) charged(id string) {
	j := r.job(id)
	next := j
	next.State, next.Billed, next.Due = job.Storing, j.Quoted, time.Now()
	_, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
}

func TestABudgetThatMayBeUsedUpByWhatIsAtTheVendorIsWaitedFor(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.budget(job.Budget{Daily: 1_690_000})
		r.costs("first", 10)
		time.Sleep(time.Second)
		r.costs("second", 10)
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1, "two may cost 1.76")
		require.Nil(t, r.theGate().Closed, "but if the first one costs what was quoted, both may be had")
		require.Empty(t, r.told)
		r.charged("first")
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 2)
	})
}

func TestABudgetThatIsReachedClosesTheGateAndIsToldOnceAndNobodyOvertakes(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.budget(job.Budget{Monthly: 1_600_000})
		r.costs("first", 10)
		require.NoError(t, r.step().Dispatch(t.Context()))
		r.charged("first")
		r.costs("long", 10)
		time.Sleep(time.Second)
		r.costs("short", 1)
		for range 3 {
			require.NoError(t, r.step().Dispatch(t.Context()))
		}
		require.Len(t, r.vendor.creates, 1)
		g := r.theGate()
		require.Equal(t, job.CodeBudget, g.Closed.Code)
		require.Equal(t, "CNY 1.60 a month", g.Closed.Detail)
		require.Len(t, r.told, 1)
		m, err := r.s.Message(t.Context(), r.told[0])
		require.NoError(t, err)
		require.Equal(t, &job.Shortage{Period: job.Month, Limit: 1_600_000, Spent: 800_000, Need: 880_000}, m.Short)
		for _, id := range []string{"long", "short"} {
			require.Equal(t, job.Queued, r.job(id).State, "what waits has not failed")
		}
	})
}

func TestWhatIsHandedInIsCheckedWhileTheBudgetIsReached(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.budget(job.Budget{Daily: job.Yuan})
		_, closed, err := r.s.CloseBudget(t.Context(), job.Shortage{Period: job.Day, Limit: job.Yuan})
		require.NoError(t, err)
		require.True(t, closed)
		r.received("anna")
		require.NoError(t, r.step().Prepare(t.Context(), "anna"))
		require.Equal(t, job.Queued, r.job("anna").State, "a face that cannot be used is told today")
		require.Equal(t, 1, r.vendor.detects)
	})
}

func TestAFilmThatNoBudgetHasRoomForIsRefusedBeforeAnythingIsPaid(t *testing.T) {
	for name, b := range map[string]job.Budget{"a day": {Daily: 870_000, Monthly: 100 * job.Yuan}, "a month": {Monthly: 870_000}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.budget(b)
				r.received("anna")
				require.NoError(t, r.step().Prepare(t.Context(), "anna"))
				j := r.job("anna")
				require.Equal(t, job.Rejected, j.State)
				require.Equal(t, &job.Fault{Code: job.CodeOverBudget, Detail: "at most CNY 0.88 of CNY 0.87 " + name}, j.Fault)
				require.Zero(t, r.vendor.detects)
			})
		})
	}
}

func TestAFilmThatWaitsWhenTheBudgetIsLoweredBelowItIsRefusedAndTheNextOneGoes(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.costs("long", 50)
		time.Sleep(time.Second)
		r.costs("short", 1)
		r.budget(job.Budget{Daily: job.Yuan})
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Equal(t, job.CodeOverBudget, r.job("long").Fault.Code)
		require.Equal(t, job.Submitted, r.job("short").State)
		require.Nil(t, r.theGate().Closed, "the day has room")
	})
}
