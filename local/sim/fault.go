package sim

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Call is one call of a port, about to be made.
type Call struct {
	// Function is submit, poll or finalize; Invocation its number in the world.
	Function   string
	Invocation int
	// Op names the port and its method, such as "store.Admit", "vendor.create",
	// "outbox.put", "invoke.finalize", "topic.publish" or "event".
	Op string
	// N counts the calls of Op in this world, from 1.
	N int
	// About is a key, an id or a name; empty when there is none.
	About string
	// Effect says that the call changes something; the others only read.
	Effect bool
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
)

func (f Fate) String() string {
	return [...]string{"pass", "fail before", "fail after", "kill before", "kill after"}[f]
}

// Fates are all that are not Pass.
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

// decide counts a call and says what becomes of it.
func (w *World) decide(inv *invocation, op, about string, effect bool) (Call, Fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[op]++
	c := Call{Op: op, N: w.counts[op], About: about, Effect: effect}
	if inv != nil {
		c.Function, c.Invocation = inv.function, inv.number
	}
	w.calls = append(w.calls, c)
	if w.plan == nil {
		return c, Pass
	}
	return c, w.plan(c)
}

// do makes one call of a port, or what the plan makes of it. Every call takes a
// moment, during which the caller may die.
func do[T any](ctx context.Context, w *World, op, about string, effect bool, f func() (T, error)) (T, error) {
	var zero T
	inv := invocationOf(ctx)
	if inv.over() {
		return zero, errOver
	}
	c, fate := w.decide(inv, op, about, effect)
	if err := pause(ctx, w.cfg.Latency); err != nil {
		return zero, err
	}
	switch {
	case inv.over():
		return zero, errOver
	case fate == FailBefore:
		return zero, fmt.Errorf("%s #%d: %w", c.Op, c.N, ErrInjected)
	case fate == KillBefore:
		inv.kill()
		return zero, errOver
	}
	v, err := f()
	switch {
	case fate == FailAfter:
		return zero, fmt.Errorf("%s #%d: %w", c.Op, c.N, ErrInjected)
	case fate == KillAfter:
		inv.kill()
	}
	if inv.over() {
		return zero, errOver
	}
	return v, err
}

// done is do for calls that answer with an error alone.
func done(ctx context.Context, w *World, op, about string, effect bool, f func() error) error {
	_, err := do(ctx, w, op, about, effect, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
