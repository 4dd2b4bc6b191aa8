package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/report"
	"emodrop/shared/store"
	"emodrop/shared/words"
)

var errDead = errors.New("killed")

// world is a step over the memory store, an outbox in memory, and one manifest. Calls
// are counted, and an invocation may be killed at one of them.
type world struct {
	t *testing.T
	s *store.Store
	m job.Manifest

	mu     sync.Mutex
	files  map[string][]byte
	puts   map[string]int
	jobs   int // job records that were read
	told   []job.Message
	calls  int
	killAt int  // the call to die at; 0: none
	after  bool // after its effect, not before
}

func do[T any](w *world, f func() (T, error)) (T, error) {
	w.mu.Lock()
	w.calls++
	n := w.calls
	w.mu.Unlock()
	var zero T
	dead := w.killAt > 0 && n >= w.killAt
	if dead && (!w.after || n > w.killAt) {
		return zero, errDead
	}
	v, err := f()
	if dead {
		return zero, errDead
	}
	return v, err
}

func (w *world) Manifest(ctx context.Context, id string) (job.Manifest, error) {
	return do(w, func() (job.Manifest, error) { return w.s.Manifest(ctx, id) })
}

func (w *world) PutManifest(ctx context.Context, from, to job.Manifest) (job.Manifest, error) {
	return do(w, func() (job.Manifest, error) { return w.s.PutManifest(ctx, from, to) })
}

func (w *world) AddNotice(ctx context.Context, m job.Message) (bool, error) {
	return do(w, func() (bool, error) { return w.s.AddNotice(ctx, m) })
}

func (w *world) Job(ctx context.Context, id string) (job.Job, error) {
	return do(w, func() (job.Job, error) {
		w.mu.Lock()
		w.jobs++
		w.mu.Unlock()
		return w.s.Job(ctx, id)
	})
}

func (w *world) Lines(_ context.Context, key string) ([]byte, error) {
	return do(w, func() ([]byte, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		b, ok := w.files[key]
		if !ok {
			return nil, job.ErrNotFound
		}
		return b, nil
	})
}

func (w *world) PutLines(_ context.Context, key string, lines []byte) error {
	_, err := do(w, func() (int, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.files[key] = bytes.Clone(lines)
		w.puts[key]++
		return 0, nil
	})
	return err
}

func (w *world) PutLinesOver(ctx context.Context, key string, lines []byte, over string) (string, error) {
	return do(w, func() (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.etag(key) != over {
			return "", job.ErrConflict
		}
		w.files[key] = bytes.Clone(lines)
		w.puts[key]++
		return w.etag(key), nil
	})
}

func (w *world) ETag(_ context.Context, key string) (string, error) {
	return do(w, func() (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.etag(key) == "" {
			return "", job.ErrNotFound
		}
		return w.etag(key), nil
	})
}

// remove has somebody delete an object.
func (w *world) remove(key string) {
	delete(w.files, key)
	delete(w.puts, key)
}

// etag is empty for what is not there.
func (w *world) etag(key string) string {
	if w.puts[key] == 0 {
		return ""
	}
	return fmt.Sprint(w.puts[key])
}

func (w *world) Tell(ctx context.Context, id string) error {
	_, err := do(w, func() (int, error) {
		m, err := w.s.Message(ctx, id)
		if err != nil {
			return 0, err
		}
		gone := m
		gone.Unsent = nil
		if err := w.s.PutMessage(ctx, m, gone); err != nil {
			return 0, err
		}
		w.told = append(w.told, m)
		return 0, nil
	})
	return err
}

const key = "videos/courses/week.results.jsonl"

// in runs a test with a manifest of so many rows, all in the queue.
func in(t *testing.T, rows int, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, s: store.NewMemory(0), files: map[string][]byte{}, puts: map[string]int{}}
		m := job.Manifest{Name: job.Name{Dir: "courses", Stem: "week"}}
		next := m.Anew(job.Half{Key: "courses/week.jobs.csv", ETag: `"e"`, Modified: time.Now()}, time.Now(), time.Now())
		next.Rows, next.Next, next.Began = rows, rows, time.Now()
		var err error
		w.m, err = w.s.PutManifest(t.Context(), m, next)
		require.NoError(t, err)
		var b bytes.Buffer
		for i := range rows {
			j := w.queued(i)
			line, err := json.Marshal(job.Row{Number: i + 1, Line: i + 2, Name: j.Name.Stem, Job: j.ID})
			require.NoError(t, err)
			b.Write(append(line, '\n'))
			if (i+1)%job.PortionRows == 0 || i+1 == rows {
				w.files[job.PortionKey(w.m, i/job.PortionRows)] = bytes.Clone(b.Bytes())
				b.Reset()
			}
		}
		f(t, w)
	})
}

