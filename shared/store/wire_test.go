package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// wire is a DynamoDB of a few scripted answers, in memory.
type wire struct {
	mu    sync.Mutex
	calls []call
	// answers, one a call; the last one stays.
	answers []answer
}

type call struct {
	op   string
	body string
}

type answer func(c call) (status int, body string, err error)

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := call{op, string(body)}
	w.mu.Lock()
	w.calls = append(w.calls, c)
	next := w.answers[0]
	if len(w.answers) > 1 {
		w.answers = w.answers[1:]
	}
	w.mu.Unlock()
	status, text, err := next(c)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader([]byte(text))), Request: r}, nil
}

func (w *wire) ops() []string {
	var ops []string
	for _, c := range w.calls {
		ops = append(ops, c.op)
	}
	return ops
}

// onWire runs a test in virtual time against scripted answers.
func onWire(t *testing.T, answers []answer, test func(t *testing.T, s *store.Store, w *wire)) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answers: answers}
		// A client of this bubble alone.
		client := dynamodb.New(dynamodb.Options{Region: "us-east-1", HTTPClient: &http.Client{Transport: w},
			Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
		test(t, store.NewDynamo(client, "jobs"), w)
	})
}

func ok(call) (int, string, error) { return 200, "{}", nil }

func lostAnswer(call) (int, string, error) {
	return 0, "", errors.New("read: connection reset by peer")
}

func refusal(status int, code string) answer {
	return func(call) (int, string, error) {
		return status, fmt.Sprintf(`{"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"}`, code), nil
	}
}

func canceled(codes ...string) answer {
	var reasons []string
	for _, c := range codes {
		reasons = append(reasons, fmt.Sprintf(`{"Code":%q}`, c))
	}
	return func(call) (int, string, error) {
		return 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"canceled","CancellationReasons":[` +
			strings.Join(reasons, ",") + `]}`, nil
	}
}

var markForm = regexp.MustCompile(`"S":"([0-9a-f]{16})"`)

// marked answers a GetItem with a record whose last write has the mark of the
// n-th call.
func (w *wire) marked(n int) answer {
	return func(call) (int, string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return 200, fmt.Sprintf(`{"Item":{"pk":{"S":"x"},%q:{"S":%q}}}`, store.Mark, markForm.FindStringSubmatch(w.calls[n].body)[1]), nil
	}
}

func othersMark(call) (int, string, error) {
	return 200, fmt.Sprintf(`{"Item":{"pk":{"S":"x"},%q:{"S":"0123456789abcdef"}}}`, store.Mark), nil
}

// ending is a move with a message: a transaction of two items.
func ending(ctx context.Context, s *store.Store) error {
	j := handedIn("anna")
	j.Rev, j.Attempt = 1, 1
	next := j
	next.State = job.Failed
	_, err := s.Move(ctx, j, next)
	return err
}

func creating(ctx context.Context, s *store.Store) error {
	_, err := s.Create(ctx, handedIn("anna"))
	return err
}

// everyCall uses the store in all the ways there are, on names that people gave.
func everyCall() map[string]func(context.Context, *store.Store) error {
	n := job.Name{Dir: "private-dir", Stem: "private-stem"}
	j := handedIn("private-stem")
	j.ID, j.Name, j.Rev, j.Attempt = "private-id", n, 1, 1
	m := job.Message{ID: "private-message", Rev: 1, Unsent: job.Channels()}
	gone := m
	gone.Unsent = nil
	only := func(_ any, err error) error { return err }
	return map[string]func(context.Context, *store.Store) error{
		"Job":    func(ctx context.Context, s *store.Store) error { return only(s.Job(ctx, j.ID)) },
		"Create": func(ctx context.Context, s *store.Store) error { return only(s.Create(ctx, j)) },
		"Note":   func(ctx context.Context, s *store.Store) error { return only(s.Move(ctx, j, j)) },
		"Move":   func(ctx context.Context, s *store.Store) error { return end(ctx, s, j) },
		"Owner":  func(ctx context.Context, s *store.Store) error { return only(s.Owner(ctx, "private-task")) },
		"Stem":   func(ctx context.Context, s *store.Store) error { return only(s.Stem(ctx, n)) },
		"PutStem": func(ctx context.Context, s *store.Store) error {
			return only(s.PutStem(ctx, job.Stem{Name: n}, job.Stem{}))
		},
		"Folder": func(ctx context.Context, s *store.Store) error { return only(s.Folder(ctx, n.Dir)) },
		"PutFolder": func(ctx context.Context, s *store.Store) error {
			return only(s.PutFolder(ctx, job.Folder{Dir: n.Dir}, job.Folder{}))
		},
		"Message":     func(ctx context.Context, s *store.Store) error { return only(s.Message(ctx, m.ID)) },
		"AddNotice":   func(ctx context.Context, s *store.Store) error { return only(s.AddNotice(ctx, m)) },
		"PutMessage":  func(ctx context.Context, s *store.Store) error { return s.PutMessage(ctx, m, m) },
		"SentMessage": func(ctx context.Context, s *store.Store) error { return s.PutMessage(ctx, m, gone) },
		"Gate":        func(ctx context.Context, s *store.Store) error { return only(s.Gate(ctx)) },
		"CloseGate":   func(ctx context.Context, s *store.Store) error { return only(s.CloseGate(ctx, job.Closure{}, day)) },
		"OpenGate":    func(ctx context.Context, s *store.Store) error { return s.OpenGate(ctx) },
		"FreeSlot":    func(ctx context.Context, s *store.Store) error { return s.FreeSlot(ctx, j.ID, 1) },
		"TakeSlot":    func(ctx context.Context, s *store.Store) error { return s.TakeSlot(ctx, j) },
		"Lease": func(ctx context.Context, s *store.Store) error {
			return s.Lease(ctx, "private-lease", "private-owner", day)
		},
		"EndLease": func(ctx context.Context, s *store.Store) error {
			return s.EndLease(ctx, "private-lease", "private-owner")
		},
		"Face": func(ctx context.Context, s *store.Store) error { return only(s.Face(ctx, "private-sha", job.Square)) },
		"PutFace": func(ctx context.Context, s *store.Store) error {
			return s.PutFace(ctx, "private-sha", job.Square, job.Face{})
		},
		"Due":    func(ctx context.Context, s *store.Store) error { return only(s.Due(ctx, day, 1)) },
		"Queue":  func(ctx context.Context, s *store.Store) error { return only(s.Queue(ctx, 1)) },
		"Recent": func(ctx context.Context, s *store.Store) error { return only(s.Recent(ctx, day, 1)) },
	}
}

func end(ctx context.Context, s *store.Store, j job.Job) error {
	next := j
	next.State = job.Failed
	_, err := s.Move(ctx, j, next)
	return err
}

// requireNothingPrivate wants an error that says what was being done and names no
// file, no id and no person.
func requireNothingPrivate(t *testing.T, what string, err error) {
	t.Helper()
	require.NotContains(t, err.Error(), "private", what)
	require.Regexp(t, `(read|write) [a-z]+ record: |query index [a-z]+: `, err.Error(), what)
}
