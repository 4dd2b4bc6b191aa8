package media

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
)

func inspectImage(t *testing.T, data []byte) Image {
	t.Helper()
	f, err := inspect(t, data)
	require.NoError(t, err)
	require.NotNil(t, f.Image)
	require.Nil(t, f.Audio)
	return *f.Image
}

func plain(w, h int) Image { return Image{Width: w, Height: h, Orientation: 1} }

func TestAPictureHasTheSizeThatADecoderFinds(t *testing.T) {
	t.Parallel()
	grey, palette := image.NewGray(image.Rect(0, 0, 33, 5)), image.NewPaletted(image.Rect(0, 0, 33, 5), color.Palette{color.Black})
	for _, m := range []image.Image{picture(1, 1), picture(401, 7), grey, palette} {
		var files [3]bytes.Buffer
		require.NoError(t, jpeg.Encode(&files[0], m, nil))
		require.NoError(t, png.Encode(&files[1], m))
		require.NoError(t, bmp.Encode(&files[2], m))
		for i := range files {
			c, _, err := image.DecodeConfig(bytes.NewReader(files[i].Bytes()))
			require.NoError(t, err)
			require.Equal(t, plain(c.Width, c.Height), inspectImage(t, files[i].Bytes()))
		}
	}
}

func TestACutPictureIsTruncatedWhereverItIsCut(t *testing.T) {
	t.Parallel()
	anim, err := os.ReadFile("testdata/animated.webp")
	require.NoError(t, err)
	requireCut(t, jpegFile(t, 40, 30), 3)
	requireCut(t, pngFile(t, 40, 30), 8)
	requireCut(t, bmpFile(t, 20, 10), 18)
	requireCut(t, anim, 12)
	requireCut(t, webp(vp8(300, 200)), 12)
	requireCut(t, webp(vp8l(300, 200)), 12)
	requireCut(t, webp(vp8x(webpEXIF, 300, 200), vp8(300, 200), riff("EXIF", tiff(true, 6), "..")), 12)
}

func TestWhatFollowsThePictureIsNoPartOfIt(t *testing.T) {
	t.Parallel()
	tail := bytes.Repeat([]byte("tail\xff\xd8\xff\xc0"), 20_000)
	for _, data := range [][]byte{jpegFile(t, 21, 34), pngFile(t, 21, 34), bmpFile(t, 21, 34), webp(vp8(21, 34))} {
		require.Equal(t, plain(21, 34), inspectImage(t, append(data, tail...)))
	}
}

func TestOrientationTurnsTheSizeAsItIsShown(t *testing.T) {
	t.Parallel()
	j, p := jpegFile(t, 60, 40), pngFile(t, 60, 40)
	for o := uint16(1); o <= 8; o++ {
		want := Image{Width: 60, Height: 40, Orientation: int(o)}
		if o >= 5 {
			want.Width, want.Height = 40, 60
		}
		for _, bigEndian := range []bool{false, true} {
			exif := tiff(bigEndian, o)
			app1 := segment(0xe1, be("Exif\x00\x00", exif))
			other := segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x/>"))
			require.Equal(t, want, inspectImage(t, afterSOI(j, app1)), "right behind the start")
			require.Equal(t, want, inspectImage(t, afterSOI(j, segment(0xe0, []byte("JFIF\x00")), other, app1)), "behind others")
			sos := bytes.Index(j, []byte("\xff\xda"))
			require.Equal(t, want, inspectImage(t, be(j[:sos], "\xff\xff", app1[1:], j[sos:])), "right before the data, with a fill byte")

			require.Equal(t, want, inspectImage(t, be(p[:33], pngChunk("eXIf", exif), p[33:])), "PNG, before the data")
			require.Equal(t, want, inspectImage(t, be(p[:len(p)-12], pngChunk("eXIf", exif), p[len(p)-12:])), "PNG, behind the data")
			require.Equal(t, want, inspectImage(t, webp(vp8x(webpEXIF, 60, 40), vp8(60, 40), riff("EXIF", exif))), "WebP")
			require.Equal(t, want, inspectImage(t, webp(vp8x(webpEXIF, 60, 40), vp8l(60, 40), riff("EXIF", "Exif\x00\x00", exif))), "WebP with JPEG's prefix")
		}
	}
}

