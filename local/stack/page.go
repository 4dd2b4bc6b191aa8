package stack

import (
	"context"
	"errors"
	"io"
	"net/http"

	"emodrop/local/aws/s3"
	"emodrop/local/console"
	"emodrop/shared/job"
)

// page makes the page at the one address.
func (s *Stack) page(ctx context.Context) (http.Handler, error) {
	return console.New(console.Config{
		Jobs: s.Jobs, OpenResult: s.openResult,
		HandIn: func(ctx context.Context, key string, body io.Reader) error {
			return s.Files.Put(ctx, Inbox, key, "application/octet-stream", nil, body)
		},
		Messages: s.messages, DropDir: s.path("drop"), VideosDir: s.path("videos"), Endpoint: s.URL(), Region: region,
		Inbox: Inbox, Outbox: Outbox, Simulated: s.cfg.Vendor == nil, Profile: job.EMO(), Context: ctx, Log: s.quiet(),
	})
}

// openResult opens an object of the outbox.
func (s *Stack) openResult(ctx context.Context, key string) (io.ReadSeekCloser, console.Object, error) {
	f, info, err := s.Files.Open(ctx, Outbox, key)
	if errors.Is(err, s3.ErrNoSuchKey) {
		return nil, console.Object{}, job.ErrNotFound
	}
	if err != nil {
		return nil, console.Object{}, err
	}
	return f, console.Object{Size: info.Size, ContentType: info.ContentType, ETag: info.ETag, Modified: info.Modified}, nil
}

// messages are what went to the topic.
func (s *Stack) messages() []console.Message {
	var out []console.Message
	for _, p := range s.Ledger.Published() {
		if p.Subject != "" {
			out = append(out, console.Message{Time: p.Time, Kind: p.Kind, Subject: p.Subject, Text: p.Default})
		}
	}
	return out
}
