// Package callback takes the vendor's word that a task has ended: a push of Alibaba
// Cloud's EventBridge to the function's URL.
//
// A push is a hint and carries no authority: it says that a task may be worth a look,
// never what has become of it. Two things are asked of it: the token that its sender
// was configured with, which proves that it is for this stack, and EventBridge's
// signature (version 2), which proves that Alibaba sent it. Either alone is not
// enough.
//
// Its one invariant: without both, nothing is read, written or asked of anybody but
// the token's own secret and, with the token, a certificate; with both, the vendor
// is asked at most once.
package callback

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// Tasks looks at a task of the vendor that is said to have ended.
type Tasks interface {
	// Look asks the vendor at most once, and does what the answer calls for. It
	// returns job.ErrNotFound when the task is no job's; every other error may pass.
	Look(ctx context.Context, taskID string) error
}

// Links fetches what a link leads to, from hosts that it allows and under guard.
type Links interface {
	Fetch(ctx context.Context, link string, limit int64) ([]byte, error)
}

// Config is what a Step needs; every field is required.
type Config struct {
	// Token is what every push has to bear, of at least MinToken characters. It is
	// asked for at every push.
	Token func(ctx context.Context) (job.Secret, error)
	// Certificates is how the address of a signature's certificate has to begin: a
	// scheme, a host and a slash.
	Certificates string
	Links        Links
	Tasks        Tasks
	Log          *slog.Logger
}

// MinToken is how many characters a token has at least: it must not be guessed.
const MinToken = 16

// Step takes pushes. Safe for concurrent use.
type Step struct {
	Config
	kept certificates
}

// New returns a step, or an error that lists all that is wrong.
func New(c Config) (*Step, error) {
	var errs []error
	for what, missing := range map[string]bool{
		"Token": c.Token == nil, "Links": c.Links == nil, "Tasks": c.Tasks == nil, "Log": c.Log == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("callback: %s is required", what))
		}
	}
	if !strings.HasSuffix(c.Certificates, "/") || strings.Count(c.Certificates, "/") < 3 {
		errs = append(errs, errors.New("callback: Certificates must be a scheme, a host and a slash"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Step{Config: c, kept: certificates{links: c.Links}}, nil
}

const (
	// maxBody bounds a push, in bytes. A completion event has less than two
	// kilobytes.
	maxBody = 1 << 20
	// within bounds the work on one push. The sender's patience is not documented;
	// its pages ask for at least 5 s. ASSUMED: this is not too long.
	// Source: https://help.aliyun.com/zh/model-studio/async-task-api (2026)
	within = 8 * time.Second
)

// reason is the code that the log gives a push: one of these words and nothing of what
// came in, for whoever sends rubbish decides what is in it.
type reason string

const (
	done       reason = "looked_at"
	noJob      reason = "no_jobs_task"
	otherEvent reason = "other_event"
	noToken    reason = "token_unknown"
	badToken   reason = "token"
	badMethod  reason = "method"
	tooLarge   reason = "size"
	badBody    reason = "encoding"
	badHeaders reason = "headers"
	stale      reason = "time"
	badAddress reason = "certificate_address"
	noCert     reason = "certificate_unknown"
	badCert    reason = "certificate_dates"
	badSign    reason = "signature"
	notLooked  reason = "task_unknown"
)

// answers are the statuses that a push ends with. Whatever may pass is a 503, upon
// which EventBridge pushes again; it is ASSUMED that only a 2xx is a success to it.
//
// A task that is no job's is a success, although its job might be about to be
// recorded: the account's other work, and other stacks', ends in the same events,
// and each of them would be repeated in vain for up to a day. Nothing is lost with
// it: a task takes minutes and is recorded within seconds, and what was not is
// poll's to find.
var answers = map[reason]int{
	done: http.StatusOK, noJob: http.StatusOK, otherEvent: http.StatusOK,
	badToken: http.StatusUnauthorized, badHeaders: http.StatusUnauthorized, stale: http.StatusUnauthorized,
	badAddress: http.StatusUnauthorized, badCert: http.StatusUnauthorized, badSign: http.StatusUnauthorized,
	badMethod: http.StatusMethodNotAllowed, tooLarge: http.StatusRequestEntityTooLarge, badBody: http.StatusBadRequest,
	noToken: http.StatusServiceUnavailable, noCert: http.StatusServiceUnavailable, notLooked: http.StatusServiceUnavailable,
}

// Handle answers a request to the function's URL. Its error is always nil: what
// went wrong is in the status, and a few words in the log. To a GET it says that it
// is there, whoever asks.
func (s *Step) Handle(ctx context.Context, r events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	if m := r.RequestContext.HTTP.Method; m == http.MethodGet || m == http.MethodHead {
		return events.LambdaFunctionURLResponse{StatusCode: http.StatusOK, Body: "ok\n",
			Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	why, err := s.take(ctx, r)
	status := answers[why]
	switch {
	case err != nil:
		s.Log.WarnContext(ctx, "push put off", "code", why, "err", err)
	case status == http.StatusOK:
		s.Log.InfoContext(ctx, "push", "code", why)
	default:
		s.Log.WarnContext(ctx, "push refused", "code", why)
	}
	return events.LambdaFunctionURLResponse{StatusCode: status}, nil
}

// take does what a push calls for. The error is trouble that may pass.
func (s *Step) take(ctx context.Context, r events.LambdaFunctionURLRequest) (reason, error) {
	token, err := s.Token(ctx)
	if err != nil {
		return noToken, err
	}
	if len(token.Reveal()) < MinToken {
		return noToken, fmt.Errorf("the token has less than %d characters", MinToken)
	}
	if !same(token.Reveal(), lone(r.Headers, tokenHeader)) {
		return badToken, nil
	}
	if r.RequestContext.HTTP.Method != http.MethodPost {
		return badMethod, nil
	}
	body, why := bodyOf(r)
	if why != "" {
		return why, nil
	}
	p, why := read(r, body, s.Certificates, time.Now())
	if why != "" {
		return why, nil
	}
	cert, err := s.kept.get(ctx, p.certificate)
	if err != nil {
		return noCert, err
	}
	if now := time.Now(); now.Before(cert.from) || now.After(cert.to) {
		return badCert, nil
	}
	if !p.signedBy(cert.key) {
		return badSign, nil
	}
	task, ok := endedTask(body)
	if !ok {
		return otherEvent, nil
	}
	switch err := s.Tasks.Look(ctx, task); {
	case errors.Is(err, job.ErrNotFound):
		return noJob, nil
	case err != nil:
		return notLooked, err
	}
	return done, nil
}

// same compares in a time that tells neither where nor by how much the two differ.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// bodyOf is the body as it was sent: Lambda encodes what it does not take for text.
func bodyOf(r events.LambdaFunctionURLRequest) ([]byte, reason) {
	if !r.IsBase64Encoded {
		if len(r.Body) > maxBody {
			return nil, tooLarge
		}
		return []byte(r.Body), ""
	}
	if len(r.Body) > base64.StdEncoding.EncodedLen(maxBody) {
		return nil, tooLarge
	}
	body, err := base64.StdEncoding.DecodeString(r.Body)
	switch {
	case err != nil:
		return nil, badBody
	case len(body) > maxBody:
		return nil, tooLarge
	}
	return body, ""
}
