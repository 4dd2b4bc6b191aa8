package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// ready is a job whose film the vendor has made, with so much work for so many seconds;
// no work: the vendor does not say when it began.
func ready(j job.Job, work time.Duration, seconds float64) job.Job {
	task := *j.Task
	task.Status, task.Ended = job.TaskSucceeded, day
	if work > 0 {
		task.Started = day.Add(-work)
	}
	j.State, j.Due, j.Task, j.Result = job.Storing, day, &task, &job.Result{URL: "https://films/1", Seconds: seconds}
	return j
}

// filmed is a job from the beginning until its film is ready.
func filmed(t *testing.T, s *store.Store, name string, work time.Duration, seconds float64) {
	t.Helper()
	j := submitted(t, s, name)
	_, err := s.Move(t.Context(), j, ready(j, work, seconds))
	require.NoError(t, err)
}

var slotSentences = []sentence{
	{"a slot is held from the intent until the job leaves the vendor", func(t *testing.T, s *store.Store) {
		j := submitting(t, s, "anna", soon())
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
		j = moved(t, s, j, job.Submitted, withTask("task"))
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
		j = moved(t, s, j, job.Running)
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
		j = moved(t, s, j, job.Storing)
		require.Empty(t, slotsOf(t, s))
		moved(t, s, j, job.Succeeded)
		require.Empty(t, slotsOf(t, s))
	}},
	{"every way away from the vendor gives the slot back", func(t *testing.T, s *store.Store) {
		other := submitted(t, s, "other")
		tried := map[string]bool{}
		for _, m := range job.Moves() {
			name := string(m.From) + "-" + string(m.To)
			if !m.From.HoldsSlot() || m.To.HoldsSlot() || tried[name] {
				continue
			}
			tried[name] = true
			j := submitting(t, s, name, soon())
			if m.From != job.Submitting {
				j = moved(t, s, j, job.Submitted, withTask(name))
			}
			if m.From == job.Running {
				j = moved(t, s, j, job.Running)
			}
			require.Contains(t, slotsOf(t, s), name)
			moved(t, s, j, m.To, inQueue)
			require.Equal(t, []string{"other"}, slotsOf(t, s), name)
			require.Nil(t, gate(t, s).Lease, name)
		}
		require.Equal(t, job.Submitted, read(t, s, other.ID).State)
	}},
	{"a held job takes its slot again when a person gives it its task", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitting(t, s, "anna", past()), job.Held)
		require.Empty(t, slotsOf(t, s))
		j = moved(t, s, j, job.Submitted, withTask("task"))
		require.Equal(t, map[string]job.Slot{j.ID: {Seconds: 12.5}}, gate(t, s).Slots)
	}},
	{"a held job takes its slot even when all are taken: its task is there", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitting(t, s, "anna", past()), job.Held)
		for _, name := range []string{"bert", "carl", "dora"} {
			submitted(t, s, name)
		}
		moved(t, s, j, job.Submitted, withTask("task"))
		require.Len(t, slotsOf(t, s), 4)
		requireNotAdmitted(t, s, queued(t, s, "emil"), 3)
	}},
	{"a held job that is posted again or given up takes no slot", func(t *testing.T, s *store.Store) {
		for _, to := range []job.State{job.Queued, job.Storing, job.Canceled} {
			j := moved(t, s, submitting(t, s, "to "+string(to), past()), job.Held)
			moved(t, s, j, to, inQueue)
			require.Empty(t, slotsOf(t, s), to)
		}
	}},
	{"a move that loses leaves slots and lease as they are", func(t *testing.T, s *store.Store) {
		old := submitting(t, s, "anna", soon())
		moved(t, s, old, job.Submitting, func(j *job.Job) { j.Tries = 1 })
		requireUnchanged(t, s, store.GateKey, func() {
			next := old
			next.State = job.Failed
			_, err := s.Move(t.Context(), old, next)
			require.ErrorIs(t, err, job.ErrConflict)
		})
	}},
	{"the posting lease is given back with the answer, whatever it is", func(t *testing.T, s *store.Store) {
		for _, to := range []job.State{job.Submitted, job.Queued, job.Rejected, job.Failed, job.Held} {
			j := submitting(t, s, "to "+string(to), soon())
			require.Equal(t, j.ID, gate(t, s).Lease.Job)
			moved(t, s, j, to, inQueue)
			require.Nil(t, gate(t, s).Lease, to)
			require.NotContains(t, raw(t, s, store.GateKey), "lease")
		}
	}},
	{"when the posting lease was last given back is known, and that it was taken is not", func(t *testing.T, s *store.Store) {
		require.Zero(t, gate(t, s).Posted)
		for _, to := range []job.State{job.Submitted, job.Queued, job.Failed} {
			before := time.Now().Add(-time.Millisecond)
			was := gate(t, s).Posted
			j := submitting(t, s, "to "+string(to), soon())
			require.Equal(t, was, gate(t, s).Posted)
			j = moved(t, s, j, to, inQueue)
			posted := gate(t, s).Posted
			require.WithinRange(t, posted, before, time.Now(), to)
			if to == job.Submitted {
				moved(t, s, j, job.Storing)
				require.Equal(t, posted, gate(t, s).Posted, "no other move counts")
			}
		}
	}},
	{"a job that comes late does not give another's lease back", func(t *testing.T, s *store.Store) {
		anna := submitting(t, s, "anna", past())
		bert := submitting(t, s, "bert", soon())
		moved(t, s, anna, job.Submitted, withTask("task"))
		require.Equal(t, bert.ID, gate(t, s).Lease.Job)
		require.Zero(t, gate(t, s).Posted, "nor does it count as a create that has just ended")
		requireNotAdmitted(t, s, queued(t, s, "carl"), 100)
	}},
	{"a job's earlier intent does not give the lease of its later one back", func(t *testing.T, s *store.Store) {
		anna := submitting(t, s, "anna", past())
		// Somebody still holds the job as it was, with the intent of then.
		back := moved(t, s, anna, job.Queued, inQueue)
		again, err := admit(t.Context(), s, back, 3, soon())
		require.NoError(t, err)
		stale := anna
		stale.State = job.Failed
		_, err = s.Move(t.Context(), anna, stale)
		require.ErrorIs(t, err, job.ErrConflict)
		require.Equal(t, again.Intent.Fence, gate(t, s).Lease.Fence)
	}},
	{"a slot whose job is not at the vendor can be freed", func(t *testing.T, s *store.Store) {
		g := gate(t, s)
		anna := queued(t, s, "anna")
		setRaw(t, s, store.GateKey, map[string]any{"s": 1}, "slots", anna.ID)
		setRaw(t, s, store.GateKey, map[string]any{"s": 1}, "slots", id("gone"))
		require.NoError(t, s.FreeSlot(t.Context(), anna.ID, g.Fence))
		require.NoError(t, s.FreeSlot(t.Context(), id("gone"), g.Fence), "its record may have been deleted")
		require.Empty(t, slotsOf(t, s))
		require.NoError(t, s.FreeSlot(t.Context(), anna.ID, g.Fence), "twice is no harm")
		_, err := s.Job(t.Context(), id("gone"))
		require.ErrorIs(t, err, job.ErrNotFound, "looking at a job does not make one")
	}},
	{"a slot is not freed when somebody was admitted since the look", func(t *testing.T, s *store.Store) {
		g := gate(t, s)
		anna := submitting(t, s, "anna", soon())
		require.ErrorIs(t, s.FreeSlot(t.Context(), anna.ID, g.Fence), job.ErrConflict)
		require.ErrorIs(t, s.FreeSlot(t.Context(), id("gone"), g.Fence), job.ErrConflict, "whoever it was")
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
	}},
	{"a slot is not freed when its job holds it after all", func(t *testing.T, s *store.Store) {
		held := moved(t, s, submitting(t, s, "anna", past()), job.Held)
		g := gate(t, s)
		moved(t, s, held, job.Submitted, withTask("task")) // by a person's word: no fence
		require.ErrorIs(t, s.FreeSlot(t.Context(), held.ID, g.Fence), job.ErrConflict)
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
	}},
	{"a slot that a job at the vendor is missing can be put back", func(t *testing.T, s *store.Store) {
		j := submitted(t, s, "anna")
		freeRaw(t, s)
		require.NoError(t, s.TakeSlot(t.Context(), j))
		require.NoError(t, s.TakeSlot(t.Context(), j), "twice is no harm")
		require.Equal(t, map[string]job.Slot{j.ID: {Seconds: 12.5}}, gate(t, s).Slots)
	}},
	{"a slot is not put back for a job that has left since the look", func(t *testing.T, s *store.Store) {
		j := submitted(t, s, "anna")
		moved(t, s, j, job.Storing)
		require.NoError(t, s.TakeSlot(t.Context(), j))
		require.Empty(t, slotsOf(t, s), "it would never be given back")
	}},
}

