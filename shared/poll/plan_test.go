package poll_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lot chooses between what is promised, which `make e2e` tries, and what an ordinary run
// makes of it.
func lot(promised, everyDay int) int {
	if os.Getenv("EMODROP_E2E") != "" {
		return promised
	}
	return everyDay
}

const quarter = 15 * time.Second

func TestAFilmIsSeenWithinSecondsWithNoMoreQuestions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v    *service
		mean time.Duration
	}{
		"one slot":           {&service{slots: 1, inFlight: 3, jobs: lot(10_000, 400)}, 2500 * time.Millisecond},
		"short films":        {&service{slots: 1, inFlight: 3, jobs: lot(10_000, 400), film: nil}, 2500 * time.Millisecond},
		"dedicated":          {&service{slots: 100, inFlight: 126, jobs: lot(10_000, 1000)}, 5 * time.Second},
		"all at work":        {&service{slots: 20, inFlight: 20, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"one at a time":      {&service{slots: 1, inFlight: 1, rest: 47 * time.Second, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"two at a time":      {&service{slots: 1, inFlight: 2, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"cold":               {&service{slots: 1, inFlight: 3, cold: true, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"pushes":             {&service{slots: 1, inFlight: 3, pushed: .5, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"skew":               {&service{slots: 1, inFlight: 3, skew: 15 * time.Minute, jobs: lot(10_000, 400)}, 2500 * time.Millisecond},
		"skew-":              {&service{slots: 1, inFlight: 3, skew: -15 * time.Minute, jobs: lot(10_000, 400)}, 2500 * time.Millisecond},
		"dedicated, failing": {&service{slots: 20, inFlight: 26, failing: .3, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"failing":            {&service{slots: 1, inFlight: 3, failing: .3, jobs: lot(10_000, 400)}, 7500 * time.Millisecond},
		"slow answers":       {&service{slots: 1, inFlight: 3, answer: 450 * time.Millisecond, jobs: lot(10_000, 400)}, 2500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := c.v.play(t)
			require.LessOrEqual(t, m.mean, c.mean)
			require.LessOrEqual(t, m.most, quarter+c.v.answer)
			require.LessOrEqual(t, m.asked, m.fixed)
		})
	}
}
