package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

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

func TestWhatIsKnownOfTheGateAlreadyIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(context.Context, *store.Store) error{
		"it is open":           func(ctx context.Context, s *store.Store) error { return s.OpenGate(ctx) },
		"S3 has always worked": func(ctx context.Context, s *store.Store) error { return s.Fetched(ctx, job.Fetch{OK: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onWire(t, []answer{othersMark}, func(t *testing.T, s *store.Store, w *wire) {
				require.NoError(t, do(t.Context(), s))
				require.Equal(t, []string{"GetItem"}, w.ops())
			})
		})
	}
}

func TestARaceForgetsThatS3FailedAndNeverThatItWorks(t *testing.T) {
	t.Parallel()
	doubted := func(call) (int, string, error) {
		return 200, fmt.Sprintf(`{"Item":{"pk":{"S":"x"},%q:{"S":"0123456789abcdef"},"route":{"M":{"failed":{"N":"1"}}}}}`, store.Mark), nil
	}
	lost, down := refusal(400, "ConditionalCheckFailedException"), refusal(500, "InternalServerError")
	fetched := func(works bool, answers ...answer) (err error) {
		onWire(t, append(answers, othersMark), func(t *testing.T, s *store.Store, _ *wire) {
			err = s.Fetched(t.Context(), job.Fetch{Job: "a", OK: works})
		})
		return err
	}
	require.NoError(t, fetched(false, othersMark, lost))
	require.NoError(t, fetched(false, doubted, lost))
	require.ErrorIs(t, fetched(true, doubted, lost), job.ErrConflict)
	require.Error(t, fetched(false, othersMark, down, down, down), "trouble is no race")
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
