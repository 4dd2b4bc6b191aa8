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
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"emodrop/shared/job"
)

// Config is what a Fetcher needs.
type Config struct {
	// Hosts are the allowed ones: exact names, or patterns whose '*' stands for
	// any run of characters inside one label, such as
	// "dashscope-result-*.oss-*.aliyuncs.com". Required.
	Hosts []string
	// Loopback is for the local stack alone: the hosts may be loopback addresses,
	// at any port, by plain http.
	Loopback bool
	// AllowHTTP lets a link that says http be fetched by plain http when https
	// cannot be had there. Without it such a link is fetched by https or not at
	// all.
	AllowHTTP bool
	// Timeout bounds a whole download; zero: 4 min. Stall bounds the time without
	// a byte; zero: 20 s.
	Timeout, Stall time.Duration

	// dial and roots are the tests' way to stand in for the world.
	dial  func(ctx context.Context, network, addr string) (net.Conn, error)
	roots *x509.CertPool
}

// Got is what a download came to.
type Got struct {
	Size        int64
	ContentType string
	// Tries is how many requests it took.
	Tries int
}

// The errors that do not pass by trying again; errors.Is finds them, and
// job.LinkTroubleOf tells them apart for who may not know this package.
var (
	// ErrGone: 403, 404 or 410.
	ErrGone = errors.New("link has ended")
	// ErrRefused: the guard does not let the link through.
	ErrRefused = errors.New("link refused")
	// ErrTooLarge: more bytes than allowed.
	ErrTooLarge = errors.New("more than expected behind the link")
)

// linkError is one of the above with its reason. It holds nothing of the link but
// its host.
type linkError struct {
	kind error
	why  string
}

func (e *linkError) Error() string { return e.kind.Error() + ": " + e.why }
func (e *linkError) Unwrap() error { return e.kind }

// Link is the error in the domain's words.
func (e *linkError) Link() job.LinkTrouble {
	switch e.kind {
	case ErrGone:
		return job.LinkGone
	case ErrRefused:
		return job.LinkRefused
	}
	return job.LinkTooLarge
}

func refused(format string, args ...any) error {
	return &linkError{ErrRefused, fmt.Sprintf(format, args...)}
}

// Fetcher downloads. Safe for concurrent use.
type Fetcher struct {
	cfg    Config
	client *http.Client
}

// New returns a fetcher, or an error that names what is wrong.
func New(c Config) (*Fetcher, error) {
	if len(c.Hosts) == 0 {
		return nil, errors.New("fetch: no host is allowed")
	}
	for _, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/: @?#") || strings.Trim(h, "*.") == "" {
			return nil, fmt.Errorf("fetch: %q is no host name or pattern of one", h)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 4 * time.Minute
	}
	if c.Stall == 0 {
		c.Stall = 20 * time.Second
	}
	f := &Fetcher{cfg: c}
	dial := c.dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, Control: f.control}).DialContext
	}
	f.client = &http.Client{
		Transport: &http.Transport{
			// No proxy: it would resolve names itself, past the guard.
			Proxy: nil, DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: c.roots, MinVersion: tls.VersionTLS12},
			DisableCompression: true, ResponseHeaderTimeout: c.Stall, TLSHandshakeTimeout: 10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true, ForceAttemptHTTP2: false,
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
// the source can do that and still has the same content, else from the start. The
// returned errors are the ones above, or trouble that may pass.
func (f *Fetcher) Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) (Got, error) {
	u, err := f.check(link.Reveal())
	if err != nil {
		return Got{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timeout)
	defer cancel()
	d := &download{f: f, url: u, to: to, limit: limit, plain: u.Scheme == "http"}
	if d.plain && !f.cfg.Loopback {
		d.url.Scheme = "https"
	}
	wait := pauseBetween
	for n := 1; ; n++ {
		err := d.once(ctx)
		if err == nil {
			return Got{Size: d.size, ContentType: d.contentType, Tries: n}, nil
		}
		var final *linkError
		if errors.As(err, &final) || n == tries || ctx.Err() != nil {
			return Got{Size: d.size, Tries: n}, fmt.Errorf("fetch from %s: %w", u.Hostname(), err)
		}
		if d.plain && f.cfg.AllowHTTP && !d.answered {
			// No https to be had there: the vendor's documented links are http.
			d.url.Scheme = "http"
		}
		if err := pause(ctx, wait); err != nil {
			return Got{Size: d.size, Tries: n}, fmt.Errorf("fetch from %s: %w", u.Hostname(), err)
		}
		wait *= 2
	}
}

// download is one film on its way.
type download struct {
	f     *Fetcher
	url   *url.URL
	to    *os.File
	limit int64
	plain bool

	// size is how much is there already, version what tells that it is still the
	// same content, answered whether the host has answered at all.
	size        int64
	version     string
	contentType string
	answered    bool
}

// once makes one request and takes what comes.
func (d *download) once(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url.String(), nil)
	if err != nil {
		return errors.New("the link cannot be asked for")
	}
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "emodrop")
	if d.size > 0 && d.version != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.size))
		req.Header.Set("If-Range", d.version)
	}
	resp, err := d.f.client.Do(req)
	if err != nil {
		return clean(ctx, err)
	}
	defer resp.Body.Close()
	d.answered = true
	if err := d.accept(resp); err != nil {
		return err
	}
	if _, err := d.to.Seek(d.size, io.SeekStart); err != nil {
		return fmt.Errorf("write the download: %w", err)
	}
	return d.copy(ctx, cancel, resp)
}

