package film

import "fmt"

// mp3Header is one frame's header (ISO/IEC 11172-3, 2.4.1.3 and 13818-3): only Layer III is known.
type mp3Header struct {
	mpeg1    bool
	rate     int
	channels int
	crc      bool
	size     int // bytes of the whole frame
	samples  int
}

var (
	bitrates1 = [16]int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0} // kbit/s
	bitrates2 = [16]int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0}
	mp3Rates  = [3]int{44100, 48000, 32000} // halved for MPEG-2, quartered for MPEG-2.5
)

func parseMP3Header(b []byte) (h mp3Header, ok bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1]&0xE0 != 0xE0 {
		return h, false
	}
	version, layer := b[1]>>3&3, b[1]>>1&3
	rateIndex, padding := b[2]>>2&3, int(b[2]>>1&1)
	if version == 1 || layer != 1 || rateIndex == 3 {
		return h, false
	}
	h.mpeg1 = version == 3
	h.crc = b[1]&1 == 0
	h.channels = 2
	if b[3]>>6 == 3 {
		h.channels = 1
	}
	h.rate = mp3Rates[rateIndex]
	kbits, slots := bitrates1[b[2]>>4], 144
	h.samples = 1152
	if !h.mpeg1 {
		kbits, slots, h.samples = bitrates2[b[2]>>4], 72, 576
		h.rate /= 2
		if version == 0 {
			h.rate /= 2
		}
	}
	if kbits == 0 { // free format and the forbidden index
		return h, false
	}
	h.size = slots*kbits*1000/h.rate + padding
	return h, true
}

// follows says whether a frame can be of the same stream. (Mono and stereo may alternate only in theory.)
func (h mp3Header) follows(first mp3Header) bool {
	return h.rate == first.rate && h.mpeg1 == first.mpeg1 && h.channels == first.channels
}

// sideInfo is the part after the header and its checksum.
func (h mp3Header) sideInfo(frame []byte) []byte {
	at, size := 4, 17
	switch {
	case h.mpeg1 && h.channels == 2:
		size = 32
	case !h.mpeg1 && h.channels == 1:
		size = 9
	}
	if h.crc {
		at += 2
	}
	if at+size > len(frame) {
		return nil
	}
	return frame[at : at+size]
}

// readMP3 collects the frames of an MP3 file. Tags, junk between frames, a cut last frame and the header frame of
// Xing, Info or VBRI are left out.
func readMP3(data []byte) (*sound, error) {
	s := &sound{codec: codecMP3}
	var first mp3Header
	for at := skipID3(data); at+4 <= len(data); {
		h, ok := parseMP3Header(data[at:])
		if !ok || at+h.size > len(data) || len(s.packets) > 0 && !h.follows(first) {
			at++
			continue
		}
		frame := data[at : at+h.size]
		if len(s.packets) == 0 {
			// Two bytes of sync are easily met by chance: the first frame needs a second one, or the end, behind it.
			if next, ok := parseMP3Header(data[at+h.size:]); at+h.size < len(data)-4 && (!ok || !next.follows(h)) {
				at++
				continue
			}
			first = h
			if isIndexFrame(h, frame) {
				at += h.size
				continue
			}
		}
		s.packets = append(s.packets, frame)
		s.spans = append(s.spans, h.samples)
		at += h.size
	}
	if len(s.packets) == 0 {
		return nil, fmt.Errorf("%w: neither a WAV file nor MPEG Layer III frames were found", ErrAudio)
	}
	s.rate, s.channels = first.rate, first.channels
	s.levelSpan, s.levels = mp3Levels(s)
	return s, nil
}

// skipID3 returns the length of the ID3v2 tags at the front.
func skipID3(data []byte) int {
	at := 0
	for len(data)-at >= 10 && string(data[at:at+3]) == "ID3" {
		size := 0
		for _, b := range data[at+6 : at+10] { // seven bits to a byte
			size = size<<7 | int(b&0x7F)
		}
		if data[at+5]&0x10 != 0 { // a footer
			size += 10
		}
		if at+10+size > len(data) {
			break
		}
		at += 10 + size
	}
	return at
}

// isIndexFrame tells the silent first frame that only carries a table of contents.
func isIndexFrame(h mp3Header, frame []byte) bool {
	side := h.sideInfo(frame)
	if side == nil {
		return false
	}
	// The checksum's two bytes are not counted by those who write these frames; look in both places.
	for _, at := range []int{4 + len(side), 6 + len(side)} {
		if at+4 <= len(frame) {
			if tag := string(frame[at : at+4]); tag == "Xing" || tag == "Info" {
				return true
			}
		}
	}
	return len(frame) >= 40 && string(frame[36:40]) == "VBRI"
}
