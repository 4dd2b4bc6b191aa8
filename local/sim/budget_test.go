package sim_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// TestNoBudgetIsPassed plays schedules that all have a budget, most of them too small for
// the day, with crashes and all else that a storm brings: no create call leaves that the
// budget has no room for, no day and no month costs more by the vendor's ledger than its
// budget and one task, who is stopped is told once, and the new day begins by itself.
func TestNoBudgetIsPassed(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	if *seed != 0 {
		return
	}
	many := max(*seeds/10, sized(1000, 60))
	var mu sync.Mutex
	var stopped, refused, paid int
	var failed []string
	each(t, uint64(many), func(n uint64) bool {
		s := scheduled(n)
		if !s.Config.Budget.Set() && s.Busy == 0 {
			s.Spend(rand.New(rand.NewPCG(n, 0x627564676574)), s.Config.Storm.Ends)
		}
		play(t, s, func(w *sim.World, v sim.Verdict) {
			mu.Lock()
			defer mu.Unlock()
			paid += v.Paid
			for _, e := range w.Events() {
				if e.DetailType == "EMO Budget Reached" {
					stopped++
					break
				}
			}
			all, err := w.Jobs()
			require.NoError(t, err)
			for _, j := range all {
				if j.Fault != nil && j.Fault.Code == job.CodeOverBudget {
					refused++
				}
			}
			for _, p := range v.Problems {
				failed = append(failed, fmt.Sprintf("seed %d: %s", n, p))
			}
		})
		return true
	})
	fmt.Printf("%d schedules with a budget: it stopped %d of them, and %d jobs were too dear; %d films paid for\n", many, stopped, refused, paid)
	require.Empty(t, failed)
	require.GreaterOrEqual(t, stopped, many/10, "budgets that stop hardly anything prove nothing")
}
