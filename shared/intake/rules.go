package intake

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"emodrop/shared/job"
)

// wish is what one document, or one object's metadata, asks for. What it does not
// mention is nil or empty, and left to those that count less.
type wish struct {
	style    job.Style
	ratio    job.Ratio
	face     job.Box
	ext      job.Box
	priority string
	dryRun   *bool
	metadata map[string]string
	tags     []string
}

// The bounds of what is only carried along; docs/sidecar.schema.json says the same.
const (
	maxTags, maxTag       = 10, 64
	maxEntries            = 20
	maxEntryName          = 40
	maxEntry              = 256
	maxLabels             = 2 << 10 // of names, values and tags together, in bytes
	maxPixel              = 7000    // the longest side of a picture
	ordinary, schemaField = "normal", "$schema"
)

// option is one thing that a hand-in may ask for. take reads it into the wish, or says
// where and why it cannot.
type option struct {
	name string
	take func(w *wish, n node, path string) error
}

var options = []option{
	{"style_level", func(w *wish, n node, path string) (err error) {
		w.style, err = oneOf(n, path, job.Normal, job.Calm, job.Active)
		return err
	}},
	{"ratio", func(w *wish, n node, path string) (err error) {
		w.ratio, err = oneOf(n, path, job.Square, job.Portrait, job.Auto)
		return err
	}},
	{"face_bbox", func(w *wish, n node, path string) (err error) { w.face, err = box(n, path); return err }},
	{"ext_bbox", func(w *wish, n node, path string) (err error) { w.ext, err = box(n, path); return err }},
	{"priority", func(w *wish, n node, path string) (err error) {
		w.priority, err = oneOf(n, path, string(job.First), ordinary, string(job.Later))
		return err
	}},
	{"dryRun", func(w *wish, n node, path string) error {
		if n.kind != boolean {
			return fmt.Errorf("%s: has to be true or false", path)
		}
		yes := n.text == "true"
		w.dryRun = &yes
		return nil
	}},
	{"metadata", func(w *wish, n node, path string) error { return w.takeMetadata(n, path) }},
	{"tags", func(w *wish, n node, path string) error { return w.takeTags(n, path) }},
	{schemaField, func(_ *wish, n node, path string) error { // what editors check by
		if n.kind != text {
			return fmt.Errorf("%s: has to be a text of 0 to %d characters", path, maxSidecar)
		}
		return nil
	}},
}

// wishOf reads a document of options.
func wishOf(doc node) (wish, error) {
	var w wish
	if doc.kind != object {
		return wish{}, errors.New("the document: has to be an object")
	}
	for _, m := range doc.members {
		i := slices.IndexFunc(options, func(o option) bool { return o.name == m.name })
		if i < 0 {
			return wish{}, noSuch(below("", m.name), m.name, optionNames())
		}
		if err := options[i].take(&w, m.node, m.name); err != nil {
			return wish{}, err
		}
	}
	return w, w.whole()
}

func optionNames() (names []string) {
	for _, o := range options {
		names = append(names, o.name)
	}
	return names
}

func isOption(name string) bool { return slices.Contains(optionNames(), name) }

func noSuch(path, name string, names []string) error {
	return fmt.Errorf("%s: there is no such option%s", path, meant(name, names))
}

