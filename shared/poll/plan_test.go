package poll_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
)

// lot chooses between what is promised, which `make e2e` and `make sim-scale` try, and what
// an ordinary run makes of it.
func lot(promised, everyDay int) int {
	if os.Getenv("EMODROP_E2E") != "" || scaled() {
		return promised
	}
	return everyDay
}

func scaled() bool { return os.Getenv("EMODROP_SCALE") != "" }

// TestAnEndIsSeenSoonWithNoMoreQuestions measures the time from the vendor's end of a task
// to the answer that tells of it, without any push unless it says so. Films are 5 to 30 s
// long, and a film's work is up to 8 % more or less than the 8.5 s for each of them.
//
// No end may be seen later than 15 s after it, beside what the answer takes and the turns
// of those before it, 17 a second. Not one question more may be asked in all than a look
// at each task in each batch would have. Each batch, until the next, asks at most two more
// than there are tasks, and no second has more than twenty questions.
func TestAnEndIsSeenSoonWithNoMoreQuestions(t *testing.T) {
	t.Parallel()
	// What is promised is tried with ten thousand films by make e2e, too; the worlds beside
	// it by make sim-scale.
	promised, jobs := lot(10_000, 120), race.Amount(lot(1_000, 120), 40)
	if scaled() {
		jobs = promised
	}
	short, long := 2500*time.Millisecond, 15*time.Second
	for name, c := range map[string]struct {
		v    *service
		mean time.Duration
	}{
		"one slot, as the shared model has it":  {&service{slots: 1, inFlight: 3, jobs: promised}, short},
		"answers that take up to half a second": {&service{slots: 1, inFlight: 3, jobs: jobs, answer: 500 * time.Millisecond}, short},
		"the vendor's clock goes before ours":   {&service{slots: 1, inFlight: 3, jobs: jobs, skew: 15 * time.Minute}, short},
		"the vendor's clock goes after ours":    {&service{slots: 1, inFlight: 3, jobs: jobs, skew: -15 * time.Minute}, short},
		"half as fast again as the profile has": {&service{slots: 1, inFlight: 3, jobs: jobs, speed: 12750 * time.Millisecond}, short},
		"nine ends in ten are pushed":           {&service{slots: 1, inFlight: 3, jobs: promised, pushed: .9}, short},
		"two ticks at once":                     {&service{slots: 1, inFlight: 3, jobs: jobs, twice: true}, 5 * time.Second},
		"each tick in a process of its own":     {&service{slots: 1, inFlight: 3, jobs: jobs, cold: true}, 5 * time.Second},
		"a third of the tasks fail sometime":    {&service{slots: 1, inFlight: 3, jobs: jobs, failing: .3}, 5 * time.Second},
		"a film's work is anything":             {&service{slots: 1, inFlight: 3, jobs: jobs, spread: .6}, 7 * time.Second},
		"others' tasks come before ours":        {&service{slots: 1, inFlight: 3, jobs: jobs, strange: .3}, 3 * time.Second},
		"two slots, and others' tasks":          {&service{slots: 2, inFlight: 4, jobs: jobs, strange: .3}, 5 * time.Second},
		"a dedicated deployment":                {&service{slots: lot(100, 40), inFlight: lot(126, 51), jobs: promised}, 5 * time.Second},
		"a dedicated deployment that fails":     {&service{slots: 20, inFlight: 26, jobs: jobs, failing: .3}, 6 * time.Second},
		// Nothing waits, so nothing can be saved.
		"all tasks at work, half of which fail, half of it pushed": {&service{slots: 4, inFlight: 4, jobs: jobs, failing: .5, pushed: .5}, long / 2 * 11 / 10},
		"all tasks at work":     {&service{slots: 20, inFlight: 20, jobs: jobs}, long / 2 * 11 / 10},
		"one task now and then": {&service{slots: 1, inFlight: 1, rest: 47 * time.Second, jobs: jobs}, long / 2 * 11 / 10},
	} {
		if race.Enabled && !c.v.twice { // two ticks at once are what may race
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := c.v.play(t)
			require.LessOrEqual(t, m.mean, c.mean)
			turns := min(time.Duration(c.v.inFlight)*time.Second/17, 500*time.Millisecond)
			require.LessOrEqual(t, m.most, long+c.v.answer+turns)
			require.LessOrEqual(t, m.asked, m.fixed)
		})
	}
}
