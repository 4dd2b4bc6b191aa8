// Package fetch downloads what a link from outside leads to, under guard: only
// from hosts on a list, only at public addresses, no redirects, bounded in size and
// time.
//
// It does not judge what it fetched. Its one invariant: no request leaves for a
// host that is not on the list, nor for an address that is not public, whatever the
// link says and whatever its name resolves to.
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"emodrop/shared/job"
)

// Config is what a Fetcher needs.
type Config struct {
	// Hosts are the allowed ones: exact names, or patterns whose '*' stands for
	// any run of characters inside one label, such as
	// "dashscope-result-*.oss-*.aliyuncs.com". The last two labels of a pattern
	// hold no star. Required.
	Hosts []string
	// Loopback is for the local stack alone: the hosts are loopback addresses,
	// at any port, by plain http too.
	Loopback bool
	// AllowHTTP lets a link that says http be fetched by plain http when no
	// https connection can be had there. Without it such a link is fetched by
	// https or not at all.
	AllowHTTP bool
	// Timeout bounds a whole download; zero: 4 min. Stall bounds the time without
	// a byte; zero: 20 s.
	Timeout, Stall time.Duration

	// dial, resolver and roots are the tests' way to stand in for the world.
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	resolver *net.Resolver
	roots    *x509.CertPool
}

// Got is what a download came to; after an error, how far it got.
type Got struct {
	// Size in bytes of what is in the file.
	Size int64
	// ContentType is the media type that the source gave, without parameters, in
	// lower case; empty when it gave none that can be read.
	ContentType string
	// Tries is how many requests it took.
	Tries int
}

// Fetcher downloads. Safe for concurrent use.
type Fetcher struct {
	cfg    Config
	client *http.Client
}

const (
	// connectWithin bounds a connect, and a TLS handshake.
	connectWithin = 10 * time.Second
	// maxHeader bounds the head of an answer, in bytes.
	maxHeader = 64 << 10
)

// New returns a fetcher, or an error that lists all that is wrong.
func New(c Config) (*Fetcher, error) {
	var errs []error
	if len(c.Hosts) == 0 {
		errs = append(errs, errors.New("fetch: no host is allowed"))
	}
	hosts := make([]string, len(c.Hosts))
	for i, h := range c.Hosts {
		var err error
		if hosts[i], err = pattern(h); err != nil {
			errs = append(errs, err)
		}
	}
	if c.Timeout < 0 || c.Stall < 0 {
		errs = append(errs, errors.New("fetch: Timeout and Stall must not be negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Hosts = hosts
	if c.Timeout == 0 {
		c.Timeout = 4 * time.Minute
	}
	if c.Stall == 0 {
		c.Stall = 20 * time.Second
	}
	f := &Fetcher{cfg: c}
	dial := c.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: connectWithin, Resolver: c.resolver, Control: f.control}).DialContext
	}
	f.client = &http.Client{
		Transport: &http.Transport{
			// No proxy: it would resolve names itself, past the guard.
			Proxy: nil, DialContext: dial,
			TLSClientConfig:     &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: connectWithin, ResponseHeaderTimeout: c.Stall, MaxResponseHeaderBytes: maxHeader,
			// What is fetched is what is written: nothing is unpacked on the way.
			DisableCompression: true,
			// One link, one connection; HTTP/2 would gain nothing.
			DisableKeepAlives: true, ForceAttemptHTTP2: false,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f, nil
}

const (
	// tries bounds the requests of one download.
	tries = 5
	// pauseBetween is the first wait after a cut; it doubles.
	pauseBetween = 500 * time.Millisecond
)

// Fetch writes what a link leads to into a file, from its start, replacing what was
// there; at most limit bytes. A download that was cut goes on where it was cut if
// the source can do that and still has the same content, else from the start.
//
// It returns ErrRefused, ErrGone or ErrTooLarge, which no other try would change;
// the context's error; trouble with the file; or trouble of the source that may
// pass. No error shows anything of the link but its host.
func (f *Fetcher) Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) (Got, error) {
	u, err := f.check(link.Reveal())
	if err != nil {
		return Got{}, fmt.Errorf("fetch: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.cfg.Timeout, fmt.Errorf("not done within %s: %w", f.cfg.Timeout, context.DeadlineExceeded))
	defer cancel()
	d := &download{f: f, url: u, to: to, limit: limit, total: -1}
	mayFallBack := u.Scheme == "http" && f.cfg.AllowHTTP && !f.cfg.Loopback
	if u.Scheme == "http" && !f.cfg.Loopback {
		u.Scheme = "https"
	}
	wait := pauseBetween
	for n := 1; ; n++ {
		err := d.once(ctx)
		if err == nil {
			return Got{Size: d.size, ContentType: d.contentType, Tries: n}, nil
		}
		if final(err) || n == tries || ctx.Err() != nil {
			return Got{Size: d.size, Tries: n}, fmt.Errorf("fetch from %s: %w", u.Hostname(), err)
		}
		if mayFallBack && !d.connected {
			// No https to be had there, and the vendor's documented links are
			// http: better a film that is checked by its content than none.
			u.Scheme = "http"
		}
		if err := pause(ctx, wait); err != nil {
			return Got{Size: d.size, Tries: n}, fmt.Errorf("fetch from %s: %w", u.Hostname(), err)
		}
		wait *= 2
	}
}

// final reports whether trying again would change nothing.
func final(err error) bool {
	var link *linkError
	var ours *fileError
	return errors.As(err, &link) || errors.As(err, &ours)
}

// pause waits, or returns why the context ended.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
