package memdb

import "time"

// action is one write, as a request of its own or as a part of a transaction.
type action struct {
	table *table
	key   string
	cond  condition // nil: none
	// One of these; none checks the condition alone.
	put    item
	update *update
	delete bool
}

// target is what every write request and every part of a transaction names.
type target struct {
	TableName           string
	Key                 map[string]attribute
	ConditionExpression *string
	placeholders
}

// prepare finds the table and the key, and reads the expressions.
func (in target) prepare(s *Server, updates *string) (action, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return action{}, err
	}
	a := action{table: t}
	if a.key, err = t.keyOf(in.Key); err != nil {
		return action{}, err
	}
	return a, a.read(in, updates)
}

func (a *action) read(in target, updates *string) error {
	sc, err := in.scope()
	if err != nil {
		return err
	}
	if updates != nil {
		u, err := sc.parser("UpdateExpression", *updates).update()
		if err != nil {
			return err
		}
		for _, p := range u.paths() {
			if p[0] == a.table.key {
				return invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", p[0])
			}
		}
		a.update = &u
	}
	if in.ConditionExpression != nil {
		if a.cond, err = sc.parser("ConditionExpression", *in.ConditionExpression).condition(); err != nil {
			return err
		}
	}
	return sc.unused()
}

// decide says what the action makes of the item that stands, or why it does not.
func (a action) decide() (before, after stored, err error) {
	before = a.table.items[a.key]
	if a.cond != nil && !a.cond(before.item) {
		return before, before, errCondition
	}
	switch {
	case a.put != nil:
		after = keep(a.put)
	case a.delete:
		return before, stored{}, nil
	case a.update != nil:
		it, err := a.update.apply(before.item, item{a.table.key: text(a.key)})
		if err != nil {
			return before, before, err
		}
		after = keep(it)
	default:
		return before, before, nil
	}
	return before, after, a.table.check(after)
}

var errCondition = refuse("ConditionalCheckFailedException", "The conditional request failed")

// single is a write that is a request of its own.
type single struct {
	op string
	action
	wanted
}

func (c single) keys() []string { return []string{c.key} }

func (c single) run(_ *Server, now time.Time) (any, Usage, error) {
	bill, m := Usage{}, Meter{Table: c.table.name, Op: c.op}
	before, after, err := c.decide()
	if err != nil {
		if err == errCondition {
			bill.count(m, Units{Write: writeUnits(before.size), Requests: 1})
		}
		return nil, bill, err
	}
	bill.count(m, Units{Write: writeUnits(max(before.size, after.size)), Requests: 1})
	c.table.replace(c.key, before, after, now, c.op, bill)
	return struct {
		ConsumedCapacity *consumed `json:",omitempty"`
	}{one(c.of(bill, false))}, bill, nil
}

func (s *Server) updateItem(body []byte) (call, error) {
	var in struct {
		target
		UpdateExpression *string
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if in.UpdateExpression == nil {
		return nil, unknown("an UpdateItem without an UpdateExpression")
	}
	a, err := in.prepare(s, in.UpdateExpression)
	if err != nil {
		return nil, err
	}
	return single{"UpdateItem", a, in.wanted}, in.check()
}

func (s *Server) deleteItem(body []byte) (call, error) {
	var in struct {
		target
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	a, err := in.prepare(s, nil)
	if err != nil {
		return nil, err
	}
	a.delete = true
	return single{"DeleteItem", a, in.wanted}, in.check()
}

// putting is a PutItem or a transaction's Put: its key is in its item.
type putting struct {
	TableName           string
	Item                map[string]attribute
	ConditionExpression *string
	placeholders
}

func (in putting) prepare(s *Server) (action, error) {
	t, err := s.table(in.TableName)
	if err != nil {
		return action{}, err
	}
	a := action{table: t}
	if a.put, err = itemOf(in.Item, 0); err != nil {
		return action{}, err
	}
	if a.put[t.key] == nil {
		return action{}, invalid("One or more parameter values were invalid: Missing the key %s in the item", t.key)
	}
	if a.key, err = t.checkKey(a.put[t.key]); err != nil {
		return action{}, err
	}
	// Nothing of it depends on what stands, so no condition is asked first.
	if err := t.check(keep(a.put)); err != nil {
		return action{}, err
	}
	return a, a.read(target{ConditionExpression: in.ConditionExpression, placeholders: in.placeholders}, nil)
}

func (s *Server) putItem(body []byte) (call, error) {
	var in struct {
		putting
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	a, err := in.prepare(s)
	if err != nil {
		return nil, err
	}
	return single{"PutItem", a, in.wanted}, in.check()
}

// getItem is a read of one item.
type getItem struct {
	table      *table
	key        string
	consistent bool
	wanted
}

func (s *Server) getItem(body []byte) (call, error) {
	var in struct {
		TableName      string
		Key            map[string]attribute
		ConsistentRead bool
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	t, err := s.table(in.TableName)
	if err != nil {
		return nil, err
	}
	key, err := t.keyOf(in.Key)
	if err != nil {
		return nil, err
	}
	return getItem{t, key, in.ConsistentRead, in.wanted}, in.check()
}

func (c getItem) keys() []string { return []string{c.key} }

// run shows the item as it is: an eventual read, which may be behind, is here as
// new as a consistent one and costs half.
func (c getItem) run(*Server, time.Time) (any, Usage, error) {
	it := c.table.items[c.key]
	n := readUnits(it.size)
	if !c.consistent {
		n /= 2
	}
	bill := Usage{{Table: c.table.name, Op: "GetItem"}: {Read: n, Requests: 1}}
	return struct {
		Item             item      `json:",omitempty"`
		ConsumedCapacity *consumed `json:",omitempty"`
	}{it.item, one(c.of(bill, false))}, bill, nil
}
