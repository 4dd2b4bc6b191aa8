package store_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

const lag = 3 * time.Second

func TestIndexesShowTheTableAsItWas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(lag)
		j := queued(t, s, "anna")
		require.Equal(t, j, read(t, s, j.ID), "a record is read as it is")
		require.Empty(t, queue(t, s), "the index has not seen it yet")
		time.Sleep(lag - time.Nanosecond)
		synctest.Wait()
		require.Empty(t, queue(t, s))
		time.Sleep(time.Nanosecond)
		require.Equal(t, []string{j.ID}, queue(t, s))

		moved(t, s, j, job.Canceled)
		require.Equal(t, []string{j.ID}, queue(t, s), "nor that it has left")
		time.Sleep(lag)
		require.Empty(t, queue(t, s))
	})
}

func TestIndexesShowEachStateInItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(lag)
		dues := func() []string { return due(t, s, day.Add(1000*time.Hour)) }
		j := created(t, s, "anna")
		at := func(d time.Duration) time.Time { return day.Add(d) }
		for i := range 5 {
			time.Sleep(time.Second)
			j = moved(t, s, j, job.Received, func(j *job.Job) { j.Due = at(time.Duration(i+1) * time.Hour) })
		}
		// Five seconds after it was made the index shows it as it was two seconds
		// after: its second note.
		ds, err := s.Due(t.Context(), at(1000*time.Hour), 0)
		require.NoError(t, err)
		require.Equal(t, []job.Due{{Kind: job.DueJob, ID: j.ID, At: at(2 * time.Hour)}}, ds)
		moved(t, s, j, job.Failed)
		require.Contains(t, dues(), "job anna", "what has ended may still seem due")
		time.Sleep(lag)
		require.NotContains(t, dues(), "job anna")
	})
}

func TestADeletedMessageMaySeemDueForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(lag)
		_, err := s.AddNotice(t.Context(), job.Message{ID: "m", Due: day, Unsent: job.Channels()})
		require.NoError(t, err)
		time.Sleep(lag)
		m, err := s.Message(t.Context(), "m")
		require.NoError(t, err)
		sent := m
		sent.Unsent = nil
		require.NoError(t, s.PutMessage(t.Context(), m, sent))
		require.Equal(t, []string{"message m"}, due(t, s, day))
		_, err = s.Message(t.Context(), "m")
		require.ErrorIs(t, err, job.ErrNotFound)
		time.Sleep(lag)
		require.Empty(t, due(t, s, day))
	})
}

// Nothing safe may rest on an index: with the slowest of them, two that work from
// what it shows still admit a job once.
func TestALaggingQueueAdmitsNoJobTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(time.Hour)
		j := queued(t, s, "anna")
		time.Sleep(time.Hour)
		first, err := admit(t.Context(), s, j, 3, soon())
		require.NoError(t, err)
		time.Sleep(2 * time.Minute)
		require.Equal(t, []string{j.ID}, queue(t, s), "the index still shows it queued")
		_, err = admit(t.Context(), s, j, 3, soon())
		require.ErrorIs(t, err, job.ErrConflict)
		require.Equal(t, first, read(t, s, j.ID))
	})
}

func TestTimePassesForLeasesAndFaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory(0)
		require.NoError(t, s.Lease(t.Context(), "poll", "me", time.Now().Add(time.Minute)))
		time.Sleep(time.Minute)
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", time.Now().Add(time.Minute)), job.ErrConflict, "it ends with its last millisecond")
		time.Sleep(time.Millisecond)
		require.NoError(t, s.Lease(t.Context(), "poll", "you", time.Now().Add(time.Minute)))

		anna := submitting(t, s, "anna", time.Now().Add(time.Minute))
		bert := queued(t, s, "bert")
		time.Sleep(time.Minute)
		requireNotAdmitted(t, s, bert, 3)
		time.Sleep(time.Millisecond)
		_, err := admit(t.Context(), s, bert, 3, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.True(t, read(t, s, anna.ID).Due.Before(time.Now()), "poll has it in its hands")

		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Pass: true}))
		time.Sleep(30 * 24 * time.Hour)
		_, err = s.Face(t.Context(), "sha", job.Square)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = s.Face(t.Context(), "sha", job.Square)
		require.ErrorIs(t, err, job.ErrNotFound)
	})
}

func TestMemoryRefusesWhatDynamoDBRefuses(t *testing.T) {
	t.Parallel()
	s := store.NewMemory(0)
	j := created(t, s, "anna")
	require.Error(t, store.SetRaw(t.Context(), s, store.JobKey(j.ID), 1, "task", "missing"), "a path through nothing")
	next := j
	next.State, next.Due = job.Queued, time.Time{}
	requireUnchanged(t, s, store.JobKey(j.ID), func() {
		_, err := s.Move(t.Context(), j, next)
		require.Error(t, err, "a queued job without a rank")
		require.NotErrorIs(t, err, job.ErrConflict)
	})
}

func TestMemoryHeedsItsCallersTime(t *testing.T) {
	t.Parallel()
	s := store.NewMemory(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, do := range everyCall() {
		require.ErrorIs(t, do(ctx, s), context.Canceled, what)
	}
}
