// Package tell is the step that sends what the moves have written down: the record
// in the outbox, the note to the topic, the event on the bus, the post to a webhook.
//
// It decides on no job. Its one invariant: a message goes away only when every
// configured channel has taken it, so each outcome is told at least once, under an
// id that stays the same. A webhook alone is given up, after a day of trying, or when
// it says that it is gone.
package tell

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Messages are the records of what is to be told.
type Messages interface {
	// Message reads one, or job.ErrNotFound when it has been told.
	Message(ctx context.Context, id string) (job.Message, error)
	// PutMessage writes back what is left of one and removes it when nothing is;
	// job.ErrConflict when it has changed since.
	PutMessage(ctx context.Context, from, to job.Message) error
}

// HandIns says which job is the newest of its name, and how a job stands.
type HandIns interface {
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
	// Job reads one, or job.ErrNotFound.
	Job(ctx context.Context, id string) (job.Job, error)
	// Labels reads what a hand-in wants carried along, or job.ErrNotFound.
	Labels(ctx context.Context, id string) (job.Labels, error)
}

// Manifests are the records of batch manifests.
type Manifests interface {
	// Touch notes that the job of a row has come to an end, or to a stop.
	Touch(ctx context.Context, row string) error
	// Manifest reads one by its id; its Rev is 0 when there is none.
	Manifest(ctx context.Context, id string) (job.Manifest, error)
}

// Outbox takes records.
type Outbox interface {
	PutRecord(ctx context.Context, key string, body []byte) error
	// RemoveRecord is no error when there is none.
	RemoveRecord(ctx context.Context, key string) error
}

// Board is where people who have nothing but the bucket see how a job stands.
type Board interface {
	// Show writes it, if its file does not say so already.
	Show(ctx context.Context, id string, o job.Outlook) error
}

// Topic takes notes for people and subscribers.
type Topic interface {
	Publish(ctx context.Context, n words.Note) error
}

// Bus takes events for pipelines.
type Bus interface {
	PutEvent(ctx context.Context, id, detailType string, detail []byte) error
}

// Receiver takes what is posted to a webhook. What an error of it means
// job.DeliveryOf says.
type Receiver interface {
	Post(ctx context.Context, id string, body []byte) error
}

// Config is what a Teller needs; every field without "zero" is required.
type Config struct {
	Messages Messages
	HandIns  HandIns
	// Manifests hear of rows that have ended.
	Manifests Manifests
	Outbox    Outbox
	Board     Board
	// Topic and Bus are required when their channel is configured.
	Topic Topic
	Bus   Bus
	// Receiver is the webhook's. Nil where the webhook is another function's to post:
	// what it is to get is left for that one.
	Receiver Receiver
	Place    words.Place
	// Channels are those that are configured. What is to be told by another one
	// counts as told.
	Channels []job.Channel
	// Within bounds one channel's sending, so that one that hangs does not keep
	// the others waiting. Zero: 10 s.
	Within time.Duration
	// Backoff is the first wait after a failure; see job.Backoff. Zero: 15 s.
	Backoff time.Duration
	Log     *slog.Logger
}

// Teller sends messages. Safe for concurrent use, also of one message: receivers
// may then get it twice.
type Teller struct {
	Config
	rest rest
}

