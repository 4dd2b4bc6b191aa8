package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
)

const noLimit = math.MaxInt64

// inspect asks for the answer over several ways of cutting the input into reads, and wants the same each time.
func inspect(t testing.TB, data []byte) (File, error) {
	t.Helper()
	f, err := Inspect(bytes.NewReader(data), noLimit)
	little := iotest.OneByteReader
	if len(data) > 4_000 { // which would take long
		little = func(r io.Reader) io.Reader { return sip{r} }
	}
	for name, cut := range map[string]func(io.Reader) io.Reader{
		"little by little": little, "half": iotest.HalfReader, "data with error": iotest.DataErrReader,
	} {
		g, gerr := Inspect(cut(bytes.NewReader(data)), noLimit)
		require.Equal(t, f, g, name)
		require.Equal(t, err, gerr, name)
	}
	return f, err
}

// sip gives a prime number of bytes at a time.
type sip struct{ io.Reader }

func (s sip) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(len(p), 61)]) }

// code returns the code of an *Error, "" for success, and the text of any other error.
func code(err error) string {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return err.Error()
}

// requireCut wants every shorter version of a picture to be refused as cut, and the whole one to be accepted.
func requireCut(t *testing.T, whole []byte, recognisedFrom int) {
	t.Helper()
	_, err := Inspect(bytes.NewReader(whole), noLimit)
	require.NoError(t, err)
	for n := recognisedFrom; n < len(whole); n++ {
		f, err := Inspect(bytes.NewReader(whole[:n]), noLimit)
		if code(err) != Truncated || f.Format == "" || f.Image != nil { // thousands of times: no assertion costs less
			require.Failf(t, "not refused as cut", "%d of %d bytes: %+v, %v", n, len(whole), f, err)
		}
	}
}

func le(parts ...any) []byte { return pack(binary.LittleEndian, parts) }
func be(parts ...any) []byte { return pack(binary.BigEndian, parts) }

// pack joins strings, bytes and fixed-size numbers.
func pack(order binary.AppendByteOrder, parts []any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = append(b, p...)
		case []byte:
			b = append(b, p...)
		case uint8:
			b = append(b, p)
		case uint16:
			b = order.AppendUint16(b, p)
		case int32:
			b = order.AppendUint32(b, uint32(p))
		case uint32:
			b = order.AppendUint32(b, p)
		case uint64:
			b = order.AppendUint64(b, p)
		default:
			panic("pack: unknown type")
		}
	}
	return b
}

func picture(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i * i >> 3)
	}
	for y := range h {
		m.Set(0, y, color.Black)
	}
	return m
}

func jpegFile(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, picture(w, h), nil))
	return b.Bytes()
}

func pngFile(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, picture(w, h)))
	return b.Bytes()
}

func bmpFile(t testing.TB, w, h int) []byte {
	var b bytes.Buffer
	require.NoError(t, bmp.Encode(&b, picture(w, h)))
	return b.Bytes()
}

// tiff makes an EXIF block with a few entries before the orientation.
func tiff(bigEndian bool, orientation uint16) []byte {
	if bigEndian {
		return be("MM", uint16(42), uint32(8), uint16(2),
			uint16(0x010f), uint16(2), uint32(4), "Abc\x00",
			uint16(0x0112), uint16(3), uint32(1), orientation, uint16(0), uint32(0))
	}
	return le("II", uint16(42), uint32(10), "..", uint16(2),
		uint16(0x010f), uint16(2), uint32(4), "Abc\x00",
		uint16(0x0112), uint16(3), uint32(1), orientation, uint16(0), uint32(0))
}

func segment(marker byte, payload []byte) []byte {
	return be("\xff", marker, uint16(len(payload)+2), payload)
}

// afterSOI puts bytes right behind the start of a JPEG.
func afterSOI(jpeg []byte, parts ...any) []byte {
	return be(jpeg[:2], be(parts...), jpeg[2:])
}

func pngChunk(typ string, payload []byte) []byte {
	body := be(typ, payload)
	return be(uint32(len(payload)), body, crc32.ChecksumIEEE(body))
}

// riff makes a chunk, padded as it should be.
func riff(id string, payload ...any) []byte {
	b := le(payload...)
	return le(id, uint32(len(b)), b, make([]byte, len(b)&1))
}

func webp(chunks ...any) []byte { return riff("RIFF", "WEBP", le(chunks...)) }

