package picture

import (
	"bytes"
	"encoding/binary"
	"image"
)

// jpegOrientation returns the EXIF orientation (1..8) that a JPEG carries, 1 when it carries none or a broken one.
// It reads one field of the first image directory and nothing else.
func jpegOrientation(data []byte) int {
	for i := 2; i+4 <= len(data) && data[i] == 0xFF; {
		marker := data[i+1]
		if marker == 0xFF { // fill byte
			i++
			continue
		}
		if marker == 0xDA || marker == 0xD9 { // the scan begins: no more metadata
			break
		}
		size := int(binary.BigEndian.Uint16(data[i+2:]))
		if size < 2 || i+2+size > len(data) {
			break
		}
		segment := data[i+4 : i+2+size]
		if marker == 0xE1 && bytes.HasPrefix(segment, []byte("Exif\x00\x00")) {
			return tiffOrientation(segment[6:])
		}
		i += 2 + size
	}
	return 1
}

// tiffOrientation reads tag 0x0112 of a TIFF header's first directory.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := uint64(order.Uint16(tiff[at:]))
	for e := range entries {
		p := at + 2 + 12*e
		if p+12 > uint64(len(tiff)) {
			break
		}
		const orientationTag, short = 0x0112, 3
		if order.Uint16(tiff[p:]) != orientationTag || order.Uint16(tiff[p+2:]) != short {
			continue
		}
		if v := int(order.Uint16(tiff[p+8:])); v >= 1 && v <= 8 {
			return v
		}
		break
	}
	return 1
}

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
