package poll_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// short has a job of one yuan wait behind a gate that a day's budget of three has closed.
func (r *rig) short() job.Job {
	j := r.queued("anna")
	next := j
	next.Quoted = job.Yuan
	j, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
	r.spend(2 * job.Yuan)
	r.budget(job.Budget{Daily: 3 * job.Yuan})
	_, closed, err := r.s.CloseBudget(r.t.Context(), job.Shortage{Period: job.Day, Limit: 3 * job.Yuan, Spent: 2 * job.Yuan, Need: j.Most()})
	require.NoError(r.t, err)
	require.True(r.t, closed)
	return j
}

func (r *rig) budget(b job.Budget) { r.change = func(c *poll.Config) { c.Budget = b } }

// spend has a film of today cost so much.
func (r *rig) spend(sum job.Money) {
	j := r.recorded("paid", time.Now())
	next := j
	next.State, next.Billed, next.Due = job.Storing, sum, time.Now().Add(48*time.Hour)
	next.Busy, next.Result = next.Due, &job.Result{URLEnds: next.Due}
	_, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
}

func (r *rig) dispatched() int {
	n := 0
	for _, w := range r.work {
		if w.Dispatch {
			n++
		}
	}
	return n
}

func TestABudgetThatIsReachedKeepsTheGateClosedUntilTheDayIsOver(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.short()
		require.NoError(t, r.tick())
		require.Equal(t, job.CodeBudget, r.theGate().Closed.Code)
		require.Zero(t, r.dispatched())
		time.Sleep(time.Until(job.Day.End(time.Now())) - time.Minute)
		require.NoError(t, r.tick())
		require.NotNil(t, r.theGate().Closed)
		time.Sleep(time.Minute)
		require.NoError(t, r.tick())
		require.Nil(t, r.theGate().Closed)
		require.Equal(t, 1, r.dispatched(), "with the first batch of the new day")
	})
}

func TestABudgetThatIsRaisedOrLiftedOpensTheGate(t *testing.T) {
	for name, b := range map[string]job.Budget{"raised": {Daily: 4 * job.Yuan}, "lifted": {}, "lowered below the film, which is then refused": {Daily: job.Yuan}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.short()
				r.budget(b)
				require.NoError(t, r.tick())
				require.Nil(t, r.theGate().Closed)
				require.Equal(t, b, r.theGate().Budget)
				require.Equal(t, 1, r.dispatched())
			})
		})
	}
}

func TestAFilmThatFitsInThePlaceOfOneThatDidNotOpensTheGate(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.short()
		next := j
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		require.NoError(t, r.tick())
		require.NotNil(t, r.theGate().Closed, "nothing waits, and nothing is known to fit")
		r.queued("bert") // without a price
		require.NoError(t, r.tick())
		require.Nil(t, r.theGate().Closed)
	})
}

func TestAPersonsPauseIsNotEndedByABudget(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.short()
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
		require.NoError(t, err)
		r.budget(job.Budget{})
		require.NoError(t, r.tick())
		require.Equal(t, job.CodePaused, r.theGate().Closed.Code)
	})
}

func TestNothingIsDispatchedWhileWhatIsAtTheVendorMayUseTheBudgetUp(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.fresh("ben")
		next := j
		next.Quoted = job.Yuan
		_, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		other := r.queued("anna")
		next = other
		next.Quoted = job.Yuan
		_, err = r.s.Move(t.Context(), other, next)
		require.NoError(t, err)
		r.vendor.task = func(string) (job.Answer, error) { return job.Answer{Status: job.TaskRunning}, nil }
		r.budget(job.Budget{Daily: 2 * job.Yuan})
		require.NoError(t, r.tick())
		require.Zero(t, r.dispatched())
		r.budget(job.Budget{Daily: 3 * job.Yuan})
		require.NoError(t, r.tick())
		require.Equal(t, 1, r.dispatched())
	})
}

func TestASlotThatReservesSomethingElseThanItsFilmMayCostIsPutRight(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.to(r.fresh("ben"), job.Submitted, func(j *job.Job) { j.Quoted = job.Yuan })
		r.vendor.task = func(string) (job.Answer, error) { return job.Answer{Status: job.TaskPending}, nil }
		other := j
		other.Quoted = 0 // as one of a release without budgets
		require.NoError(t, r.s.TakeSlot(t.Context(), other))
		require.Zero(t, r.theGate().Reserved())
		require.NoError(t, r.tick())
		require.Equal(t, j.Most(), r.theGate().Reserved())
	})
}
