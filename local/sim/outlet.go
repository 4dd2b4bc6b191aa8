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

// outlets keep what was told.
type outlets struct {
	w      *World
	mu     sync.Mutex
	notes  []words.Note
	events []Event
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
