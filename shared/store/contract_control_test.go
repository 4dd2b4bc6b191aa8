package store_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// ordered is an order of a job's name as things stand.
func ordered(t *testing.T, s *store.Store, verb job.Verb, j job.Job) job.Order {
	t.Helper()
	st, err := s.Stem(t.Context(), j.Name)
	require.NoError(t, err)
	if st.Rev == 0 {
		st, err = s.PutStem(t.Context(), st, job.Stem{Job: j.ID})
		require.NoError(t, err)
	}
	key := j.Name.String() + "." + string(verb)
	seen, err := s.Heeded(t.Context(), key)
	require.NoError(t, err)
	return job.Order{Control: job.Control{Key: key, Verb: verb, Name: j.Name, ETag: "e", Written: day}, Seen: seen, Stem: st}
}

func canceledJob(j job.Job) job.Job {
	j.State, j.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
	return j
}

var controlSentences = []sentence{
	{"a control object that nobody has heeded counts", func(t *testing.T, s *store.Store) {
		h, err := s.Heeded(t.Context(), "a/b.cancel")
		require.NoError(t, err)
		require.Equal(t, job.Heeded{}, h)
		require.True(t, h.Counts(day, "e"))
	}},
	{"an order is noted with the move that it brings about", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		o := ordered(t, s, job.ToCancel, j)
		_, err := s.Obey(t.Context(), j, canceledJob(j), o)
		require.NoError(t, err)
		h, err := s.Heeded(t.Context(), o.Key)
		require.NoError(t, err)
		require.Equal(t, job.Heeded{Rev: 1, ETag: "e", Written: day, Job: j.ID}, h)
		require.False(t, h.Counts(day, "e"))
		ttl, err := raw(t, s, store.ControlKey(o.Key))[store.TTL].(json.Number).Int64()
		require.NoError(t, err)
		require.InDelta(t, time.Now().Add(store.Retention).Unix(), ttl, 60, "longer than a sweep looks back")
	}},
	{"an order whose object was heeded meanwhile moves nothing", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		o := ordered(t, s, job.ToCancel, j)
		require.NoError(t, s.Heed(t.Context(), o, nil))
		_, err := s.Obey(t.Context(), j, canceledJob(j), o)
		require.ErrorIs(t, err, job.ErrConflict)
		still, err := s.Job(t.Context(), j.ID)
		require.NoError(t, err)
		require.Equal(t, job.Queued, still.State)
		require.ErrorIs(t, s.Heed(t.Context(), o, nil), job.ErrConflict)
	}},
	{"an order whose name has gone on moves nothing and is not noted", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		o := ordered(t, s, job.ToCancel, j)
		_, err := s.PutStem(t.Context(), o.Stem, job.Stem{Job: id("newer")})
		require.NoError(t, err)
		_, err = s.Obey(t.Context(), j, canceledJob(j), o)
		require.ErrorIs(t, err, job.ErrConflict)
		h, err := s.Heeded(t.Context(), o.Key)
		require.NoError(t, err)
		require.Zero(t, h.Rev)
	}},
	{"what cannot be done is noted with its message", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		o := ordered(t, s, job.ToRetry, j)
		m := job.Notice(job.Name{Stem: "anna.retry"}, "e", job.Fault{Code: job.CodeRetryOpen, File: o.Key}, day)
		require.NoError(t, s.Heed(t.Context(), o, &m))
		h, err := s.Heeded(t.Context(), o.Key)
		require.NoError(t, err)
		require.Equal(t, job.CodeRetryOpen, h.Refused)
		got, err := s.Message(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, o.Key, got.Fault.File)
	}},
	{"a folder's places follow each other, and none is before the clock", func(t *testing.T, s *store.Store) {
		sh := job.Share{Class: "5", Folder: "a", Clock: 1000, Cost: 10}
		for n := range 3 {
			start, err := s.Share(t.Context(), sh)
			require.NoError(t, err)
			require.Equal(t, int64(1000+10*n), start)
		}
		for _, other := range []job.Share{{Class: "5", Folder: "b", Clock: 1000, Cost: 10}, {Class: "3", Folder: "a", Clock: 1000, Cost: 10}, {Class: "5", Clock: 1000, Cost: 10}} {
			start, err := s.Share(t.Context(), other)
			require.NoError(t, err)
			require.Equal(t, int64(1000), start, "%+v", other)
		}
		sh.Clock = 5000
		start, err := s.Share(t.Context(), sh)
		require.NoError(t, err)
		require.Equal(t, int64(5000), start)
	}},
	{"the turn of a job that leaves the queue unsent is its folder's next one", func(t *testing.T, s *store.Store) {
		sh := job.Share{Class: "5", Folder: "courses", Clock: 1000, Cost: 12_500}
		place := func(name string) (job.Job, int64) {
			start, err := s.Share(t.Context(), sh)
			require.NoError(t, err)
			return moved(t, s, created(t, s, name), job.Queued, func(j *job.Job) { inQueue(j); j.Rank = job.Rank("", start, j.ID) }), start
		}
		var all []job.Job
		for n := range 5 {
			j, start := place(string(rune('a' + n)))
			require.Equal(t, 1000+int64(n)*sh.Cost, start)
			all = append(all, j)
		}
		for _, n := range []int{1, 3, 4} { // the last two make one, with nothing behind it
			moved(t, s, all[n], job.Canceled, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeCanceled} })
		}
		for n, want := range []int64{1, 3, 4, 5} {
			_, start := place(string(rune('k' + n)))
			require.Equal(t, 1000+want*sh.Cost, start)
		}
	}},
	{"turns that are given back at the same time are all free", func(t *testing.T, s *store.Store) {
		sh := job.Share{Class: "5", Folder: "courses", Clock: 1000, Cost: 12_500}
		var all []job.Job
		for n := range 4 {
			start, err := s.Share(t.Context(), sh)
			require.NoError(t, err)
			all = append(all, moved(t, s, created(t, s, string(rune('a'+n))), job.Queued, func(j *job.Job) { inQueue(j); j.Rank = job.Rank("", start, j.ID) }))
		}
		for _, err := range together(4, func(n int) error {
			next := all[n]
			next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
			_, err := s.Move(t.Context(), all[n], next)
			return err
		}) {
			require.NoError(t, err)
		}
		start, err := s.Share(t.Context(), sh)
		require.NoError(t, err)
		require.Equal(t, int64(1000), start)
	}},
	{"places that are asked for at the same time are different ones", func(t *testing.T, s *store.Store) {
		starts := make(chan int64, 4)
		for _, err := range together(4, func(int) error {
			start, err := s.Share(t.Context(), job.Share{Class: "5", Folder: "a", Clock: 1000, Cost: 10})
			starts <- start
			return err
		}) {
			require.NoError(t, err)
		}
		seen := map[int64]bool{}
		for range 4 {
			seen[<-starts] = true
		}
		require.Len(t, seen, 4)
	}},
	{"the clock of a priority begins once", func(t *testing.T, s *store.Store) {
		for n, want := range []int64{1000, 1010, 1020} { // whatever the time is by then
			start, err := s.Share(t.Context(), job.Share{Class: "5", Folder: "a", Clock: int64(1000 + 5*n), Cost: 10, First: true})
			require.NoError(t, err)
			require.Equal(t, want, start)
		}
		start, err := s.Share(t.Context(), job.Share{Class: "3", Folder: "a", Clock: 7000, Cost: 10, First: true})
		require.NoError(t, err)
		require.Equal(t, int64(7000), start)
		g, err := s.Gate(t.Context())
		require.NoError(t, err)
		require.Equal(t, map[string]int64{"5": 1000, "3": 7000}, g.Clock)
	}},
	{"the gate's clock is that of the job that was sent last", func(t *testing.T, s *store.Store) {
		for n, start := range []int64{50, 70, 60} {
			j := moved(t, s, created(t, s, string(rune('a'+n))), job.Queued, inQueue)
			again := j
			again.Rank = job.Rank("", start, j.ID)
			j, err := s.Move(t.Context(), j, again)
			require.NoError(t, err)
			read, err := s.Job(t.Context(), j.ID)
			require.NoError(t, err)
			require.Equal(t, again.Rank, read.Rank)
			_, err = admit(t.Context(), s, j, 100, past())
			require.NoError(t, err)
			g, err := s.Gate(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[string]int64{"5": []int64{50, 70, 70}[n]}, g.Clock)
		}
	}},
	{"of two that heed one writing one does", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		for rev := range 3 {
			o := ordered(t, s, job.ToCancel, j)
			o.Written = day.Add(time.Duration(rev) * time.Second)
			requireOneWon(t, together(4, func(int) error { return s.Heed(t.Context(), o, nil) }))
		}
		h, err := s.Heeded(t.Context(), j.Name.String()+".cancel")
		require.NoError(t, err)
		require.Equal(t, int64(3), h.Rev)
		require.True(t, h.Counts(day.Add(3*time.Second), "e"))
	}},
}
