package intake

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

// Named is a file that is not in the inbox yet: the key that it would have there, and
// when it was last changed; zero where that is not known.
type Named struct {
	Key      string
	Modified time.Time
}

// Paired is a hand-in by names alone. Picture and Recording are places in what was
// paired, and so is Sidecar, or -1 without options; Shared says that the picture is its
// folder's portrait.
type Paired struct {
	Name                        job.Name
	Picture, Recording, Sidecar int
	Shared                      bool
}

// Pairing is what files come to if all of them are handed in together. Numbers are
// places in what was paired.
type Pairing struct {
	// Pairs by the recordings' keys.
	Pairs []Paired
	// Halves wait for another file, options among them. Unused are portraits that serve no recording, and
	// files of whose kind there is a newer one of the same name. Unknown are no files of
	// ours; what the inbox ignores is in none of them.
	Halves, Unused, Unknown []int
}

// Pair pairs files by their names, as the inbox will.
func Pair(files []Named) Pairing {
	type half struct {
		kind Kind
		name job.Name
	}
	newest := map[half]int{}
	var out Pairing
	for i, f := range files {
		kind, n := Classify(f.Key)
		switch kind {
		case Unknown:
			out.Unknown = append(out.Unknown, i)
			continue
		case Ignored, Cancel, Retry, Manifest: // a manifest's rows name their files themselves
			continue
		case Shared:
			n.Stem = ""
		}
		h := half{kind, n}
		old, ok := newest[h]
		if !ok {
			newest[h] = i
			continue
		}
		if cmp.Or(f.Modified.Compare(files[old].Modified), strings.Compare(f.Key, files[old].Key)) > 0 {
			newest[h], i = i, old
		}
		out.Unused = append(out.Unused, i)
	}
	used := map[int]bool{}
	for h, recording := range newest {
		if h.kind != Recording {
			continue
		}
		p := Paired{Name: h.name, Recording: recording, Sidecar: -1}
		own, ok := newest[half{Picture, h.name}]
		if !ok {
			own, ok = newest[half{Shared, job.Name{Dir: h.name.Dir}}]
			p.Shared = true
		}
		if !ok {
			out.Halves = append(out.Halves, recording)
			continue
		}
		p.Picture = own
		used[own] = true
		if options, ok := newest[half{Sidecar, h.name}]; ok {
			p.Sidecar = options
			used[options] = true
		}
		out.Pairs = append(out.Pairs, p)
	}
	for h, i := range newest {
		switch {
		case h.kind == Recording || used[i]:
		case h.kind == Shared:
			out.Unused = append(out.Unused, i)
		default:
			out.Halves = append(out.Halves, i)
		}
	}
	byKey := func(a, b int) int { return strings.Compare(files[a].Key, files[b].Key) }
	slices.SortFunc(out.Pairs, func(a, b Paired) int { return byKey(a.Recording, b.Recording) })
	slices.SortFunc(out.Halves, byKey)
	slices.SortFunc(out.Unused, byKey)
	slices.SortFunc(out.Unknown, byKey)
	return out
}
