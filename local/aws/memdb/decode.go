package memdb

import (
	"bytes"
	"encoding/json"
	"strings"
)

// decode reads a request. A field that the request's type does not have is
// refused: DynamoDB would act on it.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return unknown("the field %s", field)
		}
		return refuse("SerializationException", "the request is not the JSON expected: %v", err)
	}
	if d.More() {
		return refuse("SerializationException", "something follows the request")
	}
	return nil
}

// attribute is a value as it comes over the wire.
type attribute struct {
	S    *string
	N    *string
	BOOL *bool
	NULL *bool
	M    map[string]attribute
	L    []attribute
}

// maxDepth is how deep documents may be nested.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-attributes
const maxDepth = 32

func (a attribute) value(depth int) (value, error) {
	if depth > maxDepth {
		return nil, invalid("Nesting Levels have exceeded supported limits")
	}
	var v value
	var err error
	given := 0
	if a.S != nil {
		v, given = text(*a.S), given+1
	}
	if a.N != nil {
		var n number
		n, err = parseNumber(*a.N)
		v, given = n, given+1
	}
	if a.BOOL != nil {
		v, given = boolean(*a.BOOL), given+1
	}
	if a.NULL != nil {
		if !*a.NULL {
			err = invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		v, given = null{}, given+1
	}
	if a.M != nil {
		var it item
		it, err = itemOf(a.M, depth)
		v, given = document(it), given+1
	}
	if a.L != nil {
		l := make(list, len(a.L))
		for i, e := range a.L {
			if l[i], err = e.value(depth + 1); err != nil {
				break
			}
		}
		v, given = l, given+1
	}
	switch {
	case given == 0:
		return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case given > 1:
		return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	return v, err
}

// itemOf reads attributes that lie depth deep in an item.
func itemOf(m map[string]attribute, depth int) (item, error) {
	it := make(item, len(m))
	for name, a := range m {
		v, err := a.value(depth + 1)
		if err != nil {
			return nil, err
		}
		it[name] = v
	}
	return it, nil
}

// placeholders are the names and values that a request's expressions refer to.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
}

// scope resolves placeholders and knows which have been used.
type scope struct {
	names  map[string]string
	values map[string]value
	used   map[string]bool
}

func (p placeholders) scope() (*scope, error) {
	if p.ExpressionAttributeNames != nil && len(p.ExpressionAttributeNames) == 0 {
		return nil, invalid("ExpressionAttributeNames must not be empty")
	}
	if p.ExpressionAttributeValues != nil && len(p.ExpressionAttributeValues) == 0 {
		return nil, invalid("ExpressionAttributeValues must not be empty")
	}
	sc := &scope{names: p.ExpressionAttributeNames, values: make(map[string]value, len(p.ExpressionAttributeValues)),
		used: make(map[string]bool, len(p.ExpressionAttributeNames)+len(p.ExpressionAttributeValues))}
	for name, a := range p.ExpressionAttributeValues {
		v, err := a.value(0)
		if err != nil {
			return nil, err
		}
		sc.values[name] = v
	}
	return sc, nil
}

// unused refuses what no expression has referred to.
func (sc *scope) unused() error {
	for name := range sc.names {
		if !sc.used[name] {
			return invalid("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", name)
		}
	}
	for name := range sc.values {
		if !sc.used[name] {
			return invalid("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", name)
		}
	}
	return nil
}
