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
	b, err := json.Marshal(it)
	if err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode record: %w", err)
	}
	return nil
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
