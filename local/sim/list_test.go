package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// shared is an account that two keys share.
func shared(rules ...emo.Rule) sim.Config {
	return sim.Config{Key: "sk-ours", Emulator: emo.Config{APIKeys: map[string]string{"sk-ours": "1001", "sk-theirs": "2002", "sk-new": "3003"},
		Faults: rules}}
}

// around lets strangers post every ten seconds meanwhile.
func around(w *sim.World, key string, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); w.Run(10 * time.Second) {
		w.Stranger(key)
	}
}

func TestStrangersTasksAreNeverTakenForOurs(t *testing.T) {
	t.Parallel()
	for kind, tasks := range map[string]int{"drop_after": 1, "drop_before": 1, "timeout_after": 1, "html_after": 1, "empty": 1} {
		oneOf(t, kind, func(t *testing.T) {
			t.Parallel()
			in(t, shared(emo.Rule{Op: "create", Kind: kind, Match: "staging/", After: 1, Count: 1}), func(t *testing.T, w *sim.World) {
				around(w, "sk-theirs", 15*time.Minute)
				hand(w, 1)
				around(w, "sk-theirs", 3*time.Minute) // its task tells which key is ours
				w.Hand("second.wav", sim.Recording(2, length))
				w.Hand("second.png", portrait(2))
				around(w, "sk-theirs", patience)
				all := jobs(t, w)
				require.Equal(t, job.Succeeded, all["job-00"].State)
				require.Equal(t, job.Succeeded, all["second"].State)
				require.Len(t, w.Films(), 2)
				ours := 0
				for _, task := range w.Emulator.Tasks() {
					if task.APIKeyID == "1001" {
						ours++
					}
				}
				require.Equal(t, 1+tasks, ours)
			})
		})
	}
}

func TestOnTheFirstDayAStrangersTaskIsNotAdopted(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	cfg := shared(emo.Rule{Op: "create", Kind: "drop_before", Match: "staging/", Count: 1}, emo.Rule{Op: "work", Kind: "stuck"})
	cfg.Emulator.Slots = 1000
	in(t, cfg, func(t *testing.T, w *sim.World) {
		around(w, "sk-theirs", 30*time.Second)
		hand(w, 1)
		around(w, "sk-theirs", 5*time.Minute)
		require.Equal(t, job.Submitting, jobs(t, w)["job-00"].State, "something may still tell whose they are")
		around(w, "sk-theirs", patience)
		j := jobs(t, w)["job-00"]
		require.Equal(t, job.Held, j.State, "nothing tells whose they are")
		require.Equal(t, job.CodeAmbiguous, j.Fault.Code)
		require.NotEmpty(t, j.Candidates)
		told(t, w, 1)
	})
}

func TestStrangersTasksThatCameToNothingHoldUpNobody(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, shared(emo.Rule{Op: "create", Kind: "drop_before", Match: "staging/", Count: 1}), func(t *testing.T, w *sim.World) {
		around(w, "sk-theirs", 30*time.Second)
		hand(w, 1)
		around(w, "sk-theirs", patience)
		require.Equal(t, job.Succeeded, jobs(t, w)["job-00"].State, "whosever they were, they were not charged")
		require.Len(t, w.Films(), 1)
	})
}

func TestAKeyThatWasExchangedDoesNotPayTwice(t *testing.T) {
	t.Parallel()
	in(t, shared(emo.Rule{Op: "create", Kind: "drop_after", Match: "staging/", After: 1, Count: 2}), func(t *testing.T, w *sim.World) {
		hand(w, 1)
		w.Run(3 * time.Minute)
		w.SetKey("sk-new")
		w.Hand("second.wav", sim.Recording(2, length))
		w.Hand("second.png", portrait(2))
		w.Run(patience)
		j := jobs(t, w)["second"]
		require.Equal(t, job.Held, j.State)
		require.Len(t, j.Candidates, 1, "the person sees which task it must be")
		require.Len(t, w.Films(), 2, "its task was paid for, once")
		require.Equal(t, 2, creates(w))
	})
}

func TestSeveralTasksThatCouldBeOursNeedAPerson(t *testing.T) {
	t.Parallel()
	slow := emo.Rule{Op: "work", Kind: "delay", Match: "staging/", Delay: time.Hour} // both are still to come to something
	stuck := emo.Rule{Op: "work", Kind: "stuck", Match: "elsewhere"}
	in(t, sim.Config{MaxInFlight: 2, Emulator: emo.Config{Slots: 2, Faults: []emo.Rule{slow, stuck, {Op: "create", Kind: "drop_after", Match: "staging/", Count: 1}}}}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		for creates(w) == 0 {
			w.Run(time.Second)
		}
		w.Stranger("sk-sim") // somebody uses our key by hand
		w.Run(patience)
		j := jobs(t, w)["job-00"]
		require.Equal(t, job.Held, j.State)
		require.Equal(t, job.CodeAmbiguous, j.Fault.Code)
		ids := []string{}
		for _, task := range w.Emulator.Tasks() {
			ids = append(ids, task.ID)
		}
		require.ElementsMatch(t, ids, j.Candidates)
		require.Len(t, ids, 2, "nothing is posted again")
		told(t, w, 1)
		over(t, w)
	})
}

func TestAListThatLagsIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{30 * time.Second, 3 * time.Minute, 10 * time.Minute, 16 * time.Minute} {
		oneOf(t, lag.String(), func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{Emulator: emo.Config{ListLag: lag, Faults: []emo.Rule{{Op: "create", Kind: "drop_after", Count: 1}}}}, func(t *testing.T, w *sim.World) {
				hand(w, 1)
				w.Run(patience)
				finished(t, w, 1)
				require.Equal(t, 1, creates(w), "found in the end, never posted again")
				require.True(t, jobs(t, w)["job-00"].Task.Adopted)
			})
		})
	}
}

func TestBeforeALostCreateIsPostedAgainItsInputsAreGoneAndItHasBeenQuiet(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{{Op: "create", Kind: "drop_before", Count: 1}}}}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		var posted, again time.Time
		for again.IsZero() {
			w.Run(time.Second)
			staged := w.Outbox.Keys("staging/" + id(t, w) + "/")
			switch n := calls(w, "create"); {
			case n[0] == 1 && posted.IsZero():
				posted = time.Now()
				require.Len(t, staged, 2)
			case n[200] == 1:
				again = time.Now()
			}
		}
		require.GreaterOrEqual(t, again.Sub(posted), 17*time.Minute, "a lease, a minute, a quarter of an hour")
		require.Less(t, again.Sub(posted), 20*time.Minute)
		require.Len(t, w.Outbox.Keys("staging/"+id(t, w)+"/1-"), 0)
		require.Len(t, w.Outbox.Keys("staging/"+id(t, w)+"/2-"), 2)
		w.Run(5 * time.Minute)
		finished(t, w, 1)
	})
}

// id is the only job's id; empty before there is one.
func id(t *testing.T, w *sim.World) string {
	for _, j := range jobs(t, w) {
		return j.ID
	}
	return ""
}

// TestATaskThatShowsUpTooLateFindsItsInputsGone is what guards money when the list
// lags longer than it is waited for: as long as the vendor has not begun, the lost
// task fails unbilled.
func TestATaskThatShowsUpTooLateFindsItsInputsGone(t *testing.T) {
	t.Parallel()
	cfg := shared(emo.Rule{Op: "create", Kind: "drop_after", Match: "staging/", Count: 1},
		emo.Rule{Op: "work", Kind: "fail_task", Match: "elsewhere", Delay: 25 * time.Minute})
	cfg.Emulator.ListLag = time.Hour
	in(t, cfg, func(t *testing.T, w *sim.World) {
		w.Stranger("sk-theirs") // keeps the vendor busy for 25 minutes
		hand(w, 1)
		w.Run(time.Hour)
		var ours []string
		for _, task := range w.Emulator.Tasks() {
			if task.APIKeyID == "1001" {
				ours = append(ours, task.Status)
			}
		}
		require.Equal(t, []string{"FAILED", "SUCCEEDED"}, ours)
		finished(t, w, 1)
	})
}

// TestOneWindowEndsWhereTheNextBegins has one create lost and the next one posted,
// as soon as that is allowed, with its answer not written down yet: the first must
// not take the second's task for its own.
func TestOneWindowEndsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	for lost, ends := range map[string]job.State{"drop_before": job.Succeeded, "drop_after": job.Succeeded} {
		for early := range 4 {
			oneOf(t, named(lost, early), func(t *testing.T) {
				t.Parallel()
				in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{{Op: "create", Kind: lost, Count: 1}}}}, func(t *testing.T, w *sim.World) {
					hand(w, 1)
					for calls(w, "create")[0] == 0 {
						w.Run(100 * time.Millisecond)
					}
					// The answer of the second create is lost on its way into the table.
					w.SetPlan(func(c sim.Call) sim.Fate {
						if c.Op == "vendor.create" && c.N == 2 {
							return sim.KillAfter
						}
						return sim.Pass
					})
					w.Run(90*time.Second - 6*time.Second + time.Duration(early)*500*time.Millisecond)
					w.Hand("second.wav", sim.Recording(2, length))
					w.Hand("second.png", portrait(2))
					w.Run(patience)
					all := jobs(t, w)
					require.Equal(t, ends, all["job-00"].State)
					require.Equal(t, ends, all["second"].State)
					for _, task := range w.Emulator.Tasks() {
						for _, j := range all {
							if j.Task.ID == task.ID {
								require.Contains(t, task.Audio, j.ID, "each has its own film")
							}
						}
					}
					require.Len(t, w.Films(), 2)
				})
			})
		}
	}
}
