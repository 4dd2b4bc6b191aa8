package emo

import (
	"image"
	"math"
)

const (
	ratioSquare = "1:1" // head, 512x512
	ratioHalf   = "3:4" // half body, 512x704
)

// The rule of the boxes is ASSUMED. It reproduces the documents' one sample: face [302,286,610,593], ext
// [71,9,840,778] (https://help.aliyun.com/zh/model-studio/emo-detect-api).
const (
	extPerFace = 2.5  // side of the ext box in face sides
	extLift    = 0.15 // how much higher than the face its centre is, in face sides
)

// boxes computes face_bbox and ext_bbox for a face in a picture of w times h pixels. It reports false when the picture
// has no room for a box of that ratio around the face.
func boxes(w, h int, face image.Rectangle, ratio string) (faceBox, extBox [4]int, ok bool) {
	face = face.Intersect(image.Rectangle{Max: image.Pt(w, h)})
	if face.Empty() {
		return faceBox, extBox, false
	}
	faceBox = [4]int{face.Min.X, face.Min.Y, face.Max.X, face.Max.Y}
	side := float64(face.Dx()+face.Dy()) / 2
	centreX := float64(face.Min.X+face.Max.X) / 2
	centreY := float64(face.Min.Y+face.Max.Y)/2 - extLift*side
	// Shrunk to fit, then slid to fit.
	width := min(int(math.Round(extPerFace*side)), w, h)
	height := width
	left, top := slide(centreX-float64(width)/2, width, w), slide(centreY-float64(height)/2, height, h)
	if ratio == ratioHalf {
		// Grown down to 3:4: the same top while there is room below, else slid up, else shrunk about the face's column.
		if height = round34(width); height > h {
			width, height = h*3/4, h
			left = slide(centreX-float64(width)/2, width, w)
		}
		top = slide(float64(top), height, h)
	}
	ext := image.Rect(left, top, left+width, top+height)
	return faceBox, [4]int{ext.Min.X, ext.Min.Y, ext.Max.X, ext.Max.Y}, face.In(ext)
}

func round34(width int) int { return int(math.Round(float64(width) * 4 / 3)) }

// slide places an interval of this length as near to start as the room from 0 to limit allows.
func slide(start float64, length, limit int) int {
	return max(0, min(int(math.Ceil(start-0.5)), limit-length)) // half a pixel goes left, as in the sample
}

// ratioOf tells the format of an ext box: its sides are as 1:1 or 3:4, give or take 2 % for rounding (ASSUMED).
func ratioOf(box [4]int) (string, bool) {
	w, h := float64(box[2]-box[0]), float64(box[3]-box[1])
	if w <= 0 || h <= 0 {
		return "", false
	}
	switch aspect := w / h; {
	case math.Abs(aspect-1) <= 0.02:
		return ratioSquare, true
	case math.Abs(aspect-0.75) <= 0.015:
		return ratioHalf, true
	}
	return "", false
}

// sane reports whether a box has its corners in order and none left of or above the picture.
func sane(box [4]int) bool {
	return box[0] >= 0 && box[1] >= 0 && box[2] > box[0] && box[3] > box[1]
}

// within reports whether a box lies in a picture of this size.
func within(box [4]int, w, h int) bool { return sane(box) && box[2] <= w && box[3] <= h }

// frameSize is the size of a film in pixels.
func frameSize(ratio string) (w, h int) {
	if ratio == ratioHalf {
		return 512, 704
	}
	return 512, 512
}
