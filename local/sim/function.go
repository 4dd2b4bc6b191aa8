package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// handler is a Lambda function's code.
type handler func(ctx context.Context, event json.RawMessage) (any, error)

// process is one that was built when that budget was the stack's.
type process struct {
	handler
	budget job.Budget
}

// limits are how long an invocation of each function may take.
var limits = map[string]time.Duration{"submit": 2 * time.Minute, "poll": time.Minute, "finalize": 5 * time.Minute}

// invocation is one run of a function.
type invocation struct {
	function string
	number   int
	// by is what brought it about, and lot what its calls draw theirs from.
	by       string
	lot      lot
	drawn    map[string]uint64 // guarded by World.mu
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
func (w *World) run(function, by string, event any) (answer any, ok bool) {
	raw, err := json.Marshal(event)
	if err != nil {
		panic(err) // only our own plain structs come here
	}
	p, err := w.take(function)
	if err != nil {
		panic(err) // the configuration was good for the first one
	}
	w.mu.Lock()
	w.invocations++
	inv := &invocation{function: function, number: w.invocations, by: by, lot: w.seed.of(by),
		deadline: time.Now().Add(limits[function])}
	w.mu.Unlock()
	ctx, cancel := context.WithDeadline(context.WithValue(w.ctx, invocationKey{}, inv), inv.deadline)
	defer cancel()
	inv.cancel = cancel
	answer, err = p.handler(ctx, raw)
	if inv.over() {
		return nil, false // and so is its process
	}
	w.free(function, p)
	if err != nil {
		w.cfg.Log.Warn("invocation failed", "fn", function, "by", by, "err", err)
	}
	return answer, err == nil
}

// take gives a process that has nothing to do, or a new one: each has one invocation
// at a time, and none survives one that is killed.
func (w *World) take(function string) (process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	idle := w.idle[function]
	if n := len(idle); n > 0 {
		w.idle[function] = idle[:n-1]
		return idle[n-1], nil
	}
	h, err := w.build(function)
	return process{h, w.cfg.Budget}, err
}

// free keeps a process for the next invocation, unless a deployment has replaced it.
func (w *World) free(function string, p process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.budget == w.cfg.Budget {
		w.idle[function] = append(w.idle[function], p)
	}
}

// invoke is an asynchronous invocation: a hint, which a storm may lose, repeat or
// hold back. An invocation that fails is not repeated.
func (w *World) invoke(function, by string, event any) {
	for i, wait := range w.cfg.Storm.copies(w.seed.of("hint", by), "invoke."+function, time.Since(w.began)) {
		by := fmt.Sprintf("%s/%d", by, i)
		w.running.Go(func() {
			// The spread keeps one that begins from meeting one that ends.
			if job.Pause(w.ctx, w.cfg.Latency+wait+w.seed.of("start", by).spread()) == nil {
				w.run(function, by, event)
			}
		})
	}
}

// functions is how poll invokes the others.
type functions struct{ w *World }

func (f functions) Submit(ctx context.Context, work job.Work) error {
	return f.hint(ctx, "submit", "", work)
}

func (f functions) Finalize(ctx context.Context, jobID string) error {
	return f.hint(ctx, "finalize", jobID, job.Finalization{JobID: jobID})
}

func (f functions) hint(ctx context.Context, function, about string, event any) error {
	return done(ctx, f.w, "invoke."+function, about, true, func() error {
		f.w.hint(ctx, function, about, event)
		return nil
	})
}

// hint makes the invocation that an invocation, or nobody, has asked for.
func (w *World) hint(ctx context.Context, function, about string, event any) {
	by := "nobody"
	if inv := invocationOf(ctx); inv != nil {
		by = inv.by
	}
	n := w.draw(invocationOf(ctx), "invoke."+function+" by", about) // tells two by one invocation apart
	w.invoke(function, fmt.Sprintf("%s > %s %s %x", by, function, about, uint64(n)>>48), event)
}

// schedule ticks poll every minute until the world ends.
func (w *World) schedule() {
	for n := 1; job.Pause(w.ctx, w.cfg.Tick) == nil; n++ {
		if w.silent("poll") {
			continue
		}
		w.invoke("poll", fmt.Sprintf("tick %d", n), map[string]string{"kind": "poll"})
	}
}

// The intake queue, as the template has it: how long a message is hidden, how often it
// is delivered, and how many invocations of submit it makes at once.
const (
	visibility = 2*time.Minute + 30*time.Second
	deliveries = 5
	atOnce     = 2
	window     = time.Second // in which a batch comes together
)

// announce is S3's word that an object was created, through the intake queue. Its
// fates: a failure or kill before loses the event, one after delivers it twice.
func (w *World) announce(key string) {
	w.mu.Lock()
	w.announced[key]++
	by := fmt.Sprintf("event of %s #%d", key, w.announced[key])
	w.mu.Unlock()
	l := w.seed.of("hint", by)
	c := w.decide(nil, Call{Op: "event", About: key, Effect: true, lot: l})
	copies := w.cfg.Storm.copies(l, "event", time.Since(w.began))
	switch c.Fate {
	case FailBefore, KillBefore:
		copies = nil
	case FailAfter, KillAfter:
		copies = append(copies, 0)
	}
	for i, wait := range copies {
		by := fmt.Sprintf("%s.%d", by, i)
		if w.cfg.Batch > 1 && wait == 0 {
			w.enqueue(message{key: key, by: by})
			continue
		}
		w.running.Go(func() {
			if job.Pause(w.ctx, wait+l.of(fmt.Sprint(i)).spread()) == nil {
				w.deliver(key, by)
			}
		})
	}
}

// deliver hands one message of the queue to submit until it is taken.
func (w *World) deliver(key, by string) {
	batch := events.SQSEvent{Records: []events.SQSMessage{record(key)}}
	for n := range deliveries {
		if job.Pause(w.ctx, w.cfg.Latency) != nil {
			return
		}
		select {
		case w.queue <- struct{}{}:
		case <-w.ctx.Done():
			return
		}
		answer, ok := w.run("submit", fmt.Sprintf("%s/%d", by, n), batch)
		<-w.queue
		if a, is := answer.(events.SQSEventResponse); ok && is && len(a.BatchItemFailures) == 0 {
			return
		}
		if job.Pause(w.ctx, visibility) != nil {
			return
		}
	}
}
