package media

import (
	"bytes"
	"math/bits"
	"time"
)

// mp3Search is how far into a file, behind its tags and zeros, the first frame is looked for. Later gaps are searched
// to the end of the file: leaving out what a decoder would play makes a recording look shorter than it is.
const mp3Search = 64 << 10

// How many frames have to follow one another before they are believed.
const (
	chainHere  = 2 // at the beginning, or right behind a tag
	chainAfter = 3 // behind junk, in what is known to be an MP3
	chainBlind = 4 // behind junk, in what may be anything
)

// The look ahead of the longest chain fits the buffer.
var _ [bufferSize - (chainBlind*maxFrame + 4)]byte

// readMP3 walks every frame of the file. What a Xing, Info or VBRI header says is compared with what is there, never
// believed instead.
func readMP3(s *source) (Format, *Audio, error) {
	if word := looks(s.peek(sniffLen)); word != "" {
		return "", nil, &Error{Code: UnknownFormat, Detail: word}
	}
	tagged := false
	for leadingTag(s) {
		if _, whole := skipTag(s); !whole {
			return MP3, nil, fault(Truncated, "the MP3 ends inside its tag")
		}
		tagged = true
	}
	if tagged { // tags are put before other formats, too
		head := s.peek(sniffLen)
		word := looks(head)
		if word == "" {
			word = string(recognise(head))
		}
		if word != "" && word != "text" {
			return "", nil, &Error{Code: UnknownFormat, Detail: word}
		}
	}
	h, found := firstFrame(s, tagged)
	switch {
	case !found && tagged:
		return MP3, nil, fault(NoAudio, "no MPEG frame behind the tag")
	case !found:
		return "", nil, &Error{Code: UnknownFormat}
	case h.layer != 3:
		return MP3, nil, fault(UnsupportedCodec, "%s, not Layer III", h.name())
	case h.size == 0:
		return MP3, nil, fault(UnsupportedCodec, "MP3 in free format, without a fixed bitrate")
	}
	a, err := walkFrames(s, h)
	return MP3, a, err
}

// firstFrame moves to the first frame that others follow. Its size is 0 if the file is in free format.
func firstFrame(s *source, tagged bool) (mpegHeader, bool) {
	if h, ok := parseMPEG(s.peek(4)); ok {
		if h.size == 0 && freeFormat(s) {
			return h, true
		}
		if chain(s, chainHere, true) {
			return h, true
		}
	}
	want := chainBlind
	if tagged {
		want = chainAfter
	}
	skipZeros(s)
	for end := s.pos + mp3Search; nextSync(s) && s.pos < end; s.skip(1) {
		if chain(s, want, false) {
			return parseMPEG(s.peek(4))
		}
	}
	return mpegHeader{}, false
}

// chain reports whether a frame begins here that is followed by others, want in all. Where the file or a tag comes
// first, two are enough, or the one frame that ends exactly there if lone is set.
func chain(s *source, want int, lone bool) bool {
	var first mpegHeader
	at := 0
	for i := range want {
		b := s.peek(at + 4)
		b = b[min(at, len(b)):]
		h, ok := parseMPEG(b)
		if ok && i == 0 {
			first = h
		}
		if !ok || !h.continues(first) {
			ended := len(b) < 4 && (i >= 2 || s.hi-s.lo == at) || isTag(b)
			return ended && (i >= 2 || i == 1 && lone)
		}
		at += h.size
	}
	return true
}

// freeFormat reports whether a frame without a bitrate begins here: twice the same header again, at the same distance
// but for padding.
func freeFormat(s *source) bool {
	b := s.peek(2 * 4096)
	same := func(i int) bool {
		return i >= 0 && i+4 <= len(b) && b[i] == 0xff && b[i+1] == b[1] && b[i+2]&0xfc == b[2]&0xfc
	}
	for d := 24; d+4 <= len(b); d++ {
		if same(d) && (same(2*d) || same(2*d+1) || same(2*d-1)) {
			return true
		}
	}
	return false
}

// nextSync moves to the next byte that may begin a frame.
func nextSync(s *source) bool {
	for {
		b := s.some()
		if len(b) == 0 {
			return false
		}
		if i := bytes.IndexByte(b, 0xff); i >= 0 {
			s.skip(int64(i))
			return true
		}
		s.skip(int64(len(b)))
	}
}

// skipZeros passes the padding that some taggers leave.
func skipZeros(s *source) {
	for {
		b := s.some()
		n := len(b) - len(bytes.TrimLeft(b, "\x00"))
		s.skip(int64(n))
		if n == 0 || n < len(b) {
			return
		}
	}
}

// resync moves to where Layer III frames go on, maybe at another sample rate (files are sometimes simply joined).
func resync(s *source) (mpegHeader, bool) {
	for ; nextSync(s); s.skip(1) {
		if h, ok := parseMPEG(s.peek(4)); ok && h.layer == 3 && chain(s, chainAfter, false) {
			return h, true
		}
	}
	return mpegHeader{}, false
}

// walkFrames counts the frames from the first one to the end of the file.
func walkFrames(s *source, first mpegHeader) (*Audio, error) {
	ref := first
	var ticks, claimed uint64
	a := Audio{SampleRate: first.rate, Channels: first.channels, Codec: "mp3"}
	for atFirst := true; ; atFirst = false {
		h, ok := parseMPEG(s.peek(4))
		if !ok || !h.continues(ref) {
			if found, _ := skipTag(s); found {
				continue
			}
			if ref, ok = resync(s); !ok {
				break
			}
			h = ref
		}
		if atFirst {
			if n, isInfo := xingFrames(h, s.peek(min(h.size, 256))); isInfo {
				claimed = uint64(n) * frameTicks(h)
				s.skip(int64(h.size))
				continue
			}
		}
		if !s.skip(int64(h.size)) {
			break // the last frame is cut: it does not count
		}
		ticks += frameTicks(h)
		a.Samples += int64(h.samples)
	}
	a.Duration = duration(ticks, mpegClock)
	if says := duration(claimed, mpegClock); says-a.Duration > time.Second && missesMore(claimed, ticks) {
		return &a, fault(Truncated, "the MP3 has %v of %v", a.Duration.Round(time.Millisecond), says.Round(time.Millisecond))
	}
	if a.Samples == 0 {
		return nil, fault(NoAudio, "the MP3 has no whole frame of sound")
	}
	return &a, nil
}

func frameTicks(h mpegHeader) uint64 { return uint64(h.samples) * uint64(mpegClock/h.rate) }

// missesMore reports whether there is more than 2 % less than was claimed.
func missesMore(claimed, there uint64) bool {
	if there >= claimed {
		return false
	}
	hi, lo := bits.Mul64(claimed-there, 50)
	return hi > 0 || lo > claimed
}
