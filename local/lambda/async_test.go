package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// asyncBench is a queue over a function that answers as the test says.
type asyncBench struct {
	q     *asyncQueue
	start time.Time

	mu     sync.Mutex
	at     []time.Duration // when attempts began
	ids    map[string]bool
	failed []FailedEvent
}

func newAsyncBench(t *testing.T, cfg AsyncConfig, answer func(attempt int) (Result, error)) *asyncBench {
	t.Helper()
	cfg, err := cfg.withDefaults()
	require.NoError(t, err)
	b := &asyncBench{start: time.Now(), ids: map[string]bool{}}
	b.q = newAsyncQueue(map[string]AsyncConfig{"fn": cfg}, func(_ context.Context, _, id string, _ []byte) (Result, error) {
		b.mu.Lock()
		b.at = append(b.at, time.Since(b.start))
		b.ids[id] = true
		n := len(b.at)
		b.mu.Unlock()
		return answer(n)
	})
	b.q.onFailure = func(e FailedEvent) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.failed = append(b.failed, e)
	}
	t.Cleanup(b.q.close) // a failed test must not hang its bubble
	return b
}

var functionError = Result{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"no"}`)}

func TestAFunctionErrorIsRetriedAfterOneAndTwoMinutesAndThenGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{}, func(int) (Result, error) { return functionError, nil })
		_, err := b.q.add("fn", []byte(`{"job":1}`))
		require.NoError(t, err)
		time.Sleep(time.Hour)
		b.q.close()
		require.Equal(t, []time.Duration{0, time.Minute, 3 * time.Minute}, b.at)
		require.Len(t, b.ids, 1)
		require.Len(t, b.failed, 1)
		require.Equal(t, RetriesExhausted, b.failed[0].Condition)
		require.Equal(t, b.start.Add(3*time.Minute), b.failed[0].At)

		record, err := b.failed[0].Record()
		require.NoError(t, err)
		require.JSONEq(t, `{
			"version": "1.0", "timestamp": "2000-01-01T00:03:00.000Z",
			"requestContext": {"requestId": "`+b.failed[0].RequestID+`", "functionArn": "fn:$LATEST",
				"condition": "RetriesExhausted", "approximateInvokeCount": 3},
			"requestPayload": {"job": 1},
			"responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
			"responsePayload": {"errorMessage": "no"}
		}`, string(record))
	})
}

func TestASuccessEndsTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{RetryWaits: []time.Duration{time.Second}}, func(n int) (Result, error) {
			if n == 1 {
				return functionError, nil
			}
			return Result{}, nil
		})
		_, err := b.q.add("fn", nil)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		b.q.close()
		require.Equal(t, []time.Duration{0, time.Second}, b.at)
		require.Empty(t, b.failed)
	})
}

func TestNoRetriesMakesTheFirstErrorFinal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{MaxRetries: NoRetries}, func(int) (Result, error) { return functionError, nil })
		_, err := b.q.add("fn", nil)
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, b.failed, 1)
		require.Equal(t, 1, b.failed[0].Attempts)
		b.q.close()
	})
}

func TestAThrottledEventIsTriedWithDoublingWaitsUntilItIsTooOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{MaxEventAge: 20 * time.Second, ThrottleWaitMax: 4 * time.Second},
			func(int) (Result, error) { return Result{}, ErrThrottled })
		_, err := b.q.add("fn", []byte("{}"))
		require.NoError(t, err)
		time.Sleep(time.Hour)
		b.q.close()
		s := time.Second
		require.Equal(t, []time.Duration{0, 1 * s, 3 * s, 7 * s, 11 * s, 15 * s, 19 * s}, b.at)
		require.Len(t, b.failed, 1)
		require.Equal(t, EventAgeExceeded, b.failed[0].Condition)
		require.Zero(t, b.failed[0].Attempts)
		require.Equal(t, b.start.Add(20*s), b.failed[0].At)

		record, err := b.failed[0].Record()
		require.NoError(t, err)
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(record, &fields))
		require.NotContains(t, fields, "responseContext")
	})
}

func TestThrottlesCostNoRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{}, func(n int) (Result, error) {
			if n%2 == 1 {
				return Result{}, errors.New("no process")
			}
			return functionError, nil
		})
		_, err := b.q.add("fn", nil)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		b.q.close()
		s := time.Second
		require.Equal(t, []time.Duration{0, 1 * s, 61 * s, 62 * s, 182 * s, 183 * s}, b.at)
		require.Equal(t, 3, b.failed[0].Attempts)
	})
}

func TestTheAsynchronousQueueIsBoundedAndLostAtTheClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newAsyncBench(t, AsyncConfig{MaxQueued: 2}, func(int) (Result, error) { return functionError, nil })
		for range 2 {
			_, err := b.q.add("fn", nil)
			require.NoError(t, err)
		}
		_, err := b.q.add("fn", nil)
		require.ErrorIs(t, err, ErrQueueFull)
		time.Sleep(time.Hour)
		_, err = b.q.add("fn", nil)
		require.NoError(t, err, "the two are settled")
		b.q.close()
		require.Len(t, b.failed, 2)
		_, err = b.q.add("fn", nil)
		require.ErrorIs(t, err, ErrClosed)
	})
}
