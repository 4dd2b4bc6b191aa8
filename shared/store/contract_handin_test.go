package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

var handInSentences = []sentence{
	{"a stem that nothing was handed in under has revision 0", func(t *testing.T, s *store.Store) {
		n := job.Name{Dir: "courses", Stem: "anna"}
		st, err := s.Stem(t.Context(), n)
		require.NoError(t, err)
		require.Equal(t, job.Stem{Name: n}, st)
	}},
	{"labels come back as they were written, by what they say", func(t *testing.T, s *store.Store) {
		l := job.Labels{Metadata: map[string]string{"order": "7", "a.b#c[0]": "", "名": "值"}, Tags: []string{"spring", "秋"}}
		_, err := s.Labels(t.Context(), l.ID())
		require.ErrorIs(t, err, job.ErrNotFound)
		require.NoError(t, s.PutLabels(t.Context(), l))
		require.NoError(t, s.PutLabels(t.Context(), l), "another hand-in says the same")
		got, err := s.Labels(t.Context(), l.ID())
		require.NoError(t, err)
		require.Equal(t, l, got)
		ttl, err := raw(t, s, store.LabelsKey(l.ID()))[store.TTL].(json.Number).Int64()
		require.NoError(t, err)
		require.InDelta(t, time.Now().Add(2*store.Retention).Unix(), ttl, 60, "longer than the record of a job that names them")
	}},
	{"a stem comes back as it was written", func(t *testing.T, s *store.Store) {
		empty, err := s.Stem(t.Context(), job.Name{Dir: "courses/week 1", Stem: "安娜 + anna"})
		require.NoError(t, err)
		next := job.Stem{
			Image: &job.Half{Key: "a.jpg", ETag: "1", Size: 2, Modified: day}, Audio: &job.Half{Key: "a.mp3", ETag: "3", Size: 4, Modified: day},
			Sidecar: &job.Half{Key: "a.json", ETag: "5", Size: 6, Modified: day, Mark: "m"},
			First:   day, Last: day.Add(time.Second), Job: id("anna"), Made: "a|b", Shared: true, Told: true, Due: day.Add(time.Minute),
		}
		put, err := s.PutStem(t.Context(), empty, next)
		require.NoError(t, err)
		require.Equal(t, int64(1), put.Rev)
		got, err := s.Stem(t.Context(), empty.Name)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(put, got))

		bare, err := s.PutStem(t.Context(), got, job.Stem{})
		require.NoError(t, err)
		got, err = s.Stem(t.Context(), empty.Name)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(bare, got))
		require.Empty(t, due(t, s, day.Add(time.Hour)))
	}},
	{"of two that change a stem one does", func(t *testing.T, s *store.Store) {
		st := job.Stem{Name: job.Name{Stem: "anna"}}
		for range 3 {
			requireOneWon(t, together(4, func(n int) error {
				next := st
				next.Image = &job.Half{Key: "anna.jpg", Size: int64(n)}
				_, err := s.PutStem(t.Context(), st, next)
				return err
			}))
			var err error
			st, err = s.Stem(t.Context(), st.Name)
			require.NoError(t, err)
		}
		require.Equal(t, int64(3), st.Rev)
	}},
	{"stems of the same name in two folders are two", func(t *testing.T, s *store.Store) {
		for _, dir := range []string{"", "a", "a/b"} {
			_, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Dir: dir, Stem: "anna"}}, job.Stem{Job: "of " + dir})
			require.NoError(t, err)
		}
		for _, dir := range []string{"", "a", "a/b"} {
			st, err := s.Stem(t.Context(), job.Name{Dir: dir, Stem: "anna"})
			require.NoError(t, err)
			require.Equal(t, "of "+dir, st.Job)
		}
	}},
	{"a folder comes back as it was written, and of two that change it one does", func(t *testing.T, s *store.Store) {
		for _, dir := range []string{"", "courses/week 1"} {
			f, err := s.Folder(t.Context(), dir)
			require.NoError(t, err)
			require.Equal(t, job.Folder{Dir: dir}, f)
			next := job.Folder{Portrait: &job.Half{Key: "portrait.jpg", ETag: "1", Modified: day}, Facts: &job.Input{Key: "portrait.jpg", Width: 400},
				After: "m.mp3", Due: day}
			put, err := s.PutFolder(t.Context(), f, next)
			require.NoError(t, err)
			got, err := s.Folder(t.Context(), dir)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(put, got))

			_, err = s.PutFolder(t.Context(), f, next)
			require.ErrorIs(t, err, job.ErrConflict, "it was new to two")
			_, err = s.PutFolder(t.Context(), got, job.Folder{})
			require.NoError(t, err)
			_, err = s.PutFolder(t.Context(), got, next)
			require.ErrorIs(t, err, job.ErrConflict)
		}
	}},
}

