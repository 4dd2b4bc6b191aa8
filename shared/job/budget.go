package job

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Budget is the most that films may cost in a day and in a month of the vendor's. A
// zero amount is no limit.
type Budget struct {
	Daily   Money `json:"daily,omitempty"`
	Monthly Money `json:"monthly,omitempty"`
}

// Set reports whether there is any limit.
func (b Budget) Set() bool { return b.Daily > 0 || b.Monthly > 0 }

// Of is the limit of a period; zero: none.
func (b Budget) Of(p Period) Money {
	if p == Month {
		return b.Monthly
	}
	return b.Daily
}

// Period is what a limit holds for.
type Period string

// The periods.
const (
	Day   Period = "day"
	Month Period = "month"
)

// Periods are both, the longer one first: what the month does not allow, a new day
// does not either.
func Periods() []Period { return []Period{Month, Day} }

// Bills is the clock by which days and months begin: Alibaba's bills are issued by it
// (https://www.alibabacloud.com/help/en/user-center/user-guide/how-to-manage-bills, 2026).
// ASSUMED: a film of midnight is dated by it too; nothing says so.
var Bills = time.FixedZone("UTC+8", 8*60*60)

// Key names the day or the month of a time: "2026-11-27", "2026-11". Keys of one
// period order as their times do.
func (p Period) Key(t time.Time) string {
	if p == Month {
		return t.In(Bills).Format("2006-01")
	}
	return t.In(Bills).Format(time.DateOnly)
}

// End is when the day or the month of a time is over.
func (p Period) End(t time.Time) time.Time {
	y, m, d := t.In(Bills).Date()
	if p == Month {
		return time.Date(y, m+1, 1, 0, 0, 0, 0, Bills).UTC()
	}
	return time.Date(y, m, d+1, 0, 0, 0, 0, Bills).UTC()
}

