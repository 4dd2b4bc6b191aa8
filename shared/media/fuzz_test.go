package media

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// chopped gives a reader's bytes in pieces of random length.
type chopped struct {
	r   io.Reader
	rng *rand.Rand
}

func (c chopped) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), c.rng.IntN(700))])
}

func FuzzInspect(f *testing.F) {
	for _, name := range []string{"animated.png", "animated.webp", "lame-vbr.mp3"} {
		f.Add(golden(f, name), uint64(1), int64(noLimit))
	}
	exif := segment(0xe1, be("Exif\x00\x00", tiff(true, 6)))
	sound := riff("data", make([]byte, 200))
	low := mp3Kind{version: "2.5", layer: 3, rate: 8000, bitrate: 8, mono: true}
	for i, data := range [][]byte{
		nil, afterSOI(jpegFile(f, 9, 7), exif), bmpFile(f, 9, 7), webp(vp8x(webpEXIF, 60, 40), vp8l(60, 40), riff("EXIF", tiff(false, 8))),
		wave(riff("LIST", "abc"), wavFmt(1, 2, 8000, 16), sound), wavHead(0xffffffff, 0), wave(wavFmt(7, 1, 8000, 8), sound),
		le("RF64", uint32(0xffffffff), "WAVE", riff("ds64", uint64(300), uint64(100), uint64(50), uint32(0)), wavFmt(1, 1, 8000, 16), "data", uint32(0xffffffff), make([]byte, 100)),
		be(id3(20, 0, 1), low.info("Xing", 9), low.frames(9), "TAG", make([]byte, 125)), be("\x01\x02", low.frames(6), "\xff\xfb junk", low.frames(4)),
		mp3Kind{version: "1", layer: 2, rate: 48000, bitrate: 32}.frames(3), []byte("<html>"),
	} {
		f.Add(data, uint64(i), int64(len(data)))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, limit int64) {
		got, err := Inspect(bytes.NewReader(data), limit)
		again, aerr := Inspect(chopped{bytes.NewReader(data), rand.New(rand.NewPCG(seed, 0))}, limit)
		require.Equal(t, got, again)
		require.Equal(t, err, aerr)
		if err != nil {
			require.Contains(t, Codes, code(err))
			require.Nil(t, got.Image)
			require.True(t, got.Audio == nil || code(err) == Truncated)
			require.Equal(t, int64(len(data)) > max(limit, 0), code(err) == TooLarge)
		} else {
			require.Equal(t, got.Format.IsImage(), got.Image != nil)
			require.Equal(t, got.Format.IsAudio(), got.Audio != nil)
		}
		if code(err) != TooLarge {
			require.Equal(t, int64(len(data)), got.Size)
			require.Equal(t, sha256.Sum256(data), got.SHA256)
		}
		if m := got.Image; m != nil {
			require.True(t, m.Width > 0 && m.Height > 0 && m.Orientation >= 1 && m.Orientation <= 8)
		}
		if a := got.Audio; a != nil && err == nil {
			require.True(t, a.Duration > 0 && a.Samples > 0 && a.SampleRate > 0 && a.Channels > 0 && a.Codec != "")
		}
		require.Less(t, allocated(func() { _, _ = Inspect(bytes.NewReader(data), limit) }), uint64(64<<10))
	})
}

func FuzzReadMP4(f *testing.F) {
	seeds := [][]byte{nil, []byte("<html>"), handmade(mvhd, videoTrack(firstByte).box())}
	for _, name := range []string{"plain.mp4", "fragmented.mp4"} {
		data, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		seeds = append(seeds, data)
	}
	for _, s := range seeds {
		f.Add(s, uint16(len(s)/2), byte(0))
		f.Add(s, uint16(len(s)-len(s)/5), byte(0xff))
	}
	// One byte is set besides what the fuzzer does by itself: most of a film is data that nobody looks at.
	f.Fuzz(func(t *testing.T, data []byte, at uint16, with byte) {
		if len(data) > 0 {
			data = slices.Clone(data)
			data[int(at)%len(data)] = with
		}
		var m Movie
		var err error
		// A track and an error text are all that is made per box; they are free again at once.
		bound := uint64(64<<10 + 64*len(data))
		require.Less(t, allocated(func() { m, err = readMP4(data) }), bound)
		if err != nil {
			require.Contains(t, Codes, code(err))
			require.Zero(t, m)
			return
		}
		require.True(t, m.Video.Samples > 0 && m.Video.Width > 0 && m.Video.Height > 0)
		require.True(t, m.Duration >= 0 && m.Video.Duration >= 0)
		short, serr := ReadMP4(bytes.NewReader(data), int64(len(data))+1)
		require.Equal(t, Truncated, code(serr))
		require.Zero(t, short)
	})
}
