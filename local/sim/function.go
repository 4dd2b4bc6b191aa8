package sim

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// handler is a Lambda function's code.
type handler func(ctx context.Context, event json.RawMessage) (any, error)

// limits are how long an invocation of each function may take.
var limits = map[string]time.Duration{"submit": 2 * time.Minute, "poll": time.Minute, "finalize": 5 * time.Minute}

// invocation is one run of a function.
type invocation struct {
	function string
	number   int
	deadline time.Time
	dead     atomic.Bool
	cancel   context.CancelFunc
}

type invocationKey struct{}

// invocationOf finds who makes a call; nil for a test that calls by itself.
func invocationOf(ctx context.Context) *invocation {
	inv, _ := ctx.Value(invocationKey{}).(*invocation)
	return inv
}

func (i *invocation) over() bool {
	return i != nil && (i.dead.Load() || !time.Now().Before(i.deadline))
}

func (i *invocation) kill() {
	if i != nil {
		i.dead.Store(true)
		i.cancel()
	}
}

// run makes one invocation and waits for its end. ok is false when it failed or
// was killed.
func (w *World) run(function string, event any) (answer any, ok bool) {
	raw, err := json.Marshal(event)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	h, err := w.warm(function)
	if err != nil {
		panic(err) // the configuration was good for the first one
	}
	w.mu.Lock()
	w.invocations++
	inv := &invocation{function: function, number: w.invocations, deadline: time.Now().Add(limits[function])}
	w.mu.Unlock()
	ctx, cancel := context.WithDeadline(context.WithValue(w.ctx, invocationKey{}, inv), inv.deadline)
	defer cancel()
	inv.cancel = cancel
	answer, err = h(ctx, raw)
	if inv.over() {
		w.cold(function)
		return nil, false
	}
	if err != nil {
		w.cfg.Log.Warn("invocation failed", "fn", function, "invocation", inv.number, "err", err)
	}
	return answer, err == nil
}

// warm is the function's process: made when there is none, kept until one of its
// invocations is killed.
func (w *World) warm(function string) (handler, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.processes[function]; h != nil {
		return h, nil
	}
	h, err := w.build(function)
	w.processes[function] = h
	return h, err
}

func (w *World) cold(function string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.processes, function)
}

// invoke is an asynchronous invocation: a hint. It is not repeated, whatever
// becomes of it.
func (w *World) invoke(function string, event any) {
	w.running.Go(func() {
		if pause(w.ctx, w.cfg.Latency) == nil {
			w.run(function, event)
		}
	})
}

// functions is how poll invokes the others.
type functions struct{ w *World }

func (f functions) Submit(ctx context.Context, work job.Work) error {
	return done(ctx, f.w, "invoke.submit", "", true, func() error { f.w.invoke("submit", work); return nil })
}

func (f functions) Finalize(ctx context.Context, jobID string) error {
	return done(ctx, f.w, "invoke.finalize", jobID, true, func() error {
		f.w.invoke("finalize", job.Finalization{JobID: jobID})
		return nil
	})
}

// schedule ticks poll every minute until the world ends.
func (w *World) schedule() {
	for pause(w.ctx, w.cfg.Tick) == nil {
		w.invoke("poll", map[string]string{"kind": "poll"})
	}
}

// The intake queue's redelivery.
const (
	visibility = 2*time.Minute + 30*time.Second
	deliveries = 5
)

// announce is S3's word that an object was created, through the intake queue. Its
// fates: a failure or kill before loses the event, one after delivers it twice.
func (w *World) announce(key string) {
	_, fate := w.decide(nil, "event", key, true)
	switch fate {
	case FailBefore, KillBefore:
	case FailAfter, KillAfter:
		w.running.Go(func() { w.deliver(key) })
		w.running.Go(func() { w.deliver(key) })
	default:
		w.running.Go(func() { w.deliver(key) })
	}
}

// deliver hands one message of the queue to submit until it is taken.
func (w *World) deliver(key string) {
	body, err := json.Marshal(map[string]any{"source": "aws.s3", "detail-type": "Object Created",
		"detail": map[string]any{"bucket": map[string]string{"name": inboxName}, "object": map[string]string{"key": key}}})
	if err != nil {
		panic(err) // plain maps
	}
	batch := events.SQSEvent{Records: []events.SQSMessage{{MessageId: key, EventSource: "aws:sqs", Body: string(body)}}}
	for range deliveries {
		if pause(w.ctx, w.cfg.Latency) != nil {
			return
		}
		answer, ok := w.run("submit", batch)
		if a, is := answer.(events.SQSEventResponse); ok && is && len(a.BatchItemFailures) == 0 {
			return
		}
		if pause(w.ctx, visibility) != nil {
			return
		}
	}
}
