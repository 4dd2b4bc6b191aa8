package dashscope

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"emodrop/shared/job"
)

// Error is what every call of this package fails with. Nothing in it holds a
// link, a key or a header.
type Error struct {
	// Op is the call: "create", "detect", "task", "list", "cancel", "policy",
	// "upload", "clock".
	Op string
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code, Message and RequestID are the vendor's own, bounded (100, 300 and
	// 128 bytes) and free of links; empty when the answer had none.
	Code, Message, RequestID string
	// RetryAfter is how long the vendor asked to wait, at most ten minutes; 0
	// when it did not say.
	RetryAfter time.Duration
	// Outcome is what it means for a job.
	Outcome job.Outcome
	// Err is the cause on our side of the wire, nil when the vendor's words are
	// all there is. errors.Is sees through it.
	Err error

	// again: a read may try once more.
	again bool
}

// Verdict is the error in the domain's words.
func (e *Error) Verdict() job.Verdict {
	return job.Verdict{Outcome: e.Outcome, Status: e.Status, Code: e.Code, Message: e.Message,
		RequestID: e.RequestID, RetryAfter: e.RetryAfter}
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("dashscope: " + e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	for _, s := range []string{e.Code, e.Message} {
		if s != "" {
			b.WriteString(": " + s)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// cause is an error from elsewhere whose text has been scrubbed. It has no
// Unwrap, or else a logger that walks the chain would print the original.
type cause struct {
	text string
	err  error
}

func (c *cause) Error() string        { return c.text }
func (c *cause) Is(target error) bool { return errors.Is(c.err, target) }

// causeOf hides secrets in an error's text. The link that net/http puts in
// front of its errors goes too.
func causeOf(err error, secrets []string) error {
	text, inner := err.Error(), err
	for {
		var u *url.Error
		if !errors.As(inner, &u) {
			break
		}
		text = strings.ReplaceAll(text, u.Error(), u.Op+": "+u.Err.Error())
		inner = u.Err
	}
	return &cause{text: clean(text, 300, secrets), err: err}
}

const (
	maxCode, maxMessage, maxRequestID = 100, 300, 128
	maxRetryAfter                     = 10 * time.Minute
)

// shapes are what must not be in a text, by its looks, and what stands there
// instead.
var shapes = []struct {
	re *regexp.Regexp
	by string
}{
	// A link, plain or escaped, and any path with a query.
	{regexp.MustCompile(`(?i)[a-z0-9+.-]*(://|%3a%2f%2f|:\\/\\/)[^\s"'<>]*`), "(link)"},
	{regexp.MustCompile(`(?i)[^\s"'<>]*(\?|&|%3f|%26|\\u0026)[^\s"'<>=]+(=|%3d)[^\s"'<>]*`), "(link)"},
	// What gives access, by its name.
	{regexp.MustCompile(`(?i)\b(basic|bearer)\s+\S+`), "(key)"},
	{regexp.MustCompile(`(?i)\b(x-amz-[a-z-]+|signature|expires|policy|ossaccesskeyid|access[_-]?key[_-]?id|` +
		`security-token|authorization|api[_-]?key)["']?\s*(=|%3d)\s*\S+`), "(key)"},
	{regexp.MustCompile(`(?i)\b(authorization|x-amz-[a-z-]+)["']?\s*:\s*\S+`), "(key)"},
	// https://help.aliyun.com/zh/model-studio/get-api-key: sk-, sk-ws-, and st-
	// for temporary keys.
	{regexp.MustCompile(`\b(sk|st)-[A-Za-z0-9_.-]{6,}`), "(key)"},
}

// clean makes a text from outside fit for logs and mails: without links and
// keys, on one line, at most limit bytes, cut between runes.
func clean(s string, limit int, secrets []string) string {
	s = s[:min(len(s), 16<<10)] // bounds the work; far more than is ever kept
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, "(secret)")
	}
	for _, shape := range shapes {
		s = shape.re.ReplaceAllString(s, shape.by)
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// secretsOf lists what of a link must not come back in any form: the link, its
// query, and each longer value in it.
func secretsOf(links ...job.Secret) []string {
	var all []string
	for _, link := range links {
		whole := link.Reveal()
		if whole == "" {
			continue
		}
		all = append(all, whole)
		_, query, ok := strings.Cut(whole, "?")
		if !ok || query == "" {
			continue
		}
		all = append(all, query)
		for _, pair := range strings.Split(query, "&") {
			_, value, _ := strings.Cut(pair, "=")
			if len(value) < 8 {
				continue
			}
			all = append(all, value)
			if plain, err := url.QueryUnescape(value); err == nil && plain != value {
				all = append(all, plain)
			}
		}
	}
	return all
}

// retryAfter reads the header in both of its forms.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseUint(v, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	if said, err := http.ParseTime(h.Get("Date")); err == nil {
		now = said // both are the vendor's clock
	}
	return max(0, min(at.Sub(now), maxRetryAfter))
}
