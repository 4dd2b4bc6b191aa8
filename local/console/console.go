// Package console is the page of the one-machine stack: it takes a portrait and a
// recording, lists the jobs with their states, and plays the films.
//
// It drives nothing: what it is given goes into the inbox like any other file, and
// what it shows is read from the table and the outbox. It is server-rendered and
// works without script; with script the list follows by server-sent events. Its one
// invariant: nothing that comes with a request names a file. A film is found through
// its job's record, an upload goes below the inbox under a checked name, and only
// pages of this very address may send one.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"emodrop/shared/job"
)

// Jobs is what the page reads of the table.
type Jobs interface {
	// Recent lists the ids of the jobs received on that day (UTC), newest first.
	Recent(ctx context.Context, day time.Time, limit int) ([]string, error)
	// Job returns job.ErrNotFound when there is none.
	Job(ctx context.Context, id string) (job.Job, error)
	Gate(ctx context.Context) (job.Gate, error)
}

// Object is what is known of a file in the outbox.
type Object struct {
	// Size in bytes.
	Size        int64
	ContentType string
	// ETag with or without its quotes.
	ETag     string
	Modified time.Time
}

// Message is something that was published.
type Message struct {
	Time                time.Time
	Kind, Subject, Text string
}

// Config is what New needs.
type Config struct {
	// Jobs, OpenResult, HandIn and Profile are required.
	Jobs Jobs
	// OpenResult opens a file of the outbox: job.ErrNotFound when it is gone.
	OpenResult func(ctx context.Context, key string) (io.ReadSeekCloser, Object, error)
	// HandIn puts one file into the inbox. It reads body to its end.
	HandIn func(ctx context.Context, key string, body io.Reader) error
	// Messages are what was published last, newest last; nil: none. It is called
	// at most once a second, however many pages are open.
	Messages func() []Message
	// DropDir and VideosDir are the folders that people may use instead; empty
	// ones are not mentioned.
	DropDir, VideosDir string
	// Endpoint and Region are shown for the AWS command line; an empty Endpoint
	// leaves that out.
	Endpoint, Region string
	// Inbox and Outbox are the buckets' names; zero: emodrop-inbox, emodrop-outbox.
	Inbox, Outbox string
	// Simulated says that the vendor is the emulator and prices are nobody's loss.
	Simulated bool
	Profile   job.Profile
	// SpoolDir is where uploads stay until they are complete; zero: the system's
	// folder for such files.
	SpoolDir string
	// Context ends the open streams when it ends, as a server's shutdown must;
	// nil: they end with their requests.
	Context context.Context
	// Log gets what a page cannot say; nil: nobody.
	Log *slog.Logger
}

// console is the handler. Safe for concurrent use.
type console struct {
	Config
	board   *board
	pages   pages
	assets  map[string]asset
	choose  chooser
	streams chan struct{} // a place for each open stream
}

// New returns the page's handler. The error lists everything that is missing.
func New(c Config) (http.Handler, error) {
	var missing []error
	for name, absent := range map[string]bool{
		"Jobs": c.Jobs == nil, "OpenResult": c.OpenResult == nil, "HandIn": c.HandIn == nil, "Profile": c.Profile.Model == "",
	} {
		if absent {
			missing = append(missing, fmt.Errorf("console: %s is required", name))
		}
	}
	if err := errors.Join(missing...); err != nil {
		return nil, err
	}
	if c.Messages == nil {
		c.Messages = func() []Message { return nil }
	}
	if c.Inbox == "" {
		c.Inbox = "emodrop-inbox"
	}
	if c.Outbox == "" {
		c.Outbox = "emodrop-outbox"
	}
	if c.Context == nil {
		c.Context = context.Background()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &console{Config: c, board: newBoard(c.Jobs, c.Messages, c.Log), choose: newChooser(), streams: make(chan struct{}, maxStreams)}
	var err error
	if h.pages, err = parsePages(); err != nil {
		return nil, err
	}
	if h.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.page)
	mux.HandleFunc("POST /upload", h.upload)
	mux.HandleFunc("GET /events", h.events)
	mux.HandleFunc("GET /film/{id}", h.film)
	mux.HandleFunc("GET /assets/{name}", h.asset)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "ok\n")
	})
	return guard(mux), nil
}
