// Package dynamo gives the local AWS its DynamoDB: it runs dynoxide
// (https://github.com/nubo-db/dynoxide), a single binary with SQLite inside, as
// a child process on loopback and forwards requests to it, or forwards them to
// an endpoint that somebody else runs.
//
// It checks no signatures (package gateway does) and installs nothing: package.json
// beside this file is for `npm ci`. Unlike AWS, dynoxide never deletes items whose
// TTL has passed. The one invariant: as long as the context given
// to Start lives, a child that dies is started again; when the context ends, no
// child is left.
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"

	"emodrop/local/aws/wire"
)

const (
	healthTimeout = 10 * time.Second
	firstBackoff  = 50 * time.Millisecond
	maxBackoff    = 5 * time.Second
	startAttempts = 3 // another process may take the free port between our look and the child's
	stopTimeout   = 2 * time.Second
)

// Config says which DynamoDB to use. The zero value looks for dynoxide on PATH.
type Config struct {
	// Endpoint is the address of a DynamoDB that somebody else runs, such as
	// http://127.0.0.1:8000; when set, no child is started and the rest is ignored.
	Endpoint string
	// Binary is the path of dynoxide; empty means Modules, then PATH.
	Binary string
	// Modules is the folder with the node_modules that `npm ci` made.
	Modules string
	// DBPath is the SQLite file; empty keeps tables in memory, where a restart
	// of the child loses them.
	DBPath string
	// Log may be nil.
	Log *slog.Logger
}

// Server forwards requests to a DynamoDB. Safe for concurrent use.
type Server struct {
	cfg    Config
	binary string
	target atomic.Pointer[url.URL] // nil while the child is down
	child  atomic.Pointer[exec.Cmd]
	proxy  *httputil.ReverseProxy
	done   chan struct{}
}

// Start finds dynoxide, starts it and waits until it answers. It runs until ctx
// ends; Done tells when it has gone. Errors name what to install.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, done: make(chan struct{})}
	s.proxy = s.newProxy()
	if cfg.Endpoint != "" {
		target, err := url.Parse(cfg.Endpoint)
		if err != nil || target.Host == "" {
			return nil, errors.New("dynamo: the endpoint is not an address such as http://127.0.0.1:8000")
		}
		s.target.Store(target)
		close(s.done)
		return s, nil
	}
	var err error
	if s.binary, err = Find(cfg.Binary, cfg.Modules); err != nil {
		return nil, err
	}
	ready := make(chan error, 1)
	go s.supervise(ctx, ready)
	if err := <-ready; err != nil {
		<-s.done
		return nil, err
	}
	return s, nil
}

// Handler forwards requests. While the child is down it answers 503, which the SDKs retry.
func (s *Server) Handler() http.Handler { return s.proxy }

// Endpoint is where the DynamoDB listens now; empty while the child is down.
func (s *Server) Endpoint() string {
	if t := s.target.Load(); t != nil {
		return t.String()
	}
	return ""
}

// Done is closed when no child runs any more and none will be started.
func (s *Server) Done() <-chan struct{} { return s.done }

var errDown = errors.New("the local DynamoDB is being started again")

func (s *Server) newProxy() *httputil.ReverseProxy {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	return &httputil.ReverseProxy{
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "" {
				return nil, errDown
			}
			return transport.RoundTrip(r)
		}),
		Rewrite: func(pr *httputil.ProxyRequest) {
			if target := s.target.Load(); target != nil {
				pr.SetURL(target)
			} else {
				pr.Out.URL.Host = ""
			}
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			s.cfg.Log.Debug("dynamodb did not answer", "err", err)
			wire.JSON.WriteError(w, r, http.StatusServiceUnavailable, "ServiceUnavailable", "the local DynamoDB did not answer")
		},
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// freePort asks the system for a loopback port that nobody uses now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }() // nothing was accepted
	return l.Addr().(*net.TCPAddr).Port, nil
}

func endpoint(port int) *url.URL {
	return &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
}
