package memdb

import (
	"crypto/sha256"
	"encoding/json"
	"time"
)

// The bounds of a transaction.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-api
const (
	maxActions     = 100
	maxTransaction = 4 << 20
)

// part is one write of a transaction, by its kind.
type part struct {
	ConditionCheck *target  `json:",omitempty"`
	Delete         *target  `json:",omitempty"`
	Put            *putting `json:",omitempty"`
	Update         *struct {
		target
		UpdateExpression *string
	} `json:",omitempty"`
}

func (p part) prepare(s *Server) (a action, err error) {
	given := 0
	if p.ConditionCheck != nil {
		given++
		if p.ConditionCheck.ConditionExpression == nil {
			return a, invalid("The ConditionExpression of a ConditionCheck must be given")
		}
		a, err = p.ConditionCheck.prepare(s, nil)
	}
	if p.Delete != nil {
		given++
		a, err = p.Delete.prepare(s, nil)
		a.delete = true
	}
	if p.Put != nil {
		given++
		a, err = p.Put.prepare(s)
	}
	if p.Update != nil {
		given++
		if p.Update.UpdateExpression == nil {
			return a, invalid("The UpdateExpression of an Update must be given")
		}
		a, err = p.Update.prepare(s, p.Update.UpdateExpression)
	}
	if given != 1 {
		return a, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	return a, err
}

// transaction is a write of several items, all or none.
type transaction struct {
	actions []action
	token   string
	request [sha256.Size]byte // all of it that the token stands for
	wanted
}

func (s *Server) transactWriteItems(body []byte) (call, error) {
	var in struct {
		TransactItems      []part
		ClientRequestToken string
		wanted
	}
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	if n := len(in.TransactItems); n < 1 || n > maxActions {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxActions)
	}
	if len(in.ClientRequestToken) > 36 {
		return nil, invalid("1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36")
	}
	c := transaction{token: in.ClientRequestToken, wanted: in.wanted}
	type place struct {
		t   *table
		key string
	}
	seen := map[place]bool{}
	for _, p := range in.TransactItems {
		a, err := p.prepare(s)
		if err != nil {
			return nil, err
		}
		if seen[place{a.table, a.key}] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[place{a.table, a.key}] = true
		c.actions = append(c.actions, a)
	}
	if c.token != "" {
		canonical, err := json.Marshal(in) // maps are sorted
		if err != nil {
			return nil, err
		}
		c.request = sha256.Sum256(canonical)
	}
	return c, in.check()
}

func (c transaction) keys() []string {
	out := make([]string, len(c.actions))
	for i, a := range c.actions {
		out[i] = a.key
	}
	return out
}

func (c transaction) run(s *Server, now time.Time) (any, Usage, error) {
	bill := Usage{}
	count := func(a action, n Units) { bill.count(Meter{Table: a.table.name, Op: "TransactWriteItems"}, n) }
	answer := func() any {
		return struct {
			ConsumedCapacity []consumed `json:",omitempty"`
		}{c.of(bill, true)}
	}
	count(c.actions[0], Units{Requests: 1})
	done, err := s.tokens.done(c.token, c.request, now)
	switch {
	case err != nil:
		return nil, nil, err
	case done:
		for _, a := range c.actions {
			count(a, Units{Read: 2 * readUnits(a.table.items[a.key].size)})
		}
		return answer(), bill, nil
	}
	type pair struct{ before, after stored }
	pairs, reasons, total, failed := make([]pair, len(c.actions)), make([]reason, len(c.actions)), 0, false
	for i, a := range c.actions {
		before, after, err := a.decide()
		if err != nil {
			failed, reasons[i] = true, reasonOf(err)
		}
		pairs[i], total = pair{before, after}, total+max(before.size, after.size)
		size := before.size
		if err == nil {
			size = max(size, after.size)
		}
		count(a, Units{Write: 2 * writeUnits(size)})
	}
	switch {
	case failed:
		return nil, bill, canceled(reasons)
	case total > maxTransaction:
		return nil, nil, invalid("Collection size of the items in the transaction exceeds %d bytes", maxTransaction)
	}
	for i, a := range c.actions {
		a.table.replace(a.key, pairs[i].before, pairs[i].after, now, "TransactWriteItems", bill)
	}
	s.tokens.remember(c.token, c.request, now)
	return answer(), bill, nil
}

func reasonOf(err error) reason {
	r := err.(*refusal) // an action fails with nothing else
	if err == errCondition {
		return reason{"ConditionalCheckFailed", r.message}
	}
	return reason{"ValidationError", r.message}
}

// tokenLife is how long a transaction that is sent again is known by its token.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const tokenLife = 10 * time.Minute

// tokens are the transactions that were made within the life of a token. One that
// was canceled is judged anew when it comes again.
type tokens struct {
	seen  map[string]seen
	order []string // the oldest first
}

type seen struct {
	at      time.Time
	request [sha256.Size]byte
}

// done says whether this very request has been made.
func (k *tokens) done(token string, request [sha256.Size]byte, now time.Time) (bool, error) {
	for len(k.order) > 0 && now.Sub(k.seen[k.order[0]].at) >= tokenLife {
		delete(k.seen, k.order[0])
		k.order = k.order[1:]
	}
	first, ok := k.seen[token]
	if ok && first.request != request {
		return false, refuse("IdempotentParameterMismatchException", "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.")
	}
	return ok, nil
}

func (k *tokens) remember(token string, request [sha256.Size]byte, now time.Time) {
	if token == "" {
		return
	}
	k.seen[token] = seen{now, request}
	k.order = append(k.order, token)
}
