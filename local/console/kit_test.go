package console

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// table stands in for the jobs table.
type table struct {
	mu   sync.Mutex
	jobs map[string]job.Job
	gate job.Gate
	// labels by their ids.
	labels map[string]job.Labels
	fail   error
	// read counts calls; now and most count jobs being read at a time.
	recent, queued, read, names, now, most int
	// slow is how long a job's record takes.
	slow time.Duration
}

func newTable(jobs ...job.Job) *table {
	t := &table{jobs: map[string]job.Job{}}
	t.put(jobs...)
	return t
}

func (t *table) put(jobs ...job.Job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, j := range jobs {
		j.Rev += t.jobs[j.ID].Rev + 1
		t.jobs[j.ID] = j
	}
}

func (t *table) set(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}

func (t *table) counts() (recent, read, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.recent, t.read, t.most
}

func (t *table) Page(_ context.Context, before, since time.Time, limit int) ([]string, time.Time, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recent++
	if t.fail != nil {
		return nil, time.Time{}, t.fail
	}
	var of []job.Job
	for _, j := range t.jobs {
		if (before.IsZero() || j.Received.Before(before)) && !j.Received.UTC().Truncate(24*time.Hour).Before(since.UTC().Truncate(24*time.Hour)) {
			of = append(of, j)
		}
	}
	slices.SortFunc(of, func(a, b job.Job) int { return cmp.Or(b.Received.Compare(a.Received), strings.Compare(a.ID, b.ID)) })
	var next time.Time
	if len(of) > limit {
		of = of[:limit]
		next = of[limit-1].Received
	}
	var ids []string
	for _, j := range of {
		ids = append(ids, j.ID)
	}
	return ids, next, nil
}

// Queue has the oldest first, as the ranks are.
func (t *table) Queue(_ context.Context, limit int) ([]string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queued++
	if t.fail != nil {
		return nil, t.fail
	}
	var of []job.Job
	for _, j := range t.jobs {
		if j.State == job.Queued {
			of = append(of, j)
		}
	}
	slices.SortFunc(of, func(a, b job.Job) int { return a.Received.Compare(b.Received) })
	var ids []string
	for _, j := range of[:min(limit, len(of))] {
		ids = append(ids, j.ID)
	}
	return ids, nil
}

func (t *table) Job(ctx context.Context, id string) (job.Job, error) {
	t.mu.Lock()
	t.read++
	t.now++
	t.most = max(t.most, t.now)
	j, ok := t.jobs[id]
	fail, slow := t.fail, t.slow
	t.mu.Unlock()
	defer t.set(func() { t.now-- })
	if slow > 0 {
		timer := time.NewTimer(slow)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return job.Job{}, ctx.Err()
		}
	}
	if fail != nil {
		return job.Job{}, fail
	}
	if !ok {
		return job.Job{}, job.ErrNotFound
	}
	return j, nil
}

// Stem is the newest job of a name; names counts how often it is asked for.
func (t *table) Stem(_ context.Context, n job.Name) (job.Stem, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names++
	st := job.Stem{Name: n}
	for _, j := range t.jobs {
		if j.Name == n && (st.Job == "" || j.Received.After(t.jobs[st.Job].Received)) {
			st.Job = j.ID
		}
	}
	return st, t.fail
}

func (t *table) Labels(_ context.Context, id string) (job.Labels, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l, ok := t.labels[id]
	if !ok {
		return l, job.ErrNotFound
	}
	return l, nil
}

func (t *table) Gate(context.Context) (job.Gate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gate, t.fail
}

// shelf stands in for the outbox and the inbox.
type shelf struct {
	mu     sync.Mutex
	films  map[string][]byte
	opened []string
	in     map[string]string
	keys   []string
	refuse string // a key at which the inbox fails
}

func (s *shelf) open(_ context.Context, key string) (io.ReadSeekCloser, Object, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, key)
	b, ok := s.films[key]
	if !ok {
		return nil, Object{}, fmt.Errorf("open: %w", job.ErrNotFound)
	}
	return closer{bytes.NewReader(b)}, Object{Size: int64(len(b)), ContentType: "video/mp4", ETag: "e1",
		Modified: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, nil
}

func (s *shelf) handIn(_ context.Context, key string, body io.Reader) error {
	b, err := io.ReadAll(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == s.refuse {
		return errors.New("inbox is down")
	}
	s.in[key] = string(b)
	s.keys = append(s.keys, key)
	return err
}

type closer struct{ io.ReadSeeker }

func (closer) Close() error { return nil }

// bench is the page with what it stands on.
type bench struct {
	http.Handler
	table *table
	shelf *shelf
	spool string
}

func setup(t *testing.T, change func(*Config), jobs ...job.Job) *bench {
	t.Helper()
	b := &bench{table: newTable(jobs...), shelf: &shelf{films: map[string][]byte{}, in: map[string]string{}}, spool: t.TempDir()}
	c := Config{Jobs: b.table, HandIns: b.table, Labels: b.table, OpenResult: b.shelf.open, HandIn: b.shelf.handIn, Profile: job.EMO(), SpoolDir: b.spool}
	if change != nil {
		change(&c)
	}
	h, err := New(c)
	require.NoError(t, err)
	b.Handler = h
	return b
}

// setupOn is another page over the same table, which remembers nothing.
func setupOn(t *testing.T, on *table) *bench {
	t.Helper()
	return setup(t, func(c *Config) { c.Jobs, c.HandIns, c.Labels = on, on, on })
}

// ask sends one request from a browser on this machine; headers come in pairs.
func (b *bench) ask(method, target string, body io.Reader, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, body)
	r.Host = "127.0.0.1:4566"
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func (b *bench) get(target string, headers ...string) *httptest.ResponseRecorder {
	return b.ask(http.MethodGet, target, nil, headers...)
}

func sha(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func idOf(n int) string { return fmt.Sprintf("%032x", n) }

// one is a job in a state, handed in just now.
func one(n int, s job.State, name string) job.Job {
	dir, stem := "", name
	if i := strings.LastIndex(name, "/"); i >= 0 {
		dir, stem = name[:i], name[i+1:]
	}
	j := job.Job{ID: idOf(n), State: s, Attempt: 1, Name: job.Name{Dir: dir, Stem: stem},
		Received: time.Now().Add(-time.Duration(n) * time.Second), Audio: job.Input{Seconds: 14}}
	if s.Final() {
		j.Ended = time.Now()
	}
	if s == job.Succeeded {
		j.Film = &job.Film{Key: "videos/" + name + ".mp4", Width: 512, Height: 512}
	}
	return j
}
