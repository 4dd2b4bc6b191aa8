package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

func TestAWriteWhoseAnswerWasLostCountsAsOurs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		do      func(context.Context, *store.Store) error
		refused answer
		op      string
	}{
		{"one record", creating, refusal(400, "ConditionalCheckFailedException"), "UpdateItem"},
		{"a transaction", ending, canceled("ConditionalCheckFailed", "None"), "TransactWriteItems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{lostAnswer, c.refused, nil}, func(t *testing.T, s *store.Store, w *wire) {
				w.answers[2] = w.marked(0)
				require.NoError(t, c.do(t.Context(), s))
				require.Equal(t, []string{c.op, c.op, "GetItem"}, w.ops())
				require.Equal(t, w.calls[0].body, w.calls[1].body, "the SDK sends the same again, token and all")
				require.Contains(t, w.calls[2].body, `"ConsistentRead":true`)
			})
		})
		t.Run(c.name+" that somebody else wrote is a lost race", func(t *testing.T) {
			t.Parallel()
			for what, record := range map[string]answer{"another's": othersMark, "none": ok} {
				onWire(t, []answer{c.refused, record}, func(t *testing.T, s *store.Store, _ *wire) {
					require.ErrorIs(t, c.do(t.Context(), s), job.ErrConflict, what)
				})
			}
		})
		t.Run(c.name+" that cannot be read back is trouble and no lost race", func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{lostAnswer, c.refused, refusal(400, "AccessDeniedException")}, func(t *testing.T, s *store.Store, _ *wire) {
				err := c.do(t.Context(), s)
				require.Error(t, err)
				require.NotErrorIs(t, err, job.ErrConflict, "whose the write was is not known")
			})
		})
	}
}

func TestAWriteThatMeetsAnotherTransactionIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(context.Context, *store.Store) error
		met  answer
	}{
		{"one record", creating, refusal(400, "TransactionConflictException")},
		{"a transaction", ending, canceled("None", "TransactionConflict")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{c.met, c.met, ok}, func(t *testing.T, s *store.Store, w *wire) {
				start := time.Now()
				require.NoError(t, c.do(t.Context(), s))
				require.Len(t, w.calls, 3)
				require.Greater(t, time.Since(start), 20*time.Millisecond, "not at once")
			})
		})
		t.Run(c.name+", and is a lost race when there is no end of it", func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{c.met}, func(t *testing.T, s *store.Store, w *wire) {
				start := time.Now()
				err := c.do(t.Context(), s)
				require.ErrorIs(t, err, job.ErrConflict)
				require.ErrorIs(t, err, store.Busy)
				require.Len(t, w.calls, store.TransactTries)
				require.Less(t, time.Since(start), 2*time.Second)
			})
		})
		t.Run(c.name+", but not when the caller's time is up", func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{c.met}, func(t *testing.T, s *store.Store, w *wire) {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				err := c.do(ctx, s)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.NotErrorIs(t, err, job.ErrConflict)
				require.Less(t, len(w.calls), store.TransactTries)
			})
		})
	}
}

// A write that was never decided must not pass for one that somebody else made.
func TestABusyTableIsNoAnswer(t *testing.T) {
	t.Parallel()
	met := refusal(400, "TransactionConflictException")
	for name, do := range map[string]func(context.Context, *store.Store) error{
		"closing the gate": func(ctx context.Context, s *store.Store) error {
			closed, err := s.CloseGate(ctx, job.Closure{Code: job.CodeKeyRefused}, day)
			require.False(t, closed)
			return err
		},
		"opening the gate": func(ctx context.Context, s *store.Store) error { return s.OpenGate(ctx) },
		"adding a notice": func(ctx context.Context, s *store.Store) error {
			added, err := s.AddNotice(ctx, job.Message{ID: "m"})
			require.False(t, added)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{met}, func(t *testing.T, s *store.Store, _ *wire) {
				require.ErrorIs(t, do(t.Context(), s), store.Busy)
			})
		})
	}
}

func TestTroubleOfTheTableIsAnErrorAndNoLostRace(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]answer{
		"throttled":                refusal(400, "ThrottlingException"),
		"over its capacity":        refusal(400, "ProvisionedThroughputExceededException"),
		"down":                     refusal(500, "InternalServerError"),
		"gone":                     refusal(400, "ResourceNotFoundException"),
		"not answering":            lostAnswer,
		"throttled in one item":    canceled("None", "ThrottlingError"),
		"over capacity in one":     canceled("ProvisionedThroughputExceeded", "None"),
		"refusing one item":        canceled("ValidationError", "None"),
		"canceling for no reason":  canceled(),
		"saying nothing that is J": func(call) (int, string, error) { return 503, "<html>busy</html>", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, do := range everyCall() {
				onWire(t, []answer{trouble}, func(t *testing.T, s *store.Store, w *wire) {
					err := do(t.Context(), s)
					require.Error(t, err, what)
					require.NotErrorIs(t, err, job.ErrConflict, what)
					require.NotErrorIs(t, err, job.ErrNotFound, what)
					require.LessOrEqual(t, len(w.calls), 3, "retries belong to the SDK alone")
					requireNothingPrivate(t, what, err)
				})
			}
		})
	}
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

func TestALongIndexIsReadPageByPageUpToTheLimit(t *testing.T) {
	t.Parallel()
	page := func(from, n int, more bool) answer {
		return func(call) (int, string, error) {
			var items []map[string]any
			for i := from; i < from+n; i++ {
				items = append(items, map[string]any{"pk": map[string]string{"S": fmt.Sprintf("JOB#%d", i)}, "rank": map[string]string{"S": "r"}})
			}
			out := map[string]any{"Items": items}
			if more {
				out["LastEvaluatedKey"] = map[string]any{"pk": map[string]string{"S": "JOB#last"}}
			}
			b, err := json.Marshal(out)
			return 200, string(b), err
		}
	}
	onWire(t, []answer{page(0, 2, true), page(2, 0, true), page(2, 1, true), page(9, 9, true)}, func(t *testing.T, s *store.Store, w *wire) {
		ids, err := s.Queue(t.Context(), 3)
		require.NoError(t, err)
		require.Equal(t, []string{"0", "1", "2"}, ids)
		require.Len(t, w.calls, 3)
		require.Contains(t, w.calls[0].body, `"Limit":3`)
		require.Contains(t, w.calls[1].body, `"Limit":1`)
		require.Contains(t, w.calls[1].body, `JOB#last`)
	})
	onWire(t, []answer{page(0, 2, true), page(2, 2, false)}, func(t *testing.T, s *store.Store, w *wire) {
		ids, err := s.Queue(t.Context(), 0)
		require.NoError(t, err)
		require.Len(t, ids, 4)
		require.Len(t, w.calls, 2)
		require.NotContains(t, w.calls[0].body, "Limit")
	})
}
