package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

var indexSentences = []sentence{
	{"the queue is in the order of the ranks", func(t *testing.T, s *store.Store) {
		for i, name := range []string{"third", "first", "second"} {
			moved(t, s, created(t, s, name), job.Queued, func(j *job.Job) {
				j.Due, j.Rank = time.Time{}, job.Rank("", []int64{3000, 999, 2000}[i], j.ID)
			})
		}
		ids, err := s.Queue(t.Context(), 10)
		require.NoError(t, err)
		require.Equal(t, []string{id("first"), id("second"), id("third")}, ids)
		ids, err = s.Queue(t.Context(), 2)
		require.NoError(t, err)
		require.Equal(t, []string{id("first"), id("second")}, ids)
	}},
	{"a queued job that waits for a time is not in the queue", func(t *testing.T, s *store.Store) {
		j := queued(t, s, "anna")
		j = moved(t, s, j, job.Queued, func(j *job.Job) { j.Due = day })
		require.Empty(t, queue(t, s))
		require.Equal(t, []string{"job anna"}, due(t, s, day))
		moved(t, s, j, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		require.Equal(t, []string{j.ID}, queue(t, s))
		require.Empty(t, due(t, s, day))
	}},
	{"a job leaves the queue with its admission and comes back to its place", func(t *testing.T, s *store.Store) {
		j, bert := queued(t, s, "anna"), queued(t, s, "bert")
		admitted, err := admit(t.Context(), s, j, 3, soon())
		require.NoError(t, err)
		require.Equal(t, []string{bert.ID}, queue(t, s))
		require.Equal(t, j.Rank, admitted.Rank)
		moved(t, s, admitted, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		require.Equal(t, []string{j.ID, bert.ID}, queue(t, s))
	}},
	{"only what is queued is in the queue", func(t *testing.T, s *store.Store) {
		for st, j := range oneOfEach(t, s) {
			require.Equal(t, st == job.Queued, contains(queue(t, s), j.ID), st)
		}
	}},
	{"the due index holds exactly what is due, jobs before the rest, the longest overdue first", func(t *testing.T, s *store.Store) {
		for i, name := range []string{"third", "first", "second", "later"} {
			j := handedIn(name)
			j.Due = day.Add([]time.Duration{3, 1, 2, 4}[i] * time.Millisecond)
			_, err := s.Create(t.Context(), j)
			require.NoError(t, err)
		}
		_, err := s.PutStem(t.Context(), job.Stem{Name: job.Name{Dir: "a/b", Stem: "c"}}, job.Stem{Due: day.Add(-time.Second)})
		require.NoError(t, err)
		_, err = s.PutFolder(t.Context(), job.Folder{Dir: "a/b"}, job.Folder{Due: day.Add(-2 * time.Second)})
		require.NoError(t, err)
		_, err = s.AddNotice(t.Context(), job.Message{ID: "note", Due: day.Add(-3 * time.Second), Unsent: job.Channels()})
		require.NoError(t, err)
		_, err = s.CloseGate(t.Context(), job.Closure{Code: "budget"}, day.Add(-4*time.Second))
		require.NoError(t, err)
		// Things with no due time at all.
		queued(t, s, "queued")
		_, err = s.PutStem(t.Context(), job.Stem{Name: job.Name{Stem: "idle"}}, job.Stem{})
		require.NoError(t, err)
		require.NoError(t, s.Lease(t.Context(), "poll", "me", day))
		require.NoError(t, s.PutFace(t.Context(), "sha", job.Square, job.Face{Pass: true}))

		require.Equal(t, []string{"job first", "job second", "job third", "gate ", "message note", "folder a/b", "stem a/b/c"},
			due(t, s, day.Add(3*time.Millisecond)))
		ds, err := s.Due(t.Context(), day.Add(time.Hour), 2)
		require.NoError(t, err)
		require.Len(t, ds, 4, "jobs and the rest have a limit each: neither keeps the other from being seen")
		require.Equal(t, []job.Due{
			{Kind: job.DueGate, At: day.Add(-4 * time.Second)},
			{Kind: job.DueMessage, ID: "note", At: day.Add(-3 * time.Second)},
		}, ds[2:])
	}},
	{"a person's pause goes over a gate that closed by itself, and no probe is left", func(t *testing.T, s *store.Store) {
		_, err := s.CloseGate(t.Context(), job.Closure{Code: job.CodeKeyRefused}, day)
		require.NoError(t, err)
		paused, err := s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, day)
		require.NoError(t, err)
		require.True(t, paused)
		require.Equal(t, job.CodePaused, gate(t, s).Closed.Code)
		require.Empty(t, due(t, s, day.Add(time.Hour)))
		closed, err := s.CloseGate(t.Context(), job.Closure{Code: job.CodeNoMoney}, day)
		require.NoError(t, err)
		require.False(t, closed, "what the stack finds out does not end a person's pause")
	}},
	{"a closure that comes back at once was never over: it is told once and probed less and less often", func(t *testing.T, s *store.Store) {
		c := job.Closure{Code: job.CodeNoMoney, Since: day}
		told, err := s.CloseGate(t.Context(), c, time.Now())
		require.NoError(t, err)
		require.True(t, told)
		for n := 1; n <= 6; n++ {
			require.NoError(t, s.OpenGate(t.Context()))
			told, err = s.CloseGate(t.Context(), job.Closure{Code: job.CodeNoMoney, Since: time.Now()}, time.Now())
			require.NoError(t, err)
			require.False(t, told)
			g := gate(t, s)
			require.Equal(t, n, g.Closed.Probes)
			require.Equal(t, day, g.Closed.Since)
			require.WithinDuration(t, time.Now().Add(min(job.MaxWait, time.Minute<<min(n, 4))), g.Due, 5*time.Second)
		}
		require.NoError(t, s.OpenGate(t.Context()))
		told, err = s.CloseGate(t.Context(), job.Closure{Code: job.CodeKeyRefused}, time.Now())
		require.NoError(t, err)
		require.True(t, told, "another reason is another closure")
	}},
	{"the sweep's record is due until its round is done, and guarded", func(t *testing.T, s *store.Store) {
		none, err := s.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, none)
		first, err := s.PutSweep(t.Context(), none, job.Sweep{Due: day})
		require.NoError(t, err)
		_, err = s.PutSweep(t.Context(), none, job.Sweep{Due: day})
		require.ErrorIs(t, err, job.ErrConflict)
		require.Equal(t, []string{"sweep "}, due(t, s, day))
		_, err = s.PutSweep(t.Context(), first, job.Sweep{After: "m", Started: day, Due: day.Add(time.Hour)})
		require.NoError(t, err)
		require.Empty(t, due(t, s, day))
		read, err := s.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, job.Sweep{Rev: 2, After: "m", Started: day, Due: day.Add(time.Hour)}, read)
	}},
	{"a job's due time moves with it and ends with it", func(t *testing.T, s *store.Store) {
		j := created(t, s, "anna")
		require.Equal(t, []string{"job anna"}, due(t, s, day))
		j = moved(t, s, j, job.Received, func(j *job.Job) { j.Due = day.Add(time.Hour) })
		require.Empty(t, due(t, s, day))
		require.Equal(t, []string{"job anna"}, due(t, s, day.Add(time.Hour)))
		moved(t, s, j, job.Canceled)
		for _, d := range due(t, s, time.Now().Add(time.Hour)) {
			require.NotEqual(t, "job anna", d)
		}
	}},
	{"nothing that has ended is due", func(t *testing.T, s *store.Store) {
		for st, j := range oneOfEach(t, s) {
			if st.Final() {
				require.NotContains(t, due(t, s, time.Now().Add(1000*time.Hour)), "job "+string(st), st)
				require.True(t, read(t, s, j.ID).Due.IsZero())
			}
		}
	}},
	{"recent jobs are listed by the day they came, the newest first", func(t *testing.T, s *store.Store) {
		for name, at := range map[string]time.Time{
			"midnight": day, "noon": day.Add(12 * time.Hour), "last": day.Add(24*time.Hour - time.Millisecond),
			"eve": day.Add(-time.Millisecond), "morrow": day.Add(24 * time.Hour),
		} {
			j := handedIn(name)
			j.Received = at
			_, err := s.Create(t.Context(), j)
			require.NoError(t, err)
		}
		ids, err := s.Recent(t.Context(), day.Add(5*time.Hour), 0)
		require.NoError(t, err)
		require.Equal(t, []string{id("last"), id("noon"), id("midnight")}, ids)
		ids, err = s.Recent(t.Context(), day, 1)
		require.NoError(t, err)
		require.Equal(t, []string{id("last")}, ids)
		// The day is that of UTC wherever the asker is.
		ids, err = s.Recent(t.Context(), day.Add(-time.Hour).In(time.FixedZone("Shanghai", 8*3600)), 0)
		require.NoError(t, err)
		require.Equal(t, []string{id("eve")}, ids)
	}},
	{"pages of recent jobs follow one another over the days and miss none of a millisecond", func(t *testing.T, s *store.Store) {
		at := map[string]time.Time{"eve": day.Add(-time.Hour), "old": day.AddDate(0, 0, -5), "first": day.Add(time.Hour),
			"twin a": day.Add(2 * time.Hour), "twin b": day.Add(2 * time.Hour), "twin c": day.Add(2 * time.Hour), "last": day.Add(3 * time.Hour)}
		for name, when := range at {
			j := handedIn(name)
			j.Received = when
			_, err := s.Create(t.Context(), j)
			require.NoError(t, err)
		}
		page := func(before time.Time, since time.Time, limit int) ([]string, time.Time) {
			ids, next, err := s.Page(t.Context(), before, since, limit)
			require.NoError(t, err)
			return ids, next
		}
		ids, next := page(day.AddDate(0, 0, 1), day.AddDate(0, 0, -9), 2)
		require.Equal(t, id("last"), ids[0])
		require.ElementsMatch(t, []string{id("twin a"), id("twin b"), id("twin c")}, ids[1:])
		require.Equal(t, at["twin a"], next)
		ids, next = page(next, day.AddDate(0, 0, -9), 2)
		require.Equal(t, []string{id("first"), id("eve")}, ids)
		require.Equal(t, at["eve"], next)
		ids, next = page(next, day.AddDate(0, 0, -9), 2)
		require.Equal(t, []string{id("old")}, ids)
		require.Zero(t, next)
		ids, next = page(day.AddDate(0, 0, 1), day, 9)
		require.Len(t, ids, 5, "not before the day of since")
		require.Zero(t, next)
		ids, next = page(day.AddDate(0, 0, 1), day, 5)
		require.Len(t, ids, 5)
		require.Zero(t, next, "a page that ends with the last job is the last")
	}},
	{"a job stays among the recent however it ends", func(t *testing.T, s *store.Store) {
		j := moved(t, s, created(t, s, "anna"), job.Failed)
		ids, err := s.Recent(t.Context(), day, 0)
		require.NoError(t, err)
		require.Equal(t, []string{j.ID}, ids)
	}},
	{"long lists come whole", func(t *testing.T, s *store.Store) {
		const n = 60
		for i := range n {
			j := handedIn(fmt.Sprintf("job %02d", i))
			j.Due = day.Add(time.Duration(i) * time.Second)
			_, err := s.Create(t.Context(), j)
			require.NoError(t, err)
		}
		require.Len(t, due(t, s, day.Add(time.Hour)), n)
	}},
}

