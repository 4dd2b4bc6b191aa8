package media

import "math"

// knownBMPHeader lists the sizes of the second header: OS/2 1 (12), OS/2 2 short and full (16, 64), Windows 3 (40), with
// masks (52, 56), version 4 (108) and 5 (124).
// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-header-types
func knownBMPHeader(n uint32) bool {
	switch n {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

// readBMP reads the headers and asks whether the pixels they speak of are there. The file size in the header decides
// only where the pixels' own length is not known: too many writers leave it wrong, and decoders do not look at it.
func readBMP(s *source) (*Image, error) {
	b := s.peek(14 + 40)
	if len(b) < 18 || len(b) < 14+int(min(le32(b[14:]), 40)) {
		return nil, fault(Truncated, "the BMP ends inside its header")
	}
	size, offset, header := int64(le32(b[2:])), int64(le32(b[10:])), int64(le32(b[14:]))
	d := b[14:]
	var w, h int64
	var depth uint16
	var compression, dataSize uint32
	if header == 12 {
		w, h, depth = int64(le16(d[4:])), int64(le16(d[6:])), le16(d[10:])
	} else {
		w, h, depth = int64(int32(le32(d[4:]))), int64(int32(le32(d[8:]))), le16(d[14:])
		if header >= 40 {
			compression, dataSize = le32(d[16:]), le32(d[20:])
		}
	}
	if h < 0 { // rows from the top down
		h = -h
	}
	switch depth {
	case 1, 2, 4, 8, 16, 24, 32:
	case 0: // the depth is that of the JPEG or PNG inside
		if compression != 4 && compression != 5 {
			return nil, fault(Corrupt, "the BMP says 0 bits per pixel")
		}
	default:
		return nil, fault(Corrupt, "the BMP says %d bits per pixel", depth)
	}
	if h > math.MaxInt32 || offset < 14+header {
		return nil, fault(Corrupt, "the BMP's header has impossible values")
	}
	img, err := shown(w, h, 1, false)
	if err != nil {
		return nil, err
	}
	var end uint64
	switch compression {
	case 0, 3, 6: // plain rows, padded to four bytes; the greatest product just fits
		end = uint64(offset) + uint64((w*int64(depth)+31)/32*4)*uint64(h)
	default:
		end = uint64(max(size, offset+int64(dataSize)))
	}
	s.drain()
	if uint64(s.pos) < end {
		return nil, fault(Truncated, "the BMP has %d of %d bytes", s.pos, end)
	}
	return img, nil
}