// New returns a teller, or an error that lists all that is missing or wrong.
func New(c Config) (*Teller, error) {
	if c.Within == 0 {
		c.Within = 10 * time.Second
	}
	if c.Backoff == 0 {
		c.Backoff = 15 * time.Second
	}
	var errs []error
	for _, need := range []struct {
		what    string
		missing bool
	}{
		{"Messages", c.Messages == nil}, {"HandIns", c.HandIns == nil}, {"Manifests", c.Manifests == nil}, {"Outbox", c.Outbox == nil}, {"Board", c.Board == nil}, {"Log", c.Log == nil},
		{"Topic", c.Topic == nil && slices.Contains(c.Channels, job.Topic)},
		{"Bus", c.Bus == nil && slices.Contains(c.Channels, job.Bus)},
	} {
		if need.missing {
			errs = append(errs, fmt.Errorf("tell: %s is required", need.what))
		}
	}
	if c.Within < 0 || c.Backoff < 0 {
		errs = append(errs, errors.New("tell: Within and Backoff must not be negative"))
	}
	for _, ch := range c.Channels {
		if !slices.Contains(job.Channels(), ch) {
			errs = append(errs, fmt.Errorf("tell: there is no channel %q", ch))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Channels = slices.Clone(c.Channels)
	return &Teller{Config: c}, nil
}

// labelled is a message with what its hand-in wants carried along. Labels that are
// gone have outlived all that was to be said with them: what is told late is told.
func (t *Teller) labelled(ctx context.Context, m job.Message) (job.Message, error) {
	if m.Labels == "" {
		return m, nil
	}
	var err error
	if m.Said, err = t.HandIns.Labels(ctx, m.Labels); errors.Is(err, job.ErrNotFound) {
		t.Log.WarnContext(ctx, "labels are gone", "message_id", m.ID, "job_id", m.Job)
		return m, nil
	}
	return m, err
}

// Tell sends what of a message is unsent, by every channel whatever becomes of the
// others, and writes down what is left. A message that is gone has been told; one
// that somebody else has written meanwhile is theirs. An error says that something
// is left; it is due again by then.
//
// It may be killed anywhere: nothing is written down before it is sent, so what
// was sent since the last write is sent again. The webhook comes last, after what
// the others have had is written down: nobody gets a second mail because a stranger's
// server was slow.
func (t *Teller) Tell(ctx context.Context, messageID string) error {
	m, err := t.Messages.Message(ctx, messageID)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("tell %s: %w", messageID, err)
	}
	if m, err = t.labelled(ctx, m); err != nil {
		return fmt.Errorf("tell %s: %w", messageID, err)
	}
	post := slices.Contains(m.Unsent, job.Webhook) && slices.Contains(t.Channels, job.Webhook)
	var errs []error
	if len(m.Unsent) > 1 || !post {
		err := t.others(ctx, &m, post)
		if errors.Is(err, errTheirs) {
			return nil
		}
		errs = append(errs, err)
		post = post && !errors.Is(err, errUnwritten)
	}
	if post && t.Receiver != nil {
		if err := t.post(ctx, m); !errors.Is(err, errTheirs) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

var (
	// errTheirs: somebody else told the message at the same time, and knows what is
	// left.
	errTheirs = errors.New("somebody else has written it")
	// errUnwritten: what was told could not be written down, so that nothing can be
	// built on it.
	errUnwritten = errors.New("write down what is left")
)

// others sends a message by all channels but the webhook, and leaves it as it was
// written down: with what failed, and with the webhook's own when there is a post to
// be made.
func (t *Teller) others(ctx context.Context, m *job.Message, post bool) error {
	var errs []error
	left := *m
	left.Unsent = nil
	for _, c := range m.Unsent {
		if c == job.Webhook || !slices.Contains(t.Channels, c) {
			continue
		}
		if err := t.send(ctx, c, *m); err != nil {
			errs = append(errs, fmt.Errorf("tell %s by %s: %w", m.ID, c, err))
			left.Unsent = append(left.Unsent, c)
			continue
		}
		t.Log.InfoContext(ctx, "told", "message_id", m.ID, "job_id", m.Job, "channel", c)
	}
	left.Tries = m.Tries + 1
	left.Due = time.Now().Add(job.Backoff(t.Backoff, m.Tries))
	if post {
		if len(left.Unsent) == 0 {
			// Only the webhook is left, and it keeps its own times. Else it is looked
			// at whenever the others are, which is often enough.
			left.Due = postDue(left.Post, time.Now())
		}
		left.Unsent = append(left.Unsent, job.Webhook)
	}
	if err := t.keep(ctx, *m, left); err != nil {
		return errors.Join(append(errs, err)...)
	}
	left.Rev = m.Rev + 1
	*m = left
	return errors.Join(errs...)
}

// keep writes down what is left of a message; errTheirs or errUnwritten when it
// cannot.
func (t *Teller) keep(ctx context.Context, from, left job.Message) error {
	err := t.Messages.PutMessage(ctx, from, left)
	switch {
	case errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound):
		return errTheirs
	case err != nil:
		return fmt.Errorf("tell %s: %w: %w", from.ID, errUnwritten, err)
	}
	return nil
}
