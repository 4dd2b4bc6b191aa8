package fetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// online is a world whose host speaks https, and a configuration that trusts it.
func online(t *testing.T, a answer) (*world, Config) {
	t.Helper()
	w := &world{answer: func(int, *http.Request) answer { return a }}
	return w, Config{Hosts: []string{host}, AllowHTTP: true, roots: w.certify(t, host)}
}

func TestAnHTTPLinkIsFetchedByHTTPSWhereThatCanBe(t *testing.T) {
	t.Parallel()
	for _, link := range []job.Secret{httpLink, httpsLink, job.Secret(strings.Replace(httpLink.Reveal(), host, host+":80", 1))} {
		inBubble(t, func(t *testing.T) {
			w, c := online(t, whole(`"a"`, film))
			r := w.fetch(t, t.Context(), c, link, 100)
			require.NoError(t, r.err)
			require.Equal(t, film, r.body)
			require.Equal(t, []string{host + ":443"}, w.dialled)
		})
	}
}

func TestAnHTTPLinkIsFetchedByHTTPWhenNoHTTPSConnectionCanBeMade(t *testing.T) {
	t.Parallel()
	closed := func(err error) func(*testing.T, *world, *Config) {
		return func(_ *testing.T, w *world, _ *Config) {
			w.refuse = func(addr string) error {
				if strings.HasSuffix(addr, ":443") {
					return err
				}
				return nil
			}
		}
	}
	for name, spoil := range map[string]func(*testing.T, *world, *Config){
		"nobody listens":         closed(os.NewSyscallError("connect", syscall.ECONNREFUSED)),
		"nobody answers":         closed(context.DeadlineExceeded),
		"another's certificate":  func(t *testing.T, w *world, c *Config) { c.roots = w.certify(t, "evil.example.com") },
		"nobody vouches for it":  func(t *testing.T, w *world, c *Config) { c.roots = (&world{}).certify(t, host) },
		"the host is no TLS one": func(_ *testing.T, w *world, _ *Config) { w.cert.Certificate = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				w, c := online(t, whole(`"a"`, film))
				spoil(t, w, &c)
				r := w.fetch(t, t.Context(), c, httpLink, 100)
				require.NoError(t, r.err)
				require.Equal(t, film, r.body)
				require.Equal(t, []string{host + ":443", host + ":80"}, w.dialled)
			})
		})
	}
}

func TestAnHTTPSLinkIsNeverFetchedByHTTP(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		w, c := online(t, whole(`"a"`, film))
		c.roots = w.certify(t, "evil.example.com")
		r := w.fetch(t, t.Context(), c, httpsLink, 100)
		require.ErrorContains(t, r.err, "certificate is not valid")
		require.NotContains(t, w.dialled, host+":80")
		require.Len(t, w.dialled, tries)
	})
}

func TestPlainHTTPNeedsLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		w, c := online(t, whole(`"a"`, film))
		c.AllowHTTP, w.refuse = false, func(string) error { return errors.New("down: " + canary) }
		r := w.fetch(t, t.Context(), c, httpLink, 100)
		require.Error(t, r.err)
		require.NotContains(t, w.dialled, host+":80")
	})
}

// A host that speaks https and then fails is asked again by https: to be talked
// down to plain http takes more than a dropped answer.
func TestAFailureBehindHTTPSDoesNotLeadToHTTP(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{"503": status(503), "silence": hang(""), "a cut": cut(`"a"`, film, 5)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				w, c := online(t, a)
				r := w.fetch(t, t.Context(), c, httpLink, 100)
				require.Error(t, r.err)
				require.NotContains(t, w.dialled, host+":80")
			})
		})
	}
}

func TestAHostThatNeverFinishesTheHandshakeIsLeft(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		w := &world{cert: nil, answer: func(int, *http.Request) answer { return whole(`"a"`, film) }}
		pool := w.certify(t, host)
		w.mute = true
		r := w.fetch(t, t.Context(), Config{Hosts: []string{host}, AllowHTTP: true, roots: pool}, httpLink, 100)
		require.NoError(t, r.err)
		require.Equal(t, connectWithin+500*time.Millisecond, r.took)
		require.Equal(t, film, r.body)
	})
}

func TestErrorsKeepOnlyWordsThatAreKnownToBeHarmless(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, errors.New(canary), &os.SyscallError{Syscall: canary, Err: syscall.ECONNREFUSED},
	} {
		got := clean(t.Context(), err)
		require.NotContains(t, got.Error(), canary)
		require.NotEmpty(t, got.Error())
	}
}
