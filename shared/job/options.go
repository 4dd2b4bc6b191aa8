package job

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Priority is a hand-in's place in the queue. The zero value is between the others.
type Priority string

// The priorities besides the ordinary one.
const (
	First Priority = "high"
	Later Priority = "low"
)

// Options are what a hand-in asks for. The zero value asks for the stack's defaults.
type Options struct {
	Style Style `json:"style,omitempty"`
	Ratio Ratio `json:"ratio,omitempty"`
	// Face and Ext take the place of the boxes that detect finds; both or neither.
	Face     Box      `json:"face,omitzero"`
	Ext      Box      `json:"ext,omitzero"`
	Priority Priority `json:"priority,omitempty"`
	// DryRun has the hand-in checked and priced, and nothing made of it.
	DryRun bool `json:"dry_run,omitempty"`
	// Refused stands for options that nobody could read, and tells one such document
	// from another. Such a job is never made.
	Refused string `json:"refused,omitempty"`
}

// Misfit says why a film of a picture of that size cannot be made as is asked for;
// empty when it can, or when there is nothing in the way but what only the vendor knows.
func (o Options) Misfit(width, height int) string {
	if o.Ext.Within(Box{0, 0, width, height}) {
		return ""
	}
	return fmt.Sprintf("ext_bbox: has to lie within the picture, which is %d×%d", width, height)
}

// Labels are what a hand-in only wants carried along to every message and record.
type Labels struct {
	Metadata map[string]string `json:"metadata,omitempty"`
	Tags     []string          `json:"tags,omitempty"`
}

// ID names labels by what they say; empty for none.
func (l Labels) ID() string {
	if len(l.Metadata) == 0 && len(l.Tags) == 0 {
		return ""
	}
	b, _ := json.Marshal(l) // texts alone: it cannot fail, and maps are in order
	return digest(b)
}

// MarkOf names what an object's own metadata asks for, of which the keys are as S3
// gives them; asks is what of them is meant for us, as a JSON object of texts. Both are
// empty when nothing is.
func MarkOf(metadata map[string]string) (asks, mark string) {
	ours := map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		if name := strings.ToLower(k); strings.HasPrefix(name, AskPrefix) {
			ours[name] = metadata[k]
		}
	}
	if len(ours) == 0 {
		return "", ""
	}
	b, _ := json.Marshal(ours)
	return string(b), digest(b)
}

// AskPrefix begins the names of an object's metadata that are options.
const AskPrefix = "emo-"

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Width and Height in pixels; negative or zero for what is no rectangle.
func (b Box) Width() int  { return b[2] - b[0] }
func (b Box) Height() int { return b[3] - b[1] }

// Within reports whether b lies inside of o.
func (b Box) Within(o Box) bool {
	return b[0] >= o[0] && b[1] >= o[1] && b[2] <= o[2] && b[3] <= o[3]
}

// Shape is the ratio of a film that shows this part of a picture; empty when it is
// of neither. A pixel more or less is rounding.
func (b Box) Shape() Ratio {
	w, h := b.Width(), b.Height()
	switch {
	case w <= 0 || h <= 0:
		return ""
	case abs(w-h) <= 1:
		return Square
	case abs(4*w-3*h) <= 4:
		return Portrait
	}
	return ""
}

func abs(n int) int { return max(n, -n) }
