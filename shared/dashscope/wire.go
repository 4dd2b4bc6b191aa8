package dashscope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object of an answer, read forgivingly: a field that is
// missing or of another type reads as its zero value, unknown fields are kept
// aside. A decoder into structs would refuse a whole answer for a number that
// came as text.
type object map[string]any

var (
	errNotJSON   = errors.New("the answer is not a JSON object")
	errDuplicate = errors.New("the answer names a field twice")
	errDeep      = errors.New("the answer is nested too deeply")
)

// maxDepth is far more than any answer has.
const maxDepth = 64

// parse reads one JSON object and nothing else. Names are exact, and naming one
// twice is an error: two readers would see two answers.
func parse(data []byte) (object, error) {
	if !json.Valid(data) {
		return nil, errNotJSON
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, err
	}
	o, ok := v.(object)
	if !ok {
		return nil, errNotJSON
	}
	return o, nil
}

// value reads the next value, whose syntax is known to be right.
func value(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDeep
	}
	t, err := d.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = errNotJSON
		}
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			name, _ := k.(string)
			if _, twice := o[name]; twice {
				return nil, errDuplicate
			}
			if o[name], err = value(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

func (o object) object(name string) object {
	v, _ := o[name].(object)
	return v
}

func (o object) list(name string) ([]any, bool) {
	v, ok := o[name].([]any)
	return v, ok
}

// text is a string, or a number as it was written.
func (o object) text(name string) string {
	switch v := o[name].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

// number is a number, or a string that holds one. What is not finite is 0.
func (o object) number(name string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(o.text(name)), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// word is a short text that goes into records and logs.
func (o object) word(name string) string { return clean(o.text(name), maxRequestID, nil) }

// count is a number of things; 0 when it is none.
func (o object) count(name string) int { return int(max(0, min(o.number(name), 1e6))) }

// whole is a number without a fraction, as an int.
func whole(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > math.MaxInt32 {
		return 0, false
	}
	return int(f), true
}

// beijing is the zone of every time the vendor writes without one.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// when reads a time as the vendor writes it, with or without a fraction. What
// cannot be read is the zero time: these times are for people only.
// Source: https://help.aliyun.com/zh/model-studio/emo-api (2025)
func (o object) when(name string) time.Time {
	// A fraction after the seconds is accepted though the layout has none.
	t, err := time.ParseInLocation(time.DateTime, strings.TrimSpace(o.text(name)), beijing)
	if err != nil {
		return time.Time{}
	}
	return t
}

// millis reads a time in milliseconds since 1970; zero when it is not one.
func (o object) millis(name string) time.Time {
	ms := o.number(name)
	if ms <= 0 || ms > 253402300799000 { // the year 9999
		return time.Time{}
	}
	return time.UnixMilli(int64(ms))
}

// encode writes v as JSON without escaping &, < and >, so that a link arrives
// byte for byte.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