func (w *world) queued(i int) job.Job {
	now := time.Now()
	j, err := w.s.Create(w.t.Context(), job.Job{ID: fmt.Sprintf("job-%d", i), State: job.Received, Name: job.Name{Dir: "courses", Stem: fmt.Sprintf("r%d", i)},
		Received: now, Due: now.Add(time.Hour), Audio: job.Input{Key: fmt.Sprintf("courses/_files/r%d.wav", i), Seconds: 10}, Row: job.RowRef(w.m.ID(), i/job.PortionRows)})
	require.NoError(w.t, err)
	return w.move(j, job.Queued, func(j *job.Job) { j.Due, j.Quoted, j.Rank = time.Time{}, 800_000, "5" })
}

func (w *world) move(j job.Job, s job.State, change func(*job.Job)) job.Job {
	next := j
	next.State = s
	change(&next)
	moved, err := w.s.Move(w.t.Context(), j, next)
	require.NoError(w.t, err)
	return moved
}

// end ends the job of a row, as tell hears of it.
func (w *world) end(i int, s job.State) {
	w.t.Helper()
	j, err := w.s.Job(w.t.Context(), fmt.Sprintf("job-%d", i))
	require.NoError(w.t, err)
	code := map[job.State]string{job.Rejected: job.CodeFaceRefused, job.Failed: job.CodeVendorFailed, job.Canceled: job.CodeCanceled}[s]
	w.move(j, s, func(j *job.Job) { j.Fault = &job.Fault{Code: code} })
	require.NoError(w.t, w.s.Touch(w.t.Context(), j.Row))
}

func (w *world) step() *report.Step {
	s, err := report.New(report.Config{Manifests: w, Jobs: w, Lines: w, Tell: w, Log: slog.New(slog.DiscardHandler)})
	require.NoError(w.t, err)
	return s
}

func (w *world) report() {
	w.t.Helper()
	open, err := w.step().Report(w.t.Context(), w.m.ID())
	require.NoError(w.t, err)
	require.False(w.t, open)
}

// lines are the results: name, state and code of each row.
func (w *world) lines() (all []string) {
	for line := range bytes.Lines(w.files[key]) {
		var r words.Result
		require.NoError(w.t, json.Unmarshal(line, &r))
		all = append(all, strings.TrimSpace(fmt.Sprint(r.Name, " ", r.State, " ", r.Code)))
	}
	return all
}

func (w *world) phases() (all []job.BatchPhase) {
	for _, m := range w.told {
		all = append(all, m.Batch.Phase)
	}
	return all
}

func (w *world) now() job.Manifest {
	m, err := w.s.Manifest(w.t.Context(), w.m.ID())
	require.NoError(w.t, err)
	return m
}

func TestResultsAreWrittenAsRowsEndAndToldTwice(t *testing.T) {
	t.Parallel()
	in(t, 3, func(t *testing.T, w *world) {
		w.report()
		require.Equal(t, []string{"r0 QUEUED", "r1 QUEUED", "r2 QUEUED"}, w.lines())
		require.Equal(t, []job.BatchPhase{job.BatchTaken}, w.phases())
		require.Equal(t, []any{3, job.Money(2_400_000)}, []any{w.told[0].Batch.Rows, w.told[0].Quoted})

		w.end(1, job.Rejected)
		require.Equal(t, time.Minute, time.Until(w.now().Due), "once a minute at most")
		w.report()
		require.Equal(t, 1, w.puts[key], "its time is not yet")
		time.Sleep(time.Minute)
		w.report()
		require.Equal(t, []string{"r0 QUEUED", "r1 REJECTED face_refused", "r2 QUEUED"}, w.lines())

		w.end(0, job.Failed)
		w.end(2, job.Canceled)
		time.Sleep(time.Minute)
		w.report()
		require.Equal(t, []string{"r0 FAILED vendor_failed", "r1 REJECTED face_refused", "r2 CANCELED canceled"}, w.lines())
		require.Equal(t, []job.BatchPhase{job.BatchTaken, job.BatchFinished}, w.phases())
		require.Equal(t, 3, w.told[1].Batch.NotMade)
		require.Equal(t, key, w.told[1].Batch.Results)
		require.Zero(t, w.now().Due, "nothing wakes anybody any more")
		require.Equal(t, 3, w.puts[key])
	})
}