var messageSentences = []sentence{
	{"a notice waits once", func(t *testing.T, s *store.Store) {
		m := job.Notice(job.Name{Stem: "anna"}, "etag", job.Fault{Code: job.CodeAudioMissing}, day)
		added, err := s.AddNotice(t.Context(), m)
		require.NoError(t, err)
		require.True(t, added)
		added, err = s.AddNotice(t.Context(), m)
		require.NoError(t, err)
		require.False(t, added)
		require.Equal(t, []string{m.ID}, dueMessages(t, s))
		got, err := s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		m.Rev = 1
		require.Empty(t, cmp.Diff(m, got))
	}},
	{"of many that write the same notice one does", func(t *testing.T, s *store.Store) {
		m := job.Notice(job.Name{Stem: "anna"}, "etag", job.Fault{Code: job.CodeAudioMissing}, day)
		added := make([]bool, 8)
		for _, err := range together(8, func(n int) (err error) {
			added[n], err = s.AddNotice(t.Context(), m)
			return err
		}) {
			require.NoError(t, err)
		}
		n := 0
		for _, a := range added {
			if a {
				n++
			}
		}
		require.Equal(t, 1, n)
	}},
	{"a message that was sent in part stays for the rest, until it goes away", func(t *testing.T, s *store.Store) {
		j := moved(t, s, created(t, s, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeDetectFails} })
		m, err := s.Message(t.Context(), job.OutcomeMessage(j).ID)
		require.NoError(t, err)
		require.Equal(t, job.Channels(), m.Unsent)
		require.True(t, m.Due.Equal(j.Updated.Add(30*time.Second)))

		later := m
		later.Unsent, later.Tries, later.Due = []job.Channel{job.Topic}, 1, day.Add(time.Hour)
		require.NoError(t, s.PutMessage(t.Context(), m, later))
		require.Empty(t, due(t, s, day))
		require.Len(t, due(t, s, day.Add(time.Hour)), 1)
		got, err := s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, []job.Channel{job.Topic}, got.Unsent)
		require.Equal(t, 1, got.Tries)
		require.Equal(t, m.Fault, got.Fault)
		require.Equal(t, m.Rev+1, got.Rev)

		require.ErrorIs(t, s.PutMessage(t.Context(), m, later), job.ErrConflict, "who read it before cannot change it")
		gone := m
		gone.Unsent = nil
		require.ErrorIs(t, s.PutMessage(t.Context(), m, gone), job.ErrConflict, "nor take it away")

		gone = got
		gone.Unsent = nil
		require.NoError(t, s.PutMessage(t.Context(), got, gone))
		_, err = s.Message(t.Context(), m.ID)
		require.ErrorIs(t, err, job.ErrNotFound)
		require.Empty(t, dueMessages(t, s))
		require.ErrorIs(t, s.PutMessage(t.Context(), got, later), job.ErrConflict, "what is gone does not come back")
		_, err = s.Message(t.Context(), m.ID)
		require.ErrorIs(t, err, job.ErrNotFound)
	}},
	{"a message comes back as it was written", func(t *testing.T, s *store.Store) {
		j := fullJob()
		j.State, j.Updated = job.Succeeded, day
		m := job.OutcomeMessage(j)
		added, err := s.AddNotice(t.Context(), m)
		require.NoError(t, err)
		require.True(t, added)
		got, err := s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		m.Rev = 1
		require.Empty(t, cmp.Diff(m, got))
	}},
}

