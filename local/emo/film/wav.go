package film

import (
	"encoding/binary"
	"fmt"
	"math"
)

// wavFormat is the "fmt " chunk (Microsoft, "Multimedia Programming Interface and Data Specifications 1.0").
type wavFormat struct {
	tag      uint16
	channels int
	rate     int
	bits     int
	width    int // bytes of one sample's container
}

const (
	wavPCM        = 1
	wavFloat      = 3
	wavALaw       = 6
	wavMuLaw      = 7
	wavExtensible = 0xFFFE

	wavWide = 0xFFFFFFFF // in the place of a size that only the chunk ds64 tells (EBU Tech 3306)

	maxRate = 48000 // above, and up to 768 kHz, recordings are thinned out: MP4 cannot name more than 65535 Hz
	minRate = 4000
)

// readWAV converts a WAV file to FLAC: 16 bits, at most two channels (more are mixed into one), at most 48 kHz.
// Sizes in the file that are wrong, as those of streamed recordings are, are cut to what is there.
func readWAV(data []byte) (*sound, error) {
	f, pcm, err := wavChunks(data)
	if err != nil {
		return nil, err
	}
	read, err := f.reader()
	if err != nil {
		return nil, err
	}
	block := f.channels * f.width
	n := len(pcm) / block
	if n == 0 {
		return nil, fmt.Errorf("%w: it holds no samples", ErrAudio)
	}
	if float64(n)/float64(f.rate) > MaxDuration.Seconds() { // before any work is done
		return nil, fmt.Errorf("%w: it lasts longer than %v", ErrAudio, MaxDuration)
	}
	channels := f.channels
	if channels > 2 {
		channels = 1
	}
	thin := 1 // so many samples are averaged into one
	for f.rate/thin > maxRate {
		thin *= 2
	}
	out := make([][]int32, channels)
	for c := range out {
		out[c] = make([]int32, (n+thin-1)/thin)
	}
	for i := range out[0] {
		end := min((i+1)*thin, n)
		var sums [2]float64
		for j := i * thin; j < end; j++ {
			for c := range f.channels {
				v := read(pcm[j*block+c*f.width:])
				if channels == 1 {
					sums[0] += v
				} else {
					sums[c] += v
				}
			}
		}
		for c := range channels {
			v := sums[c] / float64(end-i*thin)
			if channels == 1 {
				v /= float64(f.channels)
			}
			out[c][i] = int32(math.Round(min(max(v, -32768), 32767)))
		}
	}
	s := encodeFLAC(out, f.rate/thin)
	s.levelSpan = max(1, s.rate/(2*framesPerSecond))
	s.levels = pcmLevels(out, s.levelSpan)
	return s, nil
}

// wavChunks finds the format and the samples.
func wavChunks(data []byte) (f wavFormat, pcm []byte, err error) {
	known := false
	var wide uint64
	for at := 12; at+8 <= len(data); {
		id := string(data[at : at+4])
		size := min(uint64(binary.LittleEndian.Uint32(data[at+4:])), uint64(len(data)-at-8))
		body := data[at+8:][:size]
		switch id {
		case "fmt ":
			if len(body) < 16 {
				return f, nil, fmt.Errorf("%w: WAV format is cut short", ErrAudio)
			}
			f.tag = binary.LittleEndian.Uint16(body)
			f.channels = int(binary.LittleEndian.Uint16(body[2:]))
			f.rate = int(binary.LittleEndian.Uint32(body[4:]))
			f.bits = int(binary.LittleEndian.Uint16(body[14:]))
			f.width = int(binary.LittleEndian.Uint16(body[12:])) / max(1, f.channels)
			if f.tag == wavExtensible && len(body) >= 26 {
				f.tag = binary.LittleEndian.Uint16(body[24:]) // the sub-format's first two bytes
			}
			known = true
		case "ds64":
			if len(body) >= 16 {
				wide = binary.LittleEndian.Uint64(body[8:])
			}
		case "data":
			if !known {
				return f, nil, fmt.Errorf("%w: WAV samples come before their format", ErrAudio)
			}
			// Whoever writes to a pipe leaves the size at 0 or at its greatest: all that follows is sound.
			if size == 0 {
				body = data[at+8:]
			}
			if binary.LittleEndian.Uint32(data[at+4:]) == wavWide && wide > 0 {
				body = body[:min(wide, uint64(len(body)))]
			}
			return f, body, nil
		}
		at += 8 + int(size) + int(size&1)
	}
	return f, nil, fmt.Errorf("%w: WAV file without samples", ErrAudio)
}

