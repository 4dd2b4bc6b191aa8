package show_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/show"
	"emodrop/shared/store"
	"emodrop/shared/words"
)

// outbox is a bucket in memory.
type outbox struct {
	files map[string]file
	puts  int
	// before is called before each put.
	before func()
}

type file struct {
	body       []byte
	etag, mark string
}

func (b *outbox) Status(_ context.Context, key string) (etag, mark string, err error) {
	f, ok := b.files[key]
	if !ok {
		return "", "", job.ErrNotFound
	}
	return f.etag, f.mark, nil
}

func (b *outbox) ReadStatus(_ context.Context, key string) ([]byte, string, error) {
	f, ok := b.files[key]
	if !ok {
		return nil, "", job.ErrNotFound
	}
	return f.body, f.etag, nil
}

func (b *outbox) PutStatus(_ context.Context, key string, body []byte, mark, over string) (string, error) {
	if f := b.before; f != nil {
		b.before = nil
		f()
	}
	if b.files[key].etag != over {
		return "", job.ErrConflict
	}
	b.puts++
	etag := strconv.Itoa(b.puts)
	b.files[key] = file{body, etag, mark}
	return etag, nil
}

type bench struct {
	*show.Step
	t     *testing.T
	store *store.Store
	out   *outbox
}

var anna = job.Name{Dir: "courses", Stem: "anna"}

const key = "status/courses/anna.json"

func setup(t *testing.T) *bench {
	s, out := store.NewMemory(0), &outbox{files: map[string]file{}}
	step, err := show.New(show.Config{Records: s, Outbox: out, Place: words.Place{Bucket: "out"}})
	require.NoError(t, err)
	return &bench{step, t, s, out}
}

// make makes a job that is the newest of its name.
func (b *bench) make(id string) job.Job {
	b.t.Helper()
	now := time.Now().UTC()
	j, err := b.store.Create(b.t.Context(), job.Job{ID: id, State: job.Received, Name: anna, Received: now, Due: now})
	require.NoError(b.t, err)
	st, err := b.store.Stem(b.t.Context(), anna)
	require.NoError(b.t, err)
	next := st
	next.Job = id
	_, err = b.store.PutStem(b.t.Context(), st, next)
	require.NoError(b.t, err)
	return j
}

func (b *bench) move(j job.Job, to job.State, f *job.Fault) job.Job {
	b.t.Helper()
	next := j
	next.State, next.Fault = to, f
	if to == job.Queued {
		next.Due, next.Rank = time.Time{}, job.Rank("", 1, j.ID)
	}
	j, err := b.store.Move(b.t.Context(), j, next)
	require.NoError(b.t, err)
	return j
}

type said struct {
	Schema, Job, Code string
	State             job.State
	Place             int
	Expected          *time.Time
	Text              map[string]struct{ What, Fix string }
}

func (b *bench) says() (s said) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal(b.out.files[key].body, &s))
	return s
}

func TestAStatusIsWrittenOnAChangeOfStateAndOnNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.make("j1")
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{}))
		require.Equal(t, job.Received, b.says().State)
		j = b.move(j, job.Queued, nil)
		done := time.Now().Add(time.Hour).UTC()
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{Place: 7, Done: done}))
		s := b.says()
		require.Equal(t, said{"emodrop/status/1", "j1", "", job.Queued, 7, &done, s.Text}, s)
		require.Equal(t, "“courses/anna”: waiting its turn.", s.Text["en"].What)
		require.Equal(t, "“courses/anna”：排队中。", s.Text["zh"].What)
		puts := b.out.puts
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{Place: 3}))
		noted := j
		noted.Tries = 2
		j, err := b.store.Move(t.Context(), j, noted)
		require.NoError(t, err)
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{Place: 2}))
		require.Equal(t, puts, b.out.puts)
		b.move(j, job.Canceled, &job.Fault{Code: job.CodeCanceled})
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{Place: 2, Done: done}))
		s = b.says()
		require.Equal(t, job.CodeCanceled, s.Code)
		require.Zero(t, s.Place)
		require.Nil(t, s.Expected)
		require.NotEmpty(t, s.Text["zh"].Fix)
	})
}

func TestOnlyTheNewestJobOfANameIsShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	old := b.make("j1")
	b.make("j2")
	require.NoError(t, b.Show(t.Context(), "j2", job.Outlook{}))
	b.move(old, job.Canceled, &job.Fault{Code: job.CodeReplaced})
	require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{}))
	require.Equal(t, "j2", b.says().Job)
	require.NoError(t, b.Show(t.Context(), "nobody", job.Outlook{}))
}

