package emo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Server is one emulated account. All its methods may be called concurrently.
type Server struct {
	cfg    Config
	log    *slog.Logger
	faults *faultSet
	limits *windows
	blobs  *blobs
	client *http.Client
	mux    *http.ServeMux
	ownRT  []*http.Transport // those made here, to be closed here

	signer *signer      // of pushes; nil when none are sent
	pusher *http.Client // sends them

	ctx    context.Context // ends with Close: every wait looks at it
	cancel context.CancelFunc
	work   sync.WaitGroup // tasks being worked on
	saving sync.Mutex     // one save at a time, in order
	chance sync.Mutex     // one reader of cfg.Random at a time

	mu       sync.Mutex // guards everything below
	closed   bool
	secret   []byte // signs result links and upload policies
	tasks    map[string]*task
	order    []*task // every known task, oldest first
	queue    []*task // the PENDING ones, first in first out
	busy     int     // slots in use
	films    map[string]*film
	policies map[string]*policy // by upload_dir
	uploads  map[string]*upload // by object key
	ledger   []Charge
	history  []Call
	pushed   []Delivery
	tidied   time.Time
}

// New starts an emulator. The error lists every wrong field of the configuration.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("emulator configuration: %w", err)
	}
	cfg.APIKeys = maps.Clone(cfg.APIKeys)
	store, err := newBlobs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, log: cfg.Log, blobs: store, limits: newWindows(),
		faults: newFaultSet(cfg.Faults, cfg.Seed, cfg.FaultRates),
	}
	s.clear()
	s.secret = make([]byte, 32)
	s.random(s.secret)
	s.client = &http.Client{Transport: s.transport(cfg.Inputs), CheckRedirect: fewRedirects}
	if cfg.Push.URL != "" {
		if s.signer, err = newSigner(cfg.Push.Key, cfg.BaseURL); err != nil {
			return nil, err
		}
		// A push is never sent on: its signature is for one address.
		s.pusher = &http.Client{Transport: s.transport(cfg.Push.Transport), CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.load(); err != nil {
		s.cancel()
		return nil, err
	}
	s.mux = s.routes()
	return s, nil
}

// transport is the one that was given, or one of the server's own.
func (s *Server) transport(given http.RoundTripper) http.RoundTripper {
	if given != nil {
		return given
	}
	own := http.DefaultTransport.(*http.Transport).Clone()
	s.ownRT = append(s.ownRT, own)
	return own
}

// clear forgets everything but the secret. The caller holds mu, or nobody else knows s yet.
func (s *Server) clear() {
	for _, t := range s.order {
		t.stopTimer()
		if t.stop != nil {
			t.stop()
		}
	}
	s.tasks, s.order, s.queue = map[string]*task{}, nil, nil
	s.films, s.policies, s.uploads = map[string]*film{}, map[string]*policy{}, map[string]*upload{}
	s.ledger, s.history, s.pushed = nil, nil, nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(method string, h http.Handler, paths ...string) {
		for _, p := range paths {
			mux.Handle(method+" "+p, h)
			mux.Handle(p, s.refusing(errMethod))
		}
	}
	const video, face, tasks = "/api/v1/services/aigc/image2video/video-synthesis", "/api/v1/services/aigc/image2video/face-detect", "/api/v1/tasks"
	handle("POST", s.api(opCreate, (*call).create), video, video+"/{$}")
	handle("POST", s.api(opDetect, (*call).detect), face, face+"/{$}")
	handle("GET", s.api(opList, (*call).list), tasks, tasks+"/{$}")
	handle("GET", s.api(opQuery, (*call).query), tasks+"/{id}")
	handle("POST", s.api(opCancel, (*call).cancel), tasks+"/{id}/cancel")
	handle("GET", s.api(opPolicy, (*call).policy), "/api/v1/uploads", "/api/v1/uploads/{$}")
	handle("POST", s.storage(opUpload, (*call).upload), "/upload", "/upload/{$}")
	handle("GET", s.storage(opResult, (*call).result), "/result/{name}")
	handle("GET", http.HandlerFunc(s.certificate), CertificatePath+"{name}")
	mux.Handle("/upload/{key...}", s.storage(opUpload, (*call).uploadRead))
	mux.Handle("/", s.refusing(errNotFound))
	return mux
}

// Handler serves everything the vendor serves: /api/v1/..., the upload host below /upload, films below /result/, and the
// certificates of pushes below CertificatePath.
func (s *Server) Handler() http.Handler { return s.mux }

// Close stops all work, lets hanging calls go, and saves the state. Tasks that were running or waiting go on when a new
// Server is made from the same state file. No goroutine of the Server is left after it.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	for _, t := range s.order {
		t.stopTimer()
	}
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	for _, rt := range s.ownRT {
		rt.CloseIdleConnections()
	}
	return s.save()
}

// pause waits for d, or less when the caller or the server gives up; it reports whether the whole time passed.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil && s.ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
	return false
}

// newID returns a random UUID, the form of task and request ids.
func (s *Server) newID() string {
	var b [16]byte
	s.random(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// random fills b.
func (s *Server) random(b []byte) {
	s.chance.Lock()
	defer s.chance.Unlock()
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		panic(fmt.Sprintf("Config.Random: %v", err)) // crypto/rand never fails, and a test's own source must not
	}
}

// says is a time as the service's own clock has it.
func (s *Server) says(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(s.cfg.ClockOffset)
}
