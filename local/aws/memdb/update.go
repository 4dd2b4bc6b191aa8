package memdb

import (
	"maps"
	"math/big"
	"slices"
)

// update is what an UpdateExpression does.
type update struct {
	set    []assignment
	remove []path
	add    []assignment
}

type assignment struct {
	path path
	val  value
}

// update reads a whole update: SET path = :value, …  REMOVE path, …  ADD name :number, …
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (p *parser) update() (update, error) {
	var u update
	seen := map[string]bool{}
	for p.next < len(p.tokens) {
		clause := ""
		switch {
		case p.take("SET"):
			clause = "SET"
			for more := true; more; more = p.take(",") {
				to := p.path()
				p.want("=")
				if t := p.peek(); t != "" && t[0] != ':' && p.err == nil {
					p.err = unknown("a SET of anything but a :placeholder, such as %q", t)
				}
				u.set = append(u.set, assignment{to, p.literal()})
			}
		case p.take("REMOVE"):
			clause = "REMOVE"
			for more := true; more; more = p.take(",") {
				u.remove = append(u.remove, p.path())
			}
		case p.take("ADD"):
			clause = "ADD"
			for more := true; more; more = p.take(",") {
				to := p.path()
				v := p.literal()
				if _, ok := v.(number); (!ok || len(to) > 1) && p.err == nil {
					p.err = unknown("an ADD of anything but a number to an attribute at the top")
				}
				u.add = append(u.add, assignment{to, v})
			}
		case p.take("DELETE"):
			p.err = unknown("DELETE in an UpdateExpression")
			return u, p.err
		default:
			p.unexpected()
		}
		if seen[clause] {
			p.fail("The %q section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
	}
	if err := p.end(); err != nil {
		return u, err
	}
	return u, p.disjoint(u.paths())
}

func (u update) paths() []path {
	all := slices.Clone(u.remove)
	for _, a := range u.set {
		all = append(all, a.path)
	}
	for _, a := range u.add {
		all = append(all, a.path)
	}
	return all
}

// disjoint refuses paths of which one leads through another.
func (p *parser) disjoint(all []path) error {
	for i, a := range all {
		for _, b := range all[:i] {
			n := min(len(a), len(b))
			if slices.Equal(a[:n], b[:n]) {
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", b, a)
				return p.err
			}
		}
	}
	return nil
}

// apply returns what the update makes of an item, which it leaves as it was. To
// remove from within an item that is not there is no error.
func (u update) apply(before item, key item) (item, error) {
	after := maps.Clone(before)
	if before == nil {
		after = maps.Clone(key)
	}
	for _, a := range u.set {
		if !put(after, a.path, a.val) {
			return nil, errPath
		}
	}
	for _, p := range u.remove {
		if !put(after, p, nil) && before != nil {
			return nil, errPath
		}
	}
	for _, a := range u.add {
		// What was there before counts, as with every operand of an update.
		sum, err := plus(before[a.path[0]], a.val.(number))
		if err != nil {
			return nil, err
		}
		after[a.path[0]] = sum
	}
	return after, nil
}

// plus adds a whole number to what is there; nothing counts as zero.
func plus(v value, n number) (value, error) {
	if v == nil {
		return n, nil
	}
	old, ok := v.(number)
	if !ok {
		return nil, invalid("An operand in the update expression has an incorrect data type")
	}
	a, ok1 := new(big.Int).SetString(old.plain, 10)
	b, ok2 := new(big.Int).SetString(n.plain, 10)
	if !ok1 || !ok2 {
		return nil, unknown("an ADD of fractions")
	}
	return parseNumber(a.Add(a, b).String())
}

var errPath = invalid("The document path provided in the update expression is invalid for update")

// put sets what is at a path, or removes it when v is nil. The maps on the way
// are copied, since others may see them. False when there is no way.
func put(in map[string]value, p path, v value) bool {
	if len(p) == 1 {
		if v == nil {
			delete(in, p[0])
		} else {
			in[p[0]] = v
		}
		return true
	}
	d, ok := in[p[0]].(document)
	if !ok {
		return false
	}
	d = maps.Clone(d)
	if !put(d, p[1:], v) {
		return false
	}
	in[p[0]] = d
	return true
}
