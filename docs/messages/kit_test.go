package messages

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/tell"
	"emodrop/shared/words"
)

// outlets keep what a teller sends of one message.
type outlets struct {
	m         job.Message
	recordKey string
	record    []byte
	note      words.Note
	kind      string
	detail    []byte
	post      []byte
}

func (o *outlets) Message(context.Context, string) (job.Message, error)       { return o.m, nil }
func (o *outlets) PutMessage(context.Context, job.Message, job.Message) error { return nil }
func (o *outlets) Job(context.Context, string) (job.Job, error)               { return job.Job{}, job.ErrNotFound }
func (o *outlets) Show(context.Context, string, job.Outlook) error            { return nil }
func (o *outlets) RemoveRecord(context.Context, string) error                 { return nil }
func (o *outlets) Publish(_ context.Context, n words.Note) error              { o.note = n; return nil }
func (o *outlets) Post(_ context.Context, _ string, body []byte) error        { o.post = body; return nil }
func (o *outlets) Touch(context.Context, string) error                        { return nil }
func (o *outlets) Manifest(context.Context, string) (job.Manifest, error) {
	return job.Manifest{}, nil
}
func (o *outlets) Stem(_ context.Context, n job.Name) (job.Stem, error) {
	return job.Stem{Name: n, Job: o.m.Job}, nil
}

// Labels are what was handed in beside: little, or, for "large", more than an event takes.
func (o *outlets) Labels(_ context.Context, id string) (job.Labels, error) {
	l := job.Labels{Metadata: map[string]string{"order": "4711"}, Tags: []string{"spring"}}
	if id == "large" {
		l.Metadata["x"] = strings.Repeat("y", 9<<10)
	}
	return l, nil
}

func (o *outlets) PutRecord(_ context.Context, key string, body []byte) error {
	o.recordKey, o.record = key, body
	return nil
}
func (o *outlets) PutEvent(_ context.Context, _, kind string, body []byte) error {
	o.kind, o.detail = kind, body
	return nil
}

// told is what every channel gets of a message.
func told(t *testing.T, m job.Message) *outlets {
	t.Helper()
	o := &outlets{m: m}
	teller, err := tell.New(tell.Config{Messages: o, HandIns: o, Manifests: o, Outbox: o, Board: o, Topic: o, Bus: o, Receiver: o, Channels: job.Channels(),
		Place: words.Place{Bucket: "emodrop-outbox", InboxBucket: "emodrop-inbox", Region: "eu-central-1"}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	require.NoError(t, teller.Tell(t.Context(), m.ID))
	return o
}

var at = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// base is a job on its way.
func base() job.Job {
	return job.Job{ID: "3f2a9c01d4e5f60718293a4b5c6d7e8f", Attempt: 1, Rev: 9, Name: job.Name{Dir: "courses", Stem: "anna"},
		Image: job.Input{Key: "courses/anna.jpg"}, Audio: job.Input{Key: "courses/anna.mp3", Seconds: 13.93},
		Labels:   "0123456789abcdef0123456789abcdef",
		Received: at.Add(-10 * time.Minute), Updated: at, Ended: at}
}

// success and failure are the pages' jobs.
func success() job.Message {
	j := base()
	j.State, j.Ratio, j.Billed = job.Succeeded, job.Square, 1_114_400
	j.Task = &job.Task{ID: "a8532587-fa8c-4ef8-82be-000000000000"}
	j.Film = &job.Film{Key: "videos/courses/anna.mp4", SHA256: strings.Repeat("3a", 32), Size: 5_400_321, Seconds: 13.93, Width: 512, Height: 512}
	return job.OutcomeMessage(j)
}

func failure() job.Message {
	j := base()
	j.State, j.Rev, j.Fault = job.Rejected, 2, &job.Fault{Code: job.CodeFaceRefused, File: j.Image.Key, VendorCode: "InvalidFile.MultiHuman",
		VendorMessage: "The input image has multi human bodies. Please upload other image with single person.", RequestID: "c56f62df-0000-9000-a000-000000000000"}
	return job.OutcomeMessage(j)
}
