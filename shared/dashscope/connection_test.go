package dashscope

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// pipes is a network of net.Pipes: each dialled connection is served by serve.
type pipes struct {
	serve func(p *pipes, n int, conn net.Conn)

	mu           sync.Mutex
	dials, posts int
	gets         int
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.mu.Lock()
	p.dials++
	n := p.dials
	p.mu.Unlock()
	go p.serve(p, n, theirs)
	return ours, nil
}

// read takes one request off a connection and counts it.
func (p *pipes) read(r *bufio.Reader) (*http.Request, error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	if req.Method == http.MethodPost {
		p.posts++
	} else {
		p.gets++
	}
	p.mu.Unlock()
	_, err = io.Copy(io.Discard, req.Body)
	return req, err
}

func (p *pipes) counts() (dials, posts, gets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dials, p.posts, p.gets
}

func answer(w io.Writer, body string) {
	_, _ = fmt.Fprintf(w, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

const emptyList = `{"total":0,"total_page":0,"page_no":1,"page_size":1,"data":[],"request_id":"r"}`

// hangsUpOnSecond answers a connection's first request and closes it once it has
// read the second.
func hangsUpOnSecond(p *pipes, _ int, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	if _, err := p.read(r); err == nil {
		answer(conn, emptyList)
		_, _ = p.read(r)
	}
}

func TestACreateOnAKeptConnectionThatBreaksIsWrittenOnce(t *testing.T) {
	t.Parallel()
	p := &pipes{serve: hangsUpOnSecond}
	c := configured(t, &http.Transport{DialContext: p.dial}, Config{BaseURL: "http://vendor.test/api/v1", ReadAttempts: 1})
	_, err := c.List(t.Context(), job.ListQuery{})
	require.NoError(t, err)
	_, err = c.Create(t.Context(), film())
	require.Equal(t, job.Unknown, failure(t, err).Outcome)
	dials, posts, _ := p.counts()
	require.Equal(t, 1, posts)
	require.Equal(t, 1, dials, "the create went out on the kept connection")
}

// The control for the test above: here net/http does write a request twice.
func TestAReadOnAKeptConnectionThatBreaksIsRepeated(t *testing.T) {
	t.Parallel()
	p := &pipes{serve: hangsUpOnSecond}
	c := configured(t, &http.Transport{DialContext: p.dial}, Config{BaseURL: "http://vendor.test/api/v1", ReadAttempts: 1})
	for range 2 {
		_, err := c.List(t.Context(), job.ListQuery{})
		require.NoError(t, err)
	}
	dials, _, gets := p.counts()
	require.Equal(t, 3, gets)
	require.Equal(t, 2, dials)
}

func TestACreateOnAConnectionClosedWhileIdleIsWrittenAtMostOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		p := &pipes{}
		p.serve = func(p *pipes, n int, conn net.Conn) {
			defer func() { _ = conn.Close() }()
			r := bufio.NewReader(conn)
			if _, err := p.read(r); err != nil {
				return
			}
			if n == 1 {
				answer(conn, emptyList)
				return // closed at once, while the client thinks it is kept
			}
			answer(conn, createdAnswer)
		}
		c := configured(t, &http.Transport{DialContext: p.dial}, Config{BaseURL: "http://vendor.test/api/v1"})
		_, err := c.List(t.Context(), job.ListQuery{})
		require.NoError(t, err)
		_, err = c.Create(t.Context(), film())
		_, posts, _ := p.counts()
		if err != nil {
			require.Equal(t, job.Unknown, failure(t, err).Outcome)
			require.Zero(t, posts)
			continue
		}
		require.Equal(t, 1, posts)
	}
}

