package store_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// week is a manifest of so many rows, as it is once all are jobs.
func week(t *testing.T, s *store.Store, rows int) job.Manifest {
	t.Helper()
	m := job.Manifest{Name: job.Name{Dir: "courses", Stem: "week"}}
	next := m.Anew(job.Half{Key: "courses/week.jobs.csv", ETag: `"e"`, Size: 7, Modified: day}, day, time.Time{})
	next.Rows, next.Next, next.Due = rows, rows, time.Now().Add(time.Hour)
	put, err := s.PutManifest(t.Context(), m, next)
	require.NoError(t, err)
	return put
}

var manifestSentences = []sentence{
	{"a manifest comes back as it was written, and is due by its id", func(t *testing.T, s *store.Store) {
		name := job.Name{Dir: "courses/week 1", Stem: "周"}
		empty, err := s.Manifest(t.Context(), job.ManifestID(name))
		require.NoError(t, err)
		require.Equal(t, job.Manifest{}, empty)
		m, err := s.PutManifest(t.Context(), job.Manifest{Name: name}, job.Manifest{File: job.Half{Key: "k", ETag: "1", Size: 2, Modified: day},
			Rows: 300, Next: 200, Tries: 1, Taken: true, Ended: true, Ends: 2, Dirty: "0", Began: day, Looked: day, Written: day, Due: day})
		require.NoError(t, err)
		got, err := s.Manifest(t.Context(), m.ID())
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(m, got))
		require.Equal(t, []string{"manifest " + m.ID()}, due(t, s, day))
		_, err = s.PutManifest(t.Context(), m, m)
		require.NoError(t, err)
		_, err = s.PutManifest(t.Context(), m, m)
		require.ErrorIs(t, err, job.ErrConflict, "of two that change it one does")
	}},
	{"a manifest that is closed is deleted by time, and one that is open again is not", func(t *testing.T, s *store.Store) {
		m := week(t, s, 1)
		key := "MANIFEST#" + m.ID()
		require.NotContains(t, raw(t, s, key), store.TTL)
		next := m
		next.Closed, next.Due = time.Now().UTC().Truncate(time.Millisecond), time.Time{}
		m, err := s.PutManifest(t.Context(), m, next)
		require.NoError(t, err)
		ttl, err := raw(t, s, key)[store.TTL].(json.Number).Int64()
		require.NoError(t, err)
		require.InDelta(t, time.Now().Add(store.Retention).Unix(), ttl, 60)
		require.NoError(t, s.Touch(t.Context(), job.RowRef(m.ID(), 0)))
		require.NotContains(t, raw(t, s, key), store.TTL)
	}},
	{"rows that end at once are all noted, and have the manifest looked at soon", func(t *testing.T, s *store.Store) {
		m := week(t, s, 450)
		var wg sync.WaitGroup
		for p := range 5 {
			wg.Go(func() {
				if err := s.Touch(t.Context(), job.RowRef(m.ID(), p)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err := s.Manifest(t.Context(), m.ID())
		require.NoError(t, err)
		for p := range 5 {
			require.True(t, got.Dirty.Has(p))
		}
		require.WithinDuration(t, time.Now(), got.Due, 10*time.Second)
		for _, nothing := range []string{"", "x", job.RowRef(m.ID(), 5), job.RowRef("none", 0), "/-1"} {
			require.NoError(t, s.Touch(t.Context(), nothing))
		}
		same, err := s.Manifest(t.Context(), m.ID())
		require.NoError(t, err)
		require.Equal(t, got, same)
	}},
	{"where the row of a job stands is noted beside a move that is under way", func(t *testing.T, s *store.Store) {
		j, err := s.Create(t.Context(), job.Job{ID: "a", State: job.Received, Name: job.Name{Stem: "a"}, Row: job.RowRef("m", 0), Received: day, Due: day})
		require.NoError(t, err)
		require.NoError(t, s.PutRow(t.Context(), "a", job.RowRef("m", 7)))
		now, err := s.Job(t.Context(), "a")
		require.NoError(t, err)
		want := j
		want.Row = job.RowRef("m", 7)
		require.Equal(t, want, now)
		next := j // as it was read before
		next.State, next.Due, next.Rank = job.Queued, time.Time{}, "r"
		_, err = s.Move(t.Context(), j, next)
		require.NoError(t, err)
		now, err = s.Job(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []any{job.Queued, job.RowRef("m", 7)}, []any{now.State, now.Row})

		require.NoError(t, s.PutRow(t.Context(), "none", job.RowRef("m", 7)))
		_, err = s.Job(t.Context(), "none")
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"the largest manifest's record stays under a kilobyte, with every portion to be looked at", func(t *testing.T, s *store.Store) {
		m := week(t, s, 10_000)
		next := m
		for p := range 100 {
			next.Dirty = next.Dirty.Set(p)
		}
		// As long as anything else in it gets.
		next.Name.Stem, next.File.Key = strings.Repeat("s", 100), m.Name.Dir+"/"+strings.Repeat("s", 100)+".jobs.csv"
		next.Results, next.Tries, next.Deaths, next.Ends, next.Lost = `"`+strings.Repeat("e", 32)+`"`, 99, 20, 99, true
		next.Looked, next.Written, next.Closed, next.Began = time.Now(), time.Now(), time.Now(), time.Now()
		m, err := s.PutManifest(t.Context(), m, next)
		require.NoError(t, err)
		require.LessOrEqual(t, itemSize(raw(t, s, "MANIFEST#"+m.ID())), 1024)
	}},
}
