package memdb

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatIsKeptInOrderIsFoundInOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	o := &ordered[int]{compare: cmp.Compare[int]}
	var want []int
	for range 20_000 {
		v := r.IntN(4000)
		at, there := slices.BinarySearch(want, v)
		if there {
			want = slices.Delete(want, at, at+1)
			o.remove(v)
		} else {
			want = slices.Insert(want, at, v)
			o.insert(v)
		}
	}
	up := slices.Collect(o.from(func(int) bool { return true }))
	require.Equal(t, want, up)
	at, _ := slices.BinarySearch(want, 2000)
	require.Equal(t, want[at:], slices.Collect(o.from(func(v int) bool { return v >= 2000 })))
	down := slices.Collect(o.below(func(v int) bool { return v >= 2000 }))
	slices.Reverse(down)
	require.Equal(t, want[:at], down)
	for _, v := range want {
		o.remove(v)
	}
	require.True(t, o.empty())
	require.Empty(t, slices.Collect(o.below(func(int) bool { return true })))
}

func TestAnIndexHoldsNoMoreThanItsEntriesAndTheChangesOfOneLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tb := &table{key: "pk"}
		ix := &index{hash: "h", rang: "r", numeric: true, table: tb, lag: time.Second, parts: map[text]*ordered[entry]{}}
		at := func(i int) item { return item{"pk": text("a"), "h": text(fmt.Sprint(i % 7)), "r": whole(i)} }
		ix.update(nil, at(0), time.Now())
		waiting, room, parts := 0, 0, 0
		for i := range 5000 {
			ix.update(at(i), at(i+1), time.Now())
			time.Sleep(10 * time.Millisecond)
			waiting, room, parts = max(waiting, len(ix.waiting)), max(room, cap(ix.waiting)), max(parts, len(ix.parts))
		}
		require.LessOrEqual(t, waiting, 2*101)
		require.LessOrEqual(t, room, 1024)
		require.Equal(t, 1, parts, "a part that is empty goes away")
	})
}

func TestTokensAreForgotten(t *testing.T) {
	t.Parallel()
	k := tokens{seen: map[string]seen{}}
	now := time.Now()
	most := 0
	for i := range 2000 {
		token := fmt.Sprint(i)
		_, err := k.done(token, [32]byte{}, now)
		require.NoError(t, err)
		k.remember(token, [32]byte{}, now)
		most = max(most, len(k.seen))
		now = now.Add(time.Second)
	}
	require.Equal(t, 600, most)
	require.Len(t, k.order, 600)
}

func TestNumbersAreOrderedAsNumbers(t *testing.T) {
	t.Parallel()
	inOrder := []string{"-9.99e125", "-100", "-12", "-1.5", "-1", "-0.5", "-1e-130", "0", "1e-130", "0.09", "0.1", "0.10001", "1", "1.5", "2", "10", "12", "100",
		"12345678901234567890123456789012345678", "9.99e125"}
	for i, a := range inOrder {
		for j, b := range inOrder {
			x, err := parseNumber(a)
			require.NoError(t, err)
			y, err := parseNumber(b)
			require.NoError(t, err)
			require.Equal(t, cmp.Compare(i, j), x.compare(y), "%s and %s", a, b)
		}
	}
}

// Whatever is in an expression, reading it ends with a refusal or with something
// that can be applied to an item, and leaves the item as it was.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"SET #a = :v, #m.#b = :v REMOVE #c, #m.#d", "REMOVE #a", "set #a=:v", "SET #a = #b + :v", "ADD #a :v", "SET #a = :v, #a.#b = :v",
		"#a = :v AND (#b < :v OR NOT attribute_exists(#m.#b))", "attribute_not_exists(#a) OR size(#m) < :v OR #b BETWEEN :v AND :v",
		"#a IN (:v, :w, #b)", "begins_with(#c, :w)", "((#a = :v))", "#a = :v AND #b <= :v", "#a = :w AND begins_with(#b, :w)", "(((((", "#", ":", "#a..#b", "size(", "NOT NOT NOT #a", "#a=:v\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		one := whole(1)
		sc := &scope{names: map[string]string{"#a": "a", "#b": "b", "#c": "c", "#d": "d", "#m": "m"}, values: map[string]value{":v": one, ":w": text("w")}, used: map[string]bool{}}
		it := item{"a": one, "c": text("wxyz"), "m": document{"b": document{}, "d": null{}}}
		before := fmt.Sprint(it)
		if u, err := sc.parser("UpdateExpression", source).update(); err == nil {
			if after, err := u.apply(it, nil); err == nil {
				_ = after.size()
			}
		}
		if c, err := sc.parser("ConditionExpression", source).condition(); err == nil {
			c(it)
			c(nil)
		}
		ix := &index{name: "ix", hash: "a", rang: "b"}
		if _, span, err := sc.parser("KeyConditionExpression", source).keyCondition(ix); err == nil {
			span.under(text("w"))
			span.over(text("w"))
		}
		if got := fmt.Sprint(it); got != before {
			t.Fatalf("the item has changed from %s to %s", before, got)
		}
	})
}
