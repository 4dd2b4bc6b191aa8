package lambda

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// pool holds the processes of one function. Concurrency counts invocations that
// run, as Lambda does, not processes: one that is ending blocks nobody.
type pool struct {
	host *Host
	fn   Function

	mu       sync.Mutex
	running  int                // invocations
	workers  map[string]*worker // every process that is not reaped, by id
	idle     []*worker          // the most recently used last
	closed   bool               // no more processes
	killNext []time.Duration    // one for each coming invocation that is to be killed
}

func newPool(h *Host, f Function) *pool {
	return &pool{host: h, fn: f, workers: map[string]*worker{}}
}

// reserve takes one of the function's Concurrency.
func (p *pool) reserve() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running >= p.fn.Concurrency {
		return ErrThrottled
	}
	p.running++
	return nil
}

func (p *pool) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
}

// run brings a reserved invocation to its end. The error is the system's, not
// the function's: no process could be started, or the host was closed.
func (p *pool) run(inv *invocation) (Result, error) {
	for {
		w, err := p.take()
		if err != nil {
			return Result{}, err
		}
		res, alive, err := w.serve(inv, p.fn.Timeout, p.host.cfg.InitTimeout)
		if errors.Is(err, errNotDelivered) {
			p.keepKill(w)
			continue // each such round uses up a process that was there before
		}
		if alive {
			p.putBack(w)
		}
		return res, err
	}
}

// take returns an idle process, or starts one.
func (p *pool) take() (*worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var w *worker
	if n := len(p.idle); n > 0 {
		w, p.idle = p.idle[n-1], p.idle[:n-1]
	} else {
		if p.closed {
			return nil, ErrClosed
		}
		var err error
		if w, err = startWorker(p.host, p.fn); err != nil {
			return nil, err
		}
		p.workers[w.id] = w
		p.host.wg.Go(func() { p.bury(w) })
		p.host.cfg.Log.Debug("worker started", slog.String("fn", p.fn.Name), slog.Int("pid", w.cmd.Process.Pid))
	}
	if len(p.killNext) > 0 {
		w.mu.Lock()
		w.killNext, w.killAfter = true, p.killNext[0]
		w.mu.Unlock()
		p.killNext = p.killNext[1:]
	}
	return w, nil
}

// keepKill saves the kill that was meant for an invocation which the process
// never took.
func (p *pool) keepKill(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.killNext {
		p.killNext = append([]time.Duration{w.killAfter}, p.killNext...)
	}
}

// putBack makes a process idle. It may still be on its way to ask for work.
func (p *pool) putBack(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.workers[w.id] == nil {
		return // it died in the meantime
	}
	if p.closed {
		p.retire(w)
		return
	}
	w.idleSince = time.Now()
	p.idle = append(p.idle, w)
}

// bury forgets a process when it has ended.
func (p *pool) bury(w *worker) {
	<-w.exited
	p.mu.Lock()
	delete(p.workers, w.id)
	for i, other := range p.idle {
		if other == w {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	p.host.cfg.Log.Info("worker ended", slog.String("fn", p.fn.Name),
		slog.Int("pid", w.cmd.Process.Pid), slog.String("reason", exitReason(w.exitErr)))
}

// retire ends a process in the background.
func (p *pool) retire(w *worker) {
	p.host.wg.Go(func() { w.stop(p.host.cfg.Grace) })
}

// reap ends the processes that have been idle since before t.
func (p *pool) reap(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	keep := p.idle[:0]
	for _, w := range p.idle {
		if w.idleSince.After(t) {
			keep = append(keep, w)
		} else {
			p.retire(w)
		}
	}
	clear(p.idle[len(keep):])
	p.idle = keep
}

// close ends idle processes and starts no more.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.reap(time.Now())
}

// stopAll ends every process: SIGTERM, then SIGKILL after the grace or when ctx ends.
func (p *pool) stopAll(ctx context.Context) {
	for _, w := range p.all() {
		p.retire(w)
		p.host.wg.Go(func() {
			select {
			case <-w.exited:
			case <-ctx.Done():
				w.kill()
			}
		})
	}
}

func (p *pool) all() []*worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*worker, 0, len(p.workers))
	for _, w := range p.workers {
		list = append(list, w)
	}
	return list
}

// kill sends SIGKILL to one process, preferably one that is busy. It returns
// false when there is none.
func (p *pool) kill() bool {
	var victim *worker
	for _, w := range p.all() { // in the map's random order
		w.mu.Lock()
		busy := w.current != nil
		w.mu.Unlock()
		if victim == nil || busy {
			victim = w
		}
		if busy {
			break
		}
	}
	if victim == nil {
		return false
	}
	victim.kill()
	return true
}

func (p *pool) find(id string) *worker {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.workers[id]
}
