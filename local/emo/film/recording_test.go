package film

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"math"
)

//go:embed testdata/speech44k.mp3
var speech44k []byte

// wavFile writes samples of -1..1, interleaved, in one of WAV's formats.
func wavFile(tag, bits uint16, channels, rate int, samples []float64) []byte {
	var pcm []byte
	for _, v := range samples {
		switch {
		case tag == wavALaw:
			pcm = append(pcm, nearest(v, aLaw))
		case tag == wavMuLaw:
			pcm = append(pcm, nearest(v, muLaw))
		case tag == wavFloat && bits == 32:
			pcm = binary.LittleEndian.AppendUint32(pcm, math.Float32bits(float32(v)))
		case tag == wavFloat:
			pcm = binary.LittleEndian.AppendUint64(pcm, math.Float64bits(v))
		case bits == 8:
			pcm = append(pcm, byte(128+math.Round(v*127)))
		case bits == 16:
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(math.Round(v*32767))))
		case bits == 24:
			n := uint32(int32(math.Round(v * 8388607)))
			pcm = append(pcm, byte(n), byte(n>>8), byte(n>>16))
		default:
			pcm = binary.LittleEndian.AppendUint32(pcm, uint32(int32(math.Round(v*2147483647))))
		}
	}
	block := channels * int(bits) / 8
	format := binary.LittleEndian.AppendUint16(nil, tag)
	format = binary.LittleEndian.AppendUint16(format, uint16(channels))
	format = binary.LittleEndian.AppendUint32(format, uint32(rate))
	format = binary.LittleEndian.AppendUint32(format, uint32(rate*block))
	format = binary.LittleEndian.AppendUint16(format, uint16(block))
	format = binary.LittleEndian.AppendUint16(format, bits)
	return riff(chunk("fmt ", format), chunk("LIST", []byte("odd")), chunk("data", pcm))
}

func chunk(id string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(id), uint32(len(body)))
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// nearest encodes by trying all bytes: slow, and independent of the table under test's formula being invertible.
func nearest(v float64, decode func(byte) int) byte {
	best, at := math.Inf(1), byte(0)
	for b := range 256 {
		if d := math.Abs(float64(decode(byte(b))) - v*32767); d < best {
			best, at = d, byte(b)
		}
	}
	return at
}

// tone is a sine of a quarter of full scale after half its length of silence, on every channel.
func tone(channels, rate int, seconds float64) []float64 {
	n := int(seconds * float64(rate))
	out := make([]float64, 0, n*channels)
	for i := range n {
		v := 0.0
		if i >= n/2 {
			v = 0.25 * math.Sin(2*math.Pi*220*float64(i)/float64(rate))
		}
		for range channels {
			out = append(out, v)
		}
	}
	return out
}

// mp3Silence is MPEG-1 Layer III at 44.1 kHz and 64 kbit/s: frames whose side information is all zero.
func mp3Silence(frames int, checksum bool) []byte {
	frame := make([]byte, 144*64000/44100)
	copy(frame, []byte{0xFF, 0xFB, 0x50, 0x00})
	if checksum {
		frame[1] = 0xFA
	}
	return bytes.Repeat(frame, frames)
}

// mp3Sparse is as many seconds of MPEG-2.5 Layer III as few bytes can hold: 8 kHz at 8 kbit/s, 72 ms to a frame.
func mp3Sparse(seconds int) []byte {
	frame := make([]byte, 72)
	copy(frame, []byte{0xFF, 0xE3, 0x18, 0xC0})
	return bytes.Repeat(frame, seconds*1000/72)
}

// indexFrame is what encoders put first: a silent frame with a table of contents.
func indexFrame() []byte {
	f := mp3Silence(1, false)
	copy(f[36:], "Xing")
	return f
}

// id3 is a tag of n bytes at the front of a file, with bytes in it that look like the beginning of a frame.
func id3(n int) []byte {
	tag := []byte{'I', 'D', '3', 4, 0, 0, byte(n >> 21 & 127), byte(n >> 14 & 127), byte(n >> 7 & 127), byte(n & 127)}
	return append(tag, bytes.Repeat([]byte{0xFF, 0xFB, 0x50, 0x00, 1}, n/5+1)[:n]...)
}