func TestWhoeverIsSlowNeverWritesOverWhatIsNewer(t *testing.T) {
	t.Parallel()
	for what, meanwhile := range map[string]func(b *bench, j job.Job){
		"the same job has gone on":    func(b *bench, j job.Job) { b.move(j, job.Canceled, &job.Fault{Code: job.CodeCanceled}) },
		"a newer one stands there":    func(b *bench, _ job.Job) { b.make("j2") },
		"it has been shown and moved": func(b *bench, j job.Job) { b.move(j, job.Queued, nil) },
	} {
		for _, there := range []bool{false, true} {
			b := setup(t)
			j := b.make("j1")
			if there {
				b.out.files[key] = file{[]byte("{}"), "0", "of long ago"}
			}
			b.out.before = func() { // between its look and its write
				meanwhile(b, j)
				st, err := b.store.Stem(t.Context(), anna)
				require.NoError(t, err)
				require.NoError(t, b.Show(t.Context(), st.Job, job.Outlook{}))
			}
			require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{}), what)
			st, err := b.store.Stem(t.Context(), anna)
			require.NoError(t, err)
			now, err := b.store.Job(t.Context(), st.Job)
			require.NoError(t, err)
			require.Equal(t, st.Job, b.says().Job, what)
			require.Equal(t, now.State, b.says().State, what)
		}
	}
}

// slow are records between whose reading and whose writing somebody else goes on.
type slow struct {
	*store.Store
	after func()
}

func (r *slow) Stem(ctx context.Context, n job.Name) (job.Stem, error) {
	st, err := r.Store.Stem(ctx, n)
	if f := r.after; f != nil {
		r.after = nil
		f()
	}
	return st, err
}

func TestWhatWasReadBeforeSomebodyElseWroteIsNotWrittenAfterIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		j := b.make("j1")
		require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{}))
		j = b.move(j, job.Queued, nil)
		late, err := show.New(show.Config{Outbox: b.out, Place: words.Place{Bucket: "out"}, Records: &slow{b.store, func() {
			b.move(j, job.Canceled, &job.Fault{Code: job.CodeCanceled})
			require.NoError(t, b.Show(t.Context(), "j1", job.Outlook{}))
		}}})
		require.NoError(t, err)
		require.NoError(t, late.Show(t.Context(), "j1", job.Outlook{}))
		require.Equal(t, job.Canceled, b.says().State)
		require.Equal(t, 2, b.out.puts, "and it says nothing twice")
	})
}

func TestAListIsReadAsItWasWrittenAndNeverOverAnothers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	x, etag, err := b.Index(t.Context())
	require.NoError(t, err)
	require.Empty(t, etag)
	require.Empty(t, x.Jobs)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	x = words.Index{Schema: words.IndexSchema, At: at, Open: map[job.State]int{job.Queued: 1}, Sending: words.Sends(job.Gate{}, at),
		Jobs: []words.Listed{words.List(job.Job{ID: "j1", Name: anna, State: job.Queued, Updated: at}).Expect(job.Outlook{Place: 1, Done: at})}}
	etag, err = b.PutIndex(t.Context(), x, "")
	require.NoError(t, err)
	got, etag2, err := b.Index(t.Context())
	require.NoError(t, err)
	require.Equal(t, etag, etag2)
	require.Equal(t, x, got)
	_, err = b.PutIndex(t.Context(), x, "")
	require.ErrorIs(t, err, job.ErrConflict)
	b.out.files[job.IndexKey] = file{[]byte("not ours"), "9", ""}
	got, etag, err = b.Index(t.Context())
	require.NoError(t, err)
	require.Equal(t, "9", etag, "it is written anew")
	require.Empty(t, got)
}

func TestAnOutboxThatIsDownIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.make("j1")
	step, err := show.New(show.Config{Records: b.store, Outbox: down{}})
	require.NoError(t, err)
	require.ErrorIs(t, step.Show(t.Context(), "j1", job.Outlook{}), errDown)
	_, _, err = step.Index(t.Context())
	require.ErrorIs(t, err, errDown)
	_, err = show.New(show.Config{})
	require.EqualError(t, err, "show: Records is required\nshow: Outbox is required")
}

var errDown = errors.New("down")

type down struct{}

func (down) Status(context.Context, string) (string, string, error)     { return "", "", errDown }
func (down) ReadStatus(context.Context, string) ([]byte, string, error) { return nil, "", errDown }
func (down) PutStatus(context.Context, string, []byte, string, string) (string, error) {
	return "", errDown
}
