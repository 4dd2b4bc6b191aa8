package stack_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/emo"
	"emodrop/local/sample"
	"emodrop/local/sim"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

// shortLeases makes a dead function's work free again within seconds, where the
// stack's configuration decides.
func shortLeases(c *stack.Config) {
	c.Timing.CreateWithin, c.Timing.PostLease, c.Timing.AskFirst, c.Timing.Quiet = 4*time.Second, 8*time.Second, time.Second, 2*time.Second
	c.Timing.StoreLease, c.Timing.Redeliver = 5*time.Second, 20*time.Second
	// A half whose other half's event died with submit waits longer than usual.
	c.Timing.HalfPairAfter = 10 * time.Minute
}

// endsWell checks what has to hold of jobs whatever was killed: one film that
// was paid for once, and one outcome, told to all.
func (r *running) endsWell(length time.Duration, names ...job.Name) {
	r.t.Helper()
	tasks, outcomes := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		j := r.ended(n)
		require.Equal(r.t, job.Succeeded, j.State, "%s", n)
		tasks[j.Task.ID], outcomes[job.OutcomeMessage(j).ID] = true, true
	}
	for _, kind := range []string{services.KindSNS, services.KindEvent} {
		within(r.t, slow, func() error {
			told := r.told(kind)
			for id := range outcomes {
				if told[id] == 0 {
					return fmt.Errorf("%s: %s was not told", kind, id)
				}
			}
			return nil
		})
		require.Len(r.t, r.told(kind), len(outcomes), "one %s for each outcome, whatever is repeated under its id", kind)
	}
	films, _ := r.charges()
	require.Len(r.t, films, len(names), "films paid for")
	for _, c := range films {
		require.True(r.t, tasks[c.TaskID], "task %s was paid for and is no job's", c.TaskID)
	}
	for _, n := range names {
		isFilm(r.t, filepath.Join(r.home, "videos", filepath.FromSlash(n.String()+".mp4")), length)
		within(r.t, slow, func() error { _, err := r.record("videos/" + n.String() + ".json"); return err })
	}
	within(r.t, slow, func() error {
		if g, err := r.Jobs.Gate(r.t.Context()); err != nil || len(g.Slots) > 0 {
			return errors.Join(err, fmt.Errorf("slots are taken: %v", g.Slots))
		}
		return nil
	})
}

func TestAFunctionKilledBetweenItsStepsCostsNothing(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault emo.Rule // holds the function where it is to die
		fn    string
		when  func(r *running, j job.Job) bool
		alone bool // poll does not run meanwhile
	}{
		{"submit, while the portrait's face is looked for", emo.Rule{Op: "detect", Kind: "timeout_after", Count: 1}, "submit",
			func(_ *running, j job.Job) bool { return j.State == job.Received }, false},
		{"submit, in its create call, before the task is made", emo.Rule{Op: "create", Kind: "timeout_before", Count: 1}, "submit",
			func(_ *running, j job.Job) bool { return j.State == job.Submitting }, false},
		{"submit, in its create call, when the task is made", emo.Rule{Op: "create", Kind: "timeout_after", Count: 1}, "submit",
			func(r *running, j job.Job) bool { return j.State == job.Submitting && len(r.Emulator.Tasks()) == 1 }, false},
		{"poll, while it asks for a task", emo.Rule{Op: "query", Kind: "timeout_after", Count: 1}, "poll",
			func(r *running, j job.Job) bool { return j.State == job.Submitted && fired(r, 1) }, false},
		{"finalize, in its download", emo.Rule{Op: "result", Kind: "result_slow", Count: 1, Delay: 100 * time.Millisecond}, "finalize",
			func(r *running, j job.Job) bool { return j.State == job.Storing && fired(r, 1) }, false},
		{"callback, while it asks for a task", emo.Rule{Op: "query", Kind: "timeout_after", Count: 1}, "callback",
			func(r *running, j job.Job) bool { return j.State == job.Submitted && fired(r, 1) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := up(t, t.TempDir(), shortLeases, func(cfg *stack.Config) {
				cfg.Faults = []emo.Rule{c.fault}
				if c.alone {
					cfg.Timing.Tick, cfg.Timing.Interval = 30*time.Second, 15*time.Second
				}
			})
			name := job.Name{Stem: "anna"}
			r.drop(map[string][]byte{"anna.jpg": sample.Portrait(), "anna.wav": sample.Speech()})
			within(t, slow, func() error {
				j, err := r.newest(name)
				if err == nil && !c.when(r, j) {
					err = fmt.Errorf("not there yet: %s", j.State)
				}
				return err
			})
			require.True(t, r.Host.Kill(c.fn), "%s was not running", c.fn)
			r.endsWell(sample.SpeechDuration(), name)
		})
	}
}

