package sim_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// in runs a test in a bubble with a world of its own.
func in(t *testing.T, cfg sim.Config, f func(t *testing.T, w *sim.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if testing.Verbose() && cfg.Log == nil {
			cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
		}
		w, err := sim.New(cfg)
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Close()) }()
		f(t, w)
	})
}

// racing: a share has to do.
const racing = race.Enabled

// oneOf plays one case of many, with the race detector one in eight.
func oneOf(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	if race.Plays(name) {
		t.Run(name, f)
	}
}

// length is that of most recordings: 17 s of the vendor's work.
const length = 2 * time.Second

// patience is how long a job may take whatever goes wrong once: the search for a
// lost create (a lease, a minute, a quarter of an hour) and what comes before and
// after it.
const patience = 40 * time.Minute

// portraits are drawn once: it takes longer than a job does.
var portraits = sync.OnceValue(func() (all [16][]byte) {
	for i := range all {
		all[i] = sim.Portrait(i)
	}
	return all
})

// portrait is the picture of the i-th job.
func portrait(i int) []byte { return portraits()[i%len(portraits())] }

// settle runs until nothing is under way any more, at most for our patience, and
// some minutes longer to see what still comes.
func settle(t *testing.T, w *sim.World) {
	t.Helper()
	for end := time.Now().Add(patience - 5*time.Minute); time.Now().Before(end); {
		w.Run(time.Minute)
		all, err := w.Jobs()
		require.NoError(t, err)
		left, err := w.Unfinished()
		require.NoError(t, err)
		if len(all) > 0 && left == "" {
			break
		}
	}
	w.Run(5 * time.Minute)
}

// hand hands in n pairs, one second after the other, so that their order is known.
func hand(w *sim.World, n int) {
	for i := range n {
		handOne(w, i)
		if i+1 < n {
			w.Run(time.Second)
		}
	}
}

func handOne(w *sim.World, i int) {
	name := fmt.Sprintf("job-%02d", i)
	w.Hand(name+".wav", sim.Recording(i, length))
	w.Hand(name+".png", portrait(i))
}

// jobs are all jobs, by the stem of their name.
func jobs(t *testing.T, w *sim.World) map[string]job.Job {
	t.Helper()
	all, err := w.Jobs()
	require.NoError(t, err)
	byName := map[string]job.Job{}
	for _, j := range all {
		require.NotContains(t, byName, j.Name.Stem, "two jobs of one hand-in")
		byName[j.Name.Stem] = j
	}
	return byName
}

// finished demands that n hand-ins ended in one film each, paid for once, told once
// on each channel, with nothing left behind.
func finished(t *testing.T, w *sim.World, n int) {
	t.Helper()
	all := jobs(t, w)
	require.Len(t, all, n)
	paid := map[string]int{}
	for _, c := range w.Films() {
		paid[c.TaskID]++
	}
	require.Len(t, paid, n, "paid tasks")
	for name, j := range all {
		require.Equal(t, job.Succeeded, j.State, "%s: %+v", name, j.Fault)
		require.Equal(t, 1, paid[j.Task.ID], "%s was paid for", name)
		require.Equal(t, job.Square, j.Ratio)
		require.Equal(t, 160_000, int(j.Billed))
		require.Zero(t, j.Wasted)
		require.Empty(t, j.Result.URL.Reveal(), "a link that is of no more use is a credential too many")
		film, ok := w.Outbox.Get("videos/" + name + ".mp4")
		require.True(t, ok, "film of %s", name)
		require.Equal(t, j.Film.ETag, film.ETag)
		require.Equal(t, 1, w.Outbox.Puts(film.Key), "%s was written once", film.Key)
		record, ok := w.Outbox.Get("videos/" + name + ".json")
		require.True(t, ok, "record of %s", name)
		require.Contains(t, string(record.Data), j.ID)
	}
	require.Empty(t, w.Outbox.Keys("failed/"))
	told(t, w, n)
	over(t, w)
}

// told demands that so many outcomes were told on each channel: repeats have the
// same id and count as one.
func told(t *testing.T, w *sim.World, n int) {
	t.Helper()
	notes, events := map[string]bool{}, map[string]bool{}
	for _, note := range w.Notes() {
		notes[note.ID] = true
	}
	for _, e := range w.Events() {
		events[e.ID] = true
	}
	require.Len(t, notes, n, "notes")
	require.Equal(t, notes, events, "topic and bus tell the same")
}

// over demands that nothing is under way any more.
func over(t *testing.T, w *sim.World) {
	t.Helper()
	left, err := w.Unfinished()
	require.NoError(t, err)
	require.Empty(t, left)
}

// add adds a fault to the vendor.
func add(t *testing.T, w *sim.World, r emo.Rule) {
	t.Helper()
	_, err := w.Emulator.AddFault(r)
	require.NoError(t, err)
}

// calls counts the vendor's calls of an operation, by their status.
func calls(w *sim.World, op string) map[int]int {
	n := map[int]int{}
	for _, c := range w.Emulator.History() {
		if c.Op == op {
			n[c.Status]++
		}
	}
	return n
}

// creates counts the tasks the vendor made, paid for or not.
func creates(w *sim.World) int { return len(w.Emulator.Tasks()) }

// named makes a test's name of a call.
func named(parts ...any) string {
	return strings.ReplaceAll(strings.TrimSpace(fmt.Sprintln(parts...)), " ", "_")
}
