package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"emodrop/shared/job"
)

// Meter is the table in memory, counting what is asked of it in DynamoDB's units.
//
// The rules: a write takes a unit for each KB, begun, of the larger of the item
// before and after it, and twice that in a transaction, for items that are only
// checked too. A condition that does not hold takes what the item that stands would
// (ASSUMED for a canceled transaction: of each of its items, twice). An entry of an
// index is written when it comes, goes or moves; one that moves is deleted and put.
// That a transaction's entries count once is ASSUMED: the documents speak of its
// items, and have the indexes follow.
//
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling
type Meter struct {
	m    *memory
	mu   sync.Mutex
	used Usage
}

// Usage is what was asked of a table.
type Usage struct {
	// Gets are reads of one item, Queries reads of an index.
	Gets, Queries int
	// Rows are what the queries gave, by the name of the index.
	Rows map[string]int
	// Units are write units by the kind of item, as its key begins (JOB, GATE, …),
	// with its entries in the indexes.
	Units map[string]int
}

// NewMetered returns a store in memory as NewMemory does, and its meter.
func NewMetered(lag time.Duration) (*Store, *Meter) {
	m := &Meter{m: newMemory(lag), used: Usage{Rows: map[string]int{}, Units: map[string]int{}}}
	return newStore(m), m
}

// Usage returns what was asked of the table so far.
func (m *Meter) Usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.used
	u.Rows, u.Units = maps.Clone(u.Rows), maps.Clone(u.Units)
	return u
}

// Since is what came after an earlier usage.
func (u Usage) Since(earlier Usage) Usage {
	return Usage{u.Gets - earlier.Gets, u.Queries - earlier.Queries, more(u.Rows, earlier.Rows), more(u.Units, earlier.Units)}
}

func more(now, earlier map[string]int) map[string]int {
	d := map[string]int{}
	for kind, n := range now {
		if n -= earlier[kind]; n != 0 {
			d[kind] = n
		}
	}
	return d
}

func (m *Meter) get(ctx context.Context, key string) (item, error) {
	it, err := m.m.get(ctx, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Gets++
	return it, err
}

func (m *Meter) query(ctx context.Context, q query) ([]row, error) {
	rows, err := m.m.query(ctx, q)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.Queries++
	m.used.Rows[q.index.name] += len(rows)
	return rows, err
}

func (m *Meter) write(ctx context.Context, ws ...write) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := make([]item, len(ws))
	for i, w := range ws {
		before[i], _ = m.m.get(context.Background(), w.key) // memory that nobody keeps from being read
	}
	err := m.m.write(ctx, ws...)
	for i, w := range ws {
		after, _ := m.m.get(context.Background(), w.key)
		units := unitsOf(max(sizeOf(before[i]), sizeOf(after)))
		if len(ws) > 1 {
			units *= 2
		}
		kind, _, _ := strings.Cut(w.key, "#")
		m.used.Units[kind] += units + entryUnits(before[i], after)
	}
	return err
}

// unitsOf writing that many bytes; what is not there counts as one.
func unitsOf(size int) int { return max(1, (size+1023)/1024) }

// entryUnits is what the indexes take when an item changes.
func entryUnits(before, after item) (units int) {
	from, to := placesOf(before), placesOf(after)
	for i, ix := range indexes() {
		if from[i] == to[i] {
			continue
		}
		for _, it := range []item{before, after} {
			if it[ix.hash] != nil {
				units += unitsOf(sizeOf(item{keyAttr: it[keyAttr], ix.hash: it[ix.hash], ix.rang: it[ix.rang]}))
			}
		}
	}
	return units
}

// sizeOf an item in bytes: its names and its values.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func sizeOf(it item) (n int) {
	for name, v := range it {
		n += len(name) + sizeOfValue(v)
	}
	return n
}

func sizeOfValue(v any) (n int) {
	switch v := v.(type) {
	case string:
		return len(v)
	case json.Number:
		digits := strings.Trim(strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return -1
			}
			return r
		}, v.String()), "0")
		return (len(digits)+1)/2 + 1
	case map[string]any:
		n = 3
		for name, e := range v {
			n += 1 + len(name) + sizeOfValue(e)
		}
		return n
	case []any:
		n = 3
		for _, e := range v {
			n += 1 + sizeOfValue(e)
		}
		return n
	}
	return 1 // a bool, or null
}

// Multiply puts n more jobs like one into the table, in its state and its place, under
// ids of their own: what a table holds that is a year old. They share their
// attributes, so that a million of them fit; nobody is to write them.
func (m *Meter) Multiply(like job.Job, n int) error {
	it, err := encodeJob(like)
	if err != nil {
		return fmt.Errorf("multiply a job: %w", err)
	}
	m.m.mu.Lock()
	defer m.m.mu.Unlock()
	keys := make([]string, n)
	for i := range keys {
		keys[i] = jobKey(fmt.Sprintf("%s-%08x", like.ID, i))
		m.m.items[keys[i]] = it
	}
	m.m.indexes.add(keys, placesOf(it))
	return nil
}
