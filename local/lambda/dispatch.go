package lambda

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// dispatch hands out batches until the queue is closed.
func (q *Queue) dispatch() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-q.stop:
			return
		case <-q.wake:
		case <-timer.C:
		}
		for {
			dead, batch, wait := q.pick(time.Now())
			q.bury(dead)
			if len(batch) > 0 {
				q.wg.Go(func() { q.deliver(batch) })
			}
			if len(dead) == 0 && len(batch) == 0 {
				if wait > 0 {
					timer.Reset(wait)
				} else {
					timer.Stop()
				}
				break
			}
			select {
			case <-q.stop:
				return
			default:
			}
		}
	}
}

// pick takes the dead messages and at most one batch, all held from now on. When
// there are none, wait is the time until there may be some; zero means until
// something changes.
func (q *Queue) pick(now time.Time) (dead, batch []*pending, wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.running >= q.cfg.MaximumConcurrency {
		return nil, nil, 0 // the end of a delivery changes that
	}
	var ready []*pending
	soon := func(at time.Time) {
		if d := at.Sub(now); wait == 0 || d < wait {
			wait = d
		}
	}
	for _, m := range q.pending {
		switch {
		case m.held:
		case m.visibleAt.After(now):
			soon(m.visibleAt)
		case m.Receives >= q.cfg.MaxReceive:
			m.held = true
			dead = append(dead, m)
		default:
			ready = append(ready, m)
		}
	}
	if len(dead) > 0 {
		return dead, nil, 0
	}
	if len(ready) == 0 {
		return nil, nil, wait
	}
	slices.SortFunc(ready, func(a, b *pending) int {
		return cmp.Or(a.visibleAt.Compare(b.visibleAt), cmp.Compare(a.seq, b.seq))
	})
	if full := ready[0].visibleAt.Add(q.cfg.Window); len(ready) < q.cfg.BatchSize && full.After(now) {
		soon(full)
		return nil, nil, wait
	}
	size := 0
	for _, m := range ready {
		size += encodedSize(m.Message)
		if len(batch) == q.cfg.BatchSize || len(batch) > 0 && size > q.maxBatch {
			break
		}
		m.held = true
		m.Receives++
		if m.FirstReceived.IsZero() {
			m.FirstReceived = now
		}
		m.visibleAt = now.Add(q.cfg.VisibilityTimeout)
		q.note(q.journal.received(m.Message))
		batch = append(batch, m)
	}
	q.running++
	return nil, batch, 0
}

// bury gives dead messages away. They are forgotten after OnDead, so that none is
// lost between.
func (q *Queue) bury(dead []*pending) {
	for _, m := range dead {
		q.cfg.Log.Warn("message is dead", slog.String("fn", q.cfg.Function), slog.String("message_id", m.ID))
		if q.cfg.OnDead != nil {
			q.cfg.OnDead(m.Message)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forget(dead)
}

// deliver invokes the function with a batch and settles it. What failed stays
// hidden until its visibility timeout ends.
func (q *Queue) deliver(batch []*pending) {
	failed, counted := q.attempt(batch)
	q.mu.Lock()
	defer q.mu.Unlock()
	var good []*pending
	for _, m := range batch {
		switch {
		case !failed(m.ID):
			good = append(good, m)
		case !counted:
			m.Receives--
			q.note(q.journal.received(m.Message))
		}
		m.held = false
	}
	q.forget(good)
	q.running--
	q.changed()
}

// attempt invokes the function, again and again while no worker is free and the
// messages are hidden. counted is false when the function cannot have seen them,
// because the invoker was closed.
func (q *Queue) attempt(batch []*pending) (failed func(id string) bool, counted bool) {
	all := func(string) bool { return true }
	payload, err := q.sqsEvent(batch)
	if err != nil {
		q.note(err)
		return all, true
	}
	hidden := batch[0].visibleAt // the same for all; only this delivery may change it
	backoff := throttleWait
	for {
		res, err := q.invoker.Invoke(q.ctx, q.cfg.Function, payload)
		switch {
		case err == nil:
			return q.judge(batch, res), true
		case errors.Is(err, ErrClosed):
			return all, false
		case q.ctx.Err() != nil:
			return all, true
		}
		if time.Now().Add(backoff).After(hidden) {
			q.note(err)
			return all, true
		}
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-q.stop:
			timer.Stop()
			return all, false
		}
		backoff = min(2*backoff, throttleWaitMax)
	}
}

// judge returns which messages the answer says have failed.
func (q *Queue) judge(batch []*pending, res Result) func(id string) bool {
	if res.FunctionError != "" {
		q.cfg.Log.Warn("batch failed", slog.String("fn", q.cfg.Function), slog.String("request_id", res.RequestID))
		return func(string) bool { return true }
	}
	if !q.cfg.ReportBatchItemFailures {
		return func(string) bool { return false }
	}
	known := make(map[string]bool, len(batch))
	for _, m := range batch {
		known[m.ID] = true
	}
	failed, err := parseBatchAnswer(res.Payload, known)
	if err != nil {
		q.note(err)
		return func(string) bool { return true }
	}
	return func(id string) bool { return failed[id] }
}

// forget drops messages for good. The caller holds mu.
func (q *Queue) forget(list []*pending) {
	for _, m := range list {
		delete(q.pending, m.ID)
		q.note(q.journal.deleted(m.ID))
	}
	q.note(q.journal.compact(q.pending))
}

// note logs what nobody can be told. The worst that follows from an unwritten
// change is that a message comes once more.
func (q *Queue) note(err error) {
	if err != nil {
		q.cfg.Log.Warn("queue", slog.String("fn", q.cfg.Function), slog.Any("err", err))
	}
}
