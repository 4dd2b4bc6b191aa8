package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAMarkThatIsSetAgainStaysWhenTheOneBeforeIsTakenAway(t *testing.T) {
	t.Parallel()
	var none job.Marks
	seen := none.Set(3).Set(0).Set(7)
	require.Equal(t, []bool{true, false, true, true, false}, []bool{seen.Has(0), seen.Has(2), seen.Has(3), seen.Has(7), seen.Has(99)})
	require.False(t, none.Any())
	now := seen.Set(3).Set(9)
	left := now.Without(seen)
	require.Equal(t, []bool{false, true, false, true}, []bool{left.Has(0), left.Has(3), left.Has(7), left.Has(9)})
	require.Equal(t, none, left.Without(left))
	require.Equal(t, seen, seen.Without(none))

	at := none.Set(0)
	for n := 1; at.Set(0) != none.Set(0); n++ {
		require.NotEqual(t, at, at.Set(0))
		at = at.Set(0)
		require.Less(t, n, 1000, "it comes round")
		require.Len(t, at, 1)
		require.Regexp(t, `^[0-z]$`, string(at))
	}
	all := none
	for p := range 100 {
		all = all.Set(p)
	}
	require.Len(t, all, 100)
}