// meant suggests the name that somebody may have had in mind.
func meant(name string, names []string) string {
	best, least := "", 3
	for _, n := range names {
		plain := fold(n)
		if d := distance(fold(name), plain); d < least && d <= len(plain)/3 {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; perhaps %q is meant", best)
}

func oneOf[T ~string](n node, path string, all ...T) (T, error) {
	if n.kind == text && slices.Contains(all, T(n.text)) {
		return T(n.text), nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	hint := ""
	if n.kind == text {
		hint = meant(n.text, names)
	}
	return "", fmt.Errorf("%s: has to be one of %s%s", path, strings.Join(names, ", "), hint)
}

// box reads left, top, right and bottom, in pixels.
func box(n node, path string) (job.Box, error) {
	var b job.Box
	if n.kind != list || len(n.items) != len(b) {
		return b, fmt.Errorf("%s: has to be four whole numbers: left, top, right, bottom", path)
	}
	for i, v := range n.items {
		f, err := strconv.ParseFloat(v.text, 64)
		if v.kind != number || err != nil || f != math.Trunc(f) || f < 0 || f > maxPixel {
			return b, fmt.Errorf("%s[%d]: has to be a whole number from 0 to %d", path, i, maxPixel)
		}
		b[i] = int(f)
	}
	if b.Width() <= 0 || b.Height() <= 0 {
		return b, fmt.Errorf("%s: its right has to be greater than its left, and its bottom than its top", path)
	}
	return b, nil
}

func (w *wish) takeMetadata(n node, path string) error {
	if n.kind != object {
		return fmt.Errorf("%s: has to be an object", path)
	}
	if len(n.members) > maxEntries {
		return fmt.Errorf("%s: has more than %d entries", path, maxEntries)
	}
	w.metadata = map[string]string{}
	for _, m := range n.members {
		if c := utf8.RuneCountInString(m.name); c < 1 || c > maxEntryName {
			return fmt.Errorf("%s: its name has to be a text of 1 to %d characters", below(path, m.name), maxEntryName)
		}
		if m.kind != text || utf8.RuneCountInString(m.text) > maxEntry {
			return fmt.Errorf("%s: has to be a text of 0 to %d characters", below(path, m.name), maxEntry)
		}
		w.metadata[m.name] = m.text
	}
	return nil
}

func (w *wish) takeTags(n node, path string) error {
	if n.kind != list {
		return fmt.Errorf("%s: has to be a list", path)
	}
	if len(n.items) > maxTags {
		return fmt.Errorf("%s: has more than %d entries", path, maxTags)
	}
	w.tags = []string{}
	for i, v := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		if c := utf8.RuneCountInString(v.text); v.kind != text || c < 1 || c > maxTag {
			return fmt.Errorf("%s: has to be a text of 1 to %d characters", at, maxTag)
		}
		if slices.Contains(w.tags, v.text) {
			return fmt.Errorf("%s: stands there twice", at)
		}
		w.tags = append(w.tags, v.text)
	}
	return nil
}

// whole says what is wrong between the parts of a wish, of one document or of all that
// a hand-in has.
func (w wish) whole() error {
	size := 0
	for k, v := range w.metadata {
		size += len(k) + len(v)
	}
	for _, t := range w.tags {
		size += len(t)
	}
	none := job.Box{}
	switch {
	case size > maxLabels:
		return fmt.Errorf("metadata, tags: more than %d bytes together", maxLabels)
	case w.ext == none && w.face != none:
		return errors.New("face_bbox: has to come together with ext_bbox")
	case w.ext != none && w.face == none:
		return errors.New("ext_bbox: has to come together with face_bbox")
	case w.ext == none:
		return nil
	case w.ext.Shape() == "":
		return fmt.Errorf("ext_bbox: has to be of the shape 1:1 or 3:4; it is %d×%d", w.ext.Width(), w.ext.Height())
	case !w.face.Within(w.ext):
		return errors.New("face_bbox: has to lie within ext_bbox")
	case w.ratio != "" && w.ratio != job.Auto && w.ratio != w.ext.Shape():
		return fmt.Errorf("ratio: does not go with ext_bbox, which is %s", w.ext.Shape())
	}
	return nil
}

// or fills what a wish leaves open from one that counts less. The two boxes are one
// thing, and so are all the metadata.
func (w wish) or(less wish) wish {
	if w.style == "" {
		w.style = less.style
	}
	if w.ratio == "" {
		w.ratio = less.ratio
	}
	if w.ext == (job.Box{}) {
		w.face, w.ext = less.face, less.ext
	}
	if w.priority == "" {
		w.priority = less.priority
	}
	if w.dryRun == nil {
		w.dryRun = less.dryRun
	}
	if w.metadata == nil {
		w.metadata = less.metadata
	}
	if w.tags == nil {
		w.tags = less.tags
	}
	return w
}

func (w wish) options() job.Options {
	o := job.Options{Style: w.style, Ratio: w.ratio, Face: w.face, Ext: w.ext, DryRun: w.dryRun != nil && *w.dryRun}
	if w.priority != ordinary {
		o.Priority = job.Priority(w.priority)
	}
	return o
}
