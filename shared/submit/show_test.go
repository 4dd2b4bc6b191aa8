package submit_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/submit"
)

func TestWhatIsQueuedFartherBackThanTheListReachesHasItsStatusShown(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { c.MaxInFlight = 1 }
		s := r.step()
		for i := range job.ListedFront - 3 {
			r.wait(s, fmt.Sprintf("row%04d", i), "a", "")
		}
		require.NoError(t, s.Dispatch(t.Context())) // one leaves
		require.Empty(t, r.shown, "the list shows them")
		for i := range 10 {
			r.wait(s, fmt.Sprintf("late%d", i), "a", "")
		}
		urgent := r.wait(s, "urgent", "a", job.First)
		require.NoError(t, s.Dispatch(t.Context()))
		require.ElementsMatch(t, []string{"late3", "late4", "late5", "late6", "late7", "late8", "late9"}, r.shown)
		require.Zero(t, r.ahead(urgent.ID))
		require.NoError(t, s.Dispatch(t.Context()))
		require.Len(t, r.shown, 7, "once")
	})
}

func TestABoardThatIsDownKeepsNothingFromBeingSent(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.dark = errors.New("down")
		s := r.step()
		for i := range job.ListedFront + 5 {
			r.wait(s, fmt.Sprintf("row%04d", i), "a", "")
		}
		require.NoError(t, s.Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 3)
		require.ElementsMatch(t, []string{"row0000", "row0001", "row0002", "row0503", "row0504"}, r.shown, "what has been sent, and what is far back")
	})
}
