package intake

import (
	"context"
	"path"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/job"
)

const (
	// nearPages is how many pages of a folder, of so many keys, are looked through for
	// what a half pair may have been meant to go with: seconds at most.
	nearPages, nearPage = 10, 1000
	// nearest is how many names are told.
	nearest = 3
	// maxName bounds what is compared of a name, in characters, and what is told, in
	// bytes: a notice stays a small record.
	maxName = 100
)

// closest are the files of a folder that a half pair may have been meant to go with,
// told as people name them; empty when none is near. They are of those kinds, and go
// with no other file of their own name.
func (h *Handler) closest(ctx context.Context, half job.Half, kinds ...Kind) (string, error) {
	return h.closestOf(ctx, half, false, kinds...)
}

// closestOf is closest, among those that go with another file too if paired.
func (h *Handler) closestOf(ctx context.Context, half job.Half, paired bool, kinds ...Kind) (string, error) {
	_, name := Classify(half.Key)
	type candidate struct {
		key  string
		name job.Name
	}
	var all []candidate
	pictures, recordings := map[string]bool{}, map[string]bool{}
	for _, folder := range formsOf(folderOf(half.Key)) {
		after := ""
		for range nearPages {
			keys, err := h.Inbox.List(ctx, folder, after, nearPage)
			if err != nil {
				return "", err
			}
			for _, k := range keys {
				kind, n := Classify(k)
				pictures[n.Stem] = pictures[n.Stem] || kind == Picture
				recordings[n.Stem] = recordings[n.Stem] || kind == Recording
				if slices.Contains(kinds, kind) && n.Stem != name.Stem {
					all = append(all, candidate{k, n})
				}
			}
			if len(keys) < nearPage {
				break
			}
			after = keys[len(keys)-1]
		}
	}
	own := plainStem(name.Stem)
	far := func(c candidate) int { return distance(own, plainStem(c.name.Stem)) }
	all = slices.DeleteFunc(all, func(c candidate) bool {
		return !paired && pictures[c.name.Stem] && recordings[c.name.Stem] || far(c) > max(1, len([]rune(own))/4)
	})
	slices.SortStableFunc(all, func(a, b candidate) int { return far(a) - far(b) })
	var names []string
	for _, c := range all[:min(len(all), nearest)] {
		if base := path.Base(c.key); len(base) <= maxName {
			names = append(names, "“"+base+"”")
		}
	}
	return strings.Join(names, ", "), nil
}

// formsOf are the Unicode forms in which one folder's name may stand in the bucket.
func formsOf(folder string) []string {
	forms := []string{folder, norm.NFC.String(folder), norm.NFD.String(folder)}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// plainStem is what is left of a stem when all that people do not look at is gone:
// case, spaces and signs, and a second extension as in "anna.mp3.mp3".
func plainStem(stem string) string {
	for {
		ext := strings.ToLower(path.Ext(stem))
		if kind, _ := Classify("x" + ext); ext == "" || kind != Picture && kind != Recording && kind != Sidecar {
			break
		}
		stem = stem[:len(stem)-len(ext)]
	}
	return fold(stem)
}

// fold keeps letters and digits, in lower case.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(s))
}

// distance is how many characters have to be put in, taken out, changed, or changed
// with their neighbour to make one name of the other, by the beginnings of long ones.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	x, y = x[:min(len(x), maxName)], y[:min(len(y), maxName)]
	var before []int
	last := make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			change := last[j]
			if x[i] != y[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