func TestARetryOfARowOpensItsManifestAgain(t *testing.T) {
	t.Parallel()
	in(t, 1, func(t *testing.T, w *world) {
		w.end(0, job.Failed)
		w.report()
		require.Equal(t, []job.BatchPhase{job.BatchTaken, job.BatchFinished}, w.phases())
		require.NoError(t, w.s.Touch(t.Context(), job.RowRef(w.m.ID(), 0)))
		time.Sleep(time.Minute)
		w.report()
		require.Len(t, w.told, 2, "a hint that came late tells nothing anew")
		require.Zero(t, w.now().Due)

		j, err := w.s.Job(t.Context(), "job-0")
		require.NoError(t, err)
		w.move(j, job.Received, func(j *job.Job) { j.Attempt, j.Due = 2, time.Now().Add(time.Hour) })
		require.NoError(t, w.s.Touch(t.Context(), j.Row))
		time.Sleep(time.Minute)
		w.report()
		require.Equal(t, []string{"r0 RECEIVED"}, w.lines())
		w.end(0, job.Canceled)
		time.Sleep(time.Minute)
		w.report()
		require.Equal(t, []string{"r0 CANCELED canceled"}, w.lines())
		require.Len(t, w.told, 3)
		require.NotEqual(t, w.told[1].ID, w.told[2].ID, "receivers drop repeats by the id")
	})
}

// TestFewRecordsAreReadForTheResultsOfManyRows: of two thousand rows those of the portion
// in which one has ended, and once an hour all that are open.
func TestFewRecordsAreReadForTheResultsOfManyRows(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	in(t, 2000, func(t *testing.T, w *world) {
		w.report()
		require.Equal(t, 2000, w.jobs)
		w.end(150, job.Failed)
		time.Sleep(2 * time.Minute)
		w.report()
		require.Equal(t, 2100, w.jobs)
		require.Equal(t, time.Hour, w.now().Due.Sub(w.now().Looked))
		time.Sleep(time.Until(w.now().Due))
		j, err := w.s.Job(t.Context(), "job-7")
		require.NoError(t, err)
		w.move(j, job.Canceled, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeCanceled} }) // and its hint is lost
		w.report()
		require.Equal(t, 2100+1999, w.jobs)
		require.Equal(t, "r7 CANCELED canceled", w.lines()[7])
		require.Equal(t, 3, w.puts[key])
	})
}

func TestAManifestWaitsAWhileForItsLastPrice(t *testing.T) {
	t.Parallel()
	in(t, 2, func(t *testing.T, w *world) {
		j, err := w.s.Job(t.Context(), "job-1")
		require.NoError(t, err)
		w.move(j, job.Queued, func(j *job.Job) { j.Quoted = 0 })
		for range 15 {
			w.report()
			require.Empty(t, w.told)
			time.Sleep(time.Minute)
		}
		w.report()
		require.Equal(t, 1, w.told[0].Batch.Unpriced)
		require.Equal(t, job.Money(800_000), w.told[0].Quoted)
	})
}

// TestWhoeverIsSlowWritesOverNoNewerResults has one report read the jobs, and another one
// write the results before it does.
func TestWhoeverIsSlowWritesOverNoNewerResults(t *testing.T) {
	t.Parallel()
	in(t, 1, func(t *testing.T, w *world) {
		w.report()
		require.NoError(t, w.s.Touch(t.Context(), job.RowRef(w.m.ID(), 0)))
		time.Sleep(time.Minute)
		slow := &slow{world: w}
		s, err := report.New(report.Config{Manifests: w, Jobs: slow, Lines: w, Tell: w, Log: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		slow.meanwhile = func() {
			w.end(0, job.Failed)
			w.report()
			require.Equal(t, []string{"r0 FAILED vendor_failed"}, w.lines())
		}
		w.end0(t)
		_, err = s.Report(t.Context(), w.m.ID())
		require.NoError(t, err)
		require.Equal(t, []string{"r0 FAILED vendor_failed"}, w.lines())
		require.Zero(t, w.now().Due)
	})
}

// end0 has the first row move, so that there is something to write.
func (w *world) end0(t *testing.T) {
	t.Helper()
	j, err := w.s.Job(t.Context(), "job-0")
	require.NoError(t, err)
	w.move(j, job.Queued, func(j *job.Job) { j.Quoted = 900_000 })
}

// slow reads a job, and goes on only when something else has been done.
type slow struct {
	*world
	meanwhile func()
}

func (s *slow) Job(ctx context.Context, id string) (job.Job, error) {
	j, err := s.world.Job(ctx, id)
	if do := s.meanwhile; do != nil {
		s.meanwhile = nil
		do()
	}
	return j, err
}

func TestRowsThatNobodyHasTakenInAreSubmits(t *testing.T) {
	t.Parallel()
	in(t, 1, func(t *testing.T, w *world) {
		m := w.now()
		next := m
		next.Rows, next.Next = 0, 0
		_, err := w.s.PutManifest(t.Context(), m, next)
		require.NoError(t, err)
		open, err := w.step().Report(t.Context(), w.m.ID())
		require.NoError(t, err)
		require.True(t, open)
		open, err = w.step().Report(t.Context(), "none")
		require.NoError(t, err)
		require.False(t, open)
		require.Empty(t, w.puts)
	})
}
