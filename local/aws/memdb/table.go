package memdb

import "time"

// table is a table with one string key.
type table struct {
	name    string
	key     string // the key attribute
	items   map[string]stored
	indexes []*index
	made    time.Time
	schema  schema
}

// stored is an item as it is kept. It is never changed, only replaced.
type stored struct {
	item item // nil: there is none
	size int
}

func keep(it item) stored { return stored{it, it.size()} }

// maxItem is the largest item, names included.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
const maxItem = 400 << 10

// check refuses an item that the table cannot take.
func (t *table) check(after stored) error {
	for _, ix := range t.indexes {
		if err := ix.check(after.item); err != nil {
			return err
		}
	}
	if after.size > maxItem {
		return invalid("Item size to update has exceeded the maximum allowed size")
	}
	return nil
}

// replace puts an item in the place of another, or none, and bills the indexes.
func (t *table) replace(key string, before, after stored, now time.Time, op string, bill Usage) {
	if after.item == nil {
		delete(t.items, key)
	} else {
		t.items[key] = after
	}
	for _, ix := range t.indexes {
		if n := ix.update(before.item, after.item, now); n > 0 {
			bill.count(Meter{t.name, ix.name, op}, Units{Write: n})
		}
	}
}

// keyOf reads a Key of a request.
func (t *table) keyOf(k map[string]attribute) (string, error) {
	a, ok := k[t.key]
	if !ok || len(k) != 1 {
		return "", invalid("The provided key element does not match the schema")
	}
	v, err := a.value(0)
	if err != nil {
		return "", err
	}
	return t.checkKey(v)
}

func (t *table) checkKey(v value) (string, error) {
	key, ok := v.(text)
	switch {
	case !ok:
		return "", invalid("The provided key element does not match the schema")
	case key == "":
		return "", invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", t.key)
	case len(key) > maxHash:
		return "", invalid("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes", maxHash)
	}
	return string(key), nil
}

// table finds a table by its name.
func (s *Server) table(name string) (*table, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[name]
	if t == nil {
		return nil, refuse("ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}
