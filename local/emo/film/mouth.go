package film

import (
	"image"
	"math"
	"slices"
)

// openings are the poses: how far the mouth stands open, 0..1. The first must be the closed one.
var openings = [...]float64{0, 0.3, 0.62, 1}

// A mouth is a place in a frame, in pixels of the frame.
type mouth struct {
	x, y float64 // the middle of the line between the lips
	half float64 // half the width that moves
	jaw  float64 // how far below the line the skin still gives
	gape float64 // height of the hole at its widest
}

// Where the lips are in a face's square; measured by eye on drawn and photographed faces that the finder found.
const (
	mouthDown = 0.29 // below the centre, as a part of the side
	mouthHalf = 0.17
	mouthJaw  = 0.24
	mouthGape = 0.11
)

// mouthOf finds the mouth of a face in the frame that the part ext of the picture is scaled to.
func mouthOf(faceBox [4]int, ext image.Rectangle, width, height int) mouth {
	side := float64(ext.Dx()) / 2.5
	x := float64(ext.Min.X+ext.Max.X) / 2
	y := float64(ext.Min.Y) + float64(ext.Dx())/2 + 0.15*side
	f := image.Rect(faceBox[0], faceBox[1], faceBox[2], faceBox[3])
	if centre := f.Min.Add(f.Max).Div(2); !f.Empty() && centre.In(ext) {
		side = min(float64(f.Dx()+f.Dy())/2, float64(ext.Dx()))
		x, y = float64(f.Min.X+f.Max.X)/2, float64(f.Min.Y+f.Max.Y)/2
	}
	sx, sy := float64(width)/float64(ext.Dx()), float64(height)/float64(ext.Dy())
	return mouth{
		x:    (x - float64(ext.Min.X)) * sx,
		y:    (y + mouthDown*side - float64(ext.Min.Y)) * sy,
		half: mouthHalf * side * sx,
		jaw:  mouthJaw * side * sy,
		gape: mouthGape * side * sy,
	}
}

const up = 0.2 // the upper lip's share of the movement

// area is all that moves.
func (m mouth) area() image.Rectangle {
	return image.Rect(int(m.x-m.half)-1, int(m.y-up*m.jaw)-1, int(m.x+m.half)+1, int(m.y+m.jaw)+1)
}

// open returns the still with the jaw pulled down and the hole filled in. Only pixels near the mouth differ.
func (m mouth) open(still *image.RGBA, opening float64) *image.RGBA {
	out := image.NewRGBA(still.Rect)
	copy(out.Pix, still.Pix)
	if opening <= 0 || m.half < 1 {
		return out
	}
	lift := m.jaw * up
	area := m.area().Intersect(still.Rect)
	for px := area.Min.X; px < area.Max.X; px++ {
		// A lens: as wide as the mouth, pointed at its corners.
		t := (float64(px) + 0.5 - m.x) / m.half
		if t <= -1 || t >= 1 {
			continue
		}
		shape := 1 - t*t
		hole := opening * m.gape * shape * math.Sqrt(shape)
		top, bottom := up*hole, (1-up)*hole
		for py := area.Min.Y; py < area.Max.Y; py++ {
			d := float64(py) + 0.5 - m.y
			switch {
			case d >= bottom: // below: skin and lower lip are squeezed towards the chin
				from := m.y + (d-bottom)/(1-bottom/m.jaw)
				sampleColumn(out, still, px, py, from)
			case d <= -top:
				from := m.y + (d+top)/(1-top/lift)
				sampleColumn(out, still, px, py, from)
			default:
				inside(out, px, py, (d+top)/max(hole, 1), shape, hole)
			}
		}
	}
	return out
}

// sampleColumn sets a pixel to what stands at the height y (a centre at .5) of the same column.
func sampleColumn(out, still *image.RGBA, px, py int, y float64) {
	y = min(max(y-0.5, 0), float64(still.Rect.Dy()-1))
	y0 := int(y)
	y1 := min(y0+1, still.Rect.Dy()-1)
	f := y - float64(y0)
	a, b, o := still.PixOffset(px, y0), still.PixOffset(px, y1), out.PixOffset(px, py)
	for i := range 3 {
		va, vb := float64(still.Pix[a+i]), float64(still.Pix[b+i])
		out.Pix[o+i] = uint8(va + (vb-va)*f + 0.5)
	}
}

// inside paints the hole at depth 0..1 from its upper edge: teeth in the middle, dark around them, the tongue.
func inside(out *image.RGBA, px, py int, depth, shape, hole float64) {
	c := [3]uint8{58, 20, 24}
	switch {
	case hole > 6 && depth < 0.24*shape:
		c = [3]uint8{214, 204, 194}
	case depth > 1-0.3*shape:
		c = [3]uint8{124, 52, 56}
	}
	copy(out.Pix[out.PixOffset(px, py):], c[:])
}

// silence is the level, in decibels, of what cannot be heard.
const silence = -120

// mouthPoses turns a level in decibels for each frame into the pose that each frame shows. Levels only count
// against the recording's own loud parts, so a quiet voice moves the mouth as far as a loud one.
func mouthPoses(levels []float64, poses int) []int {
	out := make([]int, len(levels))
	heard := make([]float64, 0, len(levels))
	for _, l := range levels {
		if l > silence/2 {
			heard = append(heard, l)
		}
	}
	if len(heard) == 0 {
		return out
	}
	slices.Sort(heard)
	loud := heard[len(heard)*9/10]
	const span = 24 // decibels between shut and wide open
	for i, l := range levels {
		opening := min(max((l-(loud-span))/span, 0), 1)
		out[i] = min(int(opening*opening*float64(poses)), poses-1) // speech is loud most of the time: favour its peaks
	}
	return out
}
