package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

// spentAttr begins the names of the gate's attributes that count what is spent, one
// for each day and each month. They are added to, without having been read: a new day
// begins by itself, in whichever write is its first.
const spentAttr = "spent:"

// How long a day and a month are kept: a doubt is taken back within a day or two, and
// clocks differ.
const (
	daysKept   = 4 * 24 * time.Hour
	monthsKept = 40 * 24 * time.Hour
)

// spentOf reads what is spent from the gate's item.
func spentOf(it item) map[string]job.Money {
	spent := map[string]job.Money{}
	for name, v := range it {
		key, ok := strings.CutPrefix(name, spentAttr)
		n, isNumber := v.(json.Number)
		if sum, err := n.Int64(); ok && isNumber && err == nil {
			spent[key] = job.Money(sum)
		}
	}
	return spent
}

// counted is what entries add to the gate's item.
func counted(entries ...job.Entry) (add []assign) {
	sums := job.Count(entries...)
	for _, key := range slices.Sorted(maps.Keys(sums)) {
		add = append(add, assign{at(spentAttr + key), number(int64(sums[key]))})
	}
	return add
}

// spending is the gate's part of what changes nothing else of it.
func spending(entries ...job.Entry) write {
	return write{key: gateKey, set: []assign{{at(writeAttr), newMark()}}, add: counted(entries...)}
}

// reserve has an admission hold only while the most that the film can cost fits into
// what the budget leaves, and forgets days that are long over. What is reserved stands
// in the slots: the fence says that none was admitted since the gate was read, their
// number that none came otherwise, and what is spent since counts as it stands.
func reserve(w *write, a job.Admission, most job.Money, now time.Time) error {
	for _, p := range job.Periods() {
		limit := a.Budget.Of(p)
		if limit == 0 {
			continue
		}
		key := at(spentAttr + p.Key(now))
		left := limit - a.Gate.Reserved() - most
		if left < 0 {
			return job.ErrConflict
		}
		w.conds = append(w.conds, oneOf(absent(key...), less(number(int64(left)+1), key...)))
	}
	if a.Budget.Set() {
		w.conds = append(w.conds, sizeLess(len(a.Gate.Slots)+1, "slots"))
	}
	for _, key := range slices.Sorted(maps.Keys(a.Gate.Spent)) {
		old := job.Day.Key(now.Add(-daysKept))
		if len(key) < len(old) {
			old = job.Month.Key(now.Add(-monthsKept))
		}
		if key < old {
			w.unset = append(w.unset, at(spentAttr+key))
		}
	}
	return nil
}

// CloseBudget stops all posting because a budget is reached, and writes the message that
// says so, once for each day or month and limit. False when the gate was closed already,
// or the day that it was seen in is over.
// It is not probed: poll reopens it when the budget allows for what waits.
func (s *Store) CloseBudget(ctx context.Context, by job.Shortage) (m job.Message, closed bool, err error) {
	g, err := s.Gate(ctx)
	if err != nil || g.Closed != nil {
		return job.Message{}, false, err
	}
	now := time.Now()
	if by.Of != "" && by.Of != by.Period.Key(now) {
		return job.Message{}, false, nil
	}
	c, err := encode(by.Closure(now))
	if err != nil {
		return job.Message{}, false, err
	}
	w := write{key: gateKey, set: []assign{{at("closed"), map[string]any(c)}, {at(writeAttr), newMark()}},
		unset: []path{at(dueIndex.hash), at(dueIndex.rang)}, conds: []cond{absent("closed")}}
	for _, p := range job.Periods() {
		if key := g.Told[p]; key != "" {
			w.conds = append(w.conds, equal(key, "told", string(p)))
		} else {
			w.conds = append(w.conds, absent("told", string(p)))
		}
	}
	ws := []write{w}
	if key := by.Key(now); g.Told[by.Period] != key {
		told := map[string]any{string(by.Period): key}
		for p, key := range g.Told {
			if p != by.Period {
				told[string(p)] = key
			}
		}
		ws[0].set = append(ws[0].set, assign{at("told"), told})
		m = job.BudgetMessage(by, now)
		note, err := newMessage(m)
		if err != nil {
			return job.Message{}, false, err
		}
		ws = append(ws, note)
	}
	err = s.t.write(ctx, ws...)
	if lost(err) {
		return job.Message{}, false, nil
	}
	return m, err == nil, err
}

// NoteBudget shows people which budget the functions keep.
func (s *Store) NoteBudget(ctx context.Context, b job.Budget) error {
	w := write{key: gateKey, set: []assign{{at(writeAttr), newMark()}}, unset: []path{at("budget")}}
	if b.Set() {
		it, err := encode(b)
		if err != nil {
			return err
		}
		w.set, w.unset = append(w.set, assign{at("budget"), map[string]any(it)}), nil
	}
	return s.t.write(ctx, w)
}
