package picture

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
)

// corners has a different colour in each quarter: red, green / blue, white, as shown.
func corners(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{A: 255}
			switch {
			case x < w/2 && y < h/2:
				c.R = 255
			case y < h/2:
				c.G = 255
			case x < w/2:
				c.B = 255
			default:
				c.R, c.G, c.B = 255, 255, 255
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func requireCorners(t *testing.T, m *image.RGBA) {
	t.Helper()
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{w / 4, h / 4, color.RGBA{255, 0, 0, 255}},
		{w * 3 / 4, h / 4, color.RGBA{0, 255, 0, 255}},
		{w / 4, h * 3 / 4, color.RGBA{0, 0, 255, 255}},
		{w * 3 / 4, h * 3 / 4, color.RGBA{255, 255, 255, 255}},
	} {
		got := m.RGBAAt(c.x, c.y)
		require.InDelta(t, c.want.R, got.R, 12, "%+v", c)
		require.InDelta(t, c.want.G, got.G, 12, "%+v", c)
		require.InDelta(t, c.want.B, got.B, 12, "%+v", c)
	}
}

func encoded(t *testing.T, m image.Image) map[string][]byte {
	t.Helper()
	var p, j, b bytes.Buffer
	require.NoError(t, png.Encode(&p, m))
	require.NoError(t, jpeg.Encode(&j, m, &jpeg.Options{Quality: 95}))
	require.NoError(t, bmp.Encode(&b, m))
	return map[string][]byte{"png": p.Bytes(), "jpeg": j.Bytes(), "bmp": b.Bytes()}
}

// A lossless WebP of 16 x 16 red pixels, made with ffmpeg's libwebp.
var redWebP = []byte("RIFF\x1c\x00\x00\x00WEBPVP8L\x0f\x00\x00\x00\x2f\x0f\xc0\x03\x00\x07\x10\xf5\x8f\xfe\x07\x22\xa2\xff\x01\x00")

func TestEachFormatIsDecodedAndScaled(t *testing.T) {
	t.Parallel()
	for name, data := range encoded(t, corners(200, 120)) {
		p, err := Decode(data)
		require.NoError(t, err, name)
		w, h := p.Size()
		require.Equal(t, [2]int{200, 120}, [2]int{w, h}, name)
		for _, size := range []image.Point{{200, 120}, {40, 24}, {500, 300}, {33, 91}} {
			m := p.Scaled(image.Rect(0, 0, 200, 120), size.X, size.Y)
			require.Equal(t, image.Rect(0, 0, size.X, size.Y), m.Rect)
			requireCorners(t, m)
		}
		requireCorners(t, p.Scaled(image.Rect(80, 40, 120, 80), 64, 64)) // a part around the middle
	}
}

func TestScalingIsTheUsualBicubic(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	m := image.NewRGBA(image.Rect(0, 0, 61, 47)) // noise over a wave on the left, the hardest edges on the right
	for i := range m.Pix {
		m.Pix[i] = uint8(128 + 90*math.Sin(float64(i)/900) + r.Float64()*37)
		if i%4 == 3 {
			m.Pix[i] = 255
		} else if i%m.Stride > 120 {
			m.Pix[i] = uint8(r.IntN(2) * 255)
		}
	}
	whole := &Picture{stored: m, orientation: 1}
	for _, part := range []image.Rectangle{m.Rect, image.Rect(7, 3, 30, 40)} {
		for _, size := range []image.Point{{61, 47}, {40, 31}, {200, 90}, {33, 35}} {
			want := image.NewRGBA(image.Rectangle{Max: size})
			cut := m.SubImage(part) // or the kernel would look beyond the part
			draw.CatmullRom.Scale(want, want.Rect, cut, part, draw.Src, nil)
			got := whole.Scaled(part, size.X, size.Y)
			for i, v := range got.Pix {
				require.InDelta(t, want.Pix[i], v, 2, "%v to %v", part, size)
			}
		}
	}
}

func TestEveryKindOfPixelIsReadAsItsOwnTypeSaysAndWhatLiesOutsideIsWhite(t *testing.T) {
	t.Parallel()
	bounds := image.Rect(3, 5, 24, 20)
	pictures := []image.Image{image.NewGray(bounds), image.NewRGBA(bounds), image.NewNRGBA(bounds), image.NewRGBA64(bounds)}
	for s := image.YCbCrSubsampleRatio444; s <= image.YCbCrSubsampleRatio410; s++ {
		pictures = append(pictures, image.NewYCbCr(bounds, s))
	}
	for _, m := range pictures {
		var planes [][]uint8
		switch m := m.(type) {
		case *image.Gray:
			planes = [][]uint8{m.Pix}
		case *image.RGBA:
			planes = [][]uint8{m.Pix}
		case *image.NRGBA:
			planes = [][]uint8{m.Pix}
		case *image.RGBA64:
			planes = [][]uint8{m.Pix}
		case *image.YCbCr:
			planes = [][]uint8{m.Y, m.Cb, m.Cr}
		}
		for _, p := range planes {
			for i := range p {
				if p[i] == 0 {
					p[i] = uint8(i * 37)
				}
				switch m.(type) { // but for these, opaque
				case *image.RGBA, *image.NRGBA:
					p[i|3] = 255
				case *image.RGBA64:
					p[i|7], p[i|7-1] = 255, 255
				}
			}
		}
		r := bounds.Inset(-2)
		got := (&Picture{stored: m, orientation: 1}).Scaled(r.Sub(bounds.Min), r.Dx(), r.Dy())
		for y := range r.Dy() {
			for x := range r.Dx() {
				at := image.Pt(x, y).Add(r.Min)
				want := color.RGBA{255, 255, 255, 255}
				if at.In(bounds) {
					want = color.RGBAModel.Convert(m.At(at.X, at.Y)).(color.RGBA)
				}
				require.Equal(t, want, got.RGBAAt(x, y), "%T at %v", m, at)
			}
		}
	}
}

func TestAWebPIsDecoded(t *testing.T) {
	t.Parallel()
	p, err := Decode(redWebP)
	require.NoError(t, err)
	w, h := p.Size()
	require.Equal(t, [2]int{16, 16}, [2]int{w, h})
	require.Equal(t, color.RGBA{254, 0, 0, 255}, p.Scaled(image.Rect(0, 0, 16, 16), 4, 4).RGBAAt(2, 2))
}

func TestEveryOrientationShowsTheSamePicture(t *testing.T) {
	t.Parallel()
	shown := corners(96, 64)
	for o := 1; o <= 8; o++ {
		w, h := 96, 64
		if turned(o) {
			w, h = h, w
		}
		stored := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range 64 {
			for x := range 96 {
				at := storedRect(image.Rect(x, y, x+1, y+1), 96, 64, o).Min
				require.True(t, at.In(stored.Rect), "orientation %d", o)
				stored.SetRGBA(at.X, at.Y, shown.RGBAAt(x, y))
			}
		}
		p := &Picture{stored: stored, orientation: o}
		gw, gh := p.Size()
		require.Equal(t, [2]int{96, 64}, [2]int{gw, gh})
		requireCorners(t, p.Scaled(image.Rect(0, 0, 96, 64), 48, 32))
		require.Equal(t, shown.Pix, orient(stored, o).Pix)
		part := p.Scaled(image.Rect(8, 4, 40, 28), 32, 24) // inside of the red quarter
		require.Equal(t, color.RGBA{255, 0, 0, 255}, part.RGBAAt(16, 12), "orientation %d", o)
	}
	// What the numbers mean (https://www.cipa.jp/std/documents/download_e.html?DC-008-Translation-2023-E, 4.6.5):
	// the corner of the stored picture that is shown at the top left.
	for o, want := range map[int]image.Point{1: {0, 0}, 2: {96, 0}, 3: {96, 64}, 4: {0, 64}, 5: {0, 0}, 6: {0, 96}, 7: {64, 96}, 8: {64, 0}} {
		require.Equal(t, want, storedPoint(image.Point{}, 96, 64, o), "orientation %d", o)
	}
}

// turn says orientation 6, a quarter turn clockwise, in the form of TIFF that all formats carry.
const turn = "MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"

func TestAPictureIsShownAsItsMetadataSaysInEveryFormatThatHasAny(t *testing.T) {
	t.Parallel()
	lying := image.NewRGBA(image.Rect(0, 0, 64, 96))
	for y := range 64 {
		for x := range 96 {
			at := storedRect(image.Rect(x, y, x+1, y+1), 96, 64, 6).Min
			lying.SetRGBA(at.X, at.Y, corners(96, 64).RGBAAt(x, y))
		}
	}
	files := encoded(t, lying)
	app1 := "\xff\xe1\x00" + string(byte(len(turn)+8)) + "Exif\x00\x00" + turn
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(turn)))
	chunk = append(chunk, "eXIf"+turn...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	for format, at := range map[string]int{"jpeg": 2, "png": 33} {
		extra := map[string][]byte{"jpeg": []byte(app1), "png": chunk}[format]
		p, err := Decode(slices.Insert(files[format], at, extra...))
		require.NoError(t, err, format)
		w, h := p.Size()
		require.Equal(t, [2]int{96, 64}, [2]int{w, h}, format)
		requireCorners(t, p.Scaled(image.Rect(0, 0, 96, 64), 96, 64))
	}
}

