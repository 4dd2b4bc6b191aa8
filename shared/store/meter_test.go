package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

func TestTheMeterCountsAsDynamoDBDoes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1024)
	for _, c := range []struct {
		name string
		do   func(t *testing.T, s *store.Store)
		want map[string]int
	}{
		{"a small item is one unit, and one for its place in an index", func(t *testing.T, s *store.Store) {
			_, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "a"}}, job.Stem{Due: day})
			require.NoError(t, err)
		}, map[string]int{"STEM": 2}},
		{"a place that moves is two", func(t *testing.T, s *store.Store) {
			st, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "a"}}, job.Stem{Due: day})
			require.NoError(t, err)
			_, err = s.PutStem(t.Context(), st, job.Stem{Due: day.Add(time.Second)})
			require.NoError(t, err)
		}, map[string]int{"STEM": 2 + 3}},
		{"a place that stays is none, one that goes is one", func(t *testing.T, s *store.Store) {
			st, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "a"}}, job.Stem{Due: day})
			require.NoError(t, err)
			st, err = s.PutStem(t.Context(), st, job.Stem{Due: day, Told: true})
			require.NoError(t, err)
			_, err = s.PutStem(t.Context(), st, job.Stem{})
			require.NoError(t, err)
		}, map[string]int{"STEM": 2 + 1 + 2}},
		{"a KB and more are two, also of what was there before, and of a key's entries", func(t *testing.T, s *store.Store) {
			st, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: long}}, job.Stem{Due: day})
			require.NoError(t, err)
			require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Message: long}))
			require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Message: "no"}))
			require.NotNil(t, st)
		}, map[string]int{"STEM": 3 + 2, "FACE": 2 + 2}},
		{"a condition that does not hold takes what stands", func(t *testing.T, s *store.Store) {
			require.NoError(t, s.Lease(t.Context(), "poll", "me", soon()))
			require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", soon()), job.ErrConflict)
		}, map[string]int{"LEASE": 2}},
		{"a deleted item is one, and so is its place", func(t *testing.T, s *store.Store) {
			_, err := s.AddNotice(t.Context(), job.Message{ID: "m", Due: day, Unsent: job.Channels()})
			require.NoError(t, err)
			m, err := s.Message(t.Context(), "m")
			require.NoError(t, err)
			require.NoError(t, s.PutMessage(t.Context(), m, job.Message{}))
		}, map[string]int{"MSG": 2 + 2}},
		{"a transaction takes twice, of what it only checks too", func(t *testing.T, s *store.Store) {
			j := created(t, s, "anna")
			gate(t, s)
			require.NoError(t, s.FreeSlot(t.Context(), j.ID, 0))
		}, map[string]int{"JOB": 3 + 2, "GATE": 1 + 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, meter := store.NewMetered(0)
			c.do(t, s)
			require.Equal(t, c.want, meter.Usage().Units)
		})
	}
}

func TestTheMeterCountsReadsAndWhatTheyGive(t *testing.T) {
	t.Parallel()
	s, meter := store.NewMetered(0)
	for _, name := range []string{"anna", "bert", "carl"} {
		queued(t, s, name)
	}
	before := meter.Usage()
	read(t, s, id("anna"))
	_, err := s.Job(t.Context(), "nobody")
	require.ErrorIs(t, err, job.ErrNotFound)
	_, err = s.Queue(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, store.Usage{Gets: 2, Queries: 1, Rows: map[string]int{"queue": 2}, Units: map[string]int{}}, meter.Usage().Since(before))
}

func TestATableHoldsManyJobsLikeOne(t *testing.T) {
	t.Parallel()
	s, meter := store.NewMetered(0)
	j := queued(t, s, "anna")
	require.NoError(t, meter.Multiply(j, 1000))
	ids, err := s.Queue(t.Context(), 0)
	require.NoError(t, err)
	require.Len(t, ids, 1001)
	for _, id := range ids[:10] {
		got, err := s.Job(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
		require.Equal(t, job.Queued, got.State)
	}
	recent, err := s.Recent(t.Context(), day, 0)
	require.NoError(t, err)
	require.Len(t, recent, 1001)
}
