package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// canary is what a receiver's address holds as its token: no error may show it.
const canary = "TokenOfCanary"

// server is a receiver on this machine that keeps what it got.
type server struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r *http.Request)
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
}

func newServer(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, string(b))
		s.mu.Unlock()
		s.answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, canary)
	}
}

func secret(context.Context) (job.Secret, error) { return vectorSecret, nil }

func receiver(t *testing.T, url string, change ...func(*Config)) *Receiver {
	t.Helper()
	c := Config{URL: job.Secret(url), Secrets: secret, Loopback: true}
	for _, f := range change {
		f(&c)
	}
	r, err := New(c)
	require.NoError(t, err)
	return r
}

func TestAReceiverGetsTheBodyAsItIsAndCanVerifyIt(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 201, 202, 204, 299} {
		s := newServer(t, status(code))
		require.NoError(t, receiver(t, s.URL+"/in/"+canary+"?key=a%2Bb").Post(t.Context(), "j1-1-SUCCEEDED-7", []byte(vectorBody)))
		require.Len(t, s.got, 1)
		require.Equal(t, "POST", s.got[0].Method)
		require.Equal(t, "/in/"+canary+"?key=a%2Bb", s.got[0].RequestURI)
		require.Equal(t, "application/cloudevents+json; charset=utf-8", s.got[0].Header.Get("Content-Type"))
		require.Equal(t, "j1-1-SUCCEEDED-7", s.got[0].Header.Get("webhook-id"))
		require.Equal(t, vectorBody, s.bodies[0])
		require.True(t, verified(t, vectorSecret, s.got[0].Header, s.bodies[0]))
	}
}

func TestWhatIsNoSuccessSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]job.Delivery{
		400: {}, 401: {}, 404: {}, 422: {}, 301: {}, 302: {}, 307: {}, 308: {}, 304: {},
		410: {Gone: true}, 429: {Busy: true}, 500: {Busy: true}, 502: {Busy: true}, 503: {Busy: true},
	} {
		s := newServer(t, status(code))
		err := receiver(t, s.URL+"/"+canary+"?"+canary).Post(t.Context(), "id", nil)
		require.Equal(t, want, job.DeliveryOf(err), code)
		require.ErrorContains(t, err, fmt.Sprintf("post id to 127.0.0.1: answered with status %d", code))
		require.NotContains(t, err.Error(), canary)
		require.Len(t, s.got, 1, "once")
	}
}

func TestTheWaitThatAReceiverAsksForIsHeardAndBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "99999999": 24 * time.Hour,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0, time.Now().Add(50 * time.Hour).UTC().Format(http.TimeFormat): 24 * time.Hour} {
		s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", text)
			w.WriteHeader(503)
		})
		err := receiver(t, s.URL).Post(t.Context(), "id", nil)
		require.Equal(t, job.Delivery{Busy: true, After: want}, job.DeliveryOf(err), text)
	}
}

func TestNobodyIsSentElsewhereByARedirect(t *testing.T) {
	t.Parallel()
	other := newServer(t, status(200))
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, code) })
		require.Error(t, receiver(t, s.URL).Post(t.Context(), "id", []byte(vectorBody)), code)
	}
	require.Empty(t, other.got)
}

// What an address leads to is looked at when it is connected to, whatever it is called.
func TestNothingInsideIsReached(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody came") }))
	defer s.Close()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "192.168.1.1", "100.100.100.200", "[fd00:ec2::254]", "0.0.0.0"} {
		for _, loopback := range []bool{false, true} { // https leads to nothing local, on a laptop either
			r := receiver(t, "https://"+host+":"+u.Port()+"/"+canary, func(c *Config) { c.Loopback = loopback })
			err := r.Post(t.Context(), "id", nil)
			require.ErrorContains(t, err, "its address is not public", host)
			require.NotContains(t, err.Error(), canary)
		}
	}
}

func TestAnAddressThatIsNoneIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url      string
		loopback bool
	}{
		{"", false}, {canary, false}, {"https://", false}, {"https:" + canary, false}, {"ftp://example.com/" + canary, false},
		{"http://example.com/" + canary, false}, {"http://example.com/" + canary, true}, {"http://127.0.0.1/" + canary, false},
		{"http://127.0.0.1.example.com/" + canary, true}, {"https://user:" + canary + "@example.com/", false}, {"https://example.com/#" + canary, false},
		{"https://example.com/a b" + canary, false}, {"https://example.com/\n" + canary, false}, {"https://exa\\mple.com/" + canary, false},
		{"https://example.com/é" + canary, false}, {"https://example.com/" + strings.Repeat("x", maxURL), false}, {"https://exa%zzmple.com/" + canary, false},
	} {
		_, err := New(Config{URL: job.Secret(c.url), Secrets: secret, Loopback: c.loopback})
		require.Error(t, err, c.url)
		require.NotContains(t, err.Error(), canary)
		require.Error(t, CheckURL(c.url, c.loopback))
	}
	for _, ok := range []string{"https://example.com", "https://example.com:8443/a/b?c=d", "https://93.184.215.14/"} {
		require.NoError(t, CheckURL(ok, false))
	}
	for _, ok := range []string{"http://127.0.0.1:9/x", "http://localhost/", "http://[::1]:80/", "https://example.com/"} {
		require.NoError(t, CheckURL(ok, true))
	}
}

func TestAReceiverThatSaysNothingIsLeft(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newServer(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	r := receiver(t, s.URL+"/"+canary, func(c *Config) { c.Timeout = 50 * time.Millisecond })
	err := r.Post(t.Context(), "id", nil)
	require.EqualError(t, err, "post id to 127.0.0.1: no answer in time")
	require.Equal(t, job.Delivery{Busy: true}, job.DeliveryOf(err))
}

func TestAnAnswerWithoutEndIsNotReadToIt(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	begin := time.Now()
	require.NoError(t, receiver(t, s.URL, func(c *Config) { c.Timeout = time.Minute }).Post(t.Context(), "id", nil))
	require.Less(t, time.Since(begin), 30*time.Second)
}

func TestTheEndOfTheCallersTimeIsNotTheReceiversFault(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	err := receiver(t, s.URL).Post(ctx, "id", nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, job.Delivery{}, job.DeliveryOf(err))
}

func TestAReceiverOutOfReachIsBusyAndItsAddressNotShown(t *testing.T) {
	t.Parallel()
	s := newServer(t, status(200))
	s.Close()
	err := receiver(t, s.URL+"/"+canary).Post(t.Context(), "id", nil)
	require.EqualError(t, err, "post id to 127.0.0.1: the connection failed: dial")
	require.True(t, job.DeliveryOf(err).Busy)
	// A name for no machine, by the reservation of RFC 6761.
	err = receiver(t, "https://receiver.invalid/"+canary).Post(t.Context(), "id", nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
	// Plain HTTP where TLS was to be, and the other way round.
	tls := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer tls.Close()
	err = receiver(t, strings.Replace(tls.URL, "https:", "http:", 1)+"/"+canary).Post(t.Context(), "id", nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
}

func TestWithoutItsSecretNothingIsSent(t *testing.T) {
	t.Parallel()
	s := newServer(t, status(200))
	down := errors.New("down")
	err := receiver(t, s.URL, func(c *Config) { c.Secrets = func(context.Context) (job.Secret, error) { return "", down } }).Post(t.Context(), "id", nil)
	require.ErrorIs(t, err, down)
	err = receiver(t, s.URL, func(c *Config) { c.Secrets = func(context.Context) (job.Secret, error) { return "short", nil } }).Post(t.Context(), "id", nil)
	require.ErrorIs(t, err, errSecret)
	require.Empty(t, s.got)
}

func TestWhatIsMissingIsListedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Timeout: -1})
	require.EqualError(t, err, "webhook: the URL names no host\nwebhook: Secrets is required\nwebhook: Timeout must not be negative")
}
