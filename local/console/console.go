// Package console is the page about a stack: it takes portraits and recordings, says
// what their films will cost, lists the jobs with their states, and plays the films.
//
// It drives nothing: what it is given goes into the inbox like any other file, what it
// shows is read from the table and the outbox, and what a person decides is package
// operate's to do. It is server-rendered and
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

	"emodrop/local/tally"
	"emodrop/shared/job"
)

// Jobs is what the page reads of the table.
type Jobs interface {
	// Page lists the ids of jobs received before a time (zero: all) and not before the
	// day of since, newest first: limit of them, or a few more. next is where the page
	// after it begins; zero at the end.
	Page(ctx context.Context, before, since time.Time, limit int) (ids []string, next time.Time, err error)
	// Queue lists the ids of those that wait, the next one first.
	Queue(ctx context.Context, limit int) ([]string, error)
	// Job returns job.ErrNotFound when there is none.
	Job(ctx context.Context, id string) (job.Job, error)
	Gate(ctx context.Context) (job.Gate, error)
}

// Operator does what a person may do to a job. What it refuses is an
// *operate.Refusal, which says why.
type Operator interface {
	// Cancel takes a job back; one that comes back SUBMITTED ends when the vendor says so.
	Cancel(ctx context.Context, id string) (job.Job, error)
	// Retry makes a new attempt. charge accepts that it may be paid for twice.
	Retry(ctx context.Context, id string, charge bool) (job.Job, error)
}

// Ways are the ways out of HELD. What they refuse is an *operate.Refusal.
type Ways interface {
	// Adopt gives a job the vendor's task that is its own: nothing is sent again.
	Adopt(ctx context.Context, id, taskID string) (job.Job, error)
	// Repost sends a job again. charge accepts that it may be paid for twice.
	Repost(ctx context.Context, id string, charge bool) (job.Job, error)
	// Accept takes a film as it is.
	Accept(ctx context.Context, id string) (job.Job, error)
	// GiveUp ends a job without a film.
	GiveUp(ctx context.Context, id string) (job.Job, error)
}

// HandIns is what is known of names.
type HandIns interface {
	// Stem is what was handed in under one name, and which job came of it last; empty
	// where there is nothing.
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
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
	// Jobs, HandIns, Labels, OpenResult, HandIn and Profile are required.
	Jobs    Jobs
	HandIns HandIns
	// Labels are the tags by which the cost is counted.
	Labels tally.Labels
	// OpenResult opens a file of the outbox: job.ErrNotFound when it is gone.
	OpenResult func(ctx context.Context, key string) (io.ReadSeekCloser, Object, error)
	// HandIn puts one file into the inbox. It reads body to its end.
	HandIn func(ctx context.Context, key string, body io.Reader) error
	// Operate cancels and tries again; nil: the page offers neither.
	Operate Operator
	// Held decides on jobs that need a person; nil: the page only shows them.
	Held Ways
	// Sample is a portrait and a recording, by their keys, that a newcomer can make a
	// film of without files of his own; nil: none is offered.
	Sample map[string][]byte
	// Name is the stack's, where it is not the one of this machine.
	Name string
	// Ratio is the shape of a film that asks for none; zero: 1:1.
	Ratio job.Ratio
	// Every is how often the table is looked at while a page is open; zero: 1 s.
	Every time.Duration
	// Messages are what was published last, newest last; nil: none. It is called
	// at most once in that time, however many pages are open.
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
	costs   costs
	streams chan struct{} // a place for each open stream
}

// New returns the page's handler. The error lists everything that is missing.
func New(c Config) (http.Handler, error) {
	var missing []error
	for name, absent := range map[string]bool{
		"Jobs": c.Jobs == nil, "HandIns": c.HandIns == nil, "Labels": c.Labels == nil, "OpenResult": c.OpenResult == nil, "HandIn": c.HandIn == nil, "Profile": c.Profile.Model == "",
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
	if c.Ratio == "" {
		c.Ratio = job.Square
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Context == nil {
		c.Context = context.Background()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &console{Config: c, board: newBoard(c), choose: newChooser(), streams: make(chan struct{}, maxStreams)}
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
	mux.HandleFunc("POST /check", h.check)
	mux.HandleFunc("POST /jobs/{id}/{what}", h.decide)
	mux.HandleFunc("GET /events", h.events)
	mux.HandleFunc("GET /cost", h.cost)
	mux.HandleFunc("GET /film/{id}", h.film)
	mux.HandleFunc("GET /assets/{name}", h.asset)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "ok\n")
	})
	if h.Sample != nil {
		mux.HandleFunc("POST /sample", h.sample)
	}
	return guard(mux), nil
}
