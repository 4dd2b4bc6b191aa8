package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

var jobSentences = []sentence{
	{"a job is created once", func(t *testing.T, s *store.Store) {
		first := created(t, s, "anna")
		require.Equal(t, int64(1), first.Rev)
		require.Equal(t, 1, first.Attempt)
		require.Equal(t, job.Schema, first.Schema)
		again := handedIn("anna")
		again.Audio.ETag = "other"
		_, err := s.Create(t.Context(), again)
		require.ErrorIs(t, err, job.ErrConflict)
		require.Equal(t, "a", read(t, s, first.ID).Audio.ETag, "the first one stands")
	}},
	{"of many that create the same job at once one does", func(t *testing.T, s *store.Store) {
		made := together(8, func(int) error {
			_, err := s.Create(t.Context(), handedIn("anna"))
			return err
		})
		requireOneWon(t, made)
	}},
	{"a job that was never created is not found", func(t *testing.T, s *store.Store) {
		_, err := s.Job(t.Context(), id("nobody"))
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"a job begins as received or rejected and in no other state", func(t *testing.T, s *store.Store) {
		for _, st := range job.States() {
			j := handedIn(string(st))
			j.State = st
			_, err := s.Create(t.Context(), j)
			if st == job.Received || st == job.Rejected {
				require.NoError(t, err, st)
				continue
			}
			var move *job.MoveError
			require.ErrorAs(t, err, &move, st)
			require.Equal(t, job.MoveError{From: job.New, To: st}, *move)
			_, err = s.Job(t.Context(), j.ID)
			require.ErrorIs(t, err, job.ErrNotFound)
		}
	}},
	{"a hand-in that cannot be used is created with the message that says so", func(t *testing.T, s *store.Store) {
		j := handedIn("anna")
		j.State, j.Fault = job.Rejected, &job.Fault{Code: job.CodeEmpty}
		j, err := s.Create(t.Context(), j)
		require.NoError(t, err)
		m, err := s.Message(t.Context(), job.OutcomeMessage(j).ID)
		require.NoError(t, err)
		require.Equal(t, job.CodeEmpty, m.Fault.Code)
		require.Equal(t, []string{m.ID}, dueMessages(t, s))
		require.False(t, j.Ended.IsZero())

		again := handedIn("anna")
		again.State, again.Fault = job.Rejected, &job.Fault{Code: job.CodeCorrupt}
		requireUnchanged(t, s, store.MessageKey(m.ID), func() {
			_, err = s.Create(t.Context(), again)
			require.ErrorIs(t, err, job.ErrConflict)
		})
	}},
	{"a job comes back as it was written", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		full := fullJob()
		full.State = job.Received
		after, err := s.Move(t.Context(), j, full)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(after, read(t, s, j.ID)))
		require.Equal(t, full.Result.URL.Reveal(), read(t, s, j.ID).Result.URL.Reveal())
		require.Equal(t, j.ID, after.ID, "a job never changes its id")

		// And all of it can be taken away again.
		bare := handedIn("anna")
		bare.Attempt = 1
		after, err = s.Move(t.Context(), after, bare)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(after, read(t, s, j.ID)))
		require.Nil(t, after.Task)
	}},
	{"a move is guarded by the revision", func(t *testing.T, s *store.Store) {
		old := created(t, s, "anna")
		moved(t, s, old, job.Received, func(j *job.Job) { j.Tries = 1 })
		requireRefused(t, s, old, job.Failed)
	}},
	{"a move is guarded by the state", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		j.State, j.Due = job.Received, day
		requireRefused(t, s, j, job.Failed)
	}},
	{"an open job that nothing else drives is refused without a due time", func(t *testing.T, s *store.Store) {
		lost := handedIn("anna")
		lost.Due = time.Time{}
		_, err := s.Create(t.Context(), lost)
		require.ErrorContains(t, err, "due time")
		j := submitted(t, s, "bert")
		for _, to := range []job.State{job.Submitted, job.Running, job.Storing} {
			next := j
			next.State, next.Due = to, time.Time{}
			_, err := s.Move(t.Context(), j, next)
			require.ErrorContains(t, err, "due time", to)
		}
	}},
	{"a move is guarded by the attempt", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		j.Attempt = 2
		requireRefused(t, s, j, job.Failed)
	}},
	{"a job that is gone is not written again by a move", func(t *testing.T, s *store.Store) {
		j := handedIn("anna")
		j.Rev, j.Attempt = 1, 1
		next := j
		next.State = job.Failed
		_, err := s.Move(t.Context(), j, next)
		require.ErrorIs(t, err, job.ErrConflict)
		_, err = s.Job(t.Context(), j.ID)
		require.ErrorIs(t, err, job.ErrNotFound)
		require.Empty(t, dueMessages(t, s))
	}},
	{"a move that is not in the table is refused before anything is written", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		for _, from := range job.States() {
			for _, to := range job.States() {
				if from == to || job.CanMove(from, to) && to != job.Submitting {
					continue
				}
				a, b := j, j
				a.State, b.State = from, to
				requireUnchanged(t, s, store.JobKey(j.ID), func() {
					_, err := s.Move(t.Context(), a, b)
					var move *job.MoveError
					require.ErrorAs(t, err, &move, "%s to %s", from, to)
					require.NotErrorIs(t, err, job.ErrConflict, "a defect of ours is no race")
				})
			}
		}
	}},
	{"a note changes a job without moving it", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		noted := moved(t, s, j, job.Received, func(j *job.Job) { j.Tries, j.Due = 3, day.Add(time.Hour) })
		require.Equal(t, j.Rev+1, noted.Rev)
		got := read(t, s, j.ID)
		require.Equal(t, 3, got.Tries)
		require.True(t, day.Add(time.Hour).Equal(got.Due))
		require.Empty(t, dueMessages(t, s))
	}},
	{"a move forgets the failures of the step it leaves", func(t *testing.T, s *store.Store) {
		j := moved(t, s, created(t, s, "anna"), job.Received, func(j *job.Job) { j.Tries = 3 })
		require.Zero(t, moved(t, s, j, job.Queued, inQueue).Tries)
		require.Zero(t, read(t, s, j.ID).Tries)
	}},
	{"entering a state that is told writes its message, and no other does", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		require.Empty(t, dueMessages(t, s))
		j = moved(t, s, j, job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeDetectFails} })
		require.Equal(t, []string{job.OutcomeMessage(j).ID}, dueMessages(t, s))
		moved(t, s, j, job.Failed, func(j *job.Job) { j.Wasted = 4_000 })
		require.Len(t, dueMessages(t, s), 1, "a note in the same state tells nothing")
	}},
	{"a job held twice in one attempt is told twice", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitting(t, s, "anna", soon()), job.Held, func(j *job.Job) { j.Due = time.Time{} })
		j = moved(t, s, j, job.Submitted, withTask("task"))
		j = moved(t, s, j, job.Storing)
		moved(t, s, j, job.Held, func(j *job.Job) { j.Due = time.Time{} })
		require.Len(t, dueMessages(t, s), 2)
	}},
	{"of many that end a job at once one does, and one message is written", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		ends := []job.State{job.Failed, job.Canceled, job.Rejected}
		requireOneWon(t, together(6, func(n int) error {
			next := j
			next.State = ends[n%len(ends)]
			_, err := s.Move(t.Context(), j, next)
			return err
		}))
		end := read(t, s, j.ID)
		require.Equal(t, []string{job.OutcomeMessage(end).ID}, dueMessages(t, s), "the loser's message is not there")
	}},
	{"a task of the vendor has one owner", func(t *testing.T, s *store.Store) {
		a := moved(t, s, submitting(t, s, "anna", soon()), job.Submitted, withTask("task"))
		owner, err := s.Owner(t.Context(), "task")
		require.NoError(t, err)
		require.Equal(t, a.ID, owner)

		b := submitting(t, s, "bert", soon())
		next := b
		next.State = job.Submitted
		withTask("task")(&next)
		requireUnchanged(t, s, store.JobKey(b.ID), func() {
			_, err = s.Move(t.Context(), b, next)
			require.ErrorIs(t, err, job.ErrConflict)
		})
		owner, err = s.Owner(t.Context(), "task")
		require.NoError(t, err)
		require.Equal(t, a.ID, owner)
		require.NotNil(t, gate(t, s).Lease, "the loser's lease stands, like all of it")
	}},
	{"a task may be given to its owner again", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitting(t, s, "anna", soon()), job.Submitted, withTask("task"))
		j = moved(t, s, j, job.Queued, inQueue, func(j *job.Job) { j.Task = nil })
		j, err := admit(t.Context(), s, j, 3, soon())
		require.NoError(t, err)
		moved(t, s, j, job.Submitted, withTask("task"))
	}},
	{"a task of the account's other work has no owner", func(t *testing.T, s *store.Store) {
		_, err := s.Owner(t.Context(), "somebody else's")
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"a retried job has not ended, and ends anew", func(t *testing.T, s *store.Store) {
		j := moved(t, s, created(t, s, "anna"), job.Failed)
		first := j.Ended
		require.False(t, first.IsZero())
		require.True(t, j.Due.IsZero(), "nothing wakes a job that has ended")
		j = moved(t, s, j, job.Failed, func(j *job.Job) { j.Wasted = 1 })
		require.Equal(t, first, j.Ended, "a note does not end it again")
		j = moved(t, s, j, job.Received, func(j *job.Job) { j.Attempt++ })
		require.True(t, read(t, s, j.ID).Ended.IsZero())
		j = moved(t, s, j, job.Failed)
		require.False(t, j.Ended.Before(first))
	}},
	{"a film that moves has its record follow it, and is not told again", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitted(t, s, "anna"), job.Storing, func(j *job.Job) { j.Result = &job.Result{URLEnds: day} })
		j = moved(t, s, j, job.Succeeded, func(j *job.Job) { j.Film = &job.Film{Key: "videos/anna.mp4"} })
		next := j
		next.Film = &job.Film{Key: "videos/anna.1.mp4"}
		j, err := s.Move(t.Context(), j, next)
		require.NoError(t, err)
		m, err := s.Message(t.Context(), job.MovedMessage(j).ID)
		require.NoError(t, err)
		require.Equal(t, []job.Channel{job.Record}, m.Unsent)
		require.Equal(t, "videos/anna.1.mp4", m.Film.Key)
		told := dueMessages(t, s)
		require.Contains(t, told, job.OutcomeMessage(j).ID, "what was told keeps its id however often the job is written to")
		require.Len(t, told, 2)
	}},
}

// requireRefused moves in vain: a conflict, and nothing is written at all.
func requireRefused(t *testing.T, s *store.Store, from job.Job, to job.State) {
	t.Helper()
	next := from
	next.State = to
	requireUnchanged(t, s, store.JobKey(from.ID), func() {
		_, err := s.Move(t.Context(), from, next)
		require.ErrorIs(t, err, job.ErrConflict)
	})
	require.Empty(t, dueMessages(t, s), "a move that loses tells nothing")
}

// together does the same n times at once and gives all outcomes.
func together(n int, do func(n int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	done := make(chan struct{})
	for i := range n {
		go func() {
			<-start
			errs[i] = do(i)
			done <- struct{}{}
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return errs
}

// requireOneWon wants exactly one success, and conflicts for the rest.
func requireOneWon(t *testing.T, outcomes []error) {
	t.Helper()
	won := 0
	for _, err := range outcomes {
		if err == nil {
			won++
			continue
		}
		require.True(t, errors.Is(err, job.ErrConflict), "%v", err)
	}
	require.Equal(t, 1, won)
}
