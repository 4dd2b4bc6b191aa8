package memdb

import (
	"cmp"
	"strings"
	"time"
)

// index is a sparse global secondary index that holds keys only. What it shows is
// the table as it was the lag ago: changes wait in line and are made when their
// time has come, so it holds no more than its entries and the changes of one lag.
type index struct {
	name, hash, rang string
	numeric          bool // the range key
	table            *table
	lag              time.Duration
	parts            map[text]*ordered[entry]
	waiting          []change
}

// entry is an item's place in an index.
type entry struct {
	hash  text
	place value
	key   text // the item's
}

func (a entry) compare(b entry) int {
	c, _ := compare(a.place, b.place) // of one type
	return cmp.Or(c, strings.Compare(string(a.key), string(b.key)))
}

// change takes one entry out of an index or puts it in.
type change struct {
	at  time.Time
	put bool
	entry
}

// entryOf is the item's entry; false when it has none.
func (ix *index) entryOf(it item) (entry, bool) {
	hash, ok := it[ix.hash].(text)
	place := it[ix.rang]
	if !ok || place == nil {
		return entry{}, false
	}
	return entry{hash, place, it[ix.table.key].(text)}, true
}

// item is the entry as a query shows it.
func (ix *index) item(e entry) item {
	return item{ix.hash: e.hash, ix.rang: e.place, ix.table.key: e.key}
}

// update follows a change of an item and returns the write units that it takes.
func (ix *index) update(before, after item, now time.Time) float64 {
	old, had := ix.entryOf(before)
	e, has := ix.entryOf(after)
	if had && has && old.hash == e.hash && equal(old.place, e.place) {
		return 0
	}
	units := 0.0
	if had {
		ix.waiting = append(ix.waiting, change{now, false, old})
		units += writeUnits(ix.item(old).size())
	}
	if has {
		ix.waiting = append(ix.waiting, change{now, true, e})
		units += writeUnits(ix.item(e).size())
	}
	ix.settle(now)
	return units
}

// settle makes the changes whose time has come.
func (ix *index) settle(now time.Time) {
	done := 0
	for _, c := range ix.waiting {
		if now.Sub(c.at) < ix.lag {
			break
		}
		ix.make(c)
		done++
	}
	clear(ix.waiting[:done])
	ix.waiting = ix.waiting[done:]
}

func (ix *index) make(c change) {
	part := ix.parts[c.hash]
	if part == nil {
		part = &ordered[entry]{compare: entry.compare}
		ix.parts[c.hash] = part
	}
	if c.put {
		part.insert(c.entry)
		return
	}
	part.remove(c.entry)
	if part.empty() {
		delete(ix.parts, c.hash)
	}
}

// The longest keys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-partition-sort-keys
const (
	maxHash  = 2048
	maxRange = 1024
)

// check refuses an item that the index cannot take.
func (ix *index) check(it item) error {
	for _, k := range []struct {
		name, kind string
		max        int
	}{{ix.hash, "S", maxHash}, {ix.rang, kindOf(ix.numeric), maxRange}} {
		v := it[k.name]
		switch {
		case v == nil:
		case v.kind() != k.kind:
			return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.name, k.kind, v.kind(), ix.name)
		case v == text(""):
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s", ix.name, k.name)
		case v.size() > k.max:
			return invalid("One or more parameter values were invalid: The key %s of index %s has exceeded the maximum size limit of %d bytes", k.name, ix.name, k.max)
		}
	}
	return nil
}

func kindOf(numeric bool) string {
	if numeric {
		return "N"
	}
	return "S"
}