func TestTwoHundredJobsEndInOneFilmEachWhateverIsKilled(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("EMODROP_SEED"); s != "" {
		var err error
		seed, err = strconv.ParseUint(s, 10, 64)
		require.NoError(t, err, "EMODROP_SEED")
	}
	t.Logf("EMODROP_SEED=%d kills the same functions after the same times", seed)
	dice := rand.New(rand.NewPCG(seed, 0))

	const jobs = 200
	r := up(t, t.TempDir(), shortLeases, func(c *stack.Config) {
		c.Slots, c.MaxInFlight = 12, 20
		// The lease outlives its call by far, as it does deployed: on a machine that is
		// busy with other tests the emulator may come to a call seconds after it was sent.
		c.Timing.CreateWithin, c.Timing.PostLease, c.Timing.AskFirst, c.Timing.Quiet = 2*time.Second, 8*time.Second, 500*time.Millisecond, time.Second
	})
	var names []job.Name
	for i := range jobs {
		n := job.Name{Dir: "class", Stem: fmt.Sprintf("pupil %03d", i)}
		names = append(names, n)
		r.drop(map[string][]byte{n.String() + ".jpg": sample.Portrait(), n.String() + ".wav": sim.Recording(i, time.Second)})
	}
	// Until nearly all are at home: the last ones see what was left behind.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	go func() {
		for tick := time.NewTicker(time.Second); ctx.Err() == nil; <-tick.C {
			if films, _ := r.charges(); len(films) >= jobs*9/10 {
				cancel()
			}
		}
	}()
	// Poll for certain: a fast machine is done before its turn has come by chance.
	r.Host.KillNext("poll", time.Duration(dice.IntN(400))*time.Millisecond)
	killed := map[string]int{"poll": 1}
	for ctx.Err() == nil {
		fn := []string{"submit", "submit", "submit", "finalize", "finalize", "finalize", "callback"}[dice.IntN(7)]
		if dice.IntN(20) == 0 {
			// Poll's lease outlives it by 46 s: killed as often as the others, it
			// would never work.
			fn = "poll"
		}
		if dice.IntN(2) == 0 {
			r.Host.KillNext(fn, time.Duration(dice.IntN(400))*time.Millisecond)
			killed[fn]++
		} else if r.Host.Kill(fn) {
			killed[fn]++
		}
		next := time.NewTimer(time.Duration(200+dice.IntN(1500)) * time.Millisecond)
		select {
		case <-next.C:
		case <-ctx.Done():
		}
		next.Stop()
	}
	t.Logf("told to die: %v", killed)
	for _, fn := range []string{"submit", "poll", "finalize"} {
		require.Positive(t, killed[fn], fn)
	}
	r.endsWell(time.Second, names...)
}

// newest is the newest job of a name.
func (r *running) newest(n job.Name) (job.Job, error) {
	st, err := r.Jobs.Stem(r.t.Context(), n)
	if err != nil {
		return job.Job{}, err
	}
	return r.Jobs.Job(r.t.Context(), st.Job)
}

// fired reports whether the emulator's faults struck that often.
func fired(r *running, times int) bool {
	n := 0
	for _, f := range r.Emulator.Faults() {
		n += f.Fired
	}
	return n >= times
}
