package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"emodrop/shared/job"
)

// Call is one call of a port, about to be made.
type Call struct {
	// At is the time since the world began.
	At time.Duration
	// Function is submit, poll or finalize; Invocation its number in the world, and
	// By what brought the invocation about, the same in every run of a seed.
	Function   string
	Invocation int
	By         string
	// Op names the port and its method, such as "store.Admit", "vendor.create",
	// "outbox.put", "invoke.finalize", "topic.publish" or "event".
	Op string
	// Port is set when Op is a request to AWS: the port and its method that the request
	// is made for, such as "store.TransactWriteItems". An outage goes by either name.
	Port string
	// N counts the calls of Op in this world, from 1.
	N int
	// About is a key, an id or a name; empty when there is none.
	About string
	// Effect says that the call changes something; the others only read.
	Effect bool
	// Fate is what became of it.
	Fate Fate
	// lot decides, in a storm, what becomes of it: the same in every run of a seed.
	lot lot
}

// Fate is what becomes of a call.
type Fate int

// The fates. The zero value lets the call be.
const (
	Pass Fate = iota
	// FailBefore: an error, and nothing has happened.
	FailBefore
	// FailAfter: it has happened, but the answer is an error.
	FailAfter
	// KillBefore and KillAfter end the whole invocation there. Nothing more of it
	// happens.
	KillBefore
	KillAfter
	// Busy: other transactions were in the way, and nothing has happened. Only for
	// writes of the store; of other calls it makes FailBefore.
	Busy
)

func (f Fate) String() string {
	return [...]string{"pass", "fail before", "fail after", "kill before", "kill after", "busy"}[f]
}

// Fates are all that any call can have, but Pass.
func Fates() []Fate { return []Fate{FailBefore, FailAfter, KillBefore, KillAfter} }

// Plan decides about every call. It is asked one call at a time and must not call
// back into the World.
type Plan func(Call) Fate

// At is the plan that strikes one call: the n-th of an op.
func At(op string, n int, fate Fate) Plan {
	return func(c Call) Fate {
		if c.Op == op && c.N == n {
			return fate
		}
		return Pass
	}
}

// ErrInjected is what a call fails with when its fate says so.
var ErrInjected = errors.New("injected failure")

// errOver is what an invocation gets that has no right to do anything any more.
var errOver = errors.New("the invocation is over")

// SetPlan takes a new plan; nil lets every call be.
func (w *World) SetPlan(p Plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan = p
}

// Calls are all calls that were made, in their order.
func (w *World) Calls() []Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Call(nil), w.calls...)
}

// Count is how often calls of an op were made.
func (w *World) Count(op string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts[op]
}

// decide counts a call and says what becomes of it.
func (w *World) decide(inv *invocation, c Call) Call {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[c.Op]++
	c.At, c.N = time.Since(w.began), w.counts[c.Op]
	if inv != nil {
		c.Function, c.Invocation, c.By = inv.function, inv.number, inv.by
	}
	if w.plan != nil {
		c.Fate = w.plan(c)
	}
	if c.Fate == Pass {
		c.Fate = w.cfg.Storm.fate(c)
	}
	if c.Op == "store.Create" {
		w.made = append(w.made, c.About)
	}
	if !w.cfg.Forget {
		w.calls = append(w.calls, c)
	}
	return c
}

// do makes one call of a port, or what the plan and the storm make of it. Over the
// wire the calls of the store are the requests that they make.
func do[T any](ctx context.Context, w *World, op, about string, effect bool, f func() (T, error)) (T, error) {
	inv := invocationOf(ctx)
	if inv.over() {
		var zero T
		return zero, errOver
	}
	if w.cloud != nil && strings.HasPrefix(op, "store.") {
		if op == "store.Create" {
			w.mu.Lock()
			w.made = append(w.made, about)
			w.mu.Unlock()
		}
		return f()
	}
	v, _, err := carry(ctx, w, Call{Op: op, About: about, Effect: effect, lot: w.draw(inv, op, about)}, f)
	return v, err
}

// carry makes a call that has its lot. Every call takes a moment, during which the
// caller may die; no two calls are made in the same one, so that a world with a seed
// goes the same way every time.
func carry[T any](ctx context.Context, w *World, c Call, f func() (T, error)) (T, Call, error) {
	var zero T
	inv := invocationOf(ctx)
	there, back := w.cfg.Storm.latency(c.lot, c.Op, time.Since(w.began))
	if err := job.Pause(ctx, w.cfg.Latency+c.lot.spread()+there); err != nil {
		return zero, c, err
	}
	if inv.over() {
		return zero, c, errOver
	}
	c = w.decide(inv, c)
	switch c.Fate {
	case FailBefore:
		return zero, c, fmt.Errorf("%s #%d: %w", c.Op, c.N, ErrInjected)
	case Busy:
		return zero, c, fmt.Errorf("%s #%d: %w: other transactions were in the way", c.Op, c.N, job.ErrConflict)
	case KillBefore:
		inv.kill()
		return zero, c, errOver
	}
	v, err := f()
	switch c.Fate {
	case FailAfter:
		return zero, c, fmt.Errorf("%s #%d: %w", c.Op, c.N, ErrInjected)
	case KillAfter:
		inv.kill()
	}
	if inv.over() {
		return zero, c, errOver
	}
	if back > 0 && job.Pause(ctx, back) != nil || inv.over() {
		return zero, c, errOver // it has happened, and the caller never heard of it
	}
	return v, c, err
}

// done is do for calls that answer with an error alone.
func done(ctx context.Context, w *World, op, about string, effect bool, f func() error) error {
	_, err := do(ctx, w, op, about, effect, func() (struct{}, error) { return struct{}{}, f() })
	return err
}
