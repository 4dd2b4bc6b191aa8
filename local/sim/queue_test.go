package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

func TestThirtyJobsGoThroughOneSlotInTheirOrder(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		const n = 30
		hand(w, n)
		for range 60 {
			w.Run(30 * time.Second)
			open := 0
			for _, task := range w.Emulator.Tasks() {
				if task.Ended.IsZero() {
					open++
				}
			}
			require.LessOrEqual(t, open, 3, "never more than MaxInFlight at the vendor")
			g, err := w.Store.Gate(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(g.Slots), 3)
		}
		finished(t, w, n)
		all := jobs(t, w)
		var before time.Time
		for i := range n {
			made := all[fmt.Sprintf("job-%02d", i)].Task.Submitted
			require.True(t, made.After(before), "job %d before its turn", i)
			before = made
		}
	})
}

func TestMoreSlotsAreUsedWhenThereAreMore(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, sim.Config{MaxInFlight: 8, Emulator: emo.Config{Slots: 8}}, func(t *testing.T, w *sim.World) {
		began := time.Now()
		hand(w, 16)
		w.Run(10 * time.Minute)
		finished(t, w, 16)
		last := began
		for _, j := range jobs(t, w) {
			if j.Ended.After(last) {
				last = j.Ended
			}
		}
		require.Less(t, last.Sub(began), 4*time.Minute)
	})
}

func TestAHandInWhoseEventIsLostOrRepeatedIsOneJob(t *testing.T) {
	t.Parallel()
	for _, fate := range []sim.Fate{sim.FailBefore, sim.FailAfter} {
		t.Run(fate.String(), func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
				w.SetPlan(func(c sim.Call) sim.Fate {
					if c.Op == "event" {
						return fate
					}
					return sim.Pass
				})
				w.Run(2 * time.Minute) // older files are none of a new stack's business
				hand(w, 2)
				w.Run(patience)
				finished(t, w, 2)
			})
		})
	}
}

func TestAPortraitServesEveryRecordingOfItsFolder(t *testing.T) {
	t.Parallel()
	in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
		w.Hand("shop/portrait.png", portrait(1))
		for i := range 3 {
			w.Hand(fmt.Sprintf("shop/%d.wav", i), sim.Recording(i, length))
		}
		w.Run(10 * time.Minute)
		require.Len(t, w.Films(), 3)
		require.Len(t, w.Outbox.Keys("videos/shop/"), 6)
		told(t, w, 3)
	})
}

// TestAFileThatGoesOrChangesBeforeItIsSentIsNotPaidFor has the queue stand still
// meanwhile.
func TestAFileThatGoesOrChangesBeforeItIsSentIsNotPaidFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(w *sim.World)
		state  job.State
		code   string
	}{
		{"the portrait is deleted", func(w *sim.World) { w.Inbox.Delete("shop/portrait.png") }, job.Rejected, job.CodeFileGone},
		{"the portrait is another", func(w *sim.World) { w.Hand("shop/portrait.png", portrait(9)) }, job.Canceled, job.CodeReplaced},
		{"the recording is deleted", func(w *sim.World) { w.Inbox.Delete("shop/anna.wav") }, job.Rejected, job.CodeFileGone},
		{"the recording is another", func(w *sim.World) { w.Hand("shop/anna.wav", sim.Recording(9, length)) }, job.Canceled, job.CodeReplaced},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in(t, sim.Config{}, func(t *testing.T, w *sim.World) {
				_, err := w.Store.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
				require.NoError(t, err)
				w.Hand("shop/portrait.png", portrait(1))
				w.Hand("shop/anna.wav", sim.Recording(1, length))
				w.Run(time.Minute)
				require.NoError(t, w.Store.OpenGate(t.Context()))
				w.Run(10 * time.Second)
				_, err = w.Store.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
				require.NoError(t, err)
				all, err := w.Jobs()
				require.NoError(t, err)
				require.Len(t, all, 1)
				c.change(w)
				w.Run(time.Minute)
				require.NoError(t, w.Store.OpenGate(t.Context()))
				w.Run(patience)
				old, err := w.Store.Job(t.Context(), all[0].ID)
				require.NoError(t, err)
				require.Equal(t, c.state, old.State)
				require.Equal(t, c.code, old.Fault.Code)
				over(t, w)
				about := 0
				for _, n := range w.Notes() {
					if n.Attributes["job"] == old.ID {
						about++
					}
				}
				// Whoever uploaded a newer file knows.
				require.Equal(t, c.state != job.Canceled, about > 0)
				films := 0
				if c.state == job.Canceled {
					films = 1 // of the newer hand-in
				}
				require.Len(t, w.Films(), films)
			})
		})
	}
}

// TestNothingMakesJobsOutOfThePast installs a stack on a bucket that is full already,
// uses it, and lets so much time pass that the records of its jobs are deleted.
func TestNothingMakesJobsOutOfThePast(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	const tick = 20 * time.Minute
	in(t, sim.Config{Tick: tick, Before: func(inbox *sim.Bucket) {
		for i := range 150 {
			for _, o := range []sim.Object{
				{Key: fmt.Sprintf("old/%03d.png", i), Data: portrait(i)},
				{Key: fmt.Sprintf("old/%03d.wav", i), Data: sim.Recording(1000+i, length)},
			} {
				_, err := inbox.Put(o, "")
				require.NoError(t, err)
			}
		}
		time.Sleep(time.Second)
	}}, func(t *testing.T, w *sim.World) {
		w.Run(24 * time.Hour)
		all, err := w.Jobs()
		require.NoError(t, err)
		require.Empty(t, all)
		hand(w, 2)
		w.Run(6 * tick)
		finished(t, w, 2)
		w.Run(store.Retention + 24*time.Hour)
		all, err = w.Jobs()
		require.NoError(t, err)
		require.Empty(t, all, "their records are gone")
		w.Run(24 * time.Hour)
		require.Equal(t, 2, w.Count("vendor.create"))
		require.Equal(t, 2, w.Count("store.Create"))
		told(t, w, 2)
	})
}
