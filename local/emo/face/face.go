// Package face finds upright frontal faces in a portrait.
//
// It stands in for a detector nobody outside can see: it knows nothing of bodies, turned heads or whether a face is
// a drawing, and it misses faces tilted by more than about 20 degrees. What the emulator makes of a face, boxes and
// verdicts, is package emo's.
//
// Invariant: the same bytes give the same finding, every time and however many calls run at once.
package face

import (
	"context"
	_ "embed"
	"fmt"
	"image"
	"math"
	"slices"

	pigo "github.com/esimov/pigo/core"

	"emodrop/local/emo/face/picture"
)

//go:embed facefinder
var cascade []byte

// Finding is what was seen in a picture. All coordinates and sizes are pixels of the picture as shown, that is,
// with its EXIF orientation applied.
type Finding struct {
	Width, Height int
	// Faces are squares from brow to chin, the surest first; none when no face was found.
	Faces []image.Rectangle
	// Brightness is the mean luma of the whole picture: 0 is black, 255 is white.
	Brightness float64
}

// A Finder finds faces. It is safe for concurrent use; make it with NewFinder.
type Finder struct {
	classifier *pigo.Pigo
}

// NewFinder unpacks the cascade, which takes a few milliseconds.
func NewFinder() (f *Finder, err error) {
	defer func() { // the reader of cascades indexes without looking
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("unpack face cascade: %v", r)
		}
	}()
	c, err := pigo.NewPigo().Unpack(cascade)
	if err != nil {
		return nil, fmt.Errorf("unpack face cascade: %w", err)
	}
	return &Finder{classifier: c}, nil
}

const (
	searchSide  = 480  // the longest side, in pixels, of the picture that is searched
	smallest    = 0.07 // side of the smallest face looked for, as a part of the picture's shorter side
	smallestPx  = 24   // what the cascade was trained on
	minScore    = 12   // of a cluster of hits: some 40 faceless pictures stayed under 7, faces came out above 50
	overlapSame = 0.2  // intersection over union from which on two hits are of one face
)

// Find decodes the picture (JPEG, PNG, BMP or WebP) and looks for faces. It returns picture.ErrFormat or
// picture.ErrTooLarge, wrapped, when it cannot be decoded, and the context's error when that has ended. A picture
// without a face is no error.
func (f *Finder) Find(ctx context.Context, data []byte) (Finding, error) {
	if err := ctx.Err(); err != nil {
		return Finding{}, fmt.Errorf("find faces: %w", err)
	}
	p, err := picture.Decode(data)
	if err != nil {
		return Finding{}, fmt.Errorf("find faces: %w", err)
	}
	if err := ctx.Err(); err != nil { // a large picture takes seconds to decode
		return Finding{}, fmt.Errorf("find faces: %w", err)
	}
	return f.search(p), nil
}

func (f *Finder) search(p *picture.Picture) Finding {
	out := Finding{}
	out.Width, out.Height = p.Size()
	scale := max(1, float64(max(out.Width, out.Height))/searchSide)
	w := max(1, int(math.Round(float64(out.Width)/scale)))
	h := max(1, int(math.Round(float64(out.Height)/scale)))
	gray := luma(p.Scaled(image.Rect(0, 0, out.Width, out.Height), w, h))

	sum := 0
	for _, v := range gray {
		sum += int(v)
	}
	out.Brightness = float64(sum) / float64(len(gray))

	hits := f.classifier.RunCascade(pigo.CascadeParams{
		MinSize:     max(smallestPx, int(smallest*float64(min(w, h)))),
		MaxSize:     min(w, h),
		ShiftFactor: 0.1,
		ScaleFactor: 1.1,
		ImageParams: pigo.ImageParams{Pixels: gray, Rows: h, Cols: w, Dim: w},
	}, 0)
	bounds := image.Rect(0, 0, out.Width, out.Height)
	for _, c := range cluster(hits) {
		// Each axis has a scale of its own by a rounding error; the square follows the horizontal one.
		sx, sy := float64(out.Width)/float64(w), float64(out.Height)/float64(h)
		side := int(math.Round(c.side * sx))
		x := int(math.Round((c.x - c.side/2) * sx))
		y := int(math.Round((c.y - c.side/2) * sy))
		if r := image.Rect(x, y, x+side, y+side).Intersect(bounds); !r.Empty() {
			out.Faces = append(out.Faces, r)
		}
	}
	return out
}

// luma turns a picture into Rec. 601 brightness in integers, so that every processor gets the same.
func luma(m *image.RGBA) []uint8 {
	gray := make([]uint8, len(m.Pix)/4)
	for i := range gray {
		p := m.Pix[4*i:]
		gray[i] = uint8((299*int(p[0]) + 587*int(p[1]) + 114*int(p[2]) + 500) / 1000)
	}
	return gray
}

// A candidate is a square by its centre.
type candidate struct{ x, y, side, score float64 }

// cluster joins the hits of each face into one candidate, the surest first. pigo's own clustering sorts unstably
// and can answer with two clusters of one face, one around the other.
func cluster(hits []pigo.Detection) []candidate {
	slices.SortFunc(hits, func(a, b pigo.Detection) int { // a total order: no two hits share place and size
		switch {
		case a.Q != b.Q:
			if a.Q > b.Q {
				return -1
			}
			return 1
		case a.Row != b.Row:
			return a.Row - b.Row
		case a.Col != b.Col:
			return a.Col - b.Col
		}
		return a.Scale - b.Scale
	})
	taken := make([]bool, len(hits))
	var found []candidate
	for i, seed := range hits {
		if taken[i] {
			continue
		}
		var c candidate
		for j := i; j < len(hits); j++ {
			if taken[j] || overlap(square(seed), square(hits[j])) <= overlapSame {
				continue
			}
			taken[j] = true
			q := float64(hits[j].Q) // sure hits pull harder at the mean
			c.x += q * float64(hits[j].Col)
			c.y += q * float64(hits[j].Row)
			c.side += q * float64(hits[j].Scale)
			c.score += q
		}
		if c.score >= minScore {
			c.x, c.y, c.side = c.x/c.score, c.y/c.score, c.side/c.score
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	return distinct(found)
}

// distinct drops every candidate that shares its place with a surer one: the nose or the mouth of a large face can
// look like a small face of its own.
func distinct(sorted []candidate) []candidate {
	var kept []candidate
next:
	for _, c := range sorted {
		for _, k := range kept {
			reach := max(c.side, k.side) / 2
			if math.Abs(c.x-k.x) < reach && math.Abs(c.y-k.y) < reach {
				continue next
			}
		}
		kept = append(kept, c)
	}
	return kept
}

func square(d pigo.Detection) candidate {
	return candidate{x: float64(d.Col), y: float64(d.Row), side: float64(d.Scale)}
}

// overlap is the intersection over the union of two squares.
func overlap(a, b candidate) float64 {
	side := func(p, q float64) float64 {
		return max(0, min(p+a.side/2, q+b.side/2)-max(p-a.side/2, q-b.side/2))
	}
	both := side(a.x, b.x) * side(a.y, b.y)
	return both / (a.side*a.side + b.side*b.side - both)
}
