package memdb

import (
	"iter"
	"strings"
	"time"
)

// maxPage is how much a query reads at once.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
const maxPage = 1 << 20

// query reads entries of one index, those of one hash key in order of the range key.
type query struct {
	index *index
	hash  text
	span  span
	limit int // 0: none
	desc  bool
	after *entry // begin behind this one
	wanted
}

// span is a stretch of range keys: what is neither under nor over it.
type span struct{ under, over func(value) bool }

func (s *Server) query(body []byte) (call, error) {
	var in struct {
		TableName, IndexName   string
		KeyConditionExpression string
		ScanIndexForward       *bool
		Limit                  *int
		ExclusiveStartKey      map[string]attribute
		ConsistentRead         bool
		placeholders
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	c := query{desc: in.ScanIndexForward != nil && !*in.ScanIndexForward, wanted: in.wanted}
	for _, ix := range t.indexes {
		if ix.name == in.IndexName {
			c.index = ix
		}
	}
	switch {
	case in.IndexName == "":
		return nil, unknown("a Query of the table itself")
	case c.index == nil:
		return nil, invalid("The table does not have the specified index: %s", in.IndexName)
	case in.ConsistentRead:
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	case in.Limit != nil && *in.Limit < 1:
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	case in.Limit != nil:
		c.limit = *in.Limit
	}
	sc, err := in.scope()
	if err != nil {
		return nil, err
	}
	if c.hash, c.span, err = sc.parser("KeyConditionExpression", in.KeyConditionExpression).keyCondition(c.index); err != nil {
		return nil, err
	}
	if err := sc.unused(); err != nil {
		return nil, err
	}
	if in.ExclusiveStartKey != nil {
		it, err := itemOf(in.ExclusiveStartKey, 0)
		if err != nil {
			return nil, err
		}
		at, ok := c.index.entryOf(it)
		if !ok || len(it) != 3 || at.hash != c.hash || at.place.kind() != kindOf(c.index.numeric) {
			return nil, invalid("The provided starting key is invalid")
		}
		c.after = &at
	}
	return c, in.check()
}

func (c query) keys() []string { return []string{string(c.hash)} }

func (c query) run(_ *Server, now time.Time) (any, Usage, error) {
	out := struct {
		Items               []item
		Count, ScannedCount int
		LastEvaluatedKey    item      `json:",omitempty"`
		ConsumedCapacity    *consumed `json:",omitempty"`
	}{Items: []item{}}
	size := 0
	for e := range c.entries(now) {
		it := c.index.item(e)
		out.Items, size = append(out.Items, it), size+it.size()
		// The page ends here even when nothing follows: nobody looks ahead.
		if len(out.Items) == c.limit || size >= maxPage {
			out.LastEvaluatedKey = it
			break
		}
	}
	out.Count, out.ScannedCount = len(out.Items), len(out.Items)
	bill := Usage{}
	bill.count(Meter{Table: c.index.table.name, Op: "Query"}, Units{Requests: 1})
	bill.count(Meter{c.index.table.name, c.index.name, "Query"}, Units{Read: readUnits(size) / 2})
	out.ConsumedCapacity = one(c.of(bill, false))
	return out, bill, nil
}

// entries are those the query is for, in its order.
func (c query) entries(now time.Time) iter.Seq[entry] {
	c.index.settle(now)
	part := c.index.parts[c.hash]
	if part == nil {
		return func(func(entry) bool) {}
	}
	return func(yield func(entry) bool) {
		if c.desc {
			for e := range part.below(func(e entry) bool {
				return c.span.over(e.place) || c.after != nil && e.compare(*c.after) >= 0
			}) {
				if c.span.under(e.place) || !yield(e) {
					return
				}
			}
			return
		}
		for e := range part.from(func(e entry) bool {
			return !c.span.under(e.place) && (c.after == nil || e.compare(*c.after) > 0)
		}) {
			if c.span.over(e.place) || !yield(e) {
				return
			}
		}
	}
}

// keyCondition reads hash = :value, and what may follow: AND range <= :value (or
// another comparison), BETWEEN two, begins_with one.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
func (p *parser) keyCondition(ix *index) (text, span, error) {
	p.key(ix.hash)
	p.want("=")
	hash, ok := p.literal().(text)
	if p.err == nil && !ok {
		p.fail("The hash key of index %s is a string", ix.name)
	}
	all := span{func(value) bool { return false }, func(value) bool { return false }}
	if p.take("AND") {
		all = p.span(ix)
	}
	return hash, all, p.end()
}

// key reads the name of a key.
func (p *parser) key(name string) {
	if got := p.path(); p.err == nil && (len(got) != 1 || got[0] != name) {
		p.fail("Query condition missed key schema element: %s", name)
	}
}

// place reads a value of the range key.
func (p *parser) place(ix *index) value {
	v := p.literal()
	if p.err == nil && v.kind() != kindOf(ix.numeric) {
		p.fail("Condition parameter type does not match schema type")
	}
	return v
}

func (p *parser) span(ix *index) span {
	order := func(v, bound value) int { c, _ := compare(v, bound); return c }
	if p.take("begins_with") {
		p.want("(")
		p.key(ix.rang)
		p.want(",")
		prefix := p.place(ix)
		p.want(")")
		s, ok := prefix.(text)
		if !ok && p.err == nil {
			p.fail("Incorrect operand type for operator or function; operator or function: begins_with, operand type: %s", prefix.kind())
		}
		return span{
			func(v value) bool { return order(v, prefix) < 0 },
			func(v value) bool { return order(v, prefix) > 0 && !strings.HasPrefix(string(v.(text)), string(s)) },
		}
	}
	p.key(ix.rang)
	if p.take("BETWEEN") {
		low := p.place(ix)
		p.want("AND")
		high := p.place(ix)
		return span{func(v value) bool { return order(v, low) < 0 }, func(v value) bool { return order(v, high) > 0 }}
	}
	op := p.peek()
	if _, known := comparators[op]; !known || op == "<>" {
		p.unexpected()
		return span{}
	}
	p.next++
	bound := p.place(ix)
	return span{
		func(v value) bool {
			return op == "=" && order(v, bound) < 0 || op == ">" && order(v, bound) <= 0 || op == ">=" && order(v, bound) < 0
		},
		func(v value) bool {
			return op == "=" && order(v, bound) > 0 || op == "<" && order(v, bound) >= 0 || op == "<=" && order(v, bound) > 0
		},
	}
}