func vp8(w, h uint16) []byte {
	return riff("VP8 ", "\x10\x02\x00\x9d\x01\x2a", w, h, "some coded data!")
}

func vp8l(w, h uint32) []byte { return riff("VP8L", "\x2f", (w-1)|(h-1)<<14, "some data") }

func vp8x(flags byte, w, h uint32) []byte {
	return riff("VP8X", flags, "\x00\x00\x00", le(w - 1)[:3], le(h - 1)[:3])
}

// wavFmt makes the plain format chunk.
func wavFmt(tag, channels uint16, rate uint32, bits uint16) []byte {
	block := channels * ((bits + 7) / 8)
	return riff("fmt ", tag, channels, rate, rate*uint32(block), block, bits)
}

func wave(chunks ...any) []byte { return riff("RIFF", "WAVE", le(chunks...)) }

// wavHead makes headers whose sizes are set freely, as streaming writers do.
func wavHead(riffSize, dataSize uint32) []byte {
	return le("RIFF", riffSize, "WAVE", wavFmt(1, 1, 8000, 16), "data", dataSize)
}

// mp3Kind describes frames to be written. Bitrate in kbit/s.
type mp3Kind struct {
	version string // "1", "2", "2.5"
	layer   int
	rate    int
	bitrate int
	mono    bool
	crc     bool
}

var (
	specRates = map[string][3]int{"1": {44100, 48000, 32000}, "2": {22050, 24000, 16000}, "2.5": {11025, 12000, 8000}}
	specIII1  = []int{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	specIII2  = []int{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}
	specII1   = []int{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384}
	specI1    = []int{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}
	specI2    = []int{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256}
)

func (k mp3Kind) bitrates() []int {
	switch {
	case k.layer == 3 && k.version == "1":
		return specIII1
	case k.layer == 2 && k.version == "1":
		return specII1
	case k.layer == 1 && k.version == "1":
		return specI1
	case k.layer == 1:
		return specI2
	}
	return specIII2
}

func (k mp3Kind) samples() int {
	switch {
	case k.layer == 1:
		return 384
	case k.layer == 3 && k.version != "1":
		return 576
	}
	return 1152
}

// frame writes one frame of silence whose payload is filled with a byte.
func (k mp3Kind) frame(padded bool, fill byte) []byte {
	index := func(list []int, v int) byte {
		for i, x := range list {
			if x == v {
				return byte(i)
			}
		}
		panic("no such value")
	}
	rates := specRates[k.version]
	h := [4]byte{0xff, 0xe1, index(k.bitrates(), k.bitrate)<<4 | index(rates[:], k.rate)<<2, 0}
	h[1] |= map[string]byte{"1": 3, "2": 2, "2.5": 0}[k.version]<<3 | byte(4-k.layer)<<1
	if k.crc {
		h[1] &^= 1
	}
	if k.mono {
		h[3] = 3 << 6
	}
	slot := 1
	if k.layer == 1 {
		slot = 4
	}
	size := k.samples() / 8 / slot * k.bitrate * 1000 / k.rate
	if padded {
		h[2] |= 2
		size++
	}
	return append(h[:], bytes.Repeat([]byte{fill}, size*slot-4)...)
}

// frames writes n frames, padded as an encoder of constant bitrate does.
func (k mp3Kind) frames(n int) []byte {
	var b []byte
	rest := 0
	for range n {
		rest += k.samples() / 8 * k.bitrate * 1000 % k.rate
		padded := rest >= k.rate
		if padded {
			rest -= k.rate
		}
		b = append(b, k.frame(padded, 0)...)
	}
	return b
}

// info writes a frame that carries a header of the given name in place of sound.
func (k mp3Kind) info(name string, frames uint32) []byte {
	f := k.frame(false, 0)
	at := 4 + map[bool]map[bool]int{true: {false: 32, true: 17}, false: {false: 17, true: 9}}[k.version == "1"][k.mono]
	copy(f[at:], be(name, uint32(1), frames))
	return f
}

var speech = mp3Kind{version: "1", layer: 3, rate: 44100, bitrate: 128}

// id3 makes an ID3v2 tag whose payload has n bytes.
func id3(n int, flags byte, fill byte) []byte {
	return be("ID3\x04\x00", flags, byte(n>>21&127), byte(n>>14&127), byte(n>>7&127), byte(n&127),
		bytes.Repeat([]byte{fill}, n))
}
