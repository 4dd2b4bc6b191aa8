package memdb

import "strings"

// condition says whether it holds for an item; nil for an item that is not there.
type condition func(item) bool

// condition reads a whole condition.
//
//	or        = and { OR and }
//	and       = not { AND not }
//	not       = [ NOT ] ( "(" or ")" | test )
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (p *parser) condition() (condition, error) {
	c := p.or()
	return c, p.end()
}

func (p *parser) or() condition {
	left := p.and()
	for p.take("OR") {
		l, r := left, p.and()
		left = func(it item) bool { return l(it) || r(it) }
	}
	return left
}

func (p *parser) and() condition {
	left := p.not()
	for p.take("AND") {
		l, r := left, p.not()
		left = func(it item) bool { return l(it) && r(it) }
	}
	return left
}

func (p *parser) not() condition {
	if p.take("NOT") {
		sizes := p.sizes
		c := p.not()
		if p.sizes > sizes && p.err == nil {
			p.err = unknown("whether NOT holds for the size of what is not there")
		}
		return func(it item) bool { return !c(it) }
	}
	first := p.next
	if !p.take("(") {
		return p.test()
	}
	c := p.or()
	last := p.next
	p.want(")")
	if p.group == [2]int{first + 1, last - 1} {
		p.fail("The expression has redundant parentheses;")
	}
	p.group = [2]int{first, last}
	return c
}

// test reads what compares or asks.
func (p *parser) test() condition {
	switch fn := p.peek(); fn {
	case "attribute_exists", "attribute_not_exists":
		p.next++
		p.want("(")
		at := p.path()
		p.want(")")
		return func(it item) bool { return (it.lookup(at) != nil) == (fn == "attribute_exists") }
	case "begins_with":
		p.next++
		p.want("(")
		o := p.operand()
		p.want(",")
		prefix := p.operand()
		p.want(")")
		p.distinct(fn, o, prefix)
		for _, x := range []operand{o, prefix} {
			if x.literal != nil && x.literal.kind() != "S" {
				p.fail("Incorrect operand type for operator or function; operator or function: begins_with, operand type: %s", x.literal.kind())
			}
		}
		return func(it item) bool {
			s, ok1 := o.of(it).(text)
			t, ok2 := prefix.of(it).(text)
			return ok1 && ok2 && strings.HasPrefix(string(s), string(t))
		}
	}
	o := p.operand()
	switch {
	case p.take("BETWEEN"):
		return p.between(o)
	case p.take("IN"):
		return p.in(o)
	}
	return p.comparison(o)
}

func (p *parser) comparison(l operand) condition {
	op := p.peek()
	holds, known := comparators[op]
	if !known {
		p.unexpected()
		return nil
	}
	p.next++
	r := p.operand()
	p.distinct(op, l, r)
	if op == "<>" && (l.sized || r.sized) && p.err == nil {
		p.err = unknown("whether <> holds for the size of what is not there")
	}
	switch op {
	case "=":
		return func(it item) bool { return equal(l.of(it), r.of(it)) }
	case "<>":
		return func(it item) bool { return !equal(l.of(it), r.of(it)) }
	}
	p.ordered(op, l, r)
	return func(it item) bool {
		c, ok := compare(l.of(it), r.of(it))
		return ok && holds(c)
	}
}

// comparators tell by the order of two values whether an operator holds.
var comparators = map[string]func(int) bool{
	"=": func(c int) bool { return c == 0 }, "<>": func(c int) bool { return c != 0 },
	"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 },
	">": func(c int) bool { return c > 0 }, ">=": func(c int) bool { return c >= 0 },
}

func (p *parser) between(o operand) condition {
	low, high := p.bounds()
	p.distinct("BETWEEN", o, low, high)
	p.ordered("BETWEEN", o, low, high)
	return func(it item) bool {
		v := o.of(it)
		c, ok1 := compare(low.of(it), v)
		d, ok2 := compare(v, high.of(it))
		return ok1 && ok2 && c <= 0 && d <= 0
	}
}

// bounds reads what follows BETWEEN.
func (p *parser) bounds() (low, high operand) {
	low = p.operand()
	p.want("AND")
	high = p.operand()
	if low.literal != nil && high.literal != nil && p.err == nil {
		switch c, ok := compare(low.literal, high.literal); {
		case !ok:
			p.fail("The BETWEEN operator requires same data type for lower and upper bounds")
		case c > 0:
			p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
		}
	}
	return low, high
}

func (p *parser) in(o operand) condition {
	p.want("(")
	all := []operand{p.operand()}
	for p.take(",") {
		all = append(all, p.operand())
	}
	p.want(")")
	p.distinct("IN", o, all...)
	if len(all) > 100 {
		p.fail("The IN operator is provided with too many operands; number of operands: %d", len(all))
	}
	return func(it item) bool {
		v := o.of(it)
		for _, x := range all {
			if equal(v, x.of(it)) {
				return true
			}
		}
		return false
	}
}
