package media

import "bytes"

// Marker codes of ITU-T T.81, table B.1 (https://www.w3.org/Graphics/JPEG/itu-t81.pdf).
const (
	jpegSOI  = 0xd8
	jpegEOI  = 0xd9
	jpegSOS  = 0xda
	jpegAPP1 = 0xe1
)

// readJPEG walks the markers to the end of the image. A thumbnail lies inside an APP segment and is passed with it;
// what follows the end marker (a second picture, a camera's notes) is no part of the picture. An image without its end
// marker is cut off.
func readJPEG(s *source) (*Image, error) {
	s.skip(2)
	var w, h int64
	var framed, scanned bool
	orientation := 0
	for {
		m, ok := nextMarker(s)
		if !ok {
			return nil, fault(Truncated, "the JPEG ends without its end marker")
		}
		switch m {
		case jpegEOI:
			if !framed || !scanned {
				return nil, fault(Corrupt, "the JPEG has no picture in it")
			}
			return shown(w, h, orientation, false)
		case jpegSOI:
			return nil, fault(Corrupt, "a second JPEG begins inside the first")
		}
		b := s.peek(2)
		if len(b) < 2 {
			return nil, fault(Truncated, "the JPEG ends inside a segment")
		}
		n := int64(be16(b)) - 2
		if n < 0 {
			return nil, fault(Corrupt, "a JPEG segment of impossible length")
		}
		s.skip(2)
		switch {
		case isSOF(m):
			if framed {
				return nil, fault(Corrupt, "the JPEG has two frame headers")
			}
			b := s.peek(6)
			if len(b) < 6 {
				return nil, fault(Truncated, "the JPEG ends inside its frame header")
			}
			if b[5] == 0 || n != 6+3*int64(b[5]) {
				return nil, fault(Corrupt, "the JPEG's frame header has the wrong length")
			}
			h, w = int64(be16(b[1:])), int64(be16(b[3:]))
			if w == 0 || h == 0 {
				// A height of 0 may legally follow later (DNL), but no common decoder takes that.
				return shown(w, h, 0, false)
			}
			framed = true
		case m == jpegSOS:
			if !framed {
				return nil, fault(Corrupt, "the JPEG has no frame header before its data")
			}
			scanned = true
		case m == jpegAPP1 && orientation == 0 && !scanned && n >= 6 && has(s.peek(5), 0, "Exif\x00"):
			orientation = readOrientation(s, n)
			n = 0
		}
		if !s.skip(n) {
			return nil, fault(Truncated, "the JPEG ends inside a segment")
		}
	}
}

// nextMarker finds the next marker that begins a segment or an image's end: over coded data with its stuffed zeros and
// restart markers, over fill bytes, and over the stray bytes between segments that decoders forgive.
func nextMarker(s *source) (byte, bool) {
	for {
		b := s.some()
		if len(b) == 0 {
			return 0, false
		}
		i := bytes.IndexByte(b, 0xff)
		if i < 0 {
			s.skip(int64(len(b)))
			continue
		}
		s.skip(int64(i))
		b = s.peek(2)
		if len(b) < 2 {
			return 0, false
		}
		m := b[1]
		if m == 0xff { // a fill byte; the second one may begin the marker
			s.skip(1)
			continue
		}
		s.skip(2)
		if m >= 0xc0 && (m < 0xd0 || m > 0xd7) {
			return m, true
		}
	}
}

// isSOF reports whether m begins a frame header of any kind: 0xc4, 0xc8 and 0xcc lie in its range and do not.
func isSOF(m byte) bool { return m >= 0xc0 && m <= 0xcf && m != 0xc4 && m != 0xc8 && m != 0xcc }
