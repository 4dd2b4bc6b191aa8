package emo

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
)

// subject is what a call is about, for rules to match on: the paths of its inputs and its task.
type subject struct {
	names  []string // links without their query
	taskID string
}

func (s subject) matches(part string) bool {
	return part == "" || strings.Contains(s.taskID, part) ||
		slices.ContainsFunc(s.names, func(n string) bool { return strings.Contains(n, part) })
}

// RuleState is a rule and how often it matched and struck.
type RuleState struct {
	Rule  Rule `json:"rule"`
	Seen  int  `json:"seen"`
	Fired int  `json:"fired"`
}

// faultSet decides which call goes wrong: first by rule, then by the inputs' names, then by chance.
type faultSet struct {
	seed  uint64
	rates map[string]float64
	kinds []string // the rates' names, sorted, so that chance does not depend on map order

	mu     sync.Mutex
	lastID int
	rules  []*RuleState
	named  map[string]int    // strikes by a file's name
	calls  map[string]uint64 // calls seen of each op: the position in the seeded sequence
}

func newFaultSet(rules []Rule, seed uint64, rates map[string]float64) *faultSet {
	f := &faultSet{seed: seed, named: map[string]int{}, calls: map[string]uint64{}}
	f.setRates(rates)
	for _, r := range rules {
		f.add(r)
	}
	return f
}

func (f *faultSet) add(r Rule) Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lastID++
	r.ID = f.lastID
	f.rules = append(f.rules, &RuleState{Rule: r})
	return r
}

// setRates replaces the chances by which calls go wrong.
func (f *faultSet) setRates(rates map[string]float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rates, f.kinds = map[string]float64{}, nil
	for name, rate := range rates {
		f.rates[name] = rate
		f.kinds = append(f.kinds, name)
	}
	slices.Sort(f.kinds)
}

// remove takes away the rule with this id, or all for 0; it reports whether there was one.
func (f *faultSet) remove(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := len(f.rules)
	f.rules = slices.DeleteFunc(f.rules, func(r *RuleState) bool { return id == 0 || r.Rule.ID == id })
	return len(f.rules) < before
}

func (f *faultSet) list() []RuleState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]RuleState, 0, len(f.rules))
	for _, r := range f.rules {
		out = append(out, *r)
	}
	return out
}

// pick returns the fault that strikes this call, or nil.
func (f *faultSet) pick(op string, about subject) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Rule.op() != op || !about.matches(r.Rule.Match) {
			continue
		}
		if r.Rule.Count > 0 && r.Fired >= r.Rule.Count {
			continue
		}
		if r.Seen++; r.Seen <= r.Rule.After {
			continue
		}
		r.Fired++
		rule := r.Rule
		return &rule
	}
	for _, name := range about.names {
		rule, found := ruleInName(name)
		if !found || rule.op() != op {
			continue
		}
		key := op + " " + name
		if rule.Count > 0 && f.named[key] >= rule.Count {
			continue
		}
		f.named[key]++
		return &rule
	}
	return f.byChance(op)
}

// byChance draws from a sequence that depends on the seed, the operation and the call's number alone, so that calls of
// other operations do not shift it. The caller holds mu.
func (f *faultSet) byChance(op string) *Rule {
	if len(f.kinds) == 0 {
		return nil
	}
	f.calls[op]++
	for _, name := range f.kinds {
		only, kind, has := strings.Cut(name, ":")
		if !has {
			only, kind = "", name
		}
		k, _ := kindNamed(kind)
		if !slices.Contains(k.Ops, op) || (only != "" && only != op) {
			continue
		}
		h := fnv.New64a()
		_, _ = fmt.Fprintf(h, "%d %s %d %s", f.seed, op, f.calls[op], name)
		// FNV leaves its last bytes' traces in the low bits; one multiplication spreads them.
		x := h.Sum64()
		x = (x ^ x>>32) * 0x9e3779b97f4a7c15
		if float64(x>>11)/(1<<53) < f.rates[name] {
			return &Rule{Op: op, Kind: kind}
		}
	}
	return nil
}
