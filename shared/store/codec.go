package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// encode turns a record into attributes by its json tags.
func encode(v any) (item, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	var it item
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&it); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return it, nil
}

// decode fills a record from attributes; unknown ones are passed over.
func decode(it item, v any) error {
	b, err := appendJSON(nil, map[string]any(it))
	if err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	return nil
}

// appendJSON writes an attribute as JSON. json.Marshal would do, and takes several times
// as long: it sorts the keys of maps and looks at each value by reflection, and reading
// records is most of what poll does.
func appendJSON(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case map[string]any:
		if v == nil {
			break
		}
		b = append(b, '{')
		first := true
		for key, val := range v {
			if !first {
				b = append(b, ',')
			}
			first = false
			if b, err = appendText(b, key); err != nil {
				return nil, err
			}
			if b, err = appendJSON(append(b, ':'), val); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case string:
		return appendText(b, v)
	case json.Number:
		if v != "" {
			return append(b, v...), nil
		}
	}
	other, err := json.Marshal(v)
	return append(b, other...), err
}

// appendText writes a text: as it is where JSON has nothing to say against it.
func appendText(b []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(s)
			return append(b, quoted...), err
		}
	}
	b = append(b, '"')
	return append(append(b, s...), '"'), nil
}

// millis is a time as an attribute that orders: milliseconds since 1970.
func millis(t time.Time) json.Number {
	return json.Number(strconv.FormatInt(t.UnixMilli(), 10))
}

func fromMillis(v any) time.Time {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}
	}
	ms, err := n.Int64()
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func number(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

// placeDue puts an item into its part of the due index, or leaves it out.
func placeDue(it item, part string, due time.Time) {
	if due.IsZero() {
		return
	}
	it[dueIndex.hash], it[dueIndex.rang] = part, millis(due)
}

func placeTTL(it item, at time.Time) {
	if !at.IsZero() {
		it[ttlAttr] = number(at.Unix())
	}
}