func TestOfACreateWhoseRightHasEndedNoMoreThanTheHeadIsWritten(t *testing.T) {
	t.Parallel()
	sent := make(chan int64, 1)
	p := &pipes{serve: func(_ *pipes, _ int, conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			sent <- 0
			return
		}
		n, _ := io.Copy(io.Discard, req.Body)
		sent <- n
	}}
	c := configured(t, &http.Transport{DialContext: p.dial}, Config{BaseURL: "http://vendor.test/api/v1"})
	r := film()
	r.Before = time.Now()
	_, err := c.Create(t.Context(), r)
	require.Equal(t, job.Unknown, failure(t, err).Outcome)
	require.Zero(t, <-sent)
}

func TestACreateByTheClientsOwnTransportHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	p := &pipes{serve: func(p *pipes, _ int, conn net.Conn) {
		defer func() { _ = conn.Close() }()
		r := bufio.NewReader(conn)
		for {
			req, err := p.read(r)
			if err != nil {
				return
			}
			if req.Method == http.MethodPost {
				answer(conn, createdAnswer)
				continue
			}
			answer(conn, emptyList)
		}
	}}
	base := baseTransport()
	base.DialContext = p.dial
	c := configured(t, base, Config{BaseURL: "http://vendor.test/api/v1"})
	c.creates = noRedirects(forCreates(base))
	for range 2 {
		_, err := c.List(t.Context(), job.ListQuery{})
		require.NoError(t, err)
		_, err = c.Create(t.Context(), film())
		require.NoError(t, err)
	}
	dials, posts, gets := p.counts()
	require.Equal(t, 2, posts)
	require.Equal(t, 2, gets)
	require.Equal(t, 3, dials, "one for the reads, one for each create")
}

func TestACreateWithoutAConnectionWasNotSent(t *testing.T) {
	t.Parallel()
	refused := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	}}
	_, err := configured(t, refused, Config{}).Create(t.Context(), film())
	require.Equal(t, job.NotSent, failure(t, err).Outcome)

	noTLS := &pipes{serve: func(_ *pipes, _ int, conn net.Conn) { _ = conn.Close() }}
	_, err = configured(t, &http.Transport{DialContext: noTLS.dial}, Config{}).Create(t.Context(), film())
	require.Equal(t, job.NotSent, failure(t, err).Outcome)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = configured(t, refused, Config{}).Create(gone, film())
	require.Equal(t, job.NotSent, failure(t, err).Outcome)
	require.ErrorIs(t, err, context.Canceled)
}

func TestACreateWhoseConnectionBreaksIsUnknownWhereverItBreaks(t *testing.T) {
	t.Parallel()
	full := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n" + createdAnswer
	for cut := range len(full) {
		p := &pipes{serve: func(p *pipes, _ int, conn net.Conn) {
			defer func() { _ = conn.Close() }()
			if _, err := p.read(bufio.NewReader(conn)); err == nil {
				_, _ = io.WriteString(conn, full[:cut])
			}
		}}
		c := configured(t, &http.Transport{DialContext: p.dial}, Config{BaseURL: "http://vendor.test/api/v1"})
		_, err := c.Create(t.Context(), film())
		require.Equal(t, job.Unknown, failure(t, err).Outcome)
		_, posts, _ := p.counts()
		require.Equal(t, 1, posts)
	}
}

func TestReadsUseHTTP2AndCreatesHTTP1(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	protocols := map[string]string{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		protocols[r.Method] = r.Proto
		mu.Unlock()
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, createdAnswer)
			return
		}
		_, _ = io.WriteString(w, emptyList)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()

	c, err := New(Config{BaseURL: srv.URL, Key: func(context.Context) (job.Secret, error) { return testKey, nil }})
	require.NoError(t, err)
	roots := srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, h := range []*http.Client{c.reads, c.creates} {
		own := h.Transport.(*http.Transport)
		require.Nil(t, own.Proxy)
		if own.TLSClientConfig == nil {
			own.TLSClientConfig = &tls.Config{}
		}
		own.TLSClientConfig.RootCAs = roots
	}
	_, err = c.List(t.Context(), job.ListQuery{})
	require.NoError(t, err)
	_, err = c.Create(t.Context(), film())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"GET": "HTTP/2.0", "POST": "HTTP/1.1"}, protocols)
}
