// Package tell is the step that sends what the moves have written down: the record
// in the outbox, the note to the topic, the event on the bus.
//
// It decides on no job. Its one invariant: a message goes away only when every
// configured channel has taken it, so each outcome is told at least once, under an
// id that stays the same.
package tell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Messages are the records of what is to be told.
type Messages interface {
	Message(ctx context.Context, id string) (job.Message, error)
	PutMessage(ctx context.Context, from, to job.Message) error
}

// HandIns says which job is the newest of its name.
type HandIns interface {
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
}

// Outbox takes records.
type Outbox interface {
	PutRecord(ctx context.Context, key string, body []byte) error
	RemoveRecord(ctx context.Context, key string) error
}

// Topic takes notes for people and subscribers.
type Topic interface {
	Publish(ctx context.Context, n words.Note) error
}

// Bus takes events for pipelines.
type Bus interface {
	PutEvent(ctx context.Context, id, detailType string, detail []byte) error
}

// Config is what a Teller needs; every field without "zero" is required.
type Config struct {
	Messages Messages
	HandIns  HandIns
	Outbox   Outbox
	// Topic and Bus are required when their channel is configured.
	Topic Topic
	Bus   Bus
	Place words.Place
	// Channels are those that are configured. What is to be told by another one
	// counts as told.
	Channels []job.Channel
	// Backoff is the first wait after a failure; it doubles to an hour. Zero:
	// 15 s.
	Backoff time.Duration
	Log     *slog.Logger
}

// Teller sends messages. Safe for concurrent use.
type Teller struct {
	Config
}

// New returns a teller, or an error that lists all that is missing.
func New(c Config) (*Teller, error) {
	if c.Backoff == 0 {
		c.Backoff = 15 * time.Second
	}
	var errs []error
	for what, missing := range map[string]bool{
		"Messages": c.Messages == nil, "HandIns": c.HandIns == nil, "Outbox": c.Outbox == nil, "Log": c.Log == nil,
		"Topic": c.Topic == nil && slices.Contains(c.Channels, job.Topic),
		"Bus":   c.Bus == nil && slices.Contains(c.Channels, job.Bus),
	} {
		if missing {
			errs = append(errs, fmt.Errorf("tell: %s is required", what))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Teller{c}, nil
}

// Tell sends what of a message is unsent. A message that is gone has been told. An
// error says that something is left; it is due again by then.
func (t *Teller) Tell(ctx context.Context, messageID string) error {
	m, err := t.Messages.Message(ctx, messageID)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var errs []error
	left := m
	left.Unsent = nil
	for _, c := range m.Unsent {
		if !slices.Contains(t.Channels, c) {
			continue
		}
		if err := t.send(ctx, c, m); err != nil {
			errs = append(errs, fmt.Errorf("tell by %s: %w", c, err))
			left.Unsent = append(left.Unsent, c)
		}
	}
	left.Tries = m.Tries + 1
	left.Due = time.Now().Add(min(t.Backoff<<min(m.Tries, 12), time.Hour))
	if err := t.Messages.PutMessage(ctx, m, left); err != nil && !errors.Is(err, job.ErrConflict) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (t *Teller) send(ctx context.Context, c job.Channel, m job.Message) error {
	switch c {
	case job.Record:
		return t.record(ctx, m)
	case job.Topic:
		if replaced(m) {
			// Whoever uploaded a newer file knows; a mail that a job "ended
			// without a film" would only frighten. Pipelines hear of it by the bus.
			return nil
		}
		subject, body := words.Mail(m, t.Place)
		return t.Topic.Publish(ctx, words.Note{ID: m.ID, Subject: subject, Text: body, JSON: string(words.Event(m, t.Place)),
			Attributes: attributes(m)})
	case job.Bus:
		return t.Bus.PutEvent(ctx, m.ID, detailType(m), words.Event(m, t.Place))
	}
	return fmt.Errorf("no such channel")
}

// record writes the outcome beside the film, or under failed/. Only the newest
// hand-in of a name writes under the plain name; an older job's outcome never takes
// its place.
func (t *Teller) record(ctx context.Context, m job.Message) error {
	key := job.RecordKey(m)
	body := words.Record(m, t.Place)
	if m.Job == "" {
		return t.Outbox.PutRecord(ctx, key, body)
	}
	st, err := t.HandIns.Stem(ctx, m.Name)
	if err != nil {
		return err
	}
	newest := st.Job == m.Job && !replaced(m)
	if m.Film == nil && !newest {
		key = strings.TrimSuffix(key, ".json") + "." + m.Job + ".json"
	}
	if err := t.Outbox.PutRecord(ctx, key, body); err != nil {
		return err
	}
	if m.State != job.Succeeded || !newest {
		return nil
	}
	// What failed under this name before holds no more.
	return t.Outbox.RemoveRecord(ctx, job.RecordKey(job.Message{Name: m.Name, State: job.Failed}))
}

func replaced(m job.Message) bool {
	return m.State == job.Canceled && m.Fault != nil && m.Fault.Code == job.CodeReplaced
}

func detailType(m job.Message) string {
	switch {
	case m.Job != "":
		return "EMO Job State Change"
	case m.Fault != nil && (m.Fault.Code == job.CodeAudioMissing || m.Fault.Code == job.CodePictureMissing):
		return "EMO Input Waiting"
	}
	return "EMO Input Unknown"
}

// maxAttribute bounds an attribute's value, in bytes.
const maxAttribute = 256

func attributes(m job.Message) map[string]string {
	a := map[string]string{"state": string(m.State), "job": m.Job, "dir": m.Name.Dir}
	if m.Fault != nil {
		a["code"] = m.Fault.Code
	}
	for k, v := range a {
		if v == "" {
			delete(a, k)
			continue
		}
		if len(v) > maxAttribute {
			a[k] = strings.ToValidUTF8(v[:maxAttribute], "")
		}
	}
	return a
}
