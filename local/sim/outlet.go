package sim

import (
	"context"
	"slices"
	"sync"

	"emodrop/shared/words"
)

// Event is what was put on the bus.
type Event struct {
	ID, DetailType string
	Detail         []byte
}

// Posted is what the webhook got.
type Posted struct {
	ID   string
	Body []byte
}

// outlets keep what was told.
type outlets struct {
	w      *World
	mu     sync.Mutex
	notes  []words.Note
	events []Event
	posted []Posted
}

func (o *outlets) Publish(ctx context.Context, n words.Note) error {
	return done(ctx, o.w, "topic.publish", n.ID, true, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.notes = append(o.notes, n)
		return nil
	})
}

func (o *outlets) PutEvent(ctx context.Context, id, detailType string, detail []byte) error {
	return done(ctx, o.w, "bus.put", id, true, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.events = append(o.events, Event{id, detailType, slices.Clone(detail)})
		return nil
	})
}

func (o *outlets) Post(ctx context.Context, id string, body []byte) error {
	return done(ctx, o.w, "hook.post", id, true, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.posted = append(o.posted, Posted{id, slices.Clone(body)})
		return nil
	})
}

// Notes are what the topic got, repeats included.
func (w *World) Notes() []words.Note {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	return slices.Clone(w.out.notes)
}

// Events are what the bus got, repeats included.
func (w *World) Events() []Event {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	return slices.Clone(w.out.events)
}

// Posted is what the webhook got, repeats included.
func (w *World) Posted() []Posted {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	return slices.Clone(w.out.posted)
}
