package console

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// maxKey is the longest key S3 takes, in bytes.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// handIn is one file on its way to the inbox.
type handIn struct {
	key, path string
}

// pair is a film that comes of a form: a picture, a recording and, where it has any, the
// document with its options, under the keys by which they become a job.
type pair struct {
	name                     job.Name
	picture, recording       part
	pictureKey, recordingKey string
	options                  *part
	optionsKey               string
}

// parts are the files of a pair, in the order in which they are handed in: no recording
// is to be taken with older options or an older picture.
func (p pair) parts() []handIn {
	var all []handIn
	if p.options != nil {
		all = append(all, handIn{p.optionsKey, p.options.path})
	}
	return append(all, handIn{p.pictureKey, p.picture.path}, handIn{p.recordingKey, p.recording.path})
}

// pairs are the films that come of the form, and the files of which none does: halves
// that wait for another, and what is of no use.
//
// Recordings keep their names, for a film takes its recording's. A picture that was
// chosen for recordings keeps its own name when that pairs; each recording it does not
// pair with gets it under its own name, for two files of different names would wait
// for one another for ever.
func (f *form) pairs() (all []pair, halves, unused []part) {
	if f.picture != nil {
		kind, own := intake.Classify(f.picture.name)
		for _, r := range f.recordings {
			_, n := intake.Classify(f.key(r.name))
			name := f.picture.name
			if kind != intake.Shared && n.Stem != own.Stem {
				name = n.Stem + path.Ext(f.picture.name)
				f.renamed = true
			}
			one := pair{name: n, picture: *f.picture, recording: r, pictureKey: f.key(name), recordingKey: f.key(r.name)}
			one.options, one.optionsKey = f.optionsOf(n)
			all = append(all, one)
		}
		if len(f.recordings) == 0 {
			halves = append(halves, *f.picture)
		}
	} else {
		halves = append(halves, f.recordings...)
	}
	var named []intake.Named
	var parts []part
	taken := map[int]bool{}
	for _, p := range all {
		if p.options != nil {
			taken[p.options.nth] = true
		}
	}
	for _, p := range f.files {
		if p.path == "" {
			unused = append(unused, p)
			continue
		}
		if taken[p.nth] {
			continue
		}
		named, parts = append(named, intake.Named{Key: p.key}), append(parts, p)
	}
	paired := intake.Pair(named)
	for _, p := range paired.Pairs {
		picture, recording := parts[p.Picture], parts[p.Recording]
		one := pair{name: p.Name, picture: picture, recording: recording, pictureKey: picture.key, recordingKey: recording.key}
		if p.Sidecar >= 0 {
			one.options, one.optionsKey = &parts[p.Sidecar], parts[p.Sidecar].key
		}
		all = append(all, one)
	}
	for _, i := range paired.Halves {
		halves = append(halves, parts[i])
	}
	for _, i := range paired.Unused {
		unused = append(unused, parts[i])
	}
	return all, halves, unused
}

// optionsOf is the document with the options of a recording, and the key by which they
// count: the one that was chosen for all of them, or the one of its name that was
// dropped with it; nil when there is neither.
func (f *form) optionsOf(n job.Name) (*part, string) {
	if f.options != nil {
		return f.options, f.key(n.Stem + ".json")
	}
	for i, p := range f.files {
		if kind, own := intake.Classify(p.key); p.path != "" && kind == intake.Sidecar && own == n {
			return &f.files[i], p.key
		}
	}
	return nil, ""
}

// handIns are the form's files under the keys by which they become jobs, recordings
// last, so that none is taken with an older picture or older options. Of the two fields'
// files a lone half goes too, to wait for the other one; of a folder's only what makes a
// film.
func (f *form) handIns() []handIn {
	films, halves, _ := f.pairs()
	var first, recordings []handIn
	had := map[string]bool{}
	for _, p := range films {
		all := p.parts()
		for _, in := range all[:len(all)-1] {
			if !had[in.key] {
				first = append(first, in)
			}
			had[in.key] = true
		}
		recordings = append(recordings, all[len(all)-1])
	}
	for _, p := range halves {
		if p.key == "" {
			if kind, n := intake.Classify(f.key(p.name)); kind == intake.Recording && f.options != nil {
				first = append(first, handIn{f.key(n.Stem + ".json"), f.options.path})
			}
			recordings = append(recordings, handIn{f.key(p.name), p.path})
		}
	}
	return append(first, recordings...)
}

// waiting is which half is missing; empty when a film comes of the form.
func (f *form) waiting() string {
	switch {
	case f.picture == nil && len(f.recordings) > 0:
		return "picture"
	case f.picture != nil && len(f.recordings) == 0:
		return "recording"
	}
	return ""
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
