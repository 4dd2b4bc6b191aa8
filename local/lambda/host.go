package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// Host runs the functions of one configuration. It may be used concurrently.
type Host struct {
	cfg   Config
	pools map[string]*pool // not changed after New
	async *asyncQueue

	mu      sync.Mutex
	closing bool
	calls   sync.WaitGroup // invocations; added to under mu, while not closing
	wg      sync.WaitGroup // everything else the host has started
	stop    context.CancelFunc
}

// New returns a host. No process is started before the first invocation. The
// error names every wrong field. Close must be called.
func New(cfg Config) (*Host, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("lambda host: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Host{cfg: cfg, pools: map[string]*pool{}, stop: cancel}
	async := map[string]AsyncConfig{}
	for _, f := range cfg.Functions {
		h.pools[f.Name] = newPool(h, f)
		async[f.Name] = f.Async
	}
	h.async = newAsyncQueue(async, h.invoke)
	h.async.log, h.async.onFailure, h.async.arn = cfg.Log, cfg.OnFailure, h.arn
	h.wg.Go(func() { h.janitor(ctx) })
	return h, nil
}

// Invoke calls a function and waits for its answer. An empty payload counts as
// {}. A function that fails is no error here: see Result.FunctionError.
//
// The error is ErrNotFound, ErrThrottled, ErrTooLarge (above 6 MB), ErrNotJSON,
// ErrClosed, that no process could be started, or ctx's. When ctx ends first, the
// function runs on, as it does on Lambda when a caller hangs up.
func (h *Host) Invoke(ctx context.Context, name string, payload []byte) (Result, error) {
	payload, err := h.check(name, payload, maxSyncPayload)
	if err != nil {
		return Result{}, err
	}
	return h.invoke(ctx, name, newID(), payload)
}

// InvokeAsync queues an event for a function and returns. The event is tried as
// the function's AsyncConfig says, at least once, and given to OnFailure when it
// is given up. The queue is in memory: Close and the end of the program lose it.
//
// The error is ErrNotFound, ErrTooLarge, ErrNotJSON, ErrQueueFull or ErrClosed.
func (h *Host) InvokeAsync(name string, payload []byte) error {
	_, err := h.enqueue(name, payload)
	return err
}

func (h *Host) enqueue(name string, payload []byte) (*event, error) {
	payload, err := h.check(name, payload, h.cfg.MaxAsyncPayload)
	if err != nil {
		return nil, err
	}
	return h.async.add(name, payload)
}

func (h *Host) check(name string, payload []byte, limit int) ([]byte, error) {
	if h.pools[name] == nil {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if len(payload) > limit {
		return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(payload), limit)
	}
	if len(payload) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		return nil, ErrNotJSON
	}
	return payload, nil
}

// invoke runs a checked payload under a given request id.
func (h *Host) invoke(ctx context.Context, name, requestID string, payload []byte) (Result, error) {
	p := h.pools[name]
	h.mu.Lock()
	if h.closing {
		h.mu.Unlock()
		return Result{}, ErrClosed
	}
	if err := p.reserve(); err != nil {
		h.mu.Unlock()
		return Result{}, fmt.Errorf("%w: %s", err, name)
	}
	h.calls.Add(1)
	h.mu.Unlock()

	type outcome struct {
		res Result
		err error
	}
	out := make(chan outcome, 1)
	go func() {
		defer h.calls.Done()
		res, err := p.run(newInvocation(requestID, payload))
		p.release()
		out <- outcome{res, err}
	}()
	select {
	case o := <-out:
		return o.res, o.err
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// Kill sends SIGKILL to one process of the function, a busy one if there is any,
// and returns when it is dead. It returns false when there is no process, or no
// such function. For tests.
func (h *Host) Kill(function string) bool {
	p := h.pools[function]
	return p != nil && p.kill()
}

// KillNext makes the process that takes the function's next invocation die by
// SIGKILL, so long after it has taken it. Several calls count for as many
// invocations. It does nothing when there is no such function. For tests.
func (h *Host) KillNext(function string, after time.Duration) {
	p := h.pools[function]
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killNext = append(p.killNext, after)
}

// Close ends the host: no new invocation, no further attempt of an asynchronous
// event, idle processes end at once, running invocations have Config.Grace, then
// their processes get SIGTERM, and SIGKILL after Config.Grace again. When ctx
// ends, what still runs is killed at once and ctx's error returned. All goroutines
// have ended when Close returns. Queues and schedules are closed before the host.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	h.mu.Unlock()
	h.stop()
	h.async.close()
	for _, p := range h.pools {
		p.close()
	}

	idle := make(chan struct{})
	go func() { h.calls.Wait(); close(idle) }()
	grace := time.NewTimer(h.cfg.Grace)
	defer grace.Stop()
	select {
	case <-idle:
	case <-grace.C:
	case <-ctx.Done():
	}
	for _, p := range h.pools {
		p.stopAll(ctx)
	}
	<-idle
	h.wg.Wait()
	return ctx.Err()
}

// janitor ends processes that have been idle for long.
func (h *Host) janitor(ctx context.Context) {
	tick := time.NewTicker(max(h.cfg.IdleTimeout/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			for _, p := range h.pools {
				p.reap(now.Add(-h.cfg.IdleTimeout))
			}
		}
	}
}
