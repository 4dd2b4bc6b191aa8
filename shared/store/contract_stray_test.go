package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// givenUp has a job whose create call was never found and that is queued again.
func givenUp(t *testing.T, s *store.Store, name string) job.Job {
	t.Helper()
	j := moved(t, s, submitting(t, s, name, past()), job.Submitting, func(j *job.Job) {
		in := *j.Intent
		in.Revoked = time.Now().UTC()
		j.Intent = &in
	})
	return moved(t, s, j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
}

var straySentences = []sentence{
	{"a create call that was given up is looked for further", func(t *testing.T, s *store.Store) {
		j := givenUp(t, s, "anna")
		st, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.NoError(t, err)
		require.Equal(t, j.ID, st.Job)
		require.False(t, st.Intent.Revoked.IsZero())
		require.False(t, st.Due.IsZero())
		due, err := s.Due(t.Context(), time.Now().Add(time.Hour), 10)
		require.NoError(t, err)
		require.Contains(t, due, job.Due{Kind: job.DueStray, ID: st.ID(), At: st.Due})
	}},
	{"a create call that was refused is not", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitting(t, s, "anna", past()), job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
		_, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"a task that the vendor has lost is looked for by its id", func(t *testing.T, s *store.Store) {
		j := submitted(t, s, "anna")
		task := j.Task.ID
		j = moved(t, s, j, job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		st, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.NoError(t, err)
		require.Equal(t, task, st.TaskID)
	}},
	{"one that has outlived its id is not", func(t *testing.T, s *store.Store) {
		j := moved(t, s, submitted(t, s, "anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeTaskExpired} })
		_, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"what is learned of a stray is kept, by one writer at a time", func(t *testing.T, s *store.Store) {
		j := givenUp(t, s, "anna")
		st, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.NoError(t, err)
		next := st
		next.TaskID, next.Due = "task-1", time.Now().Add(time.Hour).Truncate(time.Millisecond)
		require.NoError(t, s.PutStray(t.Context(), st, next))
		require.ErrorIs(t, s.PutStray(t.Context(), st, next), job.ErrConflict)
		got, err := s.Stray(t.Context(), st.ID())
		require.NoError(t, err)
		require.Equal(t, "task-1", got.TaskID)
		require.True(t, next.Due.Equal(got.Due))
		require.NoError(t, s.DropStray(t.Context(), got))
		require.NoError(t, s.DropStray(t.Context(), got))
		_, err = s.Stray(t.Context(), st.ID())
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"an orphan is owned, told and paid for in one", func(t *testing.T, s *store.Store) {
		j := givenUp(t, s, "anna")
		st, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
		require.NoError(t, err)
		next := st
		next.TaskID = "task-" + j.ID
		require.NoError(t, s.PutStray(t.Context(), st, next))
		_, err = s.Orphan(t.Context(), next, j, 5*job.Yuan)
		require.ErrorIs(t, err, job.ErrConflict, "somebody has looked at it since")
		require.Zero(t, read(t, s, j.ID).Wasted)
		st, err = s.Stray(t.Context(), st.ID())
		require.NoError(t, err)
		m, err := s.Orphan(t.Context(), st, j, 5*job.Yuan)
		require.NoError(t, err)
		require.Equal(t, 5*job.Yuan, read(t, s, j.ID).Wasted)
		owner, err := s.Owner(t.Context(), st.TaskID)
		require.NoError(t, err)
		require.Equal(t, j.ID, owner)
		told, err := s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, 5*job.Yuan, told.Wasted)
		require.Equal(t, []job.Channel{job.Topic, job.Bus, job.Webhook}, told.Unsent)
		_, err = s.Stray(t.Context(), st.ID())
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
}
