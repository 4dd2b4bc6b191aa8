package dashscope

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"emodrop/shared/job"
)

// maxAnswer bounds what is read of an answer. The largest honest one, a page of
// the task list, has some kilobytes.
const maxAnswer = 1 << 20

var (
	errTooLong  = errors.New("the answer is longer than 1 MiB")
	errEncoding = errors.New("the answer has an encoding that was not asked for")
	errNoCode   = errors.New("the answer has no error code")
)

// call is one call of the API.
type call struct {
	op, method, url string
	// task is the id of the task it is about, if it is about one.
	task string
	// body is JSON; nil sends none.
	body []byte
	// async and resolve are the API's two switches.
	async, resolve bool
	// secrets must not come back in an error.
	secrets []string
	client  *http.Client
	timeout time.Duration
	// before is when the body must not be sent any more; zero: never.
	before time.Time
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	// body is nil when wrong says why it could not be read as JSON.
	body  object
	wrong error
	// at is the vendor's clock; zero when it did not say.
	at time.Time
}

// get makes a call that may be repeated: a few times when the connection or the
// vendor had trouble, once more when the key was refused and a newer one can be
// had. It never repeats a throttled call.
func (c *Client) get(ctx context.Context, q call) (*reply, *Error) {
	source, refreshed := c.key, false
	for attempt := 1; ; attempt++ {
		rep, e := c.ask(ctx, q, source)
		switch {
		case e == nil:
			return rep, nil
		case e.Status == http.StatusUnauthorized && strings.EqualFold(e.Code, "InvalidApiKey") && c.refresh != nil && !refreshed:
			source, refreshed = c.refresh, true
			attempt-- // the refused try cost the vendor nothing
			continue
		case attempt >= c.attempts, !e.again, ctx.Err() != nil:
			return nil, e
		}
		wait := time.Duration((0.5 + c.jitter()) * float64(250*time.Millisecond<<min(attempt-1, 3)))
		if e.RetryAfter > 2*time.Second {
			return nil, e // too long for here; the caller knows how long
		}
		timer := time.NewTimer(max(wait, e.RetryAfter))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, e
		case <-timer.C:
		}
	}
}

// ask makes a call once and returns its answer when that is a 200 with JSON.
func (c *Client) ask(ctx context.Context, q call, source func(context.Context) (job.Secret, error)) (*reply, *Error) {
	rep, secrets, e := c.send(ctx, q, source)
	if e != nil {
		return nil, e
	}
	if rep.status != http.StatusOK || rep.body == nil {
		return nil, c.refusal(q.op, rep, secrets)
	}
	c.heard(rep.at)
	return rep, nil
}

