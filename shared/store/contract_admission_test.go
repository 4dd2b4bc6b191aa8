package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

var admissionSentences = []sentence{
	{"an admitted job has its intent, a slot and the posting lease", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		until := soon()
		got, err := admit(t.Context(), s, j, 3, until)
		require.NoError(t, err)
		require.Equal(t, got, read(t, s, j.ID))
		require.Equal(t, job.Submitting, got.State)
		require.Equal(t, 1, got.Posts)
		require.Equal(t, 1, got.Attempt, "posting is no new attempt")
		require.Equal(t, until, got.Due, "poll looks after it when the lease is over")
		want := intent(until)
		want.Fence = 1
		require.Equal(t, &want, got.Intent)
		g := gate(t, s)
		require.Equal(t, map[string]job.Slot{j.ID: {Seconds: 12.5}}, g.Slots)
		require.Equal(t, &job.PostLease{Job: j.ID, Fence: 1, Until: until}, g.Lease)
		require.Equal(t, int64(1), g.Fence)
	}},
	{"an admission forgets the task, the answer and the fault of an earlier post", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitted(t, s, "anna"), job.Queued, inQueue, func(j *job.Job) {
			j.Fault, j.Result = &job.Fault{Code: job.CodeVendorFailed}, &job.Result{URL: "https://x/"}
		})
		got, err := admit(t.Context(), s, j, 3, soon())
		require.NoError(t, err)
		require.Nil(t, got.Task)
		require.Nil(t, got.Result)
		require.Nil(t, got.Fault)
		require.Equal(t, 2, got.Posts)
		require.Equal(t, got, read(t, s, j.ID))
	}},
	{"only a queued job is admitted", func(t *testing.T, s *store.Store) {
		for st, j := range oneOfEach(t, s) {
			if st == job.Queued {
				continue
			}
			requireUnchanged(t, s, store.GateKey, func() {
				_, err := admit(t.Context(), s, j, 100, soon())
				require.Error(t, err, st)
				require.NotErrorIs(t, err, job.ErrConflict, "a defect of ours is no race")
			})
		}
	}},
	{"a dry run is never admitted, nor options that nobody could read, whatever queued them", func(t *testing.T, s *store.Store) {
		gate(t, s)
		for name, o := range map[string]job.Options{"dry": {DryRun: true}, "refused": {Refused: "1"}} {
			j := moved(t, s, created(t, s, name), job.Queued, inQueue, func(j *job.Job) { j.Options = o })
			requireUnchanged(t, s, store.GateKey, func() {
				_, err := admit(t.Context(), s, j, 100, soon())
				require.Error(t, err, name)
				require.NotErrorIs(t, err, job.ErrConflict, "a defect of ours is no race")
			})
		}
	}},
	{"a job that has left the queue meanwhile is not admitted, and takes nothing", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		moved(t, s, j, job.Canceled)
		requireNotAdmitted(t, s, j, 3)
	}},
	{"no job is admitted when all slots are taken", func(t *testing.T, s *store.Store) {
		submitted(t, s, "anna")
		submitted(t, s, "bert")
		carl := queued(t, s, "carl")
		requireNotAdmitted(t, s, carl, 2)
		_, err := admit(t.Context(), s, carl, 3, soon())
		require.NoError(t, err)
	}},
	{"no job is admitted while another create is in flight", func(t *testing.T, s *store.Store) {
		anna := submitting(t, s, "anna", soon())
		bert := queued(t, s, "bert")
		requireNotAdmitted(t, s, bert, 3)
		moved(t, s, anna, job.Submitted, withTask("task"))
		_, err := admit(t.Context(), s, bert, 3, soon())
		require.NoError(t, err)
	}},
	{"a job is admitted when the lease of a dead one is over, and the dead one keeps its slot", func(t *testing.T, s *store.Store) {
		submitting(t, s, "anna", past())
		bert := queued(t, s, "bert")
		_, err := admit(t.Context(), s, bert, 2, soon())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"anna", "bert"}, slotsOf(t, s))
		require.Equal(t, bert.ID, gate(t, s).Lease.Job)
	}},
	{"no job is admitted while the gate is closed", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		_, err := s.CloseGate(t.Context(), job.Closure{Code: "paused", ByHand: true}, time.Time{})
		require.NoError(t, err)
		requireNotAdmitted(t, s, j, 3)
		require.NoError(t, s.OpenGate(t.Context()))
		_, err = admit(t.Context(), s, j, 3, soon())
		require.NoError(t, err)
	}},
	{"the gate as it was read is the gate that admits", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		old := gate(t, s)
		moved(t, s, submitting(t, s, "bert", soon()), job.Submitted, withTask("task"))
		requireUnchanged(t, s, store.GateKey, func() {
			_, err := s.Admit(t.Context(), j, job.Admission{Gate: old, Limit: 3, Intent: intent(soon())})
			require.ErrorIs(t, err, job.ErrConflict)
		})
	}},
	{"a fencing number never repeats", func(t *testing.T, s *store.Store) {
		seen := map[int64]bool{}
		j := queued(t, s, "anna")
		for n := range 5 {
			admitted, err := admit(t.Context(), s, j, 3, soon())
			require.NoError(t, err)
			require.Greater(t, admitted.Intent.Fence, int64(n))
			require.False(t, seen[admitted.Intent.Fence])
			seen[admitted.Intent.Fence] = true
			j = moved(t, s, admitted, job.Queued, inQueue, func(j *job.Job) { j.Intent = nil })
		}
	}},
	{"a job that is already in the set is admitted though the set is full", func(t *testing.T, s *store.Store) {
		anna := queued(t, s, "anna")
		// A slot that was not given back, as a crash of older code may leave it.
		gate(t, s)
		setRaw(t, s, store.GateKey, map[string]any{"s": 12}, "slots", anna.ID)
		submitted(t, s, "bert")
		requireNotAdmitted(t, s, queued(t, s, "carl"), 2)
		_, err := admit(t.Context(), s, anna, 2, soon())
		require.NoError(t, err)
		require.ElementsMatch(t, []string{"anna", "bert"}, slotsOf(t, s))
	}},
	{"of two that race for the gate exactly one is admitted", func(t *testing.T, s *store.Store) {
		jobs := []job.Job{queued(t, s, "anna"), queued(t, s, "bert")}
		g := gate(t, s)
		requireOneWon(t, together(2, func(n int) error {
			_, err := s.Admit(t.Context(), jobs[n], job.Admission{Gate: g, Limit: 3, Intent: intent(soon())})
			return err
		}))
		require.Len(t, slotsOf(t, s), 1)
	}},
	{"of many that race with the same job exactly one posts it", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		requireOneWon(t, together(6, func(int) error {
			_, err := admit(t.Context(), s, j, 100, past()) // not even the lease keeps them apart
			return err
		}))
		require.Equal(t, 1, read(t, s, j.ID).Posts)
	}},
	{"sixteen at work never have more at the vendor than the limit", crowd},
}

