// Package race lets tests play less where the race detector watches. It makes them
// about ten times as slow, and a race shows in the code that many cases share rather than
// in one of them: there a share has to do. The same test plays the whole without it, in
// `make check` (the Makefile's `whole` finds the packages by this one's import path).
//
// Only tests import it, and only for tables, orders and amounts. What one case alone
// plays, it plays always.
package race

import (
	"hash/crc32"
	"testing"
)

// of is how many cases there are for one that is played.
const of = 8

// Some is every eighth of all, from the first, where the race detector watches, otherwise
// all.
func Some[T any](all []T) []T {
	if !Enabled {
		return all
	}
	var some []T
	for i := 0; i < len(all); i += of {
		some = append(some, all[i])
	}
	return some
}

// Plays reports whether the case of that name is played: one in eight where the race
// detector watches, always the same ones, otherwise every one.
func Plays(name string) bool {
	return !Enabled || crc32.ChecksumIEEE([]byte(name))%of == 0
}

// Amount is few where the race detector watches, otherwise all.
func Amount(all, few int) int {
	if Enabled {
		return few
	}
	return all
}

// Leave skips a test under the race detector: one that is about amounts, times and orders
// of what other tests have watched there, as play whole days or hundreds of jobs.
func Leave(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("about amounts and times: played without the race detector, by make check and make whole")
	}
}