// send makes a call once and returns whatever came back, with all that must not
// be repeated from it.
func (c *Client) send(ctx context.Context, q call, source func(context.Context) (job.Secret, error)) (*reply, []string, *Error) {
	key, e := askKey(ctx, q.op, source)
	if e != nil {
		return nil, nil, e
	}
	secrets := append([]string{key}, q.secrets...)
	if q.timeout == 0 {
		q.timeout = c.timeout
	}
	if q.client == nil {
		q.client = c.reads
	}
	if c.pace != nil && q.op != opCreate {
		if err := c.pace(ctx, q.op, q.task); err != nil {
			return nil, nil, &Error{Op: q.op, Err: causeOf(err, secrets)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()

	var got atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	})
	body := &payload{r: bytes.NewReader(q.body), before: q.before}
	req, err := http.NewRequestWithContext(ctx, q.method, q.url, nil)
	if err != nil {
		return nil, nil, &Error{Op: q.op, Outcome: job.NotSent, Err: causeOf(err, secrets)}
	}
	if q.body != nil {
		// Not a type net/http knows, so it cannot rewind it; GetBody stays nil.
		req.Body, req.ContentLength = body, int64(len(q.body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("User-Agent", c.agent)
	// Said aloud, it keeps net/http from unpacking without a bound.
	req.Header.Set("Accept-Encoding", "identity")
	if c.workspace != "" {
		req.Header.Set("X-DashScope-WorkSpace", c.workspace)
	}
	if q.async {
		req.Header.Set("X-DashScope-Async", "enable")
	}
	if q.resolve {
		req.Header.Set("X-DashScope-OssResourceResolve", "enable")
	}

	resp, err := q.client.Do(req)
	if err != nil {
		outcome := job.Unknown
		// Two witnesses: no connection, and nobody has read, or can read from
		// now on, what was to be sent.
		if body.seal() && !got.Load() {
			outcome = job.NotSent
		}
		return nil, nil, &Error{Op: q.op, Outcome: outcome, Err: causeOf(err, secrets), again: true}
	}
	defer resp.Body.Close()
	rep := &reply{status: resp.StatusCode, header: resp.Header}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		rep.at = t
	}
	data, err := readAnswer(resp)
	if err == nil {
		rep.body, rep.wrong = parse(data)
		return rep, secrets, nil
	}
	if errors.Is(err, errTooLong) || errors.Is(err, errEncoding) {
		rep.wrong = err
		return rep, secrets, nil
	}
	return nil, nil, &Error{Op: q.op, Status: rep.status, RequestID: rep.requestID(secrets), Err: causeOf(err, secrets), again: true}
}

// readAnswer reads a bounded body. Some front-ends compress whatever is asked;
// what is unpacked is bounded too.
func readAnswer(resp *http.Response) ([]byte, error) {
	var r io.Reader = resp.Body
	switch strings.ToLower(resp.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		zr, err := gzip.NewReader(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return nil, errEncoding
		}
		r = zr
	default:
		return nil, errEncoding
	}
	data, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if len(data) > maxAnswer {
		return nil, errTooLong
	}
	return data, err
}

// refusal makes an error of an answer: of the code and message at its top or, as
// some models have it, inside its output.
func (c *Client) refusal(op string, rep *reply, secrets []string) *Error {
	code, message := rep.body.text("code"), rep.body.text("message")
	if code == "" {
		if out := rep.body.object("output"); out.text("code") != "" {
			code, message = out.text("code"), out.text("message")
		}
	}
	return c.errorOf(op, rep, code, message, secrets)
}

func (c *Client) errorOf(op string, rep *reply, code, message string, secrets []string) *Error {
	e := &Error{
		Op: op, Status: rep.status,
		Code: clean(code, maxCode, secrets), Message: clean(message, maxMessage, secrets),
		RequestID:  rep.requestID(secrets),
		RetryAfter: retryAfter(rep.header, time.Now()),
		Outcome:    Classify(rep.status, code, message),
	}
	switch {
	case rep.wrong != nil:
		e.Err = rep.wrong
	case code == "":
		e.Err = errNoCode
	}
	e.again = e.Outcome == job.Retry
	if e.Outcome == job.OperatorNeeded {
		c.unheard()
	}
	return e
}

// malformed is the error for a 200 that does not say what it has to.
func malformed(op string, rep *reply, why string) *Error {
	return &Error{Op: op, Status: rep.status, RequestID: rep.requestID(nil), Err: errors.New(why)}
}

func (r *reply) requestID(secrets []string) string {
	id := r.body.text("request_id")
	if id == "" {
		id = r.header.Get("X-Request-ID")
	}
	return clean(id, maxRequestID, secrets)
}

// askKey gets the key and checks that it can be sent.
func askKey(ctx context.Context, op string, source func(context.Context) (job.Secret, error)) (string, *Error) {
	secret, err := source(ctx)
	if err != nil {
		return "", &Error{Op: op, Outcome: job.NotSent, Err: causeOf(err, nil)}
	}
	key := strings.TrimSpace(secret.Reveal())
	if key == "" || !printable(key) {
		return "", &Error{Op: op, Outcome: job.OperatorNeeded,
			Err: errors.New("the API key is empty or holds characters that cannot be sent")}
	}
	return key, nil
}

// payload is a request's body that can be read once, and not at all once it has
// been sealed, or from the time before which it has to be: a process that was frozen on
// its way to the connection learns it here, with only the write to come.
type payload struct {
	state  atomic.Int32
	r      *bytes.Reader
	before time.Time
}

const (
	payloadFresh = iota
	payloadRead
	payloadSealed
)

var errSealed = errors.New("the call is over")

// Read implements io.Reader.
func (p *payload) Read(b []byte) (int, error) {
	if !p.before.IsZero() && !time.Now().Before(p.before) {
		p.seal()
	}
	p.state.CompareAndSwap(payloadFresh, payloadRead)
	if p.state.Load() == payloadSealed {
		return 0, errSealed
	}
	return p.r.Read(b)
}

// Close implements io.Closer.
func (p *payload) Close() error { return nil }

// seal reports whether nobody has read the body; nobody will then.
func (p *payload) seal() bool { return p.state.CompareAndSwap(payloadFresh, payloadSealed) }
