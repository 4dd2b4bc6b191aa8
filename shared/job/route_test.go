package job_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// seen is a gate after that many failures of tasks, then of portraits.
func seen(tasks, portraits int) *job.Gate {
	g := &job.Gate{}
	for range tasks {
		g.Fetched(job.Fetch{Job: "t"}, noon)
	}
	for range portraits {
		g.Fetched(job.Fetch{Job: "p", Portrait: true}, noon)
	}
	return g
}

func via(g *job.Gate, portrait bool, now time.Time) (t job.Transfer, trial bool) {
	return g.Transfer(job.TransferAuto, job.Job{}, portrait, now)
}

func TestPortraitsThatAreFetchedSayNothingForRecordingsThatAreNot(t *testing.T) {
	g := &job.Gate{}
	for range 3 {
		to, _ := via(g, true, noon)
		require.Equal(t, job.TransferPresign, to)
		g.Fetched(job.Fetch{Job: "a", Portrait: true, OK: true}, noon)
		g.Fetched(job.Fetch{Job: "a"}, noon)
	}
	to, _ := via(g, false, noon)
	require.Equal(t, job.TransferTemp, to)

	t.Run("and do not try for them", func(t *testing.T) {
		later := g.Route.Until
		to, trial := via(g, true, later)
		require.Equal(t, job.TransferTemp, to)
		require.False(t, trial)
		to, trial = via(g, false, later)
		require.Equal(t, job.TransferPresign, to)
		require.True(t, trial)
	})
}

func TestAPortraitThatIsFetchedEndsWhatPortraitsBegan(t *testing.T) {
	g := seen(0, 2)
	g.Fetched(job.Fetch{Job: "a", Portrait: true, OK: true}, noon)
	require.Nil(t, g.Route)
	g = seen(0, 3)
	to, trial := via(g, true, g.Route.Until)
	require.Equal(t, job.TransferPresign, to)
	require.True(t, trial)
	g.Trial("a", g.Route.Until)
	g.Fetched(job.Fetch{Job: "a", Portrait: true, OK: true}, noon)
	require.Nil(t, g.Route)

	t.Run("but not what tasks did", func(t *testing.T) {
		g := seen(2, 0)
		g.Fetched(job.Fetch{Job: "a", Portrait: true}, noon.Add(-time.Hour))
		require.False(t, g.Route.Until.IsZero(), "three of both kinds")
		g = seen(1, 1)
		g.Fetched(job.Fetch{Job: "a", Portrait: true, OK: true}, noon)
		require.Equal(t, 1, g.Route.Failed)
		require.Zero(t, g.Route.Portraits)
	})
}

func TestAFilmFromS3EndsAllThatWasHeldAgainstIt(t *testing.T) {
	g := seen(1, 1)
	g.Fetched(job.Fetch{Job: "a", OK: true}, noon)
	require.Nil(t, g.Route)
}

func TestWhatWasSentBeforeS3WasGivenUpTellsNothingOfATrial(t *testing.T) {
	g := seen(3, 0)
	g.Trial("trier", g.Route.Until)
	before := *g.Route
	for _, f := range []job.Fetch{{Job: "old"}, {Job: "old", OK: true}, {Job: "old", Portrait: true}} {
		g.Fetched(f, noon)
		require.Equal(t, before, *g.Route)
	}
	g.Fetched(job.Fetch{Job: "trier"}, before.Until)
	require.Equal(t, 1, g.Route.Trials)
	require.Equal(t, time.Hour, g.Route.Until.Sub(before.Until), "twice the time")
	for range 20 {
		g.Trial("trier", g.Route.Until)
		g.Fetched(job.Fetch{Job: "trier"}, g.Route.Until)
	}
	at := g.Route.Until
	g.Trial("trier", at)
	g.Fetched(job.Fetch{Job: "trier"}, at)
	require.Equal(t, 8*time.Hour, g.Route.Until.Sub(at))
}

func TestATrialWhoseTaskWaitsBehindOthersIsWaitedFor(t *testing.T) {
	g := seen(3, 0)
	at := g.Route.Until
	g.Trial("trier", at)
	g.Slots = map[string]job.Slot{"trier": {}}
	to, trial := via(g, false, g.Route.Until.Add(5*time.Hour))
	require.Equal(t, job.TransferTemp, to)
	require.False(t, trial)
	g.Fetched(job.Fetch{Job: "trier", OK: true}, at)
	require.Nil(t, g.Route, "hours later it tells all the same")

	g = seen(3, 0)
	g.Trial("gone", at)
	_, trial = via(g, false, g.Route.Until)
	require.True(t, trial, "one that never came to the vendor is not")
}

func TestAFilmFromS3TellsSoWithoutTheVendorsTimesToo(t *testing.T) {
	g := seen(3, 0)
	at := g.Route.Until
	g.Trial("anna", at)
	from := job.Job{ID: "anna", State: job.Running}
	to := job.Job{ID: "anna", State: job.Storing, Task: &job.Task{Ended: at}}
	learned := g.Taught(from, to, at)
	require.Nil(t, learned.Route)
	require.Empty(t, learned.Speeds, "how long it took is not known")

	from.Via = job.TransferTemp
	require.Equal(t, *g, g.Taught(from, to, at), "what did not come from S3 says nothing of it")
}
