package emo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Transport carries requests for BaseURL to the Handler without a socket, and no others. It can be used inside a
// testing/synctest bubble. Broken connections, half answers and calls that never end look as they do over a network.
func (s *Server) Transport() http.RoundTripper {
	base, err := url.Parse(s.cfg.BaseURL)
	if err != nil {
		panic(err) // New has checked it
	}
	return &inProcess{host: base.Host, handler: http.StripPrefix(strings.TrimRight(base.Path, "/"), s.Handler())}
}

type inProcess struct {
	host    string
	handler http.Handler
}

// RoundTrip implements http.RoundTripper.
func (t *inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != t.host {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, fmt.Errorf("dial %s: this transport reaches %s only", req.URL.Host, t.host)
	}
	ctx, cancel := context.WithCancel(req.Context())
	in := req.Clone(ctx)
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	in.RequestURI, in.RemoteAddr = req.URL.RequestURI(), "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: pw, began: make(chan struct{}), head: req.Method == http.MethodHead}
	broken := make(chan struct{})
	go func() {
		defer cancel()
		defer in.Body.Close()
		whole := false
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
			switch {
			case !whole && !w.has():
				close(broken)
			case !whole || w.short():
				_ = pw.CloseWithError(io.ErrUnexpectedEOF)
			default:
				_ = pw.Close()
			}
		}()
		t.handler.ServeHTTP(w, in)
		w.WriteHeader(http.StatusOK)
		whole = true
	}()
	select {
	case <-w.began:
	case <-broken:
		return nil, fmt.Errorf("read from %s: %w", t.host, syscall.ECONNRESET)
	case <-req.Context().Done():
		_ = pr.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, ContentLength: w.length, Request: req,
		Body: &pipeBody{PipeReader: pr, cancel: cancel},
	}, nil
}

// pipeBody ends the handler's context when the client turns away.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *pipeBody) Close() error {
	err := b.PipeReader.Close()
	b.cancel()
	return err
}

// pipeWriter is the handler's side.
type pipeWriter struct {
	header, sent http.Header
	body         *io.PipeWriter
	began        chan struct{}
	once         sync.Once
	status       int
	length       int64 // announced; -1 when it was not
	written      int64
	head         bool
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent, w.length = status, w.header.Clone(), -1
		if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
			w.length = n
		} else if status == http.StatusNoContent || status == http.StatusNotModified {
			w.length = 0
		}
		close(w.began)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.head {
		return len(p), nil
	}
	n, err := w.body.Write(p)
	w.written += int64(n)
	return n, err
}

// Flush implements http.Flusher: nothing is ever held back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *pipeWriter) has() bool {
	select {
	case <-w.began:
		return true
	default:
		return false
	}
}

func (w *pipeWriter) short() bool { return !w.head && w.length >= 0 && w.written < w.length }
