package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Conditions of a [FailedEvent].
const (
	RetriesExhausted = "RetriesExhausted"
	EventAgeExceeded = "EventAgeExceeded"
)

// FailedEvent is an asynchronous event that was given up.
type FailedEvent struct {
	Function    string
	FunctionARN string
	RequestID   string
	Payload     []byte
	// Condition is RetriesExhausted or EventAgeExceeded.
	Condition string
	// Attempts is how often the function ran. It is zero when no worker was ever free.
	Attempts int
	// Result is the function's last answer; its zero value when there was none.
	Result Result
	// At is when the event was given up.
	At time.Time
}

// Record returns the JSON document that Lambda sends to a failure destination.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (e FailedEvent) Record() ([]byte, error) {
	type response struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError"`
	}
	record := struct {
		Version        string `json:"version"`
		Timestamp      string `json:"timestamp"`
		RequestContext struct {
			RequestID   string `json:"requestId"`
			FunctionARN string `json:"functionArn"`
			Condition   string `json:"condition"`
			Count       int    `json:"approximateInvokeCount"`
		} `json:"requestContext"`
		RequestPayload  json.RawMessage `json:"requestPayload"`
		ResponseContext *response       `json:"responseContext,omitempty"`
		ResponsePayload any             `json:"responsePayload,omitempty"`
	}{Version: "1.0", Timestamp: e.At.UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: e.Payload}
	record.RequestContext.RequestID = e.RequestID
	record.RequestContext.FunctionARN = e.FunctionARN + ":" + version
	record.RequestContext.Condition = e.Condition
	record.RequestContext.Count = e.Attempts
	if e.Attempts > 0 {
		record.ResponseContext = &response{200, version, e.Result.FunctionError}
		if json.Valid(e.Result.Payload) {
			record.ResponsePayload = json.RawMessage(e.Result.Payload)
		} else {
			record.ResponsePayload = string(e.Result.Payload)
		}
	}
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("record of event %s: %w", e.RequestID, err)
	}
	return b, nil
}

// event is an asynchronous event on its way.
type event struct {
	fn        string
	requestID string
	payload   []byte
	accepted  time.Time
	waiting   atomic.Bool // no attempt is running
}

// runFunc runs one attempt.
type runFunc func(ctx context.Context, fn, requestID string, payload []byte) (Result, error)

// asyncQueue drives asynchronous events: one goroutine for each, so that none
// waits behind another, as in Lambda's queue.
type asyncQueue struct {
	run       runFunc
	cfg       map[string]AsyncConfig
	arn       func(fn string) string
	onFailure func(FailedEvent)
	log       *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	closed bool
	queued map[string]int
	wg     sync.WaitGroup
}

func newAsyncQueue(cfg map[string]AsyncConfig, run runFunc) *asyncQueue {
	q := &asyncQueue{
		run:    run,
		cfg:    cfg,
		arn:    func(fn string) string { return fn },
		log:    slog.New(slog.DiscardHandler),
		queued: map[string]int{},
	}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	return q
}

func (q *asyncQueue) add(fn string, payload []byte) (*event, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, ErrClosed
	}
	if q.queued[fn] >= q.cfg[fn].MaxQueued {
		return nil, fmt.Errorf("%w: %s", ErrQueueFull, fn)
	}
	q.queued[fn]++
	e := &event{fn: fn, requestID: newID(), payload: payload, accepted: time.Now()}
	e.waiting.Store(true)
	q.wg.Go(func() {
		q.drive(e, q.cfg[fn])
		e.waiting.Store(false)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.queued[fn]--
	})
	return e, nil
}

// drive tries an event until it succeeds, is given up, or the queue closes.
func (q *asyncQueue) drive(e *event, cfg AsyncConfig) {
	var last Result
	attempts := 0
	backoff := cfg.ThrottleWait
	for {
		left := time.Until(e.accepted.Add(cfg.MaxEventAge))
		if left <= 0 {
			q.fail(e, EventAgeExceeded, attempts, last)
			return
		}
		e.waiting.Store(false)
		res, err := q.run(q.ctx, e.fn, e.requestID, e.payload)
		var wait time.Duration
		switch {
		case q.ctx.Err() != nil || errors.Is(err, ErrClosed):
			return
		case err != nil: // throttled, or no process could be started: costs no attempt
			wait = backoff
			backoff = min(2*backoff, cfg.ThrottleWaitMax)
			q.log.Debug("event waits for a worker", slog.String("fn", e.fn),
				slog.String("request_id", e.requestID), slog.Int64("wait_ms", wait.Milliseconds()), slog.Any("err", err))
		case res.FunctionError == "":
			return
		default:
			attempts++
			last = res
			if attempts > cfg.MaxRetries {
				q.fail(e, RetriesExhausted, attempts, last)
				return
			}
			wait = cfg.RetryWaits[min(attempts, len(cfg.RetryWaits))-1]
			backoff = cfg.ThrottleWait
		}
		e.waiting.Store(true)
		timer := time.NewTimer(min(wait, time.Until(e.accepted.Add(cfg.MaxEventAge))))
		select {
		case <-timer.C:
		case <-q.ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (q *asyncQueue) fail(e *event, condition string, attempts int, last Result) {
	q.log.Warn("event given up", slog.String("fn", e.fn), slog.String("request_id", e.requestID),
		slog.String("condition", condition), slog.Int("attempt", attempts))
	if q.onFailure == nil {
		return
	}
	q.onFailure(FailedEvent{
		Function:    e.fn,
		FunctionARN: q.arn(e.fn),
		RequestID:   e.requestID,
		Payload:     e.payload,
		Condition:   condition,
		Attempts:    attempts,
		Result:      last,
		At:          time.Now(),
	})
}

// close drops what waits and returns when no event is being driven. Invocations
// that run are left to their pool.
func (q *asyncQueue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.cancel()
	q.wg.Wait()
}
