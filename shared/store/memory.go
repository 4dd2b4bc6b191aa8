package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
)

// memory is the table of tests and the simulation.
type memory struct {
	lag     time.Duration
	mu      sync.Mutex
	items   map[string]item
	indexes memoryIndexes
}

// NewMemory returns a store in memory whose index reads are lag behind. Safe for
// concurrent use.
func NewMemory(lag time.Duration) *Store {
	return newStore(newMemory(lag))
}

func newMemory(lag time.Duration) *memory {
	return &memory{lag: lag, items: map[string]item{}, indexes: newMemoryIndexes()}
}

func (m *memory) get(ctx context.Context, key string) (item, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(key)
	it, ok := m.items[key]
	if !ok {
		return nil, nil
	}
	return clone(it).(item), nil
}

func (m *memory) write(ctx context.Context, ws ...write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range ws {
		m.expire(w.key)
		it := m.items[w.key]
		for _, c := range w.conds {
			if !c.holds(it) {
				return job.ErrConflict
			}
		}
	}
	for _, w := range ws {
		if err := w.valid(m.items[w.key]); err != nil {
			return err
		}
	}
	now := time.Now()
	m.indexes.catchUp(now.Add(-m.lag))
	for _, w := range ws {
		if w.checks() {
			continue
		}
		before := placesOf(m.items[w.key])
		if w.delete {
			delete(m.items, w.key)
			m.indexes.change(now, w.key, before, placesOf(nil))
			continue
		}
		it := m.items[w.key]
		if it == nil {
			it = item{keyAttr: w.key}
		}
		for _, a := range w.set {
			put(it, a.path, clone(a.val))
		}
		for _, p := range w.unset {
			remove(it, p)
		}
		for _, a := range w.add {
			n, _ := it[a.path[0]].(json.Number)
			old, _ := n.Int64()
			more, _ := normal(a.val).(json.Number).Int64()
			it[a.path[0]] = number(old + more)
		}
		m.items[w.key] = it
		m.indexes.change(now, w.key, before, placesOf(it))
	}
	return nil
}

// expire deletes an item whose time to live is over: DynamoDB may at any moment after
// it, so the strictest does at once.
func (m *memory) expire(key string) {
	n, ok := m.items[key][ttlAttr].(json.Number)
	if !ok {
		return
	}
	if until, err := n.Int64(); err == nil && until < time.Now().Unix() {
		before := placesOf(m.items[key])
		delete(m.items, key)
		m.indexes.change(time.Now(), key, before, placesOf(nil))
	}
}

// valid refuses what DynamoDB refuses of an update whose conditions hold: a path
// through a map that is not there, and an index's key that is empty.
func (w write) valid(it item) error {
	for _, p := range w.paths() {
		if _, ok := lookup(it, p[:len(p)-1]); len(p) > 1 && !ok {
			return fmt.Errorf("no such path in the record: %s", p[:len(p)-1])
		}
	}
	for _, a := range w.set {
		for _, ix := range indexes() {
			if n := a.path[0]; len(a.path) == 1 && (n == ix.hash || n == ix.rang) && a.val == any("") {
				return fmt.Errorf("empty key of index %s", ix.name)
			}
		}
	}
	return nil
}

func (w write) paths() []path {
	ps := slices.Clone(w.unset)
	for _, a := range w.set {
		ps = append(ps, a.path)
	}
	return ps
}

func (m *memory) query(ctx context.Context, q query) ([]row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.indexes.catchUp(time.Now().Add(-m.lag))
	return m.indexes.query(q), nil
}

func (c cond) holds(it item) bool {
	v, ok := lookup(it, c.path)
	switch c.op {
	case condAbsent:
		return !ok
	case condExists:
		return ok
	case condEqual:
		return ok && reflect.DeepEqual(v, normal(c.val))
	case condLess:
		return ok && compare(v, normal(c.val)) < 0
	case condSizeLess:
		m, isMap := v.(map[string]any)
		return isMap && len(m) < c.val.(int)
	case condAny:
		return slices.ContainsFunc(c.any, func(c cond) bool { return c.holds(it) })
	}
	return false
}

// normal gives plain Go numbers the form in which they are kept.
func normal(v any) any {
	switch n := v.(type) {
	case int:
		return number(int64(n))
	case int64:
		return number(n)
	case job.State:
		return string(n)
	}
	return v
}

func compare(a, b any) int {
	x, ok1 := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok1 && ok2 {
		i, _ := x.Int64()
		j, _ := y.Int64()
		return cmp.Compare(i, j)
	}
	s, _ := a.(string)
	t, _ := b.(string)
	return strings.Compare(s, t)
}

func lookup(it item, p path) (any, bool) {
	var v any = map[string]any(it)
	for _, part := range p {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = m[part]; !ok {
			return nil, false
		}
	}
	return v, it != nil
}

func put(it item, p path, v any) {
	m := map[string]any(it)
	for _, part := range p[:len(p)-1] {
		next, ok := m[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[part] = next
		}
		m = next
	}
	m[p[len(p)-1]] = v
}

func remove(it item, p path) {
	m := map[string]any(it)
	for _, part := range p[:len(p)-1] {
		next, ok := m[part].(map[string]any)
		if !ok {
			return
		}
		m = next
	}
	delete(m, p[len(p)-1])
}

func clone(v any) any {
	switch v := v.(type) {
	case item:
		return item(clone(map[string]any(v)).(map[string]any))
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = clone(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = clone(e)
		}
		return l
	}
	return normal(v)
}
