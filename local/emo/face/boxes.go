package face

import (
	"image"
	"math"
)

// Ratios of the film that boxes are computed for.
const (
	RatioHead = "1:1" // a square: the head
	RatioHalf = "3:4" // width to height: head and shoulders
)

const (
	extSide = 2.5  // side of the part that is filmed, as a multiple of the face's side
	extRise = 0.15 // how much higher its centre lies than the face's, as a part of the face's side
)

// Boxes computes the face's box and the part of the picture that will be filmed, each as x1, y1, x2, y2 in pixels
// with the origin at the top left and x2, y2 just outside.
//
// The measures are read off the one pair of boxes that the vendor's page shows
// (https://help.aliyun.com/zh/model-studio/emo-detect-api): a square of 2.5 times the face's side in its column,
// its centre 0.15 face higher; for 3:4 grown downwards. ASSUMED: what does not fit into the picture is shrunk,
// then slid inside. The sides stand in the ratio exactly.
//
// ok is false if the face does not lie in a picture of width x height, or for an unknown ratio.
func Boxes(width, height int, face image.Rectangle, ratio string) (faceBox, extBox [4]int, ok bool) {
	face = face.Intersect(image.Rect(0, 0, width, height))
	if face.Empty() {
		return faceBox, extBox, false
	}
	var unitW, unitH int
	switch ratio {
	case RatioHead:
		unitW, unitH = 1, 1
	case RatioHalf:
		unitW, unitH = 3, 4
	default:
		return faceBox, extBox, false
	}
	side := float64(face.Dx()+face.Dy()) / 2
	units := int(math.Round(extSide * side / float64(unitW)))
	units = min(max(units, 1), width/unitW, height/unitH)
	if units < 1 {
		return faceBox, extBox, false
	}
	w, h := units*unitW, units*unitH

	centreX := float64(face.Min.X+face.Max.X) / 2
	centreY := float64(face.Min.Y+face.Max.Y)/2 - extRise*side
	x := place(centreX-float64(w)/2, w, face.Min.X, face.Max.X, width)
	y := place(centreY-float64(w)/2, h, face.Min.Y, face.Max.Y, height) // w: a 3:4 box is the square, grown down
	return [4]int{face.Min.X, face.Min.Y, face.Max.X, face.Max.Y}, [4]int{x, y, x + w, y + h}, true
}

// place slides a span of the given length that would begin at start until it holds [from, to) as well as it can,
// and lies in [0, limit) in any case.
func place(start float64, length, from, to, limit int) int {
	at := int(math.Round(start))
	if to-from <= length {
		at = min(max(at, to-length), from)
	}
	return max(0, min(at, limit-length))
}