var leaseSentences = []sentence{
	{"a lease has one owner at a time", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.Lease(t.Context(), "poll", "me", soon()))
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", soon()), job.ErrConflict)
		require.NoError(t, s.Lease(t.Context(), "other", "you", soon()), "another lease is another's")
	}},
	{"of many that take a lease at once one does", func(t *testing.T, s *store.Store) {
		requireOneWon(t, together(8, func(n int) error { return s.Lease(t.Context(), "poll", string(rune('a'+n)), soon()) }))
	}},
	{"an owner renews its own lease, also when it is over", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.Lease(t.Context(), "poll", "me", past()))
		require.NoError(t, s.Lease(t.Context(), "poll", "me", soon()))
		require.NoError(t, s.Lease(t.Context(), "poll", "me", soon()))
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", soon()), job.ErrConflict)
	}},
	{"a lease that is over is taken over, and then lost to who had it", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.Lease(t.Context(), "poll", "me", past()))
		require.NoError(t, s.Lease(t.Context(), "poll", "you", soon()))
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "me", soon()), job.ErrConflict)
	}},
	{"a lease that is given back is free, another's cannot be", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.EndLease(t.Context(), "poll", "me"), "none to give back")
		require.NoError(t, s.Lease(t.Context(), "poll", "me", soon()))
		require.NoError(t, s.EndLease(t.Context(), "poll", "you"))
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", soon()), job.ErrConflict)
		require.NoError(t, s.EndLease(t.Context(), "poll", "me"))
		require.NoError(t, s.Lease(t.Context(), "poll", "you", soon()))
	}},
	{"who has had a lease last takes it as such, until somebody else has had it", func(t *testing.T, s *store.Store) {
		require.ErrorIs(t, s.LeaseAfter(t.Context(), "poll", "me 1", "me 2", soon()), job.ErrConflict, "nobody has had it")
		require.NoError(t, s.Lease(t.Context(), "poll", "me 1", soon()))
		require.ErrorIs(t, s.LeaseAfter(t.Context(), "poll", "me 1", "me 2", soon()), job.ErrConflict, "it is not free")
		require.NoError(t, s.EndLease(t.Context(), "poll", "me 1"))
		require.NoError(t, s.LeaseAfter(t.Context(), "poll", "me 1", "me 2", past()))
		require.NoError(t, s.LeaseAfter(t.Context(), "poll", "me 2", "me 3", soon()), "it is over")
		require.ErrorIs(t, s.Lease(t.Context(), "poll", "you", soon()), job.ErrConflict)
		require.NoError(t, s.EndLease(t.Context(), "poll", "me 3"))
		require.NoError(t, s.Lease(t.Context(), "poll", "you", soon()))
		require.NoError(t, s.EndLease(t.Context(), "poll", "you"))
		require.ErrorIs(t, s.LeaseAfter(t.Context(), "poll", "me 3", "me 4", soon()), job.ErrConflict)
		require.NoError(t, s.Lease(t.Context(), "poll", "me 4", soon()))
	}},
	{"a lease's record goes away only after its end", func(t *testing.T, s *store.Store) {
		until := soon()
		require.NoError(t, s.Lease(t.Context(), "poll", "me", until))
		ttl, err := raw(t, s, store.LeaseKey("poll"))[store.TTL].(interface{ Int64() (int64, error) }).Int64()
		require.NoError(t, err)
		require.Greater(t, ttl, until.Unix())
	}},
	{"turns keep their distance, in whatever process they are asked for", func(t *testing.T, s *store.Store) {
		const every = 40 * time.Millisecond
		var mu sync.Mutex
		var all []time.Time
		began := time.Now()
		_ = together(6, func(int) error {
			for range 2 {
				given, err := s.Turns(t.Context(), "detect", every, time.Hour, 2)
				if err != nil || len(given) != 2 {
					return errors.Join(err, errors.New("no turn"))
				}
				mu.Lock()
				all = append(all, given...)
				mu.Unlock()
			}
			return nil
		})
		slices.SortFunc(all, time.Time.Compare)
		require.Len(t, all, 24)
		require.False(t, all[0].Before(began))
		for i, at := range all[1:] {
			require.GreaterOrEqual(t, at.Sub(all[i]), every)
		}
		given, err := s.Turns(t.Context(), "other", every, time.Second, 1)
		require.NoError(t, err)
		require.Len(t, given, 1, "turns of another name are others'")
	}},
	{"a turn that lies too far ahead is not taken", func(t *testing.T, s *store.Store) {
		first, err := s.Turns(t.Context(), "detect", time.Hour, time.Minute, 3)
		require.NoError(t, err)
		require.Len(t, first, 1)
		for range 3 {
			given, err := s.Turns(t.Context(), "detect", time.Hour, time.Minute, 1)
			require.NoError(t, err)
			require.Empty(t, given)
		}
		given, err := s.Turns(t.Context(), "detect", time.Hour, 150*time.Minute, 3)
		require.NoError(t, err)
		require.Len(t, given, 2)
		require.Equal(t, first[0].Add(time.Hour).UnixMilli(), given[0].UnixMilli(), "asking in vain takes no place")
	}},
	{"nobody has a turn before a rest is over, and a shorter one takes none of it back", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.Rest(t.Context(), "detect", time.Now().Add(time.Minute)))
		require.NoError(t, s.Rest(t.Context(), "detect", time.Now().Add(time.Second)))
		given, err := s.Turns(t.Context(), "detect", time.Second, 20*time.Second, 1)
		require.NoError(t, err)
		require.Empty(t, given)
		given, err = s.Turns(t.Context(), "detect", time.Second, 2*time.Minute, 1)
		require.NoError(t, err)
		require.Len(t, given, 1)
		require.WithinDuration(t, time.Now().Add(time.Minute), given[0], 10*time.Second)
	}},
	{"what detect said of a picture is known by its content and ratio", func(t *testing.T, s *store.Store) {
		yes := job.Face{Pass: true, Box: job.Box{1, 2, 3, 4}, Ext: job.Box{5, 6, 7, 8}}
		no := job.Face{Code: "InvalidFile.NoHuman", Message: "no face"}
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, yes))
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Portrait, no))
		got, err := s.Face(t.Context(), "sha", job.Square)
		require.NoError(t, err)
		require.Equal(t, yes, got)
		got, err = s.Face(t.Context(), "sha", job.Portrait)
		require.NoError(t, err)
		require.Equal(t, no, got)
		_, err = s.Face(t.Context(), "other", job.Square)
		require.ErrorIs(t, err, job.ErrNotFound)
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, no))
		got, err = s.Face(t.Context(), "sha", job.Square)
		require.NoError(t, err)
		require.Equal(t, no, got, "the latest word counts, and nothing of the one before")
	}},
	{"what detect said is believed for thirty days", func(t *testing.T, s *store.Store) {
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Pass: true}))
		key := store.FaceKey("sha", string(job.Square))
		require.Contains(t, raw(t, s, key), store.TTL)
		at := func(age time.Duration) string { return time.Now().Add(-age).UTC().Format(time.RFC3339Nano) }
		setRaw(t, s, key, at(30*24*time.Hour-time.Minute), "at")
		_, err := s.Face(t.Context(), "sha", job.Square)
		require.NoError(t, err)
		setRaw(t, s, key, at(30*24*time.Hour+time.Minute), "at")
		_, err = s.Face(t.Context(), "sha", job.Square)
		require.ErrorIs(t, err, job.ErrNotFound)
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Pass: true}))
		_, err = s.Face(t.Context(), "sha", job.Square)
		require.NoError(t, err, "asked anew it is believed anew")
	}},
}
