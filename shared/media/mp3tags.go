package media

// skipTag consumes the tag at this place, if there is one; whole is false when the file ends inside it. Known are
// ID3v2 (https://id3.org/id3v2.4.0-structure, section 3.1), ID3v1 with its "TAG+" extension, and APE tags that show
// their header (https://wiki.hydrogenaud.io/index.php?title=APE_Tags_Header). Lyrics3, and APE tags with a footer only,
// have no length in front: the search for the next frame passes over them.
func skipTag(s *source) (found, whole bool) {
	b := s.peek(32)
	switch {
	case isID3v2(b):
		n := int64(b[6])<<21 | int64(b[7])<<14 | int64(b[8])<<7 | int64(b[9])
		n += 10
		if b[5]&0x10 != 0 { // a footer, as long as the header
			n += 10
		}
		return true, s.skip(n)
	case has(b, 0, "TAG+"):
		return true, s.skip(227)
	case has(b, 0, "TAG"):
		return true, s.skip(128)
	case has(b, 0, "APETAGEX") && len(b) == 32:
		n := int64(32)
		if le32(b[20:])>>29&1 == 1 { // this is the header; the size covers items and footer
			n += int64(le32(b[12:]))
		}
		return true, s.skip(n)
	}
	return false, true
}

// leadingTag reports whether a tag begins here of the kinds that may stand before the sound.
func leadingTag(s *source) bool {
	b := s.peek(32)
	return isID3v2(b) || has(b, 0, "APETAGEX") && len(b) == 32
}

func isID3v2(b []byte) bool {
	return len(b) >= 10 && string(b[:3]) == "ID3" && b[3] >= 2 && b[3] <= 4 && b[4] != 0xff && (b[6]|b[7]|b[8]|b[9])&0x80 == 0
}

// isTag reports whether b begins with something that lawfully ends a run of frames.
func isTag(b []byte) bool {
	return has(b, 0, "TAG") || has(b, 0, "ID3") || has(b, 0, "APET") || has(b, 0, "LYRI")
}

// xingFrames reads the number of frames from a first frame b that carries a Xing, Info or VBRI header instead of
// sound. found is true also when such a header gives no number; then frames is 0.
// Layouts: http://gabriel.mp3-tech.org/mp3infotag.html and https://www.codeproject.com/Articles/8295.
func xingFrames(h mpegHeader, b []byte) (frames int64, found bool) {
	at := 4 + h.sideInfo()
	for _, at := range []int{at, at + 2} { // some writers leave room for the checksum, some do not
		if !has(b, at, "Xing") && !has(b, at, "Info") {
			continue
		}
		if len(b) >= at+12 && be32(b[at+4:])&1 != 0 {
			frames = int64(be32(b[at+8:]))
		}
		return frames, true
	}
	if has(b, 36, "VBRI") {
		if len(b) >= 54 {
			frames = int64(be32(b[50:]))
		}
		return frames, true
	}
	return 0, false
}
