package job_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAFoldersFilmsFollowEachOtherAndTakeFirstWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	var turns job.Turns
	take := func(clock, cost int64) (start int64) {
		start, turns = turns.Take(job.Share{Clock: clock, Cost: cost})
		return start
	}
	back := func(from, to int64) { turns = turns.Back(job.Stretch{From: from, To: to}) }
	for n := range int64(5) {
		require.Equal(t, 100+10*n, take(100, 10))
	}
	back(110, 120)
	require.Equal(t, int64(110), take(100, 10))
	require.Equal(t, int64(150), take(100, 10), "it is free no more")
	back(110, 120)
	require.Equal(t, int64(110), take(100, 4))
	require.Equal(t, int64(160), take(100, 7), "a longer film does not fit in")
	require.Equal(t, int64(114), take(100, 6))
	back(110, 114)
	back(120, 130)
	back(114, 120)
	require.Equal(t, []job.Stretch{{From: 110, To: 130}}, turns.Free, "what touches is one")
	require.Equal(t, int64(125), take(125, 5), "the clock has passed what lies before it")
	require.Empty(t, turns.Free)
	back(160, 167)
	require.Equal(t, int64(160), turns.Finish, "the last one's turn is none that lies between")
	back(140, 150)
	back(150, 160)
	require.Equal(t, int64(140), turns.Finish)
	back(140, 150)
	back(130, 130)
	require.Equal(t, int64(140), turns.Finish, "what was never taken is not given back")
	require.Empty(t, turns.Free)
	require.Equal(t, int64(900), take(900, 10), "nothing is saved up")
}

func TestAFoldersRecordStaysSmallAndGivesNoTimeTwice(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		var turns job.Turns
		var clock int64
		var held []job.Stretch
		for range 300 {
			if len(held) > 0 && rnd.IntN(3) == 0 {
				i := rnd.IntN(len(held))
				turns = turns.Back(held[i])
				held = append(held[:i], held[i+1:]...)
				continue
			}
			cost := 1 + rnd.Int64N(9)
			var start int64
			start, turns = turns.Take(job.Share{Clock: clock, Cost: cost})
			require.GreaterOrEqual(t, start, clock)
			s := job.Stretch{From: start, To: start + cost}
			require.LessOrEqual(t, s.To, turns.Finish)
			for _, h := range held {
				require.True(t, s.To <= h.From || h.To <= s.From, "%v and %v", s, h)
			}
			held = append(held, s)
			if rnd.IntN(5) == 0 { // one is sent
				clock = max(clock, held[0].From)
				held = held[1:]
			}
			require.LessOrEqual(t, len(turns.Free), 16)
			for i, f := range turns.Free {
				require.Less(t, f.From, f.To)
				require.Less(t, f.To, turns.Finish)
				require.True(t, i == 0 || turns.Free[i-1].To < f.From)
			}
		}
	}
}

func TestAJobGivesItsTurnBackWhenItLeavesTheQueueUnsent(t *testing.T) {
	t.Parallel()
	waits := job.Job{ID: "a", State: job.Queued, Name: job.Name{Dir: "x/y"}, Audio: job.Input{Seconds: 2}, Rank: job.Rank("", 70, "a")}
	for name, c := range map[string]struct {
		change func(from, to *job.Job)
		clock  int64
		back   bool
	}{
		"taken back":                       {func(_, to *job.Job) { to.State = job.Canceled }, 0, true},
		"refused":                          {func(_, to *job.Job) { to.State = job.Rejected }, 0, true},
		"at another priority":              {func(_, to *job.Job) { to.Rank = job.Rank(job.First, 9, "a") }, 0, true},
		"taken back at the clock's place":  {func(_, to *job.Job) { to.State = job.Canceled }, 70, true},
		"taken back before another time":   {func(from, to *job.Job) { from.Posts, to.State = 1, job.Canceled }, 69, true},
		"taken back when it had been sent": {func(from, to *job.Job) { from.Posts, to.State = 1, job.Canceled }, 70, false},
		"sent":                             {func(_, to *job.Job) { to.State = job.Submitting }, 0, false},
		"it waits on":                      {func(_, to *job.Job) { to.Due = time.Now() }, 0, false},
		"at the vendor all along":          {func(_, to *job.Job) { to.State = job.Submitted }, 0, false},
		"not in the queue":                 {func(from, to *job.Job) { from.State, to.State = job.Received, job.Canceled }, 0, false},
		"without a place":                  {func(from, to *job.Job) { from.Rank, to.Rank, to.State = "", "", job.Canceled }, 0, false},
	} {
		from, to := waits, waits
		c.change(&from, &to)
		turn, back := job.TurnBack(job.Gate{Clock: map[string]int64{"5": c.clock}}, from, to)
		require.Equal(t, c.back, back, name)
		if back {
			require.Equal(t, job.Turn{Class: "5", Folder: "x", Stretch: job.Stretch{From: 70, To: 2070}}, turn, name)
		}
	}
}
