package sim

import (
	"cmp"
	"strings"
	"time"
)

// Storm is what goes wrong by chance in a world, and until when. Chances are for one
// call, from 0 to 1, and the same seed has the same luck. The zero value: nothing
// goes wrong.
type Storm struct {
	// Ends is when the storm is over, from the world's beginning.
	Ends time.Duration
	// Fail and Lose are for calls that change something: an error, and nothing has
	// happened; an error, and it has. Busy is for writes of the store that met other
	// transactions. Miss is for calls that only read.
	Fail, Lose, Busy, Miss float64
	// Die is for the invocation's death at a call that changes something, as often
	// before as after.
	Die float64
	// Slow is for a call that takes up to SlowBy, as often on its way as on the way
	// of its answer: long enough for an invocation to outlive what it holds.
	Slow   float64
	SlowBy time.Duration
	// Frozen is for the instants in which it matters most: the machine stands still when
	// it is about to write a job, a film or a record or to be admitted, or has just done
	// so, for minutes. Moves are many and films few: an eighth and twice as often.
	Frozen float64
	// Stale is for records that are written up to ten seconds after what they say was so, or
	// whose writer learns it so much later: no longer does anybody wait for a channel.
	Stale float64
	// Cut is for answers of the vendor that end in the middle.
	Cut float64
	// Lost, Twice and Late are for hints: events of the bucket, and invocations by
	// other functions. A late one is held back by up to LateBy.
	Lost, Twice, Late float64
	LateBy            time.Duration
	// Outages are times in which a part of the world does not answer at all.
	Outages []Outage
}

// Outage is a time in which every call whose op begins with Ops fails and has no
// effect. "lost:" before it means hints that are taken and never arrive, and "tick"
// the schedule.
type Outage struct {
	Ops      string
	From, To time.Duration
}

// The questions that a lot answers; 0 is the spread.
const (
	askFate = 1 + iota
	askSlow
	askSlowBy
	askBack
	askHint
	askTwice
	askLate
	askLateBy
	askFrozen
	askCut
)

func (s *Storm) out(op string, at time.Duration) bool {
	for _, o := range s.Outages {
		if at >= o.From && at < o.To && strings.HasPrefix(op, o.Ops) {
			return true
		}
	}
	return false
}

// fate is what becomes of a call.
func (s *Storm) fate(c Call) Fate {
	if s.out(c.Op, c.At) || c.Port != "" && s.out(c.Port, c.At) {
		return FailBefore
	}
	if c.At >= s.Ends || c.Op == "event" {
		return Pass
	}
	u := c.lot.unit(askFate)
	if !c.Effect {
		if u < s.Miss {
			return FailBefore
		}
		return Pass
	}
	for _, f := range []struct {
		chance float64
		fate   Fate
	}{
		{s.Die / 2, KillBefore}, {s.Die / 2, KillAfter}, {s.Fail, FailBefore}, {s.Lose, FailAfter}, {s.Busy, Busy},
	} {
		if u < f.chance {
			if f.fate == Busy && !strings.HasPrefix(cmp.Or(c.Port, c.Op), "store.") {
				return FailBefore
			}
			return f.fate
		}
		u -= f.chance
	}
	return Pass
}

// latency is what a call takes longer than usual, there and back.
func (s *Storm) latency(l lot, op string, at time.Duration) (there, back time.Duration) {
	if at >= s.Ends {
		return 0, 0
	}
	var d time.Duration
	u := l.unit(askSlowBy)
	switch frozen := l.unit(askFrozen); {
	case op == "store.Move" && frozen < s.Frozen/8, op == "store.MoveNamed" && frozen < s.Frozen/2, (op == "store.Admit" || op == "store.Create") && frozen < s.Frozen:
		d = time.Duration(u * float64(2*time.Minute))
	case op == "outbox.record" && frozen < s.Frozen:
		d = time.Duration(u * float64(2*time.Minute))
	case op == "outbox.record" && frozen < s.Stale:
		d = time.Duration(u * float64(10*time.Second))
	case op == "outbox.put" && frozen < 2*s.Frozen:
		d = time.Duration(u * float64(4*time.Minute))
	case l.unit(askSlow) < s.Slow:
		// Most are a little slow, a few very much.
		d = time.Duration(u * u * u * float64(s.SlowBy))
	}
	if l.unit(askBack) < .5 {
		return d, 0
	}
	return 0, d
}

// cut says whether an answer ends in the middle.
func (s *Storm) cut(c lot, at time.Duration) bool { return at < s.Ends && c.unit(askCut) < s.Cut }

// copies are the waits of a hint's copies until they arrive; none when it is lost.
func (s *Storm) copies(l lot, op string, at time.Duration) []time.Duration {
	if s.out("lost:"+op, at) {
		return nil
	}
	if at >= s.Ends {
		return []time.Duration{0}
	}
	if l.unit(askHint) < s.Lost {
		return nil
	}
	wait := func(n uint64) time.Duration {
		if l.unit(askLate+16*n) < s.Late {
			return l.between(askLateBy+16*n, 0, s.LateBy)
		}
		return 0
	}
	copies := []time.Duration{wait(0)}
	if l.unit(askTwice) < s.Twice {
		copies = append(copies, wait(1))
	}
	return copies
}

// silent says whether the schedule is out.
func (w *World) silent(function string) bool {
	return w.cfg.Storm.out("tick "+function, time.Since(w.began))
}
