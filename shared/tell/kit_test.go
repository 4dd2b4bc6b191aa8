package tell

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

var errDown = errors.New("down")

// world is everything a teller meets, in memory.
type world struct {
	t        *testing.T
	messages map[string]job.Message
	stems    map[job.Name]job.Stem
	jobs     map[string]job.Job
	records  map[string]string // key to the id of the message that is there
	bodies   map[string][]byte
	labels   map[string]job.Labels
	notes    []words.Note
	events   []event
	posts    []event
	shown    []string
	touched  []string
	manifest job.Manifest

	// calls in their order; before and after see each one by its number, from 1.
	calls         []string
	before, after func(n int, call string) error
}

type event struct{ id, kind, detail string }

func newWorld(t *testing.T) *world {
	return &world{t: t, messages: map[string]job.Message{}, stems: map[job.Name]job.Stem{}, jobs: map[string]job.Job{},
		records: map[string]string{}, bodies: map[string][]byte{}, labels: map[string]job.Labels{}}
}

// do makes one call of a port.
func (w *world) do(ctx context.Context, call string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.calls = append(w.calls, call)
	n := len(w.calls)
	if w.before != nil {
		if err := w.before(n, call); err != nil {
			return err
		}
	}
	if err := f(); err != nil {
		return err
	}
	if w.after != nil {
		return w.after(n, call)
	}
	return nil
}

func (w *world) Message(ctx context.Context, id string) (m job.Message, err error) {
	err = w.do(ctx, "message", func() error {
		var ok bool
		if m, ok = w.messages[id]; !ok {
			return job.ErrNotFound
		}
		return nil
	})
	return m, err
}

func (w *world) PutMessage(ctx context.Context, from, to job.Message) error {
	return w.do(ctx, "put message", func() error {
		if now, ok := w.messages[from.ID]; !ok || now.Rev != from.Rev {
			return job.ErrConflict
		}
		if len(to.Unsent) == 0 {
			delete(w.messages, from.ID)
			return nil
		}
		to.Rev = from.Rev + 1
		w.messages[from.ID] = to
		return nil
	})
}

func (w *world) Stem(ctx context.Context, n job.Name) (st job.Stem, err error) {
	err = w.do(ctx, "stem", func() error { st = w.stems[n]; return nil })
	return st, err
}

func (w *world) Job(ctx context.Context, id string) (j job.Job, err error) {
	err = w.do(ctx, "job", func() error {
		var ok bool
		if j, ok = w.jobs[id]; !ok {
			return job.ErrNotFound
		}
		return nil
	})
	return j, err
}

func (w *world) PutRecord(ctx context.Context, key string, body []byte) error {
	return w.do(ctx, "put "+key, func() error {
		var o struct{ ID, Schema string }
		require.NoError(w.t, json.Unmarshal(body, &o))
		require.Equal(w.t, words.Schema, o.Schema)
		w.records[key], w.bodies[key] = o.ID, body
		return nil
	})
}

func (w *world) RemoveRecord(ctx context.Context, key string) error {
	return w.do(ctx, "remove "+key, func() error { delete(w.records, key); return nil })
}

func (w *world) Labels(ctx context.Context, id string) (l job.Labels, err error) {
	err = w.do(ctx, "labels "+id, func() error {
		var ok bool
		if l, ok = w.labels[id]; !ok {
			return job.ErrNotFound
		}
		return nil
	})
	return l, err
}

// Show notes that a job's status was to be shown.
func (w *world) Show(ctx context.Context, id string, _ job.Outlook) error {
	return w.do(ctx, "show "+id, func() error { w.shown = append(w.shown, id); return nil })
}

func (w *world) Touch(ctx context.Context, row string) error {
	return w.do(ctx, "touch "+row, func() error { w.touched = append(w.touched, row); return nil })
}

func (w *world) Manifest(ctx context.Context, _ string) (m job.Manifest, err error) {
	err = w.do(ctx, "manifest", func() error { m = w.manifest; return nil })
	return m, err
}

func (w *world) Publish(ctx context.Context, n words.Note) error {
	return w.do(ctx, "publish", func() error { w.notes = append(w.notes, n); return nil })
}

func (w *world) PutEvent(ctx context.Context, id, kind string, detail []byte) error {
	return w.do(ctx, "event", func() error { w.events = append(w.events, event{id, kind, string(detail)}); return nil })
}

func (w *world) Post(ctx context.Context, id string, body []byte) error {
	return w.do(ctx, "post", func() error {
		var e struct{ ID, Type string }
		require.NoError(w.t, json.Unmarshal(body, &e))
		require.Equal(w.t, id, e.ID)
		w.posts = append(w.posts, event{id, e.Type, string(body)})
		return nil
	})
}

func (w *world) config() Config {
	return Config{Messages: w, HandIns: w, Manifests: w, Outbox: w, Board: w, Topic: w, Bus: w, Receiver: w, Channels: job.Channels(),
		Place: words.Place{Bucket: "out", InboxBucket: "in", Region: "eu-central-1"}, Log: slog.New(slog.DiscardHandler)}
}

func (w *world) teller(change ...func(*Config)) *Teller {
	w.t.Helper()
	c := w.config()
	for _, f := range change {
		f(&c)
	}
	tl, err := New(c)
	require.NoError(w.t, err)
	return tl
}

var anna = job.Name{Dir: "courses", Stem: "anna"}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// end puts a job into a state that is told and its message into the world.
func (w *world) end(id string, s job.State, code string) job.Message {
	w.t.Helper()
	j := w.jobs[id]
	j.ID, j.Name, j.State, j.Updated, j.Rev, j.Fault, j.Film = id, anna, s, start, j.Rev+1, nil, nil
	j.Attempt = max(1, j.Attempt)
	if j.Received.IsZero() {
		j.Received = start
	}
	if code != "" {
		j.Fault = &job.Fault{Code: code}
	}
	if s == job.Succeeded {
		j.Film = &job.Film{Key: job.VideoKey(j, w.stems[anna].Job == id)}
	}
	w.jobs[id] = j
	m := job.OutcomeMessage(j)
	w.messages[m.ID] = m
	return m
}

// newest makes a job the newest of its name.
func (w *world) newest(id string) { w.stems[anna] = job.Stem{Name: anna, Rev: 1, Job: id} }

func (w *world) keys() []string { return slices.Sorted(maps.Keys(w.records)) }
