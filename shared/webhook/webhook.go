package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/public"
)

// Config is what a Receiver is made of.
type Config struct {
	// URL of the receiver: https, or http to this machine with Loopback. Required. Its
	// path and query may be secret.
	URL job.Secret
	// Secrets are asked for at each delivery, so that an exchanged one is in use soon:
	// one or several, with blanks between. Required.
	Secrets func(ctx context.Context) (job.Secret, error)
	// Loopback is for the local stack alone: an http URL may lead to this machine, and
	// nowhere else.
	Loopback bool
	// Timeout bounds a delivery; zero: 5 s. A receiver is to note what it gets and
	// answer, not to work meanwhile.
	Timeout time.Duration

	// resolver and roots are the tests' way to stand in for the world.
	resolver *net.Resolver
	roots    *x509.CertPool
}

// Receiver is somebody else's server. Safe for concurrent use.
type Receiver struct {
	cfg    Config
	url    *url.URL
	client *http.Client
}

const (
	// maxURL bounds the address, and maxAnswer what is read of an answer, in bytes.
	maxURL, maxAnswer = 2 << 10, 64 << 10
	// maxHeader bounds the head of an answer, in bytes.
	maxHeader = 64 << 10
	// maxAfter bounds the wait that a receiver may ask for.
	maxAfter = 24 * time.Hour
)

// New returns a receiver, or an error that lists all that is wrong. It asks nobody
// anything.
func New(c Config) (*Receiver, error) {
	var errs []error
	u, err := address(c.URL.Reveal(), c.Loopback)
	if err != nil {
		errs = append(errs, err)
	}
	if c.Secrets == nil {
		errs = append(errs, errors.New("webhook: Secrets is required"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("webhook: Timeout must not be negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	here := u.Scheme == "http"
	dialer := &net.Dialer{Timeout: c.Timeout, Resolver: c.resolver, Control: func(_, address string, _ syscall.RawConn) error {
		if err := public.Check(address, here); err != nil {
			return &guarded{err}
		}
		return nil
	}}
	return &Receiver{c, u, &http.Client{
		Transport: &http.Transport{
			// No proxy: it would resolve names itself, past the guard.
			Proxy: nil, DialContext: dialer.DialContext,
			TLSClientConfig:     &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: c.Timeout, MaxResponseHeaderBytes: maxHeader, DisableCompression: true,
			// A Lambda sleeps between deliveries, and a connection that was kept
			// open would be dead by then.
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// CheckURL says what is wrong with an address, without showing it.
func CheckURL(text string, loopback bool) error {
	_, err := address(text, loopback)
	return err
}

func address(text string, loopback bool) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }):
		return nil, errors.New("webhook: the URL cannot be read")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("webhook: the URL names no host")
	case u.User != nil:
		return nil, errors.New("webhook: the URL names a user; a token belongs into its path or query")
	case u.Fragment != "":
		return nil, errors.New("webhook: the URL has a fragment, which is never sent")
	case u.Scheme == "http" && loopback && isHere(u.Hostname()), u.Scheme == "https":
		return u, nil
	}
	return nil, errors.New("webhook: the URL is not https")
}

// isHere says whether a host is this machine by its name; that it is, the dialer sees to.
func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Post delivers a message once. id is the same however often it is delivered: receivers
// drop repeats by it.
//
// Any 2xx is success. Of everything else job.DeliveryOf says what it means: 410 that no
// more is wanted of this message, no answer or 429 or 5xx that others would fare alike.
// No error shows anything of the address but its host, nor of what was answered but its
// status.
func (r *Receiver) Post(ctx context.Context, id string, body []byte) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	secrets, err := r.cfg.Secrets(ctx)
	if err != nil {
		return fmt.Errorf("post %s: %w", id, err)
	}
	header, err := Headers(secrets, id, time.Now(), body)
	if err != nil {
		return fmt.Errorf("post %s: %w", id, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post %s: the request cannot be made", id)
	}
	// One delivery is one request: net/http sends again by itself what it can rewind.
	req.GetBody = nil
	req.Header = header
	resp, err := r.client.Do(req)
	if caller.Err() != nil && err != nil {
		return fmt.Errorf("post %s to %s: %w", id, r.url.Hostname(), caller.Err()) // not the receiver's doing
	}
	if err != nil {
		return fmt.Errorf("post %s to %s: %w", id, r.url.Hostname(), &failure{why: reason(err)})
	}
	defer func() { _ = resp.Body.Close() }()
	// Read so that the sender of a short answer is not cut off in it; what it says
	// matters to nobody.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return fmt.Errorf("post %s to %s: %w", id, r.url.Hostname(),
		&failure{status: resp.StatusCode, after: retryAfter(resp.Header.Get("Retry-After"))})
}

// retryAfter is the wait that a receiver asks for; 0 when it says none that can be read.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(text string) time.Duration {
	after := time.Duration(0)
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		after = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = time.Until(at)
	}
	return min(max(after, 0), maxAfter)
}
