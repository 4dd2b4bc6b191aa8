package memdb

import (
	"cmp"
	"maps"
	"slices"
)

// Units are capacity units, and the requests that consumed them.
type Units struct {
	Read, Write float64
	// Requests is how often the operation was made; counted on the table alone.
	Requests int
}

func (u Units) plus(v Units) Units {
	return Units{u.Read + v.Read, u.Write + v.Write, u.Requests + v.Requests}
}

// Meter is where units are counted.
type Meter struct {
	// Index is empty for the table itself.
	Table, Index string
	// Op is the request's operation.
	Op string
}

// Usage is what was consumed, meter by meter.
//
// The rules: a write takes a unit for each KB, begun, of the larger of the item
// before and after it; what is not there counts as one; a failed condition takes
// what the item that stands would. A transaction takes twice that of every item,
// checked ones included. A consistent read takes a unit for each 4 KB begun, an
// eventual one half. Entries of an index are written when they come, go or
// change: one whose key changes is deleted and put.
//
// Nobody states what a canceled transaction takes; ASSUMED: for each item what a
// failed condition does, twice. Nor whether a transaction's index entries count
// twice; ASSUMED not: the documents speak of its items, and have indexes follow
// when it is done.
//
// Sources: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling
type Usage map[Meter]Units

// Usage returns what has been consumed since New. To count what something takes,
// ask before and after: Usage().Since(before).
func (s *Server) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.usage)
}

// Since is what came after an earlier usage.
func (u Usage) Since(earlier Usage) Usage {
	out := Usage{}
	for m, all := range u {
		e := earlier[m]
		if d := (Units{all.Read - e.Read, all.Write - e.Write, all.Requests - e.Requests}); d != (Units{}) {
			out[m] = d
		}
	}
	return out
}

// Total is the sum over all meters.
func (u Usage) Total() Units { return u.Of(func(Meter) bool { return true }) }

// Of is the sum over the meters chosen.
func (u Usage) Of(chosen func(Meter) bool) Units {
	var sum Units
	for m, n := range u {
		if chosen(m) {
			sum = sum.plus(n)
		}
	}
	return sum
}

// Meters are those that count something, ordered by table, index and operation.
func (u Usage) Meters() []Meter {
	return slices.SortedFunc(maps.Keys(u), func(a, b Meter) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Op, b.Op))
	})
}

func (u Usage) count(m Meter, n Units) { u[m] = u[m].plus(n) }

func (u Usage) add(v Usage) {
	for m, n := range v {
		u.count(m, n)
	}
}

// writeUnits of one item or entry of that size; nothing counts as one KB.
func writeUnits(size int) float64 { return float64(max(1, (size+1023)/1024)) }

// readUnits of a consistent read of so many bytes.
func readUnits(size int) float64 { return float64(max(1, (size+4095)/4096)) }

// capacity is units as they are answered.
type capacity struct {
	CapacityUnits      float64
	ReadCapacityUnits  float64 `json:",omitempty"`
	WriteCapacityUnits float64 `json:",omitempty"`
}

// consumed is a ConsumedCapacity.
type consumed struct {
	TableName string
	capacity
	Table                  *capacity           `json:",omitempty"`
	GlobalSecondaryIndexes map[string]capacity `json:",omitempty"`
}

// wanted is what a request wants to know of its consumption.
type wanted struct{ ReturnConsumedCapacity string }

func (w wanted) check() error {
	switch w.ReturnConsumedCapacity {
	case "", "NONE", "TOTAL", "INDEXES":
		return nil
	}
	return invalid("1 validation error detected: Value '%s' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]", w.ReturnConsumedCapacity)
}

// of tells a bill, table by table; nil when nobody wants to know. Of a
// transaction it tells reads from writes, too.
func (w wanted) of(bill Usage, transaction bool) []consumed {
	if w.ReturnConsumedCapacity != "TOTAL" && w.ReturnConsumedCapacity != "INDEXES" {
		return nil
	}
	form := func(u Units) capacity {
		if transaction {
			return capacity{u.Read + u.Write, u.Read, u.Write}
		}
		return capacity{CapacityUnits: u.Read + u.Write}
	}
	var out []consumed
	for _, m := range bill.Meters() {
		if len(out) == 0 || out[len(out)-1].TableName != m.Table {
			all := bill.Of(func(n Meter) bool { return n.Table == m.Table })
			out = append(out, consumed{TableName: m.Table, capacity: form(all)})
		}
		c := &out[len(out)-1]
		switch part := form(bill[m]); {
		case w.ReturnConsumedCapacity == "TOTAL":
		case m.Index == "":
			c.Table = &part
		default:
			if c.GlobalSecondaryIndexes == nil {
				c.GlobalSecondaryIndexes = map[string]capacity{}
			}
			c.GlobalSecondaryIndexes[m.Index] = part
		}
	}
	return out
}

// one is the only table's part of what was consumed.
func one(all []consumed) *consumed {
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}
