package job

import (
	"slices"
	"strings"
)

// Marks are marks on the portions of a manifest, a character each, so that a record with
// all of them stays small. A mark that is set again is another one: whoever has done what
// one asked for takes away only that. The zero value has none.
type Marks string

// A portion without a mark is unmarked; the marks follow each other in a circle. It is
// long: a mark comes round again, and is taken for an older one, only if it is set so
// often while somebody is at work.
const (
	unmarked          = '.'
	firstMark, behind = '0', 'z' + 1
)

// Has says whether a portion is marked.
func (m Marks) Has(portion int) bool { return portion < len(m) && m[portion] != unmarked }

// Any says whether one is.
func (m Marks) Any() bool { return m != "" }

// Set is m with another mark on a portion.
func (m Marks) Set(portion int) Marks {
	b := slices.Concat([]byte(m), slices.Repeat([]byte{unmarked}, max(0, portion+1-len(m))))
	if b[portion]++; b[portion] < firstMark || b[portion] >= behind {
		b[portion] = firstMark
	}
	return Marks(b)
}

// Without is m without the marks that are as they were seen.
func (m Marks) Without(seen Marks) Marks {
	b := []byte(m)
	for i := range min(len(b), len(seen)) {
		if b[i] == seen[i] {
			b[i] = unmarked
		}
	}
	return Marks(strings.TrimRight(string(b), string(unmarked)))
}
