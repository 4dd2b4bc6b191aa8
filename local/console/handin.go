package console

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"emodrop/shared/intake"
)

// maxKey is the longest key S3 takes, in bytes.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// handIn is one file on its way to the inbox.
type handIn struct {
	key, path string
}

// handIns are the form's files under the keys by which they become jobs. Recordings
// keep their names, for a film takes its recording's. The picture keeps its own when
// that pairs; each recording it does not pair with gets it under its own name, for
// two files of different names would wait for one another for ever.
func (f *form) handIns() []handIn {
	var all []handIn
	if f.picture != nil {
		kind, own := intake.Classify(f.picture.name)
		keep := kind == intake.Shared || len(f.recordings) == 0
		for _, r := range f.recordings {
			_, n := intake.Classify(r.name)
			switch {
			case n.Stem == own.Stem:
				keep = true
			case kind != intake.Shared:
				all = append(all, handIn{f.key(n.Stem + path.Ext(f.picture.name)), f.picture.path})
				f.renamed = true
			}
		}
		if keep {
			all = append(all, handIn{f.key(f.picture.name), f.picture.path})
		}
	}
	for _, r := range f.recordings {
		all = append(all, handIn{f.key(r.name), r.path})
	}
	return all
}

// usable refuses a name that the inbox would not take for one of these kinds.
func usable(key, name, otherwise string, kinds ...intake.Kind) error {
	switch {
	case !plain(name) || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, "."):
		return refuse("bad_name", short(name))
	case len(key)+len(".jpeg") > maxKey:
		return refuse("long_name", short(name))
	}
	if kind, _ := intake.Classify(key); !slices.Contains(kinds, kind) {
		return refuse(otherwise, short(name))
	}
	return nil
}

// folderOf is a folder as a person wrote it, in the form keys have: no slash at its
// ends, no part that a file system would take for a way out.
func folderOf(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	if !plain(s) || strings.Contains(s, `\`) {
		return "", refuse("bad_folder", short(s))
	}
	parts := strings.Split(s, "/")
	for i, p := range parts {
		p = strings.TrimSpace(p)
		switch {
		case p == "" || p == "." || p == "..":
			return "", refuse("bad_folder", short(s))
		case strings.HasPrefix(p, "_") || strings.HasPrefix(p, "."):
			// The inbox leaves the first to manifests, folders on disk hide the second.
			return "", refuse("underscored_folder", short(s))
		}
		parts[i] = p
	}
	return strings.Join(parts, "/"), nil
}

// plain reports whether a name is text that can be shown and typed.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// short is a name for a sentence.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '\uFFFD'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 80 {
		return string(r[:60]) + "…" + string(r[len(r)-15:])
	}
	return s
}

// bytesText is a size as people say it.
func bytesText(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