// accept looks at the answer's head and decides where its body goes.
func (d *download) accept(resp *http.Response) error {
	from := int64(0)
	switch s := resp.StatusCode; {
	case s == http.StatusOK:
	case s == http.StatusPartialContent && d.size > 0:
		var first, last, total int64
		n, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total)
		if n != 3 || err != nil || first != d.size || version(resp) != d.version {
			d.forget()
			return errors.New("the rest that was sent does not fit what is there")
		}
		from = first
	case s == http.StatusRequestedRangeNotSatisfiable:
		d.forget()
		return errors.New("the source has less than was there before")
	case s == http.StatusForbidden, s == http.StatusNotFound, s == http.StatusGone:
		return &linkError{ErrGone, resp.Status}
	case s >= 300 && s < 400:
		return refused("the source redirects")
	default:
		return fmt.Errorf("the source answered %d", s)
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return refused("the source answered in encoding %q", e)
	}
	if resp.ContentLength > d.limit-from {
		return &linkError{ErrTooLarge, fmt.Sprintf("%d bytes announced, %d expected at most", resp.ContentLength, d.limit)}
	}
	if from == 0 {
		d.size, d.version = 0, version(resp)
		if err := d.to.Truncate(0); err != nil {
			return fmt.Errorf("write the download: %w", err)
		}
	}
	d.contentType = resp.Header.Get("Content-Type")
	return nil
}

// copy takes the body, ending it when nothing comes for too long.
func (d *download) copy(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response) error {
	stall := time.AfterFunc(d.f.cfg.Stall, func() { cancel(errors.New("nothing came for too long")) })
	defer stall.Stop()
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			stall.Reset(d.f.cfg.Stall)
			if d.size+int64(n) > d.limit {
				return &linkError{ErrTooLarge, fmt.Sprintf("more than %d bytes", d.limit)}
			}
			if _, err := d.to.Write(buf[:n]); err != nil {
				return fmt.Errorf("write the download: %w", err)
			}
			d.size += int64(n)
		}
		if err == io.EOF {
			return nil // net/http has seen to it that no announced byte is missing
		}
		if err != nil {
			return clean(ctx, err)
		}
	}
}

func (d *download) forget() { d.size, d.version = 0, "" }

// version is what tells whether two answers are of the same content: a strong
// ETag, or nothing.
func version(resp *http.Response) string {
	if e := resp.Header.Get("ETag"); strings.HasPrefix(e, `"`) {
		return e
	}
	return ""
}

// clean takes the link out of an error of net/http: its query is a credential.
func clean(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && ctx.Err() != nil {
		return cause
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