func TestAPictureOfMoreThanTheLargestSideIsRefusedBeforeItIsDecoded(t *testing.T) {
	t.Parallel()
	header := func(w, h uint32) []byte { // a PNG that promises a size and holds nothing
		b := []byte("IHDR")
		b = binary.BigEndian.AppendUint32(b, w)
		b = binary.BigEndian.AppendUint32(b, h)
		b = append(b, 8, 2, 0, 0, 0)
		out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
		out = append(out, b...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(b))
	}
	for _, size := range [][2]uint32{{7001, 400}, {400, 7001}, {65535, 65535}} {
		_, err := Decode(header(size[0], size[1]))
		require.ErrorIs(t, err, ErrTooLarge)
	}
	_, err := Decode(header(7000, 7000))
	require.ErrorIs(t, err, ErrFormat, "of an allowed size, but empty: decoding came second")
}

func TestTransparencyIsShownOnWhite(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range m.Pix {
		m.Pix[i] = 0
	}
	m.SetNRGBA(0, 0, color.NRGBA{R: 255, A: 255})
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	p, err := Decode(b.Bytes())
	require.NoError(t, err)
	got := p.Scaled(image.Rect(0, 0, 64, 64), 64, 64)
	require.Equal(t, color.RGBA{255, 255, 255, 255}, got.RGBAAt(40, 40))
	require.Equal(t, color.RGBA{255, 0, 0, 255}, got.RGBAAt(0, 0))
}

func FuzzDecode(f *testing.F) {
	var small bytes.Buffer
	_ = jpeg.Encode(&small, corners(16, 16), nil)
	f.Add(small.Bytes())
	f.Add(redWebP)
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte("BM"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, ok := codecOf(data); ok { // keep the fuzzer off pictures that are merely large
			if cfg, err := c.config(bytes.NewReader(data)); err == nil && cfg.Width*cfg.Height > 1<<18 {
				return
			}
		}
		p, err := Decode(data)
		if err != nil {
			return
		}
		w, h := p.Size()
		require.Positive(t, w)
		require.Positive(t, h)
		require.Equal(t, image.Rect(0, 0, 8, 8), p.Scaled(image.Rect(0, 0, w, h), 8, 8).Rect)
	})
}
