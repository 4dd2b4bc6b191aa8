package dashscope

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
)

// DefaultBaseURL is the address of the Beijing region, the only one with EMO.
// Source: https://help.aliyun.com/zh/model-studio/emo-api (2025)
const DefaultBaseURL = "https://dashscope.aliyuncs.com/api/v1"

// Config is what a Client needs.
type Config struct {
	// BaseURL is an absolute http or https address; empty means DefaultBaseURL.
	BaseURL string
	// Workspace is sent as X-DashScope-WorkSpace; empty sends nothing.
	Workspace string
	// Key gives the API key and is asked before every call. Required. Space
	// around the key is taken off.
	Key func(context.Context) (job.Secret, error)
	// Refresh gives the key past every cache. It is asked once when a read was
	// refused with 401 InvalidApiKey; nil means the refusal stands.
	Refresh func(context.Context) (job.Secret, error)
	// HTTP carries the calls. Nil means a transport of the client's own: as
	// http.DefaultTransport, but past any proxy, and with a connection of its
	// own, over HTTP/1.1, for every create. Give one to go through a proxy.
	HTTP http.RoundTripper
	// Timeout is for each try of a call but create, CreateTimeout for create.
	// Zero means 30 seconds.
	Timeout, CreateTimeout time.Duration
	// ReadAttempts is how often a GET is tried at most when the connection or
	// the vendor had trouble. Zero means 2.
	ReadAttempts int
	// Pace, when set, is waited for before each try of a call but create: the
	// vendor takes so many calls a second, of all functions together. It is told
	// which call (detect, task, list, clock, cancel, policy) and, where there is
	// one, of which task; its error ends the call unsent.
	Pace func(ctx context.Context, op, taskID string) error
	// Jitter spreads the waits between tries, from 0 to 1; nil means chance.
	Jitter func() float64
	// UserAgent is sent with every call; empty means "emodrop".
	UserAgent string
}

// Client talks to DashScope. All its methods may be called concurrently, and
// every error they return is an *Error.
type Client struct {
	base, workspace, agent string
	key, refresh           func(context.Context) (job.Secret, error)
	reads, creates         *http.Client
	timeout, createTimeout time.Duration
	attempts               int
	pace                   func(ctx context.Context, op, taskID string) error
	jitter                 func() float64

	mu       sync.Mutex
	policies map[string]*policy
	said     moment
}

// New makes a client. Its error names every wrong field at once.
func New(cfg Config) (*Client, error) {
	var wrong []error
	check := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	base, err := baseOf(cfg.BaseURL)
	check(err != nil, "BaseURL: %w", err)
	check(cfg.Key == nil, "Key: required")
	check(!printable(cfg.Workspace), "Workspace: only printable ASCII can be sent")
	check(!printable(cfg.UserAgent), "UserAgent: only printable ASCII can be sent")
	check(cfg.Timeout < 0, "Timeout: %s is negative", cfg.Timeout)
	check(cfg.CreateTimeout < 0, "CreateTimeout: %s is negative", cfg.CreateTimeout)
	check(cfg.ReadAttempts < 0, "ReadAttempts: %d is negative", cfg.ReadAttempts)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("dashscope: %w", errors.Join(wrong...))
	}
	c := &Client{
		base: base, workspace: cfg.Workspace, agent: cfg.UserAgent,
		key: cfg.Key, refresh: cfg.Refresh,
		timeout: cfg.Timeout, createTimeout: cfg.CreateTimeout, attempts: cfg.ReadAttempts,
		policies: map[string]*policy{}, pace: cfg.Pace, jitter: cfg.Jitter,
	}
	if c.jitter == nil {
		c.jitter = rand.Float64
	}
	if c.agent == "" {
		c.agent = "emodrop"
	}
	if c.timeout == 0 {
		c.timeout = 30 * time.Second
	}
	if c.createTimeout == 0 {
		c.createTimeout = 30 * time.Second
	}
	if c.attempts == 0 {
		c.attempts = 2
	}
	reads, creates := cfg.HTTP, cfg.HTTP
	if cfg.HTTP == nil {
		t := baseTransport()
		reads, creates = t, forCreates(t)
	}
	c.reads, c.creates = noRedirects(reads), noRedirects(creates)
	return c, nil
}

// BaseURL is the configured address, without a slash at its end. A task is asked
// for where it was created: keep it with the task.
func (c *Client) BaseURL() string { return c.base }

// baseFor is the address to ask for a task that was created at that one; empty means
// the configured one.
func (c *Client) baseFor(created string) (string, error) {
	if created == "" {
		return c.base, nil
	}
	return baseOf(created)
}

// baseOf checks an address and takes the slashes off its end.
func baseOf(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return "", errors.New("must be an absolute http or https address without user, query or fragment")
	}
	return strings.TrimRight(s, "/"), nil
}

// baseTransport is http.DefaultTransport without what the surroundings may have
// put into it.
func baseTransport() *http.Transport {
	t := &http.Transport{TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.Proxy = nil
	t.DisableCompression = true
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(true)
	return t
}

// forCreates derives a transport that gives every create a fresh connection. A
// kept one may have been closed by the other side while nobody looked (a frozen
// Lambda, above all): a create lost on it could not be told from one that
// arrived.
func forCreates(t *http.Transport) *http.Transport {
	t = t.Clone()
	t.DisableKeepAlives = true
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	// A clone keeps what the original would offer in the TLS handshake: without
	// this it would agree on HTTP/2 and then speak HTTP/1.1.
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil
	}
	return t
}

// noRedirects follows none: a 307 or 308 would post a create again, and the key
// would go to whoever is named.
func noRedirects(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     rt,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// printable reports whether s can be the value of a header.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
