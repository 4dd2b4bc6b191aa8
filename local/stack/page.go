package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"emodrop/local/aws/s3"
	"emodrop/local/console"
	"emodrop/local/sample"
	"emodrop/shared/dashscope"
	"emodrop/shared/job"
	"emodrop/shared/operate"
)

// page makes the page at the one address.
func (s *Stack) page(ctx context.Context) (http.Handler, error) {
	operator, err := s.operator()
	if err != nil {
		return nil, err
	}
	// What an interrupted run was still taking in.
	spool := s.state("uploads")
	if err := os.RemoveAll(spool); err != nil {
		return nil, fmt.Errorf("clear what was being uploaded: %w", err)
	}
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, fmt.Errorf("a folder for uploads: %w", err)
	}
	return console.New(console.Config{
		Jobs: s.Jobs, HandIns: s.Jobs, Labels: s.Jobs, OpenResult: s.openResult,
		HandIn: func(ctx context.Context, key string, body io.Reader) error {
			return s.Files.Put(ctx, Inbox, key, "application/octet-stream", nil, body)
		},
		Messages: s.messages, DropDir: s.path("drop"), VideosDir: s.path("videos"), Endpoint: s.URL(), Region: region,
		Inbox: Inbox, Outbox: Outbox, Simulated: s.cfg.Vendor == nil, Operate: operator, Held: operator, SpoolDir: spool,
		Sample:  map[string][]byte{"sample.jpg": sample.Portrait(), "sample.wav": sample.Speech()},
		Profile: job.EMO(), Context: ctx, Log: s.quiet(),
	})
}

// later leaves the telling to poll: what a person's move wrote down stays due until it
// is told.
type later struct{}

func (later) Tell(context.Context, string) error { return nil }

// operator is what the page's buttons do.
func (s *Stack) operator() (*operate.Step, error) {
	base, workspace, key := s.URL()+vendorPath+"/api/v1", "", job.Secret(apiKey)
	if v := s.cfg.Vendor; v != nil {
		base, workspace, key = v.address(), v.Workspace, v.Key
	}
	vendor, err := dashscope.New(dashscope.Config{BaseURL: base, Workspace: workspace,
		Key: func(context.Context) (job.Secret, error) { return key, nil }})
	if err != nil {
		return nil, err
	}
	return operate.New(operate.Config{Vendor: vendor, Jobs: s.Jobs, Gate: s.Jobs, Messages: s.Jobs, Controls: s.Jobs, Tell: later{}, Log: s.quiet()})
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
