package stack_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

func TestABudgetStopsTheRealFunctionsAndARaisedOneLetsThemGoOn(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	budget := func(b job.Money) func(*stack.Config) { return func(cfg *stack.Config) { cfg.Budget.Monthly = b } }
	r := up(t, home, budget(900_000)) // a film of the sample costs 0.4544, and 0.5344 at most
	r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
	require.Equal(t, job.Succeeded, r.ended(job.Name{Stem: "anna"}).State)
	r.drop(map[string][]byte{"bert.jpg": sample.Portrait(), "bert.wav": sample.Speech()})
	for _, kind := range []string{services.KindSNS, services.KindEvent} {
		within(t, slow, func() error {
			for id := range r.told(kind) {
				if strings.HasPrefix(id, "budget-") && strings.HasSuffix(id, "-0_90") {
					return nil
				}
			}
			return errors.New("nobody was told that the budget is reached by " + kind)
		})
	}
	films, _ := r.charges()
	require.Len(t, films, 1)
	r.down()

	r = up(t, home, budget(2*job.Yuan))
	require.Equal(t, job.Succeeded, r.ended(job.Name{Stem: "bert"}).State, "it waited, and goes on by itself")
	isFilm(t, filepath.Join(home, "videos", "bert.mp4"), sample.SpeechDuration())
}
