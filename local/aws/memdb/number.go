package memdb

import (
	"cmp"
	"strconv"
	"strings"
)

// number is a decimal: 0.digits × 10^exp, without zeros at either end of the digits.
type number struct {
	plain    string // as it is answered; two equal numbers have the same
	negative bool
	digits   string // empty for zero
	exp      int
}

// The bounds of a number.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-data-types-number
const (
	maxDigits = 38
	maxScale  = 125
	minScale  = -130
)

func parseNumber(s string) (number, error) {
	bad := func() error { return invalid("The parameter cannot be converted to a numeric value: %s", s) }
	rest, negative := strings.CutPrefix(s, "-")
	if !negative {
		rest = strings.TrimPrefix(rest, "+")
	}
	scale := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		var err error
		if scale, err = strconv.Atoi(rest[i+1:]); err != nil || scale > 1e6 || scale < -1e6 {
			return number{}, bad()
		}
		rest = rest[:i]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return number{}, bad()
	}
	significant := strings.TrimLeft(digits, "0")
	n := number{negative: negative, digits: strings.TrimRight(significant, "0"),
		exp: len(whole) + scale - (len(digits) - len(significant))}
	switch {
	case n.digits == "":
		return number{plain: "0"}, nil
	case len(n.digits) > maxDigits:
		return number{}, invalid("Attempting to store more than %d significant digits in a Number", maxDigits)
	case n.exp-1 > maxScale:
		return number{}, invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.exp-1 < minScale:
		return number{}, invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	n.plain = n.write()
	return n, nil
}

func (n number) write() string {
	sign := ""
	if n.negative {
		sign = "-"
	}
	switch {
	case n.exp <= 0:
		return sign + "0." + strings.Repeat("0", -n.exp) + n.digits
	case n.exp >= len(n.digits):
		return sign + n.digits + strings.Repeat("0", n.exp-len(n.digits))
	}
	return sign + n.digits[:n.exp] + "." + n.digits[n.exp:]
}

func (number) kind() string { return "N" }

// size is a byte for every two digits and one more. The documents call that
// approximate; a minus takes a byte more, as dynoxide has it.
func (n number) size() int {
	bytes := (len(n.digits)+1)/2 + 1
	if n.negative {
		bytes++
	}
	return bytes
}

func (n number) appendJSON(to []byte) []byte {
	return append(append(append(to, `{"N":"`...), n.plain...), `"}`...)
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

func (n number) compare(m number) int {
	if c := cmp.Compare(n.sign(), m.sign()); c != 0 || n.sign() == 0 {
		return c
	}
	return n.sign() * cmp.Or(cmp.Compare(n.exp, m.exp), strings.Compare(n.digits, m.digits))
}

// whole is a number without a fraction.
func whole(n int) number {
	out, _ := parseNumber(strconv.Itoa(n)) // every int is a number
	return out
}
