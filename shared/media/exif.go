package media

import "encoding/binary"

const orientationTag = 0x0112

// readOrientation finds the orientation in an EXIF block of n bytes, which may begin with the "Exif\0\0" of JPEG. It
// consumes exactly n bytes. The answer is 0 when there is none: broken EXIF is common and never a reason to refuse a
// picture. The layout is that of TIFF 6.0, section 2; only the first directory speaks of the picture itself, and it is
// read going forward without holding the block.
func readOrientation(s *source, n int64) int {
	end := s.pos + n
	o := findOrientation(s, end)
	s.skip(end - s.pos)
	return o
}

func findOrientation(s *source, end int64) int {
	if end-s.pos >= 6 && has(s.peek(5), 0, "Exif\x00") {
		s.skip(6)
	}
	base := s.pos
	if end-base < 8 {
		return 0
	}
	h := s.peek(8)
	if len(h) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(h[:2]) {
	case "II":
	case "MM":
		order = binary.BigEndian
	default:
		return 0
	}
	first := int64(order.Uint32(h[4:]))
	if order.Uint16(h[2:]) != 42 || first < 8 || end-base-first < 2 {
		return 0
	}
	s.skip(first)
	b := s.peek(2)
	if len(b) < 2 {
		return 0
	}
	entries := int64(order.Uint16(b))
	s.skip(2)
	for range min(entries, (end-s.pos)/12) {
		e := s.peek(12)
		if len(e) < 12 {
			return 0
		}
		if order.Uint16(e) == orientationTag {
			return orientationValue(order, e)
		}
		s.skip(12)
	}
	return 0
}

// orientationValue reads one directory entry. The type is SHORT by the book; some writers use BYTE or LONG.
func orientationValue(order binary.ByteOrder, e []byte) int {
	var v uint32
	switch order.Uint16(e[2:]) {
	case 1:
		v = uint32(e[8])
	case 3:
		v = uint32(order.Uint16(e[8:]))
	case 4:
		v = order.Uint32(e[8:])
	}
	if order.Uint32(e[4:]) != 1 || v < 1 || v > 8 {
		return 0
	}
	return int(v)
}