// yuan is an amount as people write one: no sign, no more than a fen is worth a
// hundredth of, and far from where an int64 ends.
var yuan = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,4})?$`)

// ParseMoney reads a plain number of yuan, "100" or "99.50"; an error for anything
// else, a sign and zero included.
func ParseMoney(s string) (Money, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if yuan.MatchString(s) {
		n, err := strconv.ParseInt(whole+(frac + "000000")[:6], 10, 64)
		if err == nil && n > 0 {
			return Money(n), nil
		}
	}
	return 0, fmt.Errorf("%q: want an amount in CNY such as 100 or 99.50", s)
}

// Limit is the amount as ParseMoney reads it; empty for no limit.
func (m Money) Limit() string {
	if m == 0 {
		return ""
	}
	return m.Decimal()
}

// Most is the most that the job's film can cost: the quote, for a film as much longer
// than its recording as one may be that still fits it (see finalize). Zero once the
// film has been billed, and for a job that has no quote.
func (j Job) Most() Money {
	switch {
	case j.Billed > 0:
		return 0
	case j.Audio.Seconds <= 0:
		return j.Quoted
	}
	s := j.Audio.Seconds
	return Money(math.Ceil(float64(j.Quoted) / s * (s + Leeway(s))))
}

// Leeway is by how many seconds a film may be longer or shorter than its recording.
// ASSUMED: the vendor keeps to the recording's length within a second or a twentieth of
// it; its one published example says nothing of it.
func Leeway(seconds float64) float64 { return max(1, seconds/20) }

// Reserved is the most that the tasks at the vendor can still cost.
func (g Gate) Reserved() (sum Money) {
	for _, s := range g.Slots {
		sum += s.Reserved
	}
	return sum
}

// Waits for money, and what nothing waits for.
const (
	// Tight: what is at the vendor may use the budget up. It ends with the next task.
	Tight Wait = "what is at the vendor may use the budget up"
	// Reached: what is spent leaves too little. It ends with the period.
	Reached Wait = "budget reached"
	// Dear: it costs more than a whole period may. It never ends by itself.
	Dear Wait = "dearer than the whole budget"
)

// Shortage is where a budget leaves too little. The zero value is nowhere.
type Shortage struct {
	Period Period `json:"period"`
	// Limit of the period, Spent in it, and the most that the next film may cost.
	Limit Money `json:"limit"`
	Spent Money `json:"spent"`
	Need  Money `json:"need"`
	// Of is the key of the day or month that it was seen in; empty: of whichever it is.
	Of string `json:"-"`
}

// Affords says whether a film that costs need at most may be ordered now; if not, why
// and by which limit.
func (g Gate) Affords(b Budget, need Money, now time.Time) (Wait, Shortage) {
	wait, by := Go, Shortage{}
	for _, p := range Periods() {
		limit, spent := b.Of(p), g.Spent[p.Key(now)]
		s := Shortage{p, limit, spent, need, p.Key(now)}
		switch {
		case limit == 0:
		case need > limit:
			return Dear, s
		case spent+need > limit:
			if wait != Reached {
				wait, by = Reached, s
			}
		case spent+g.Reserved()+need > limit && wait == Go:
			wait, by = Tight, s
		}
	}
	return wait, by
}

// Left is what a period still has for further films, by the budget that the gate shows;
// false without a limit. Never negative.
func (g Gate) Left(p Period, now time.Time) (Money, bool) {
	limit := g.Budget.Of(p)
	return max(0, limit-g.Spent[p.Key(now)]-g.Reserved()), limit > 0
}

// Key names a closure by this shortage: one is told once.
func (s Shortage) Key(now time.Time) string {
	return s.Period.Key(now) + " " + s.Limit.Decimal()
}

// Closure is why the gate closes for it.
func (s Shortage) Closure(now time.Time) Closure {
	return Closure{Code: CodeBudget, Detail: s.Fact(), Since: now.UTC().Truncate(time.Millisecond), Need: s.Need}
}

// Fact is the limit in words that package words knows: "CNY 100.00 a day".
func (s Shortage) Fact() string { return "CNY " + s.Limit.Decimal() + " a " + string(s.Period) }

// BudgetMessage tells that a budget is reached, under an id that one day or month has
// once for each limit, and that has no dot: a webhook's signature ends it there. It is
// about no hand-in, so it has no record.
func BudgetMessage(s Shortage, at time.Time) Message {
	at = at.UTC().Truncate(time.Millisecond)
	return Message{ID: "budget-" + strings.NewReplacer(" ", "-", ".", "_").Replace(s.Key(at)), Fault: &Fault{Code: CodeBudget, Detail: s.Fact()},
		Short: &s, At: at, Unsent: []Channel{Topic, Bus, Webhook}, Due: at.Add(senderFirst)}
}

// Doubt is money that the budget counts although nobody knows whether it was charged.
// The zero value is none.
type Doubt struct {
	Sum Money `json:"sum"`
	// At is when it was counted: taken back, it is taken back from that day.
	At time.Time `json:"at"`
}

// Entry is one change of what is counted as spent, at the day and in the month of a
// time.
type Entry struct {
	Sum Money
	At  time.Time
}

// Count adds entries up, by the keys of their days and months. A sum of nothing is left
// out.
func Count(entries ...Entry) map[string]Money {
	sums := map[string]Money{}
	for _, e := range entries {
		for _, p := range Periods() {
			sums[p.Key(e.At)] += e.Sum
		}
	}
	for k, v := range sums {
		if v == 0 {
			delete(sums, k)
		}
	}
	return sums
}

// Take is the entry that takes a doubt back.
func (d Doubt) Take() Entry { return Entry{-d.Sum, d.At} }

// Settle is what a move does to the count of what is spent: the job with its doubt as
// it stands then, what a stray that the move leaves behind takes over, and the entries.
//
// What the record says was charged is counted when it says so. A job that leaves the
// vendor while nobody knows whether it was charged counts as if it had been, at the
// most that it can have cost. That is taken back when the task turns out to have cost
// nothing, or has its slot back, which reserves as much.
func Settle(from, to Job, now time.Time) (moved Job, stray Doubt, entries []Entry) {
	if paid := to.Billed + to.Wasted - from.Billed - from.Wasted; paid != 0 {
		entries = append(entries, Entry{paid, now})
	}
	_, strays := StrayOf(from, to)
	known := from.Billed+from.Wasted != to.Billed+to.Wasted
	switch {
	case from.State.HoldsSlot() && !to.State.HoldsSlot() && !known && (strays || to.State == Held || to.State == Expired):
		d := Doubt{from.Most(), now.UTC().Truncate(time.Millisecond)}
		if d.Sum == 0 {
			break
		}
		entries = append(entries, Entry(d))
		switch {
		case strays:
			stray = d
		case to.State == Held:
			to.Doubt = d
		} // of one that has expired nobody will ever know more
	case from.Doubt.Sum > 0 && from.State == Held && to.State != Held:
		switch {
		case strays:
			stray = from.Doubt
		case to.State.HoldsSlot():
			entries = append(entries, from.Doubt.Take())
		}
		to.Doubt = Doubt{}
	}
	return to, stray, entries
}
