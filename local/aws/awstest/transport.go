package awstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"syscall"
)

// Transport calls a handler as a connection would: the path and query are
// parsed from the request line anew, the body is read by the handler only, and a
// handler that aborts breaks the connection.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	u, err := url.ParseRequestURI(r.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.URL, in.RequestURI = u, r.URL.RequestURI()
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.ContentLength > 0 {
		in.Header.Set("Content-Length", strconv.FormatInt(in.ContentLength, 10))
	}
	w := httptest.NewRecorder()
	if !serve(t.handler, w, in) {
		return nil, fmt.Errorf("read from %s: %w", in.Host, syscall.ECONNRESET)
	}
	if r.Body != nil {
		_ = r.Body.Close() // the handler has read what it wanted
	}
	resp := w.Result()
	resp.Request = r
	if resp.ContentLength < 0 {
		body := w.Body.Bytes()
		resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}

// serve is false when the handler aborts: https://pkg.go.dev/net/http#ErrAbortHandler
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (whole bool) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return true
}