func TestBrokenEXIFMeansUpright(t *testing.T) {
	t.Parallel()
	j := jpegFile(t, 60, 40)
	for name, exif := range map[string][]byte{
		"empty":               nil,
		"no byte order":       []byte("XX\x2a\x00\x08\x00\x00\x00"),
		"not 42":              le("II", uint16(43), uint32(8), uint16(1), uint16(0x112), uint16(3), uint32(1), uint32(6)),
		"far offset":          le("II", uint16(42), uint32(0xffffffff), "...................."),
		"offset at its end":   le("II", uint16(42), uint32(27), "...................."),
		"too many entries":    le("II", uint16(42), uint32(8), uint16(65535), bytes.Repeat([]byte("x"), 100)),
		"orientation 0":       tiff(false, 0),
		"orientation 9":       tiff(true, 9),
		"orientation as text": le("II", uint16(42), uint32(8), uint16(1), uint16(0x112), uint16(2), uint32(1), uint32(6)),
		"two orientations":    le("II", uint16(42), uint32(8), uint16(1), uint16(0x112), uint16(3), uint32(2), uint32(6)),
		"entry cut":           tiff(true, 6)[:30],
	} {
		require.Equal(t, plain(60, 40), inspectImage(t, afterSOI(j, segment(0xe1, be("Exif\x00\x00", exif)))), name)
	}
	long := le("II", uint16(42), uint32(8), uint16(1), uint16(0x112), uint16(4), uint32(1), uint32(6))
	require.Equal(t, 6, inspectImage(t, afterSOI(j, segment(0xe1, be("Exif\x00\x00", long)))).Orientation, "as LONG")
}

func TestAThumbnailIsNotThePicture(t *testing.T) {
	t.Parallel()
	thumb := jpegFile(t, 16, 12)
	data := afterSOI(jpegFile(t, 50, 40), segment(0xe1, be("Exif\x00\x00", tiff(true, 1), thumb)), segment(0xed, thumb))
	require.Equal(t, plain(50, 40), inspectImage(t, data))
	requireCut(t, data, 3)
}

func TestEveryKindOfJPEGFrameIsRead(t *testing.T) {
	t.Parallel()
	for m := 0xc0; m <= 0xcf; m++ {
		body := be(byte(8), uint16(300), uint16(200), byte(1), "\x01\x11\x00")
		data := be("\xff\xd8", segment(byte(m), body), segment(0xda, []byte("\x01\x01\x00\x00\x3f\x00")), "\x12\xff\x00\xff\xd0\x34\xff\xff\xd9")
		if m == 0xc4 || m == 0xc8 || m == 0xcc { // tables and extensions, no frames
			_, err := inspect(t, data)
			require.Equal(t, Corrupt, code(err), "%x", m)
			continue
		}
		require.Equal(t, plain(200, 300), inspectImage(t, data), "%x", m)
	}
}

func TestAContradictoryPictureIsCorrupt(t *testing.T) {
	t.Parallel()
	j, p := jpegFile(t, 20, 20), pngFile(t, 20, 20)
	sof := segment(0xc0, be(byte(8), uint16(9), uint16(9), byte(1), "\x01\x11\x00"))
	sos := segment(0xda, []byte("\x01\x01\x00\x00\x3f\x00"))
	ihdr := p[8:33]
	idat := pngChunk("IDAT", []byte("x"))
	flipped := bytes.Clone(p)
	flipped[len(p)/2] ^= 1
	b := bmpFile(t, 20, 20)
	patched := func(at int, with ...any) []byte {
		c := bytes.Clone(b)
		copy(c[at:], le(with...))
		return c
	}
	for name, data := range map[string][]byte{
		"jpeg: nothing in it":       []byte("\xff\xd8\xff\xd9"),
		"jpeg: no data":             be("\xff\xd8", sof, "\xff\xd9"),
		"jpeg: data without frame":  be("\xff\xd8", sos, "\xff\xd9"),
		"jpeg: two frames":          be("\xff\xd8", sof, sof, sos, "\xff\xd9"),
		"jpeg: frame too short":     be("\xff\xd8", segment(0xc0, []byte("\x08\x00\x09\x00\x09\x01")), sos, "\xff\xd9"),
		"jpeg: begins again":        be(j[:2], j),
		"jpeg: segment of length 1": be("\xff\xd8\xff\xe0\x00\x01", j[2:]),
		"png: no header":            be(p[:8], p[33:]),
		"png: two headers":          be(p[:33], ihdr, p[33:]),
		"png: no data":              be(p[:33], pngChunk("IEND", nil)),
		"png: flipped bit":          flipped,
		"png: impossible depth":     be(p[:8], pngChunk("IHDR", be(uint32(9), uint32(9), "\x03\x02\x00\x00\x00")), idat, pngChunk("IEND", nil)),
		"png: short header":         be(p[:8], pngChunk("IHDR", []byte("12"))),
		"png: impossible name":      be(p[:33], pngChunk("A\x00BC", nil), p[33:]),
		"png: impossible length":    be(p[:33], uint32(1<<31), "abCd", p[33:]),
		"bmp: 7 bits":               patched(28, uint16(7)),
		"bmp: pixels in the header": patched(10, uint32(20)),
		"webp: unknown first":       webp(riff("XXXX", "abcd")),
		"webp: no picture":          webp(vp8x(0, 10, 10), riff("EXIF", "abcd")),
		"webp: canvas differs":      webp(vp8x(0, 10, 10), vp8(10, 11)),
		"webp: no key frame":        webp(riff("VP8 ", "\x11\x02\x00\x9d\x01\x2a\x0a\x00\x0a\x00")),
		"webp: no signature":        webp(riff("VP8L", "\x2e\x00\x00\x00\x00")),
		"webp: chunk over the end":  append(webp("VP8 ", uint32(500), vp8(9, 9)[8:]), make([]byte, 1000)...),
		"webp: short header chunk":  webp(riff("VP8X", "abcd"), vp8(9, 9)),
	} {
		_, err := inspect(t, data)
		require.Equal(t, Corrupt, code(err), "%s: %v", name, err)
	}
}

