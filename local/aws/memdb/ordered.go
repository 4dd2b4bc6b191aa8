package memdb

import (
	"iter"
	"slices"
	"sort"
)

// ordered keeps values in order: a list of chunks of bounded length, so that
// neither a million values nor many at one end make a change dear.
type ordered[T any] struct {
	compare func(a, b T) int
	chunks  [][]T // none is empty
}

const chunkLen = 256

// seek is the place of the first value from which on the test holds; it must
// hold for all after it.
func (o *ordered[T]) seek(holds func(T) bool) (chunk, at int) {
	chunk = sort.Search(len(o.chunks), func(i int) bool { return holds(o.chunks[i][len(o.chunks[i])-1]) })
	if chunk == len(o.chunks) {
		return chunk, 0
	}
	c := o.chunks[chunk]
	return chunk, sort.Search(len(c), func(i int) bool { return holds(c[i]) })
}

func (o *ordered[T]) insert(v T) {
	chunk, at := o.seek(func(x T) bool { return o.compare(x, v) >= 0 })
	switch {
	case len(o.chunks) == 0:
		o.chunks = [][]T{{v}}
		return
	case chunk == len(o.chunks): // after all
		chunk--
		at = len(o.chunks[chunk])
	}
	c := slices.Insert(o.chunks[chunk], at, v)
	if len(c) <= chunkLen {
		o.chunks[chunk] = c
		return
	}
	half := slices.Clone(c[chunkLen/2:])
	o.chunks[chunk] = slices.Delete(c, chunkLen/2, len(c))
	o.chunks = slices.Insert(o.chunks, chunk+1, half)
}

// remove takes out a value that is there.
func (o *ordered[T]) remove(v T) {
	chunk, at := o.seek(func(x T) bool { return o.compare(x, v) >= 0 })
	o.chunks[chunk] = slices.Delete(o.chunks[chunk], at, at+1)
	if len(o.chunks[chunk]) == 0 {
		o.chunks = slices.Delete(o.chunks, chunk, chunk+1)
	}
}

func (o *ordered[T]) empty() bool { return len(o.chunks) == 0 }

// from goes up from the first value for which the test holds.
func (o *ordered[T]) from(holds func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		chunk, at := o.seek(holds)
		for ; chunk < len(o.chunks); chunk, at = chunk+1, 0 {
			for _, v := range o.chunks[chunk][at:] {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// below goes down from the last value for which the test does not hold.
func (o *ordered[T]) below(holds func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		chunk, at := o.seek(holds)
		for {
			for at--; at >= 0; at-- {
				if !yield(o.chunks[chunk][at]) {
					return
				}
			}
			if chunk--; chunk < 0 {
				return
			}
			at = len(o.chunks[chunk])
		}
	}
}
