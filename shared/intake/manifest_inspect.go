package intake

import (
	"fmt"
	"io"
	"slices"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/job"
)

// ManifestRow is a row of a manifest that is not in the inbox yet.
type ManifestRow struct {
	// Line is where it stands in the manifest, from 1.
	Line int
	// Name is the film's.
	Name job.Name
	// Image and Audio are the keys of its files in the inbox, as the row names them; see
	// KeyForms.
	Image, Audio string

	row row
	// file is the manifest's key.
	file string
}

// InspectManifest reads a manifest of that key wherever it is, and judges it as the inbox
// does: whoever hands one in can know beforehand. What is wrong with its lines is in
// faults, the first ten thousand of them, and more counts the others; of one that has any
// no row is given. An error is trouble in reading. One that is too large is not read on.
func InspectManifest(key string, body io.Reader) (all []ManifestRow, faults []job.RowFault, more int, err error) {
	kind, n := Classify(key)
	if kind != Manifest {
		return nil, nil, 0, fmt.Errorf("%s is no manifest by its name", key)
	}
	rs, err := readRows(key, body)
	if err != nil || len(rs.faults) > 0 {
		if rs != nil {
			faults, more = rs.faults, rs.more
		}
		return nil, faults, more, err
	}
	for _, r := range rs.all {
		all = append(all, ManifestRow{Line: r.line, Name: job.Name{Dir: n.Dir, Stem: r.name}, Image: r.image, Audio: r.audio, row: r, file: key})
	}
	return all, nil, 0, nil
}

// Options are what the row asks for, with its files as they stand in the inbox or are
// going to, as far as that changes the film, or why they would be refused for a picture
// like this one.
func (r ManifestRow) Options(audio, image job.Half, picture job.Input) (job.Options, *job.Fault, error) {
	a, err := rowAsks(r.row, r.file, audio, image)
	if f := firstOf(a.fault, a.misfit(picture)); err != nil || f != nil {
		return job.Options{}, f, err
	}
	return a.options, nil, nil
}

// KeyForms are the keys that a row's file may have, first as the row says it: folder and
// name in each of the Unicode forms that file systems give names. A folder may have been
// typed, and the file have come from a Mac.
func KeyForms(key string) (keys []string) {
	forms := func(s string) [3]string { return [...]string{s, norm.NFC.String(s), norm.NFD.String(s)} }
	dir := folderOf(key)
	for _, folder := range forms(dir) {
		for _, base := range forms(key[len(dir):]) {
			if form := folder + base; !slices.Contains(keys, form) {
				keys = append(keys, form)
			}
		}
	}
	return keys
}