// freeRaw takes all slots away behind the rules.
func freeRaw(t *testing.T, s *store.Store) {
	t.Helper()
	setRaw(t, s, store.GateKey, map[string]any{}, "slots")
}

var gateSentences = []sentence{
	{"a new stack has an open gate that knows when it was installed", func(t *testing.T, s *store.Store) {
		before := time.Now().Add(-time.Second)
		g := gate(t, s)
		require.Nil(t, g.Closed)
		require.Nil(t, g.Lease)
		require.Empty(t, g.Slots)
		require.Zero(t, g.Fence)
		require.True(t, g.Installed.After(before))
		require.Equal(t, g, gate(t, s), "asking again changes nothing")
	}},
	{"many that find no gate make one", func(t *testing.T, s *store.Store) {
		gates := make([]job.Gate, 8)
		for _, err := range together(8, func(n int) (err error) {
			gates[n], err = s.Gate(t.Context())
			return err
		}) {
			require.NoError(t, err)
		}
		for _, g := range gates {
			require.Equal(t, gates[0].Installed, g.Installed)
		}
	}},
	{"the first reason for closing stays, and is told once", func(t *testing.T, s *store.Store) {
		first := job.Closure{Code: "key_refused", Detail: "InvalidApiKey", Since: day}
		closed, err := s.CloseGate(t.Context(), first, day)
		require.NoError(t, err)
		require.True(t, closed)
		closed, err = s.CloseGate(t.Context(), job.Closure{Code: "budget"}, day.Add(-time.Hour))
		require.NoError(t, err)
		require.False(t, closed)
		g := gate(t, s)
		require.Equal(t, &first, g.Closed)
		require.True(t, day.Equal(g.Due), "nor does its probe move")
	}},
	{"of many that close the gate at once one does", func(t *testing.T, s *store.Store) {
		gate(t, s)
		told := make([]bool, 8)
		for _, err := range together(8, func(n int) (err error) {
			told[n], err = s.CloseGate(t.Context(), job.Closure{Code: "key_refused"}, day)
			return err
		}) {
			require.NoError(t, err)
		}
		n := 0
		for _, b := range told {
			if b {
				n++
			}
		}
		require.Equal(t, 1, n)
	}},
	{"a gate closed by itself is probed, one closed by hand is not", func(t *testing.T, s *store.Store) {
		_, err := s.CloseGate(t.Context(), job.Closure{Code: "budget"}, day)
		require.NoError(t, err)
		require.Equal(t, []string{"gate "}, due(t, s, day))
		require.NoError(t, s.OpenGate(t.Context()))
		require.Empty(t, due(t, s, day))
		_, err = s.CloseGate(t.Context(), job.Closure{Code: "paused", ByHand: true}, day)
		require.NoError(t, err)
		require.Empty(t, due(t, s, day))
		require.ErrorIs(t, s.NextProbe(t.Context(), 1, day), job.ErrConflict)
		require.Empty(t, due(t, s, day))
		require.Zero(t, gate(t, s).Closed.Probes)
	}},
	{"a probe in vain is counted and set again", func(t *testing.T, s *store.Store) {
		_, err := s.CloseGate(t.Context(), job.Closure{Code: "budget", Since: day}, day)
		require.NoError(t, err)
		require.NoError(t, s.NextProbe(t.Context(), 3, day.Add(time.Hour)))
		g := gate(t, s)
		require.Equal(t, &job.Closure{Code: "budget", Since: day, Probes: 3}, g.Closed)
		require.True(t, day.Add(time.Hour).Equal(g.Due))
	}},
	{"an open gate is not probed", func(t *testing.T, s *store.Store) {
		gate(t, s)
		require.ErrorIs(t, s.NextProbe(t.Context(), 1, day), job.ErrConflict)
		require.Empty(t, due(t, s, day))
	}},
	{"opening is no error when it is open", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.OpenGate(t.Context()), "nor before there is a gate")
		require.Nil(t, gate(t, s).Closed)
		_, err := s.CloseGate(t.Context(), job.Closure{Code: "budget"}, day)
		require.NoError(t, err)
		require.NoError(t, s.OpenGate(t.Context()))
		require.NoError(t, s.OpenGate(t.Context()))
		g := gate(t, s)
		require.Nil(t, g.Closed)
		require.True(t, g.Due.IsZero())
		closed, err := s.CloseGate(t.Context(), job.Closure{Code: "arrears"}, day)
		require.NoError(t, err)
		require.True(t, closed, "it can be closed again")
	}},
	{"the vendor's word to wait is kept", func(t *testing.T, s *store.Store) {
		until := soon()
		require.NoError(t, s.Throttle(t.Context(), until))
		g := gate(t, s)
		require.True(t, until.Equal(g.NotBefore))
		require.Equal(t, job.Throttle, g.Admits(time.Now(), "any", 1, 3, until, job.EMO()))
	}},
	{"a shorter wait takes back no longer one", func(t *testing.T, s *store.Store) {
		until := soon()
		require.NoError(t, s.Throttle(t.Context(), until))
		require.NoError(t, s.Throttle(t.Context(), until.Add(-time.Minute)))
		require.True(t, until.Equal(gate(t, s).NotBefore))
		require.NoError(t, s.Throttle(t.Context(), until.Add(time.Minute)))
		require.True(t, until.Add(time.Minute).Equal(gate(t, s).NotBefore))
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if err := s.Throttle(t.Context(), until.Add(time.Duration(i)*time.Minute)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.True(t, until.Add(7*time.Minute).Equal(gate(t, s).NotBefore), "whoever came first")
	}},
	{"what a film taught is kept", func(t *testing.T, s *store.Store) {
		filmed(t, s, "anna", 120*time.Second, 12)
		filmed(t, s, "bert", 80*time.Second, 10)
		filmed(t, s, "nobody knows how long", 0, 10)
		require.Equal(t, []int64{10_000, 8_000}, gate(t, s).Speeds)
		for i := range 20 {
			filmed(t, s, fmt.Sprint("film ", i), time.Second, 1)
		}
		require.Len(t, gate(t, s).Speeds, 15)
	}},
	{"a film teaches in the transaction that frees its slot, or not at all", func(t *testing.T, s *store.Store) {
		j := submitted(t, s, "anna")
		moved(t, s, j, job.Running)
		requireUnchanged(t, s, store.GateKey, func() {
			_, err := s.Move(t.Context(), j, ready(j, 120*time.Second, 12))
			require.ErrorIs(t, err, job.ErrConflict)
		})
	}},
	{"two films that are ready at the same moment both free their slots", func(t *testing.T, s *store.Store) {
		js := []job.Job{submitted(t, s, "anna"), submitted(t, s, "bert"), submitted(t, s, "carl")}
		require.NoError(t, errors.Join(together(len(js), func(i int) error {
			_, err := s.Move(t.Context(), js[i], ready(js[i], 120*time.Second, 12))
			return err
		})...))
		require.Empty(t, slotsOf(t, s))
		require.NotEmpty(t, gate(t, s).Speeds)
	}},
	{"the vendor's name for our key is kept", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.LearnKey(t.Context(), "key-6"), "before there is a gate, too")
		require.NoError(t, s.LearnKey(t.Context(), "key-7"))
		filmed(t, s, "anna", 120*time.Second, 12)
		require.Equal(t, "key-7", gate(t, s).KeyID)
	}},
	{"S3 is given up after three failures in a row, tried again by one, and used again when it works", func(t *testing.T, s *store.Store) {
		fetched := func(id string, ok bool) { require.NoError(t, s.Fetched(t.Context(), job.Fetch{Job: id, OK: ok})) }
		require.ErrorIs(t, s.Trial(t.Context(), gate(t, s), "one"), job.ErrConflict, "nothing is to be tried")
		via := func() (job.Transfer, bool) {
			return gate(t, s).Transfer(job.TransferAuto, job.Job{}, false, time.Now())
		}
		for range 2 {
			fetched("a", false)
			to, trial := via()
			require.Equal(t, job.TransferPresign, to)
			require.False(t, trial)
		}
		fetched("b", true)
		require.Nil(t, gate(t, s).Route, "not in a row")
		for range 3 {
			fetched("a", false)
		}
		to, trial := via()
		require.Equal(t, job.TransferTemp, to)
		require.False(t, trial)
		g := gate(t, s)
		fetched("sent before", false)
		fetched("sent before", true)
		require.Equal(t, g.Route, gate(t, s).Route)
		require.True(t, func() bool { _, trial := g.Transfer(job.TransferAuto, job.Job{}, false, g.Route.Until); return trial }())
		require.NoError(t, s.Trial(t.Context(), g, "one"))
		require.ErrorIs(t, s.Trial(t.Context(), g, "two"), job.ErrConflict, "one is enough")
		fetched("two", false)
		require.Zero(t, gate(t, s).Route.Trials, "only the one that tries tells")
		fetched("one", false)
		again := gate(t, s).Route
		require.Equal(t, 1, again.Trials)
		require.Greater(t, time.Until(again.Until), 55*time.Minute, "after twice the time")
		require.NoError(t, s.Trial(t.Context(), gate(t, s), id("three")))
		filmed(t, s, "sent before", time.Second, 1)
		require.NotNil(t, gate(t, s).Route)
		filmed(t, s, "three", time.Second, 1)
		require.Nil(t, gate(t, s).Route)
	}},
	{"who tries S3 again is admitted with the note of it, or not at all", func(t *testing.T, s *store.Store) {
		anna := queued(t, s, "anna")
		try := func() (job.Job, error) {
			return s.Admit(t.Context(), anna, job.Admission{Gate: gate(t, s), Limit: 1, Intent: intent(soon()), Trial: true})
		}
		_, err := try()
		require.ErrorIs(t, err, job.ErrConflict, "there is nothing to be tried")
		for range 3 {
			require.NoError(t, s.Fetched(t.Context(), job.Fetch{Job: "a"}))
		}
		sent, err := try()
		require.NoError(t, err)
		require.Equal(t, job.Submitting, sent.State)
		require.Equal(t, sent, read(t, s, anna.ID))
		require.Equal(t, anna.ID, gate(t, s).Route.Trier)
	}},
	{"learning and closing take nothing from who is at the vendor", func(t *testing.T, s *store.Store) {
		j := submitting(t, s, "anna", soon())
		require.NoError(t, s.LearnKey(t.Context(), "key"))
		require.NoError(t, s.Throttle(t.Context(), day))
		_, err := s.CloseGate(t.Context(), job.Closure{Code: "budget"}, day)
		require.NoError(t, err)
		require.NoError(t, s.OpenGate(t.Context()))
		g := gate(t, s)
		require.Equal(t, j.ID, g.Lease.Job)
		require.Equal(t, []string{"anna"}, slotsOf(t, s))
		require.Equal(t, int64(1), g.Fence)
	}},
}