func queue(t *testing.T, s *store.Store) []string {
	t.Helper()
	ids, err := s.Queue(t.Context(), 100)
	require.NoError(t, err)
	return ids
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// oneOfEach makes a job in every state, named for it.
func oneOfEach(t *testing.T, s *store.Store) map[job.State]job.Job {
	t.Helper()
	none := func(j *job.Job) { j.Due = time.Time{} }
	worked := func(j *job.Job) { // 9 s for each of its film
		task := *j.Task
		task.Started, task.Ended = day, day.Add(112500*time.Millisecond)
		j.Task = &task
	}
	name := func(st job.State) string { return string(st) }
	at := func(st job.State) job.Job { return submitted(t, s, name(st)) }
	return map[job.State]job.Job{
		job.Received:   created(t, s, name(job.Received)),
		job.Queued:     queued(t, s, name(job.Queued)),
		job.Submitting: submitting(t, s, name(job.Submitting), past()),
		job.Submitted:  at(job.Submitted),
		job.Running:    moved(t, s, at(job.Running), job.Running),
		job.Storing:    moved(t, s, at(job.Storing), job.Storing),
		job.Held:       moved(t, s, moved(t, s, at(job.Held), job.Storing), job.Held, none),
		job.Succeeded:  moved(t, s, moved(t, s, at(job.Succeeded), job.Storing, worked), job.Succeeded),
		job.Failed:     moved(t, s, at(job.Failed), job.Failed),
		job.Rejected:   moved(t, s, created(t, s, name(job.Rejected)), job.Rejected),
		job.Canceled:   moved(t, s, queued(t, s, name(job.Canceled)), job.Canceled),
		job.Expired:    moved(t, s, at(job.Expired), job.Expired),
	}
}
