package picture

import "image"

// turned says whether an orientation swaps width and height.
func turned(orientation int) bool { return orientation >= 5 }

// storedPoint maps a point of the shown picture, whose size is w x h, to the picture as stored.
// Points are corners between pixels, not pixels, so that rectangles map without off-by-ones.
func storedPoint(pt image.Point, w, h, orientation int) image.Point {
	x, y := pt.X, pt.Y
	switch orientation {
	case 2: // mirrored
		return image.Pt(w-x, y)
	case 3: // half a turn
		return image.Pt(w-x, h-y)
	case 4: // upside down by a mirror
		return image.Pt(x, h-y)
	case 5: // transposed
		return image.Pt(y, x)
	case 6: // shown after a quarter turn clockwise
		return image.Pt(y, w-x)
	case 7: // transposed at the other diagonal
		return image.Pt(h-y, w-x)
	case 8: // shown after a quarter turn anticlockwise
		return image.Pt(h-y, x)
	}
	return pt
}

func storedRect(r image.Rectangle, w, h, orientation int) image.Rectangle {
	a, b := storedPoint(r.Min, w, h, orientation), storedPoint(r.Max, w, h, orientation)
	return image.Rect(a.X, a.Y, b.X, b.Y) // puts the corners in order
}

// orient turns a stored picture into the shown one.
func orient(stored *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return stored
	}
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	if turned(orientation) {
		w, h = h, w
	}
	shown := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			at := storedRect(image.Rect(x, y, x+1, y+1), w, h, orientation).Min
			copy(shown.Pix[shown.PixOffset(x, y):][:4], stored.Pix[stored.PixOffset(at.X, at.Y):][:4])
		}
	}
	return shown
}
