package sim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/local/sim"
)

func TestOverTheWireAPairBecomesOneFilmPaidAndToldOnce(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		w.Run(3 * time.Minute)
		finished(t, w, 1)
		for _, op := range []string{"dynamodb.GetItem", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems", "dynamodb.Query", "s3.HeadObject",
			"s3.GetObject", "s3.CopyObject", "s3.PutObject", "sts.AssumeRole", "lambda.Invoke", "sns.Publish", "events.PutEvents"} {
			require.Positive(t, w.Count(op), op)
		}
		require.Zero(t, w.Count("store.Admit"), "the calls are requests")
		require.Equal(t, "emodrop: your film is ready: job-00"[:7], w.Notes()[0].Subject[:7])
		require.NotEmpty(t, w.Notes()[0].Text)
		require.Equal(t, w.Notes()[0].ID, w.Events()[0].ID)
	})
}

// TestOverTheWireOneJobSurvivesEverySingleFailure lets requests go wrong, one at a time
// and in every way: what the SDK and the adapters make of it must not cost a film.
func TestOverTheWireOneJobSurvivesEverySingleFailure(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	var calls []sim.Call
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		hand(w, 1)
		w.Run(patience)
		finished(t, w, 1)
		calls = w.Calls()
	})
	n := 0
	for _, c := range worth(calls) {
		fates := append(sim.Fates(), sim.Busy)
		if !c.Effect {
			fates = []sim.Fate{sim.FailBefore}
		}
		for _, fate := range fates {
			if n++; n%(3*share()) != 0 {
				continue
			}
			oneOf(t, named(c.Op, c.N, fate), func(t *testing.T) {
				t.Parallel()
				in(t, sim.Config{Wire: true, Seed: uint64(n)}, func(t *testing.T, w *sim.World) {
					w.SetPlan(sim.At(c.Op, c.N, fate))
					hand(w, 1)
					settle(t, w)
					finished(t, w, 1)
				})
			})
		}
	}
}

// TestOverTheWireAFailureIsTriedAgainByTheSDK and, when it lasts, comes to the step.
func TestOverTheWireAFailureIsTriedAgainByTheSDK(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		w.SetPlan(sim.At("sns.Publish", 1, sim.FailAfter))
		hand(w, 1)
		w.Run(3 * time.Minute)
		finished(t, w, 1)
		require.Len(t, w.Notes(), 2, "it was taken, and nobody knew")
		require.Equal(t, w.Notes()[0], w.Notes()[1])
		require.Len(t, w.Events(), 1)
	})
	in(t, sim.Config{Wire: true}, func(t *testing.T, w *sim.World) {
		w.SetPlan(func(c sim.Call) sim.Fate {
			if c.Op == "sns.Publish" && c.At < 5*time.Minute {
				return sim.FailBefore
			}
			return sim.Pass
		})
		hand(w, 1)
		w.Run(4 * time.Minute)
		require.GreaterOrEqual(t, w.Count("sns.Publish"), 3)
		require.Empty(t, w.Notes())
		require.Len(t, w.Events(), 1, "one way that is shut does not shut the other")
		w.Run(6 * time.Minute)
		finished(t, w, 1)
	})
}

// TestAnOutageMeansTheSameOverTheWire goes by the ports' names.
func TestAnOutageMeansTheSameOverTheWire(t *testing.T) {
	t.Parallel()
	for port, op := range map[string]string{"store.": "dynamodb.", "inbox.": "s3.", "staging.": "s3.CopyObject", "outbox.": "s3.PutObject",
		"topic.": "sns.", "bus.": "events.", "invoke.": "lambda."} {
		oneOf(t, port, func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{Wire: true, Storm: sim.Storm{Outages: []sim.Outage{{Ops: port, To: 4 * time.Minute}}}}, func(t *testing.T, w *sim.World) {
				hand(w, 1)
				settle(t, w)
				finished(t, w, 1)
				failed := map[string]bool{}
				for _, c := range w.Calls() {
					if c.Fate != sim.Pass {
						require.Contains(t, c.Op, op[:3])
						require.Contains(t, c.Port, port)
						failed[c.Op] = true
					}
				}
				require.NotEmpty(t, failed)
			})
		})
	}
}