// crowd has sixteen workers take jobs through the gate as fast as they can.
func crowd(t *testing.T, s *store.Store) {
	const workers, limit = 16, 3
	each := race.Amount(2, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var atVendor, most atomic.Int64
	// Twice as many as are admitted knock at the gate; the rest make and queue
	// their jobs meanwhile. All sixteen knocking would only wear out the machine.
	knock := make(chan struct{}, 2*limit)
	errs := together(workers, func(n int) error {
		for i := range each {
			if err := through(ctx, s, fmt.Sprintf("%d-%d", n, i), limit, knock, &atVendor, &most); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, errors.Join(errs...))
	g := gate(t, s)
	require.Empty(t, g.Slots, "every slot was given back")
	require.Nil(t, g.Lease, "the lease too")
	require.Equal(t, int64(workers*each), g.Fence, "one admission a job")
	require.LessOrEqual(t, most.Load(), int64(limit))
	require.Len(t, dueMessages(t, s), workers*each)
}

// through takes one job from hand-in to its end.
func through(ctx context.Context, s *store.Store, name string, limit int64, knock chan struct{}, atVendor, most *atomic.Int64) error {
	j, err := s.Create(ctx, handedIn(name))
	if err != nil {
		return err
	}
	move := func(to job.State, change func(*job.Job)) {
		if err != nil {
			return
		}
		for {
			next := j
			next.State = to
			change(&next)
			var got job.Job
			// Only this worker moves this job: a conflict can only be the gate's.
			if got, err = s.Move(ctx, j, next); !errors.Is(err, job.ErrConflict) {
				j = got
				return
			}
		}
	}
	move(job.Queued, inQueue)
	knock <- struct{}{}
	defer func() { <-knock }()
	for err == nil {
		var g job.Gate
		if g, err = s.Gate(ctx); err != nil {
			break
		}
		if int64(len(g.Slots)) > limit {
			return fmt.Errorf("%d slots taken", len(g.Slots))
		}
		if g.Admits(time.Now(), j.ID, 0, int(limit), time.Now().Add(time.Hour), job.EMO()) != job.Go {
			continue
		}
		admitted, refused := s.Admit(ctx, j, job.Admission{Gate: g, Limit: int(limit), Intent: intent(soon())})
		if refused == nil {
			j = admitted
			break
		}
		if !errors.Is(refused, job.ErrConflict) {
			return refused
		}
	}
	if err != nil {
		return err
	}
	// Counted after the slot was taken and before it is given back.
	if now := atVendor.Add(1); now > most.Load() {
		most.Store(now)
	}
	move(job.Submitted, withTask("task of "+name))
	move(job.Running, func(*job.Job) {})
	atVendor.Add(-1)
	move(job.Storing, func(*job.Job) {})
	move(job.Succeeded, func(*job.Job) {})
	return err
}

// requireNotAdmitted wants a conflict, and nothing taken.
func requireNotAdmitted(t *testing.T, s *store.Store, j job.Job, limit int) {
	t.Helper()
	requireUnchanged(t, s, store.JobKey(j.ID), func() {
		before := gate(t, s)
		_, err := admit(t.Context(), s, j, limit, soon())
		require.ErrorIs(t, err, job.ErrConflict)
		require.Equal(t, before, gate(t, s))
	})
}
