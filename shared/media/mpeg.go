package media

import "fmt"

// mpegHeader is the four bytes before every MPEG audio frame (ISO/IEC 11172-3, 2.4.2.3, and 13818-3; the 2.5 extension
// is Fraunhofer's).
type mpegHeader struct {
	version  mpegVersion
	layer    int // 1, 2, 3
	rate     int // Hz
	channels int
	size     int  // of the whole frame in bytes; 0 for free format
	samples  int  // per channel
	crc      bool // two bytes of checksum follow the header
}

type mpegVersion int

const (
	mpeg1 mpegVersion = iota
	mpeg2
	mpeg25
)

func (v mpegVersion) String() string { return [...]string{"1", "2", "2.5"}[v] }

// maxFrame is the longest frame of any layer: Layer II, MPEG-2.5, 160 kbit/s at 8 kHz, padded.
const maxFrame = 2881

// kbit/s by bitrate index; 0 is free format.
var (
	bitratesV1 = [3][15]int{
		{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	}
	bitratesV2 = [3][15]int{
		{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	}
	mpegRates = [3][3]int{{44100, 48000, 32000}, {22050, 24000, 16000}, {11025, 12000, 8000}}
)

// mpegClock divides evenly by every sample rate above, so that lengths at different rates add up exactly.
const mpegClock = 14_112_000

// parseMPEG reads a frame header from the first four bytes, or says that it is none.
func parseMPEG(b []byte) (h mpegHeader, ok bool) {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return h, false
	}
	version, layer, bitrate, rate := b[1]>>3&3, b[1]>>1&3, b[2]>>4, b[2]>>2&3
	if version == 1 || layer == 0 || bitrate == 15 || rate == 3 {
		return h, false
	}
	h.layer = 4 - int(layer)
	h.version = [4]mpegVersion{mpeg25, 0, mpeg2, mpeg1}[version]
	h.rate = mpegRates[h.version][rate]
	h.crc = b[1]&1 == 0
	h.channels = 2
	if b[3]>>6 == 3 {
		h.channels = 1
	}
	table := &bitratesV2
	if h.version == mpeg1 {
		table = &bitratesV1
	}
	bps, padding := 1000*table[h.layer-1][bitrate], int(b[2]>>1&1)
	switch {
	case h.layer == 1:
		h.samples = 384
		h.size = (12*bps/h.rate + padding) * 4
	case h.layer == 2 || h.version == mpeg1:
		h.samples = 1152
		h.size = 144*bps/h.rate + padding
	default:
		h.samples = 576
		h.size = 72*bps/h.rate + padding
	}
	if bps == 0 {
		h.size = 0
	}
	return h, true
}

// continues reports whether h may follow o in one stream: bitrate and channel mode may change, the rest does not.
func (h mpegHeader) continues(o mpegHeader) bool {
	return h.version == o.version && h.layer == o.layer && h.rate == o.rate && h.size != 0
}

// sideInfo is the length of what lies between header and Xing tag in a Layer III frame, checksum not counted.
func (h mpegHeader) sideInfo() int {
	switch {
	case h.version == mpeg1 && h.channels == 2:
		return 32
	case h.version == mpeg1 || h.channels == 2:
		return 17
	}
	return 9
}

func (h mpegHeader) name() string {
	return fmt.Sprintf("MPEG-%s Layer %s", h.version, [...]string{"I", "II", "III"}[h.layer-1])
}
