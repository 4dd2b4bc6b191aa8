package sim

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"emodrop/shared/job"
)

// limited is a budget and since when it holds.
type limited struct {
	from time.Time
	job.Budget
}

// untilMidnight is from when a bubble's time begins until its first day, and its first
// month, end by the vendor's bills: it begins at 2000-01-01 00:00 UTC.
const (
	untilMidnight = 16 * time.Hour
	untilMonthEnd = 30*24*time.Hour + untilMidnight
)

// spend gives every fourth stack a budget, often too small for all that is handed in, and
// a midnight during the storm or soon after it. Those who run it may change the budget
// meanwhile, and lift it in the end. It has chance of its own: see hook.
func (s *Schedule) spend(seed uint64, storm time.Duration) {
	r := rand.New(rand.NewPCG(seed, 0x6d6f6e6579))
	if r.IntN(4) != 0 || s.Busy > 0 {
		return
	}
	s.Spend(r, storm)
}

// Spend is a budget drawn by r for a schedule with that storm.
func (s *Schedule) Spend(r *rand.Rand, storm time.Duration) {
	turn := 5*time.Minute + time.Duration(r.Int64N(int64(storm+10*time.Minute)))
	some := func() job.Money { return job.Yuan/5 + job.Money(r.Int64N(int64(job.Yuan))) }
	draw := func() (b job.Budget) {
		if b.Daily = some(); r.IntN(2) == 0 {
			b.Monthly = b.Daily + some()
		}
		return b
	}
	s.Config.Budget, s.Config.Begin = draw(), untilMidnight-turn
	if r.IntN(4) == 0 {
		s.Config.Begin = untilMonthEnd - turn
	}
	if r.IntN(2) == 0 {
		b := draw()
		s.Acts = append(s.Acts, Act{At: time.Duration(r.Int64N(int64(turn))), Budget: &b})
	}
	s.Acts = append(s.Acts, Act{At: max(turn, storm) + 15*time.Minute, Budget: &job.Budget{}})
}

// SetBudget changes the budget, as a deployment does: who is at work goes on with the
// one that it began with.
func (w *World) SetBudget(b job.Budget) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg.Budget = b
	w.watch.budgets = append(w.watch.budgets, limited{time.Now(), b})
	w.idle = map[string][]process{}
}

// limit is the most that a period that had begun then may cost; false where nobody
// limited it at some time of it.
func (w *World) limit(p job.Period, now time.Time) (most job.Money, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, l := range w.watch.budgets {
		if l.from.After(now) || i+1 < len(w.watch.budgets) && p.Key(w.watch.budgets[i+1].from.Add(limits["submit"])) < p.Key(now) {
			continue
		}
		if l.Of(p) == 0 {
			return 0, false
		}
		most = max(most, l.Of(p))
	}
	return most, most > 0
}

// affordable looks at a job whose create call leaves now: what our tasks have cost in the
// day and in the month by the vendor's ledger, and what those that are open and this one
// can cost at most, is within the budget. It does not count a task of an earlier day that
// its job has gone on without: it counted on that day.
func (w *World) affordable(j job.Job) {
	now := time.Now()
	limits := map[job.Period]job.Money{}
	for _, p := range job.Periods() {
		if limit, ok := w.limit(p, now); ok {
			limits[p] = limit
		}
	}
	if len(limits) == 0 {
		return
	}
	charged := map[string]job.Money{}
	at := map[string]time.Time{}
	for _, c := range w.Films() {
		charged[c.TaskID] = w.profile.Price(job.Ratio(c.Ratio), c.Seconds)
		at[c.TaskID] = c.Time
	}
	for _, p := range job.Periods() {
		limit, ok := limits[p]
		if !ok {
			continue
		}
		spent := mostOf(j)
		for _, t := range w.Emulator.Tasks() {
			id := jobOf(t)
			owner, err := w.Store.Job(context.Background(), id)
			if err != nil {
				continue // somebody else's
			}
			its := owner.Task != nil && owner.Task.ID == t.ID && !owner.Task.Adopted
			if p.Key(t.Submitted) != p.Key(now) && !its {
				continue
			}
			switch cost, paid := charged[t.ID]; {
			case paid && p.Key(at[t.ID]) == p.Key(now):
				spent += cost
			case t.Ended.IsZero():
				spent += mostOf(owner)
			}
		}
		if spent > limit {
			w.breach("budget: %s is posted, and with it the %s may cost %s; %s is allowed", j.Name, p, spent, limit)
		}
	}
}

