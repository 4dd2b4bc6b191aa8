package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// TestAVendorThatCannotFetchFromS3StillMakesEveryFilm has the vendor fetch nothing, too
// slowly, or only sometimes, from where the links lead.
func TestAVendorThatCannotFetchFromS3StillMakesEveryFilm(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	for name, c := range map[string]emo.Config{
		"unreachable":                      {Faults: []emo.Rule{{Kind: "unreachable"}}},
		"unreachable, checked at create":   {Faults: []emo.Rule{{Kind: "unreachable"}}, CheckAtCreate: true},
		"recordings only":                  {Faults: []emo.Rule{{Kind: "unreachable", Match: "audio.wav"}}},
		"recordings only, checked":         {Faults: []emo.Rule{{Kind: "unreachable", Match: "audio.wav"}}, CheckAtCreate: true},
		"so slow that it gives up":         {Faults: []emo.Rule{{Op: "input", Kind: "delay", Delay: 10 * time.Minute}}},
		"slow":                             {Faults: []emo.Rule{{Op: "input", Kind: "delay", Delay: 20 * time.Second}}},
		"sometimes":                        {FaultRates: map[string]float64{"input:unreachable": .3}, Seed: 3},
		"hardly ever":                      {FaultRates: map[string]float64{"input:unreachable": .9}, Seed: 4},
		"unreachable, and the create lost": {Faults: []emo.Rule{{Kind: "unreachable"}, {Op: "create", Kind: "drop_after", After: 1, Count: 1}}},
	} {
		oneOf(t, name, func(t *testing.T) {
			t.Parallel()
			const n = 9
			in(t, sim.Config{Emulator: c}, func(t *testing.T, w *sim.World) {
				hand(w, n)
				settle(t, w)
				finished(t, w, n)
			})
		})
	}
}

// TestOnceItIsKnownThatTheVendorCannotFetchFromS3NoCallIsMadeInVain counts.
func TestOnceItIsKnownThatTheVendorCannotFetchFromS3NoCallIsMadeInVain(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{{Kind: "unreachable"}}}}, func(t *testing.T, w *sim.World) {
		const first, more = 3, 12
		calls := func() (n int) {
			for _, op := range []string{"vendor.detect", "vendor.create", "vendor.policy"} {
				n += w.Count(op)
			}
			return n
		}
		for i := range first {
			handOne(w, i)
			w.Run(3 * time.Minute)
		}
		before, known := calls(), len(w.Emulator.History())
		for i := range more {
			handOne(w, first+i)
			w.Run(10 * time.Second)
		}
		settle(t, w)
		all := jobs(t, w)
		require.Len(t, all, first+more)
		for _, j := range all {
			require.Equal(t, job.Succeeded, j.State)
			require.Equal(t, job.TransferTemp, j.Via)
		}
		require.Len(t, w.Films(), first+more)
		require.LessOrEqual(t, calls()-before, (2+1)*more, "a job needs two calls; one more for a permit to upload, or for a trial")
		made := map[string]int{}
		for _, c := range w.Emulator.History()[known:] {
			if c.Op == "detect" || c.Op == "create" {
				require.Empty(t, c.Code, "%s in vain", c.Op)
				made[c.Op]++
			}
		}
		require.Equal(t, map[string]int{"detect": more, "create": more}, made, "one of each for every job")
		for _, task := range w.Emulator.Tasks() {
			require.True(t, strings.HasPrefix(task.Audio, "oss://"), task.Audio)
		}
	})
}

// TestWhenTheVendorCanFetchFromS3AgainItDoes has the trouble end.
func TestWhenTheVendorCanFetchFromS3AgainItDoes(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		add(t, w, emo.Rule{Kind: "unreachable"})
		hand(w, 4)
		settle(t, w)
		w.Emulator.ClearFaults()
		w.Run(time.Hour)
		for i := range 3 {
			handOne(w, 10+i)
			w.Run(3 * time.Minute)
		}
		g, err := w.Store.Gate(t.Context())
		require.NoError(t, err)
		require.Nil(t, g.Route)
		for name, j := range jobs(t, w) {
			require.Equal(t, job.Succeeded, j.State)
			if name >= "job-10" {
				require.Empty(t, j.Via, name)
			}
		}
	})
}

// TestAVendorThatAnswersNoCreateCallOverASlowWayIsReachedByTheOtherOne: it fetches the
// files before it answers, for longer than a call may take.
func TestAVendorThatAnswersNoCreateCallOverASlowWayIsReachedByTheOtherOne(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	slow := emo.Rule{Op: "input", Kind: "delay", Delay: 50 * time.Second, Match: "audio.wav"}
	in(t, sim.Config{Emulator: emo.Config{Faults: []emo.Rule{slow}, CheckAtCreate: true, InputTimeout: time.Minute}}, func(t *testing.T, w *sim.World) {
		const n = 6
		hand(w, n)
		w.Run(3 * time.Hour)
		finished(t, w, n)
		require.LessOrEqual(t, w.Count("vendor.create"), 2*n+3)
	})
}
