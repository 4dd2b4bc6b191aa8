package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"emodrop/shared/job"
)

// item is one record: attribute names to string, json.Number, bool, map and list
// values, as encoding/json gives them.
type item map[string]any

// path leads to an attribute, possibly inside maps.
type path []string

func at(parts ...string) path { return parts }

func (p path) String() string { return strings.Join(p, ".") }

// table is what a driver offers: the few operations of DynamoDB that are used,
// with its guarantees.
type table interface {
	// get reads consistently; nil when there is no such item.
	get(ctx context.Context, key string) (item, error)
	// write does all or nothing. It returns job.ErrConflict if a condition does
	// not hold, and errBusy (an ErrConflict too) if other transactions were in
	// the way for so long that nobody knows whether it would.
	write(ctx context.Context, ws ...write) error
	// query reads an index, which may lag behind the writes.
	query(ctx context.Context, q query) ([]row, error)
}

// errBusy: nothing was written and nothing learned of the conditions.
var errBusy = fmt.Errorf("%w: other transactions were in the way", job.ErrConflict)

// lost reports whether a write's conditions did not hold.
func lost(err error) bool { return errors.Is(err, job.ErrConflict) && !errors.Is(err, errBusy) }

// write changes, creates or deletes one item. One that sets and unsets nothing
// only checks its conditions, as a part of a transaction.
type write struct {
	key   string
	set   []assign
	unset []path
	// add is for numbers at the top, which may be missing and then count as 0. It goes
	// only where the write is not made a second time: see dynamo.
	add    []assign
	delete bool
	conds  []cond
}

func (w write) checks() bool { return !w.delete && len(w.set)+len(w.unset)+len(w.add) == 0 }

type assign struct {
	path path
	val  any
}

type condOp int

const (
	condAbsent condOp = iota
	condExists
	condEqual
	condLess     // numbers
	condSizeLess // of a map
	condAny      // one of several
)

// cond is a condition on the item as it stands.
type cond struct {
	op   condOp
	path path
	val  any
	any  []cond
}

func absent(p ...string) cond          { return cond{op: condAbsent, path: p} }
func exists(p ...string) cond          { return cond{op: condExists, path: p} }
func equal(v any, p ...string) cond    { return cond{op: condEqual, path: p, val: v} }
func less(v any, p ...string) cond     { return cond{op: condLess, path: p, val: v} }
func sizeLess(n int, p ...string) cond { return cond{op: condSizeLess, path: p, val: n} }
func oneOf(cs ...cond) cond            { return cond{op: condAny, any: cs} }

// index names a sparse index by its attributes.
type index struct {
	name, hash, rang string
	numeric          bool
}

// query reads rows of one index in order of the range attribute.
type query struct {
	index index
	hash  string
	upTo  any // inclusive; nil: all
	limit int
	desc  bool
}

// row is what an index tells: the item's key and its place.
type row struct {
	key   string
	place any
}

// The indexes. Each is sparse: an item without the hash attribute is not in it.
var (
	dueIndex    = index{name: "due", hash: "due_in", rang: "due", numeric: true}
	queueIndex  = index{name: "queue", hash: "queue_in", rang: "rank"}
	recentIndex = index{name: "recent", hash: "day", rang: "received_ms", numeric: true}
)

func indexes() []index { return []index{dueIndex, queueIndex, recentIndex} }

// The parts of the due index. Jobs have one of their own, so that no number of
// overdue hand-ins keeps a batch from looking at the open tasks.
const (
	dueJobs = "jobs"
	dueRest = "rest"
)

// keyAttr is the table's one key attribute, ttlAttr the one DynamoDB deletes by,
// writeAttr the mark of the last write, by which a writer knows its own.
const (
	keyAttr   = "pk"
	ttlAttr   = "ttl"
	writeAttr = "w"
)

// diff lists what turns one encoded record into another, attribute by attribute
// and inside maps, so that fields this code does not know survive.
func diff(from, to item, under path) (set []assign, unset []path) {
	for k, v := range to {
		p := append(append(path{}, under...), k)
		old, had := from[k]
		if !had {
			set = append(set, assign{p, v})
			continue
		}
		if reflect.DeepEqual(old, v) {
			continue
		}
		om, ok1 := old.(map[string]any)
		nm, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			s, u := diff(om, nm, p)
			set, unset = append(set, s...), append(unset, u...)
			continue
		}
		set = append(set, assign{p, v})
	}
	for k := range from {
		if _, still := to[k]; !still {
			unset = append(unset, append(append(path{}, under...), k))
		}
	}
	return set, unset
}