func TestAPictureWithoutExtentIsRefused(t *testing.T) {
	t.Parallel()
	p := pngFile(t, 9, 9)
	for name, data := range map[string][]byte{
		"jpeg":       be("\xff\xd8", segment(0xc0, be(byte(8), uint16(0), uint16(9), byte(1), "\x01\x11\x00")), "\xff\xd9"),
		"png":        be(p[:8], pngChunk("IHDR", be(uint32(9), uint32(0), "\x08\x02\x00\x00\x00")), p[33:]),
		"bmp":        bmpHead(40, 0, 9, 24),
		"bmp, minus": bmpHead(40, -4, 9, 24),
		"webp":       webp(vp8(0, 9)),
	} {
		f, err := inspect(t, data)
		require.Equal(t, BadDimensions, code(err), name)
		require.NotEmpty(t, f.Format)
	}
}

// bmpHead makes a BMP with a header of any size, and pixels.
func bmpHead(header, w, h, depth int) []byte {
	var d []byte
	if header == 12 {
		d = le(uint32(12), uint16(w), uint16(h), uint16(1), uint16(depth))
	} else {
		d = le(uint32(header), int32(w), int32(h), uint16(1), uint16(depth))
	}
	d = append(d, make([]byte, header-len(d))...)
	pixels := make([]byte, (max(w, 0)*depth+31)/32*4*max(h, -h))
	return le("BM", uint32(14+len(d)+len(pixels)), uint32(0), uint32(14+len(d)), d, pixels)
}

func TestEveryBMPHeaderIsRead(t *testing.T) {
	t.Parallel()
	for _, header := range []int{12, 16, 40, 52, 56, 64, 108, 124} {
		for _, depth := range []int{1, 4, 8, 16, 24, 32} {
			data := bmpHead(header, 17, 3, depth)
			require.Equal(t, plain(17, 3), inspectImage(t, data), header)
			requireCut(t, data, 18)
		}
	}
	require.Equal(t, plain(17, 9), inspectImage(t, bmpHead(40, 17, -9, 24)), "from the top down")
	_, err := inspect(t, []byte("BM\x00\x01\x02\x03"))
	require.Equal(t, Truncated, code(err))
}

func TestAWrongFileSizeInABMPMattersOnlyWherePixelsAreCompressed(t *testing.T) {
	t.Parallel()
	for _, size := range []uint32{0, 1, 54, 0xffffffff} {
		data := bmpHead(40, 17, 9, 24)
		copy(data[2:], le(size))
		require.Equal(t, plain(17, 9), inspectImage(t, data))
	}
	rle := bmpHead(40, 17, 9, 8)
	rle[30] = 1
	require.Equal(t, plain(17, 9), inspectImage(t, rle))
	requireCut(t, rle, 54)
}

func TestMovingPicturesAreSaidToBeAnimated(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"animated.png", "animated.webp"} {
		data, err := os.ReadFile("testdata/" + name)
		require.NoError(t, err)
		require.Equal(t, Image{Width: 64, Height: 48, Orientation: 1, Animated: true}, inspectImage(t, data))
	}
	p := pngFile(t, 9, 9)
	late := be(p[:len(p)-12], pngChunk("acTL", make([]byte, 8)), p[len(p)-12:])
	require.False(t, inspectImage(t, late).Animated, "behind the data it means nothing")
}

func TestThePixelsOfABombAreNeverAskedFor(t *testing.T) {
	t.Parallel()
	p := pngFile(t, 9, 9)
	sos := segment(0xda, []byte("\x01\x01\x00\x00\x3f\x00"))
	big := segment(0xc2, be(byte(8), uint16(65535), uint16(65535), byte(1), "\x01\x11\x00"))
	require.Equal(t, plain(65535, 65535), inspectImage(t, be("\xff\xd8", big, sos, "\xff\xd9")))
	require.Equal(t, plain(1<<31-1, 1<<31-1), inspectImage(t, be(p[:8], pngChunk("IHDR", be(uint32(1<<31-1), uint32(1<<31-1), "\x08\x02\x00\x00\x00")), p[33:])))
	require.Equal(t, plain(16384, 16384), inspectImage(t, webp(vp8l(16384, 16384))))
	_, err := inspect(t, le("BM", uint32(54), uint32(0), uint32(54), uint32(40), int32(1<<31-1), int32(1<<31-1), uint16(1), uint16(32), make([]byte, 24)))
	require.Equal(t, Truncated, code(err))
}