// mostOf is the most that a film of the job's costs, billed or not.
func mostOf(j job.Job) job.Money {
	j.Billed = 0
	return j.Most()
}

// closed notes that a budget closed the gate, and whether that is to be told.
func (w *World) closed(by job.Shortage, m job.Message) {
	id := job.BudgetMessage(by, time.Now()).ID
	w.mu.Lock()
	again := m.ID != "" && w.watch.short[id]
	w.watch.short[id] = w.watch.short[id] || m.ID != ""
	w.mu.Unlock()
	if again {
		w.breach("budget: it is told again that %s is used up", by.Fact())
	}
}

// judgeBudget: no day and no month cost more than its budget and one task, by the
// vendor's ledger; and whoever was stopped was told why.
func (w *World) judgeBudget(v *Verdict, jobs map[string]job.Job) {
	sums, one := map[string]job.Money{}, map[string]job.Money{}
	when := map[string]time.Time{}
	tasks := map[string]string{}
	for _, t := range w.Emulator.Tasks() {
		tasks[t.ID] = jobOf(t)
	}
	for _, c := range w.Films() {
		j, ours := jobs[tasks[c.TaskID]]
		if !ours {
			continue
		}
		for _, p := range job.Periods() {
			k := p.Key(c.Time)
			sums[k] += w.profile.Price(job.Ratio(c.Ratio), c.Seconds)
			one[k] = max(one[k], mostOf(j))
			when[k] = c.Time
		}
	}
	for _, k := range slices.Sorted(maps.Keys(sums)) {
		p := job.Day
		if len(k) == len("2006-01") {
			p = job.Month
		}
		if limit, ok := w.limit(p, when[k]); ok && sums[k] > limit+one[k] {
			v.wrong("budget: %s cost %s, and %s was allowed", k, sums[k], limit)
		}
	}
	told := map[string]bool{}
	for _, e := range w.Events() {
		if e.DetailType == "EMO Budget Reached" {
			told[e.ID] = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(w.watch.short)) {
		if !told[id] {
			v.wrong("budget: the gate was closed and nobody was told (%s)", id)
		}
	}
}

// judgeCount: each film's record says what the vendor's ledger does, and the gate counts
// all that was charged, and besides only what may have been.
func (w *World) judgeCount(v *Verdict, jobs map[string]job.Job) {
	ctx := context.Background()
	tasks := map[string]string{}
	for _, t := range w.Emulator.Tasks() {
		tasks[t.ID] = jobOf(t)
	}
	var charged, counted, doubts job.Money
	for _, c := range w.Films() {
		j, ours := jobs[tasks[c.TaskID]]
		if !ours {
			continue
		}
		price := w.profile.Price(job.Ratio(c.Ratio), c.Seconds)
		charged += price
		if j.State == job.Succeeded && j.Task != nil && j.Task.ID == c.TaskID && j.Billed != price {
			v.wrong("money: %s cost %s, and its record says %s", j.Name, price, j.Billed)
		}
	}
	for _, j := range jobs {
		if j.State == job.Expired {
			doubts += mostOf(j) // nobody will ever know
		}
	}
	g, err := w.Store.Gate(ctx)
	due, derr := w.Store.Due(ctx, time.Now().Add(48*time.Hour), everything)
	if err = errors.Join(err, derr); err != nil {
		v.wrong("gate: %v", err)
		return
	}
	for key, sum := range g.Spent {
		if len(key) == len(time.DateOnly) {
			counted += sum
		}
	}
	for _, d := range due {
		if d.Kind != job.DueStray {
			continue
		}
		if st, err := w.Store.Stray(ctx, d.ID); err == nil {
			doubts += st.Doubt.Sum
		}
	}
	if counted < charged || counted > charged+doubts {
		v.wrong("budget: %s were charged, %s may have been besides, and %s are counted", charged, doubts, counted)
	}
}
