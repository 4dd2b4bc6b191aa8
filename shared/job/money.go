package job

import (
	"fmt"
	"math"
)

// Money is an amount in millionths of a yuan (CNY). The zero value is nothing.
type Money int64

// Yuan is one CNY.
const Yuan Money = 1_000_000

// String gives the amount in yuan with at least two decimals and no more than
// it has: "¥4.80", "¥1.1144".
func (m Money) String() string {
	d := m.Decimal()
	if m < 0 {
		return "-¥" + d[1:]
	}
	return "¥" + d
}

// Decimal is the amount as a plain number of yuan: "4.80", "-1.1144".
func (m Money) Decimal() string {
	// Without a sign, so that the least amount has a positive like every other.
	sign, abs := "", uint64(m)
	if m < 0 {
		sign, abs = "-", -abs
	}
	frac := fmt.Sprintf("%06d", abs%uint64(Yuan))
	for len(frac) > 2 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return fmt.Sprintf("%s%d.%s", sign, abs/uint64(Yuan), frac)
}

// times is the price of that many seconds, rounded to the nearest millionth.
func (m Money) times(seconds float64) Money {
	return Money(math.Round(float64(m) * seconds))
}