// reader returns what turns one sample's bytes into a value of -32768..32767.
func (f wavFormat) reader() (func([]byte) float64, error) {
	if f.channels < 1 || f.channels > 32 {
		return nil, fmt.Errorf("%w: %d channels", ErrAudio, f.channels)
	}
	if f.rate < minRate || f.rate > 768000 {
		return nil, fmt.Errorf("%w: %d samples a second", ErrAudio, f.rate)
	}
	if f.bits < 1 || f.bits > 8*f.width {
		return nil, fmt.Errorf("%w: %d bits in %d bytes", ErrAudio, f.bits, f.width)
	}
	le := binary.LittleEndian
	switch [2]int{int(f.tag), 8 * f.width} {
	case [2]int{wavPCM, 8}:
		return func(b []byte) float64 { return float64(int(b[0])-128) * 256 }, nil
	case [2]int{wavPCM, 16}:
		return func(b []byte) float64 { return float64(int16(le.Uint16(b))) }, nil
	case [2]int{wavPCM, 24}:
		return func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / 65536
		}, nil
	case [2]int{wavPCM, 32}:
		if f.bits == 24 { // as some recorders write them, in the lower three bytes
			return func(b []byte) float64 { return float64(int32(le.Uint32(b)<<8)) / 65536 }, nil
		}
		return func(b []byte) float64 { return float64(int32(le.Uint32(b))) / 65536 }, nil
	case [2]int{wavFloat, 32}:
		return func(b []byte) float64 { return fullScale(float64(math.Float32frombits(le.Uint32(b)))) }, nil
	case [2]int{wavFloat, 64}:
		return func(b []byte) float64 { return fullScale(math.Float64frombits(le.Uint64(b))) }, nil
	case [2]int{wavALaw, 8}:
		return func(b []byte) float64 { return float64(aLaw(b[0])) }, nil
	case [2]int{wavMuLaw, 8}:
		return func(b []byte) float64 { return float64(muLaw(b[0])) }, nil
	}
	return nil, fmt.Errorf("%w: WAV format %d with %d bits", ErrAudio, f.tag, f.bits)
}

// fullScale maps -1..1 to 16 bits. What is no number is silence; what is too loud is clipped.
func fullScale(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, -1), 1) * 32767
}

// aLaw and muLaw expand one byte (ITU-T Rec. G.711).
func aLaw(b byte) int {
	b ^= 0x55
	v := int(b&0x0F)<<4 + 8
	if e := b >> 4 & 7; e > 0 {
		v = (v + 0x100) << (e - 1)
	}
	if b&0x80 == 0 {
		return -v
	}
	return v
}

func muLaw(b byte) int {
	b = ^b
	v := (int(b&0x0F)<<3+0x84)<<(b>>4&7) - 0x84
	if b&0x80 != 0 {
		return -v
	}
	return v
}

// pcmLevels gives the level of each piece of span samples; the last may be shorter.
func pcmLevels(channels [][]int32, span int) []float64 {
	n := len(channels[0])
	out := make([]float64, 0, n/span+1)
	for at := 0; at < n; at += span {
		end := min(at+span, n)
		var sum int64
		for _, c := range channels {
			for _, v := range c[at:end] {
				sum += int64(v) * int64(v)
			}
		}
		out = append(out, decibels(float64(sum)/float64((end-at)*len(channels))/(32768*32768)))
	}
	return out
}
