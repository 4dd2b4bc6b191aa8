package memdb

import (
	"encoding/json"
	"strings"
)

// value is an attribute's value: text, number, boolean, null, document or list.
// Values are never changed once made.
type value interface {
	kind() string // as the wire names it
	// size counts as DynamoDB does.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
	size() int
	appendJSON(to []byte) []byte
}

type (
	text     string
	boolean  bool
	null     struct{}
	document map[string]value
	list     []value
)

func (text) kind() string     { return "S" }
func (boolean) kind() string  { return "BOOL" }
func (null) kind() string     { return "NULL" }
func (document) kind() string { return "M" }
func (list) kind() string     { return "L" }

func (t text) size() int  { return len(t) }
func (boolean) size() int { return 1 }
func (null) size() int    { return 1 }

// Maps and lists have three bytes of overhead, and one for each element.
func (d document) size() int {
	n := 3
	for name, v := range d {
		n += len(name) + v.size() + 1
	}
	return n
}

func (l list) size() int {
	n := 3
	for _, v := range l {
		n += v.size() + 1
	}
	return n
}

// item is a record: attributes by their names.
type item map[string]value

func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

// lookup follows a path; nil when nothing is there.
func (it item) lookup(p path) value {
	v := it[p[0]]
	for _, name := range p[1:] {
		d, ok := v.(document)
		if !ok {
			return nil
		}
		v = d[name]
	}
	return v
}

// MarshalJSON writes the item as the wire wants it.
func (it item) MarshalJSON() ([]byte, error) {
	return appendFields(make([]byte, 0, 256), it), nil
}

func appendFields(to []byte, fields map[string]value) []byte {
	to = append(to, '{')
	first := true
	for name, v := range fields {
		if !first {
			to = append(to, ',')
		}
		first = false
		to = append(appendQuoted(to, name), ':')
		to = v.appendJSON(to)
	}
	return append(to, '}')
}

func (t text) appendJSON(to []byte) []byte {
	return append(appendQuoted(append(to, `{"S":`...), string(t)), '}')
}

func (b boolean) appendJSON(to []byte) []byte {
	if b {
		return append(to, `{"BOOL":true}`...)
	}
	return append(to, `{"BOOL":false}`...)
}

func (null) appendJSON(to []byte) []byte { return append(to, `{"NULL":true}`...) }

func (d document) appendJSON(to []byte) []byte {
	return append(appendFields(append(to, `{"M":`...), d), '}')
}

func (l list) appendJSON(to []byte) []byte {
	to = append(to, `{"L":[`...)
	for i, v := range l {
		if i > 0 {
			to = append(to, ',')
		}
		to = v.appendJSON(to)
	}
	return append(to, `]}`...)
}

func appendQuoted(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(to, quoted...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}

// equal compares types, too. What is not there (nil) equals nothing.
func equal(a, b value) bool {
	switch a := a.(type) {
	case number:
		n, ok := b.(number)
		return ok && a.plain == n.plain
	case document:
		d, ok := b.(document)
		if !ok || len(a) != len(d) {
			return false
		}
		for name, v := range a {
			if !equal(v, d[name]) {
				return false
			}
		}
		return true
	case list:
		l, ok := b.(list)
		if !ok || len(a) != len(l) {
			return false
		}
		for i, v := range a {
			if !equal(v, l[i]) {
				return false
			}
		}
		return true
	case nil:
		return false
	}
	return a == b
}

// compare orders two texts or two numbers; false for all else.
func compare(a, b value) (int, bool) {
	switch a := a.(type) {
	case text:
		if t, ok := b.(text); ok {
			return strings.Compare(string(a), string(t)), true
		}
	case number:
		if n, ok := b.(number); ok {
			return a.compare(n), true
		}
	}
	return 0, false
}
