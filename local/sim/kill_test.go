package sim_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/sim"
)

// TestOneJobSurvivesEverySingleFailure lets every call that one job brings about go
// wrong, one at a time and in every way, for each way in which its create call can
// end, and with a webhook.
func TestOneJobSurvivesEverySingleFailure(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]sim.Config{
		"create answered":         {},
		"create's answer is lost": {Emulator: emo.Config{Faults: []emo.Rule{{Op: "create", Kind: "drop_after", Count: 1}}}},
		"create is refused once":  {Emulator: emo.Config{Faults: []emo.Rule{{Op: "create", Kind: "throttle", Count: 1}}}},
		"outcome is posted":       {Webhook: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls []sim.Call
			in(t, config, func(t *testing.T, w *sim.World) {
				hand(w, 1)
				w.Run(patience)
				finished(t, w, 1)
				calls = w.Calls()
			})
			n := 0
			for _, c := range worth(calls) {
				fates := sim.Fates()
				if !c.Effect {
					// To die over a read is to die after the effect before it.
					fates = []sim.Fate{sim.FailBefore}
				}
				for _, fate := range fates {
					if n++; n%share() != 0 {
						continue
					}
					t.Run(named(c.Op, c.N, fate), func(t *testing.T) {
						in(t, config, func(t *testing.T, w *sim.World) {
							w.SetPlan(sim.At(c.Op, c.N, fate))
							hand(w, 1)
							settle(t, w)
							finished(t, w, 1)
							require.Equal(t, config.Webhook, len(w.Posted()) > 0)
						})
					})
				}
			}
		})
	}
}

// TestSeveralJobsSurviveADeathAtEveryEffect has two and three jobs meet: what dies
// with one of them must not harm the others.
func TestSeveralJobsSurviveADeathAtEveryEffect(t *testing.T) {
	t.Parallel()
	for n, rules := range map[int][]emo.Rule{2: {{Op: "create", Kind: "drop_after", Count: 1}}, 3: nil} {
		t.Run(named(n, "jobs"), func(t *testing.T) {
			t.Parallel()
			var calls []sim.Call
			in(t, sim.Config{Emulator: emo.Config{Faults: rules}}, func(t *testing.T, w *sim.World) {
				hand(w, n)
				settle(t, w)
				finished(t, w, n)
				calls = w.Calls()
			})
			for i, c := range worth(calls) {
				if !c.Effect || i%(n*share()) != 0 {
					continue // every n-th: the jobs are alike
				}
				t.Run(named(c.Op, c.N), func(t *testing.T) {
					in(t, sim.Config{Emulator: emo.Config{Faults: rules}}, func(t *testing.T, w *sim.World) {
						w.SetPlan(sim.At(c.Op, c.N, sim.KillAfter))
						hand(w, n)
						settle(t, w)
						finished(t, w, n)
					})
				})
			}
		})
	}
}

// share is which part of the deaths a run tries: every third of them, with the race
// detector every sixtieth, and the end-to-end run all.
func share() int {
	switch {
	case os.Getenv("EMODROP_E2E") != "":
		return 1
	case racing:
		return 60
	}
	return 3
}

// worth leaves out what only repeats: the ticks after the job's end, and of reads
// and of poll's own lease all but the first ones.
func worth(calls []sim.Call) []sim.Call {
	last := 0
	for i, c := range calls {
		if c.Op == "bus.put" {
			last = i
		}
	}
	var out []sim.Call
	for _, c := range calls[:min(len(calls), last+3)] {
		lease := c.Op == "store.Lease" || c.Op == "store.EndLease"
		if c.N <= 2 || c.Effect && !lease {
			out = append(out, c)
		}
	}
	return out
}

func TestThePlanStrikesTheCallItNames(t *testing.T) {
	t.Parallel()
	for _, fate := range sim.Fates() {
		t.Run(fate.String(), func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
				w.SetPlan(sim.At("staging.stage", 1, fate))
				hand(w, 1)
				w.Run(6 * time.Second)
				staged := w.Outbox.Keys("staging/")
				if fate == sim.FailBefore || fate == sim.KillBefore {
					require.Empty(t, staged)
				} else {
					require.Len(t, staged, 1)
				}
				calls := w.Calls()
				if fate == sim.KillBefore || fate == sim.KillAfter {
					require.Equal(t, "staging.stage", calls[len(calls)-1].Op, "nothing more happens of a killed invocation")
				} else {
					require.NotEqual(t, "staging.stage", calls[len(calls)-1].Op, "a failed call is not the end")
				}
			})
		})
	}
}
