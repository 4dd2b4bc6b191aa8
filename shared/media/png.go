package media

import "hash/crc32"

// readPNG walks the chunks to IEND (https://www.w3.org/TR/png-3/). The checksums of the critical chunks are verified,
// as decoders do; those of the others are not.
func readPNG(s *source) (*Image, error) {
	s.skip(8)
	var w, h int64
	var data, animated bool
	orientation := 0
	for first := true; ; first = false {
		b := s.peek(8)
		if len(b) < 8 {
			return nil, fault(Truncated, "the PNG ends without its end chunk")
		}
		n := int64(be32(b))
		typ := [4]byte(b[4:])
		if n > 1<<31-1 || !isLetters(typ[:]) {
			return nil, fault(Corrupt, "the PNG has a chunk of impossible length or name")
		}
		if isHeader := typ == [4]byte{'I', 'H', 'D', 'R'}; isHeader != first {
			return nil, fault(Corrupt, "the PNG's header chunk is missing or not the first")
		}
		var sum uint32
		critical := typ[0]&0x20 == 0
		if critical {
			sum = crc32.ChecksumIEEE(b[4:8])
		}
		s.skip(8)
		switch string(typ[:]) {
		case "IHDR":
			if n != 13 {
				return nil, fault(Corrupt, "the PNG's header chunk has the wrong length")
			}
			b := s.peek(13)
			if len(b) < 13 {
				return nil, fault(Truncated, "the PNG ends inside its header")
			}
			w, h = int64(be32(b)), int64(be32(b[4:]))
			if w > 1<<31-1 || h > 1<<31-1 || !pngDepthFits(b[9], b[8]) || b[10] != 0 || b[11] != 0 || b[12] > 1 {
				return nil, fault(Corrupt, "the PNG's header has impossible values")
			}
			if w == 0 || h == 0 {
				return shown(w, h, 0, false)
			}
		case "acTL":
			animated = animated || !data
		case "IDAT":
			data = true
		case "eXIf":
			if o := readOrientation(s, n); orientation == 0 {
				orientation = o
			}
			n = 0
		}
		var see func([]byte)
		if critical {
			see = func(p []byte) { sum = crc32.Update(sum, crc32.IEEETable, p) }
		}
		if !s.tap(n, see) {
			return nil, fault(Truncated, "the PNG ends inside a chunk")
		}
		b = s.peek(4)
		if len(b) < 4 {
			return nil, fault(Truncated, "the PNG ends inside a chunk")
		}
		if critical && be32(b) != sum {
			return nil, fault(Corrupt, "a checksum of the PNG is wrong (chunk %s)", typ[:])
		}
		s.skip(4)
		if string(typ[:]) == "IEND" {
			break
		}
	}
	if !data {
		return nil, fault(Corrupt, "the PNG has no picture in it")
	}
	return shown(w, h, orientation, animated)
}

// pngDepthFits is table 11.1 of the specification.
func pngDepthFits(colour, depth byte) bool {
	switch colour {
	case 0:
		return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16
	case 3:
		return depth == 1 || depth == 2 || depth == 4 || depth == 8
	case 2, 4, 6:
		return depth == 8 || depth == 16
	}
	return false
}

func isLetters(b []byte) bool {
	for _, c := range b {
		if c |= 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
