package media

// Flags of the VP8X chunk (RFC 9649, section 2.7.1: https://www.rfc-editor.org/rfc/rfc9649).
const (
	webpAnimation = 0x02
	webpEXIF      = 0x08
)

// readWebP walks the chunks of the RIFF container. The first one says which of three kinds of file this is: lossy (VP8),
// lossless (VP8L), or extended (VP8X), where it gives the canvas and the rest follows.
func readWebP(s *source) (*Image, error) {
	end := 8 + int64(le32(s.peek(8)[4:]))
	s.skip(12)
	var w, h int64
	var flags byte
	var extended, data bool
	orientation := 0
	for first := true; first || s.pos+8 <= end; first = false {
		b := s.peek(8)
		if len(b) < 8 {
			return nil, fault(Truncated, "the WebP has %d of %d bytes", s.pos+int64(len(b)), end)
		}
		id, n := string(b[:4]), int64(le32(b[4:]))
		s.skip(8)
		next := s.pos + n + n&1
		if s.pos+n > end {
			return nil, webpOverrun(s, end)
		}
		switch {
		case first && id == "VP8X":
			b := s.peek(10)
			if n < 10 {
				return nil, fault(Corrupt, "the WebP's header chunk is too short")
			}
			if len(b) < 10 {
				return nil, webpOverrun(s, end)
			}
			flags, extended = b[0], true
			w, h = int64(le24(b[4:]))+1, int64(le24(b[7:]))+1
		case id == "VP8 " || id == "VP8L":
			if data {
				break // only the first picture counts
			}
			fw, fh, err := webpFrame(s, id, n, end)
			if err != nil {
				return nil, err
			}
			if extended && (fw != w || fh != h) {
				return nil, fault(Corrupt, "the WebP's canvas is %d x %d, its picture %d x %d", w, h, fw, fh)
			}
			w, h, data = fw, fh, true
		case first:
			return nil, fault(Corrupt, "the WebP begins with a chunk %s", code4([]byte(id)))
		case extended && id == "ANMF":
			data = true
		case extended && id == "EXIF" && flags&webpEXIF != 0 && orientation == 0:
			orientation = readOrientation(s, n)
		}
		if missing := next - s.pos; !s.skip(missing) && s.pos < next-n&1 {
			return nil, webpOverrun(s, end)
		}
	}
	if !data {
		return nil, fault(Corrupt, "the WebP has no picture in it")
	}
	return shown(w, h, orientation, flags&webpAnimation != 0)
}

// webpFrame reads the size from the head of a picture chunk of n bytes: RFC 6386, section 9.1, and RFC 9649, section
// 3.4. It consumes nothing.
func webpFrame(s *source, id string, n, end int64) (w, h int64, err error) {
	need := 10
	if id == "VP8L" {
		need = 5
	}
	if n < int64(need) {
		return 0, 0, fault(Corrupt, "the WebP's picture chunk is too short")
	}
	b := s.peek(need)
	if len(b) < need {
		return 0, 0, webpOverrun(s, end)
	}
	if id == "VP8L" {
		v := le32(b[1:])
		if b[0] != 0x2f || v>>29 != 0 {
			return 0, 0, fault(Corrupt, "the WebP's lossless picture has no valid header")
		}
		return int64(v&0x3fff) + 1, int64(v>>14&0x3fff) + 1, nil
	}
	if b[0]&1 != 0 || b[3] != 0x9d || b[4] != 0x01 || b[5] != 0x2a {
		return 0, 0, fault(Corrupt, "the WebP's picture does not begin with a key frame")
	}
	w, h = int64(le16(b[6:])&0x3fff), int64(le16(b[8:])&0x3fff)
	if w == 0 || h == 0 {
		return 0, 0, fault(BadDimensions, "the header says %d x %d pixels", w, h)
	}
	return w, h, nil
}

// webpOverrun judges a chunk that does not fit: the file is cut if it is shorter than it says, else it is corrupt.
func webpOverrun(s *source, end int64) error {
	s.drain()
	if s.pos < end {
		return fault(Truncated, "the WebP has %d of %d bytes", s.pos, end)
	}
	return fault(Corrupt, "a chunk of the WebP reaches over its end")
}
