package awstest

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
)

// Transport calls a handler as a connection would: the path and query are
// parsed from the request line anew, and the body is read by the handler only.
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
	t.handler.ServeHTTP(w, in)
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
