package fetch

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// canary is what stands in for a link's signature: no error may show it.
const canary = "S1gnatureOfCanary"

// host is on every test's list.
const host = "dashscope-result-sh.oss-cn-shanghai.aliyuncs.com"

const (
	httpsLink = job.Secret("https://" + host + "/film.mp4?Expires=1&Signature=" + canary)
	httpLink  = job.Secret("http://" + host + "/film.mp4?Expires=1&Signature=" + canary)
	// localLink is for fetchers in loopback mode: plain bytes over the pipe.
	localLink = job.Secret("http://127.0.0.1:9/film.mp4?Expires=1&Signature=" + canary)
)

// answer serves one connection's request.
type answer func(conn net.Conn, req *http.Request)

// world is a network of pipes. Each connection to plain port 80 or any other is
// bare, each to 443 speaks TLS.
type world struct {
	cert *tls.Certificate
	// mute makes port 443 take everything and say nothing.
	mute bool
	// refuse says which address nobody listens at.
	refuse func(addr string) error
	answer func(n int, req *http.Request) answer

	serving  sync.WaitGroup
	mu       sync.Mutex
	dialled  []string
	requests []*http.Request
}

func (w *world) dial(_ context.Context, _, addr string) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, addr)
	w.mu.Unlock()
	if w.refuse != nil {
		if err := w.refuse(addr); err != nil {
			return nil, err
		}
	}
	ours, theirs := net.Pipe()
	w.serving.Go(func() {
		defer func() { _ = theirs.Close() }()
		conn := net.Conn(theirs)
		if _, port, _ := net.SplitHostPort(addr); port == "443" {
			if w.mute {
				_, _ = io.Copy(io.Discard, theirs)
				return
			}
			conn = tls.Server(eagerly(theirs), &tls.Config{Certificates: []tls.Certificate{*w.cert}})
			defer func() { _ = conn.Close() }()
		}
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		w.mu.Lock()
		w.requests = append(w.requests, req)
		n := len(w.requests)
		w.mu.Unlock()
		w.answer(n, req)(conn, req)
	})
	return ours, nil
}

// eager is a connection whose writes do not wait for their reader, as those of a
// real one: over a bare pipe an alert and the rest of a handshake, each waiting to
// be read, block each other.
type eager struct {
	net.Conn
	out   chan []byte
	done  chan struct{}
	close func()
}

func eagerly(c net.Conn) *eager {
	e := &eager{Conn: c, out: make(chan []byte, 1000), done: make(chan struct{})}
	e.close = sync.OnceFunc(func() { close(e.out) })
	go func() {
		defer close(e.done)
		for b := range e.out {
			if _, err := c.Write(b); err != nil {
				_ = c.Close()
			}
		}
	}()
	return e
}

func (e *eager) Write(b []byte) (int, error) {
	e.out <- append([]byte(nil), b...)
	return len(b), nil
}

// SetWriteDeadline does nothing: crypto/tls ends all writes when it closes, those
// not read yet among them.
func (e *eager) SetWriteDeadline(time.Time) error { return nil }

func (e *eager) Close() error {
	e.close()
	<-e.done
	return e.Conn.Close()
}

// inBubble runs f under virtual time.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// fetched is one download, done.
type fetched struct {
	got  Got
	err  error
	body string
	took time.Duration
	w    *world
}

// get fetches a local link from a source that gives those answers in turn, the
// last of them for ever.
func get(t *testing.T, limit int64, answers ...answer) fetched {
	t.Helper()
	w := &world{answer: func(n int, _ *http.Request) answer { return answers[min(n, len(answers))-1] }}
	return w.fetch(t, t.Context(), Config{Hosts: []string{"127.0.0.1"}, Loopback: true}, localLink, limit)
}

func (w *world) fetch(t *testing.T, ctx context.Context, c Config, link job.Secret, limit int64) fetched {
	t.Helper()
	c.dial = w.dial
	f, err := New(c)
	require.NoError(t, err)
	file, err := os.Create(filepath.Join(t.TempDir(), "film"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	_, err = file.WriteString("what was there before")
	require.NoError(t, err)
	start := time.Now()
	got, err := f.Fetch(ctx, link, file, limit)
	r := fetched{got: got, err: err, took: time.Since(start), w: w}
	w.serving.Wait() // the clock of a bubble stops with the test's own goroutine
	body, readErr := os.ReadFile(file.Name())
	require.NoError(t, readErr)
	r.body = string(body)
	if err != nil {
		require.NotContains(t, err.Error(), canary)
		require.NotContains(t, fmt.Sprintf("%+v", errors.Unwrap(err)), canary)
	}
	return r
}

// say answers with a head and a body as they are.
func say(head, body string) answer {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, head+"\r\n\r\n"+body)
	}
}

// whole answers with all of a body, and an ETag.
func whole(etag, body string) answer {
	return say(fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Type: video/mp4\r\nContent-Length: %d", etag, len(body)), body)
}

// rest answers with a body from a byte on.
func rest(etag, body string, from int) answer {
	return say(fmt.Sprintf("HTTP/1.1 206 Partial Content\r\nETag: %s\r\nContent-Range: bytes %d-%d/%d\r\nContent-Length: %d",
		etag, from, len(body)-1, len(body), len(body)-from), body[from:])
}

// cut answers like whole, but the connection ends after n bytes of the body.
func cut(etag, body string, n int) answer {
	return say(fmt.Sprintf("HTTP/1.1 200 OK\r\nETag: %s\r\nContent-Length: %d", etag, len(body)), body[:n])
}

// status answers with an error.
func status(code int) answer {
	return say(fmt.Sprintf("HTTP/1.1 %d Nobody Knows %s\r\nContent-Length: 0", code, canary), "")
}

// hang says this much and then nothing, until the other side goes away.
func hang(text string) answer {
	return func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, text)
		_, _ = io.Copy(io.Discard, conn)
	}
}

// certify gives the world a certificate for a name, valid whenever the bubble's
// clock stands, and returns who vouches for it.
func (w *world) certify(t *testing.T, name string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{name},
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	w.cert = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}
