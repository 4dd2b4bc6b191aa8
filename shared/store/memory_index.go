package store

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// memoryIndexes are the sparse indexes of the memory table as they stood a while
// ago: a change waits in line until it is old enough. Rows are kept in their order,
// so that a query costs what it returns, however many items are in no index.
type memoryIndexes struct {
	rows map[string]map[string][]row // by index and hash
	late []indexChange               // oldest first
}

// place is where an item stands in one index; an empty hash means not at all.
type place struct {
	hash string
	rang any
}

type indexChange struct {
	at       time.Time
	key      string
	from, to []place // one for each of indexes()
}

func newMemoryIndexes() memoryIndexes {
	m := memoryIndexes{rows: map[string]map[string][]row{}}
	for _, ix := range indexes() {
		m.rows[ix.name] = map[string][]row{}
	}
	return m
}

// placesOf are an item's places in all indexes.
func placesOf(it item) []place {
	var ps []place
	for _, ix := range indexes() {
		hash, _ := it[ix.hash].(string)
		p := place{hash: hash}
		if hash != "" {
			p.rang = it[ix.rang]
		}
		ps = append(ps, p)
	}
	return ps
}

// change puts a change in line, unless it changes no place.
func (m *memoryIndexes) change(at time.Time, key string, from, to []place) {
	if !slices.Equal(from, to) {
		m.late = append(m.late, indexChange{at, key, from, to})
	}
}

// catchUp carries out the changes made up to that time.
func (m *memoryIndexes) catchUp(upTo time.Time) {
	n := 0
	for ; n < len(m.late) && !m.late[n].at.After(upTo); n++ {
		c := m.late[n]
		for i, ix := range indexes() {
			if c.from[i] != c.to[i] {
				m.take(ix.name, c.key, c.from[i])
				m.put(ix.name, c.key, c.to[i])
			}
		}
	}
	m.late = slices.Delete(m.late, 0, n)
}

func compareRows(a, b row) int {
	return cmp.Or(compare(a.place, b.place), strings.Compare(a.key, b.key))
}

func (m *memoryIndexes) take(index, key string, p place) {
	rows := m.rows[index][p.hash]
	if i, found := slices.BinarySearchFunc(rows, row{key, p.rang}, compareRows); found {
		m.rows[index][p.hash] = slices.Delete(rows, i, i+1)
	}
}

func (m *memoryIndexes) put(index, key string, p place) {
	if p.hash == "" {
		return
	}
	rows := m.rows[index][p.hash]
	i, _ := slices.BinarySearchFunc(rows, row{key, p.rang}, compareRows)
	m.rows[index][p.hash] = slices.Insert(rows, i, row{key, p.rang})
}

// add puts many items into one place at once, without waiting.
func (m *memoryIndexes) add(keys []string, at []place) {
	for i, ix := range indexes() {
		if at[i].hash == "" {
			continue
		}
		rows := m.rows[ix.name][at[i].hash]
		for _, k := range keys {
			rows = append(rows, row{k, at[i].rang})
		}
		slices.SortFunc(rows, compareRows)
		m.rows[ix.name][at[i].hash] = rows
	}
}

func (m *memoryIndexes) query(q query) []row {
	rows := m.rows[q.index.name][q.hash]
	if q.upTo != nil {
		end, _ := slices.BinarySearchFunc(rows, q.upTo, func(r row, upTo any) int {
			if compare(r.place, upTo) > 0 {
				return 1
			}
			return -1
		})
		rows = rows[:end]
	}
	if q.limit > 0 && len(rows) > q.limit {
		if q.desc {
			rows = rows[len(rows)-q.limit:]
		} else {
			rows = rows[:q.limit]
		}
	}
	rows = slices.Clone(rows)
	if q.desc {
		slices.Reverse(rows)
	}
	return rows
}
