package poll_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/words"
)

func TestWhatNeedsAPersonIsListedAgainWhenTheListIsLost(t *testing.T) {
	for name, lose := range map[string]func(w *wall){
		"it is gone":          func(w *wall) { w.index, w.rev = words.Index{}, 0 },
		"it cannot be read":   func(w *wall) { w.index = words.Index{} },
		"there has been none": func(*wall) {},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				if name != "there has been none" {
					r.queued("c")
					require.NoError(t, r.tick())
				}
				j := r.posting("a")
				r.to(j, job.Held, func(j *job.Job) { j.Due, j.Fault = time.Time{}, &job.Fault{Code: job.CodeAmbiguous} })
				lose(&r.board)
				require.NoError(t, r.tick(), "a new process")
				require.Contains(t, r.board.names(), "a")
				require.Equal(t, 1, r.board.index.Open[job.Held])
				r.reads = nil
				require.NoError(t, r.tick())
				require.Contains(t, r.board.names(), "a")
				require.NotContains(t, r.reads, "Held", "the list is the memory")
			})
		})
	}
}

func TestALostListIsNotWrittenWithoutWhatNeedsAPerson(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.posting("a")
		r.to(j, job.Held, func(j *job.Job) { j.Due, j.Fault = time.Time{}, &job.Fault{Code: job.CodeAmbiguous} })
		r.queued("b")
		jobs := &unreadable{Jobs: r.s, ids: []string{"a"}}
		r.change = func(c *poll.Config) { c.Jobs = jobs }
		tick := r.ticker()
		tick()
		require.Zero(t, r.board.puts)
		jobs.ids = nil
		tick()
		require.ElementsMatch(t, []string{"a", "b"}, r.board.names())
	})
}

// unreadable are jobs of which some cannot be read.
type unreadable struct {
	poll.Jobs
	ids []string
}

func (u *unreadable) Job(ctx context.Context, id string) (job.Job, error) {
	if slices.Contains(u.ids, id) {
		return job.Job{}, errAWS
	}
	return u.Jobs.Job(ctx, id)
}

func TestOneJobThatCannotBeReadKeepsNoOtherFromTheList(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("a")
		r.to(r.queued("b"), job.Queued, func(j *job.Job) { j.Due = time.Now().Add(time.Hour) }) // it stands back
		jobs := &unreadable{Jobs: r.s}
		r.change = func(c *poll.Config) { c.Jobs = jobs }
		tick := r.ticker()
		tick()
		require.Equal(t, []string{"a", "b"}, r.board.names())
		r.queued("c")
		r.queued("d")
		r.board.take()
		jobs.ids = []string{"b", "c"}
		tick()
		require.ElementsMatch(t, []string{"a", "b", "d"}, r.board.names(), "one that was listed stays so")
		require.Equal(t, map[job.State]int{job.Queued: 4}, r.board.index.Open)
		require.Equal(t, 1, r.board.index.Unlisted)
		jobs.ids = nil
		tick()
		require.Len(t, r.board.names(), 4)
		require.Equal(t, map[string]int{"c": 1, "d": 1}, r.board.take())
	})
}

func TestAProcessKnowsTheListNoMoreOnceAnotherHasHadATick(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		one, other := r.ticker(), r.ticker()
		one()
		one()
		require.Equal(t, 1, r.board.reads)
		j := r.submitted("a")
		other()
		require.Equal(t, []string{"a"}, r.board.names())
		r.ends(j)
		one() // for which nothing is under way, and nothing was
		require.Empty(t, r.board.names())
		require.Empty(t, r.board.index.Open)
		require.Equal(t, 3, r.board.reads)
		one()
		require.Equal(t, 3, r.board.reads)
	})
}

// ends has a job at the vendor fail.
func (r *rig) ends(j job.Job) {
	r.to(j, job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
}

// slowWall takes a while for each file, as S3 and a small Lambda do, and less for one
// that says so already.
type slowWall struct {
	*wall
	seen sync.Map // by job
}

func (w *slowWall) Show(ctx context.Context, id string, o job.Outlook) error {
	d := 250 * time.Millisecond
	if _, again := w.seen.Load(id); again {
		d = 200 * time.Millisecond
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
	}
	w.seen.Store(id, true)
	return w.wall.Show(ctx, id, o)
}

func (w *slowWall) PutIndex(ctx context.Context, x words.Index, over string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return w.wall.PutIndex(ctx, x, over)
}

func TestAListThatTakesLongerThanATickHasForItIsWrittenInParts(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		for i := range 1000 {
			r.queued(fmt.Sprintf("row%04d", i))
		}
		r.change = func(c *poll.Config) { c.Board = &slowWall{wall: &r.board} }
		tick := r.ticker()
		tick()
		first := len(r.board.names())
		require.Greater(t, first, 200)
		require.Less(t, first, 1000)
		require.Equal(t, map[job.State]int{job.Queued: 1000}, r.board.index.Open)
		require.Equal(t, 1000-first, r.board.index.Unlisted)
		for range 4 {
			tick()
		}
		require.Len(t, r.board.names(), 1000)
		shown := r.board.take()
		require.Len(t, shown, 1000)
		for id, n := range shown {
			require.Equal(t, 1, n, id)
		}
	})
}

func TestHoweverManyAreToBeLookedAtTheFrontOfTheQueueIsListed(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		now := time.Now().UTC().Truncate(time.Millisecond)
		for i := range 2500 {
			_, err := r.s.Create(t.Context(), job.Job{ID: fmt.Sprintf("new%04d", i), State: job.Received, Name: job.Name{Stem: fmt.Sprint(i)},
				Received: now, Due: now.Add(time.Duration(i) * time.Millisecond), Audio: job.Input{Seconds: 10}})
			require.NoError(t, err)
		}
		for i := range 600 {
			r.queued(fmt.Sprintf("row%04d", i))
		}
		tick := r.ticker()
		for range 8 { // others come to the front of what is due, as submit takes them on
			tick()
			x := r.board.index
			require.Len(t, x.Jobs, 1000)
			require.Equal(t, "row0000", x.Jobs[0].Job)
			require.Equal(t, map[job.State]int{job.Queued: 600, job.Received: 500}, x.Open)
			require.True(t, x.More)
			require.Equal(t, 100, x.Unlisted)
		}
	})
}
