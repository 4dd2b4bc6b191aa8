package face_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"

	"emodrop/local/emo/face"
	"emodrop/local/emo/face/picture"
	"emodrop/local/sample"
)

// finder is shared: unpacking its cascade takes as long as finding a face.
var finder = sync.OnceValues(face.NewFinder)

func find(t *testing.T, data []byte) face.Finding {
	t.Helper()
	f, err := finder()
	require.NoError(t, err)
	got, err := f.Find(context.Background(), data)
	require.NoError(t, err)
	return got
}

// portrait is the sample portrait at half its size.
var portrait = sync.OnceValue(func() image.Image {
	m, err := jpeg.Decode(bytes.NewReader(sample.Portrait()))
	if err != nil {
		panic(err)
	}
	return resized(m, 450, 600)
})

func asPNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m))
	return b.Bytes()
}

func asJPEG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func resized(m image.Image, w, h int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	xdraw.ApproxBiLinear.Scale(out, out.Bounds(), m, m.Bounds(), draw.Src, nil)
	return out
}

// where the drawn face is: from the brows to the chin, in parts of the portrait's sides.
func requireTheDrawnFace(t *testing.T, got face.Finding) {
	t.Helper()
	require.Len(t, got.Faces, 1)
	r := got.Faces[0]
	w, h := float64(got.Width), float64(got.Height)
	require.InDelta(t, 0.50, float64(r.Min.X+r.Max.X)/2/w, 0.03)
	require.InDelta(t, 0.42, float64(r.Min.Y+r.Max.Y)/2/h, 0.04)
	require.InDelta(t, 0.38, float64(r.Dx())/w, 0.06)
}

func TestAPortraitHasOneFaceWhateverItsFormatAndSize(t *testing.T) {
	t.Parallel()
	m := portrait()
	var asBMP bytes.Buffer
	require.NoError(t, bmp.Encode(&asBMP, resized(m, 150, 200)))
	for name, data := range map[string][]byte{
		"jpeg":      sample.Portrait(),
		"png":       asPNG(t, resized(m, 180, 240)),
		"bmp":       asBMP.Bytes(),
		"the least": asPNG(t, resized(m, 400, 533)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireTheDrawnFace(t, find(t, data))
		})
	}
}

func TestPicturesOfNobodyHaveNoFace(t *testing.T) {
	t.Parallel()
	fill := func(f func(x, y int) color.RGBA) []byte {
		m := image.NewRGBA(image.Rect(0, 0, 200, 150))
		for y := range 150 {
			for x := range 200 {
				m.SetRGBA(x, y, f(x, y))
			}
		}
		return asPNG(t, m)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	for name, data := range map[string][]byte{
		"blank": fill(func(int, int) color.RGBA { return color.RGBA{200, 200, 200, 255} }),
		"black": fill(func(int, int) color.RGBA { return color.RGBA{A: 255} }),
		"noise": fill(func(int, int) color.RGBA {
			v := uint8(noise.Uint32())
			return color.RGBA{v, uint8(noise.Uint32()), v, 255}
		}),
		"a landscape": fill(func(x, y int) color.RGBA {
			if hill := 95 + (x-100)*(x-100)/400; y > hill {
				return color.RGBA{40, uint8(90 + y/4), 30, 255}
			}
			return color.RGBA{uint8(90 + y/2), uint8(140 + y/2), 235, 255}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := find(t, data)
			require.Empty(t, got.Faces)
			require.Equal(t, 200, got.Width)
			require.Equal(t, 150, got.Height)
		})
	}
}

func TestTwoPeopleHaveTwoFaces(t *testing.T) {
	t.Parallel()
	m := resized(portrait(), 150, 200)
	both := image.NewRGBA(image.Rect(0, 0, 300, 200))
	draw.Draw(both, image.Rect(0, 0, 150, 200), m, image.Point{}, draw.Src)
	draw.Draw(both, image.Rect(150, 0, 300, 200), m, image.Point{}, draw.Src)
	got := find(t, asJPEG(t, both))
	require.Len(t, got.Faces, 2)
	left, right := got.Faces[0], got.Faces[1]
	if left.Min.X > right.Min.X {
		left, right = right, left
	}
	require.Less(t, left.Max.X, 150)
	require.Greater(t, right.Min.X, 150)
}

func TestBrightnessTellsADarkPictureFromALightOne(t *testing.T) {
	t.Parallel()
	for level, want := range map[uint8]float64{0: 0, 20: 20, 128: 128, 255: 255} {
		m := image.NewGray(image.Rect(0, 0, 120, 40))
		for i := range m.Pix {
			m.Pix[i] = level
		}
		require.InDelta(t, want, find(t, asPNG(t, m)).Brightness, 1)
	}
}

func TestASidewaysPhotographIsSeenUpright(t *testing.T) {
	t.Parallel()
	upright := resized(portrait(), 150, 200)
	b := upright.Bounds()
	lying := image.NewRGBA(image.Rect(0, 0, b.Dy(), b.Dx())) // as a camera held upright stores it
	for y := range b.Dy() {
		for x := range b.Dx() {
			lying.Set(y, b.Dx()-1-x, upright.At(x, y))
		}
	}
	plain := asJPEG(t, lying)
	require.Empty(t, find(t, plain).Faces, "lying down it is no upright face")

	got := find(t, withOrientation(plain, 6))
	require.Equal(t, 150, got.Width)
	require.Equal(t, 200, got.Height)
	requireTheDrawnFace(t, got)
}

// withOrientation puts an EXIF segment behind a JPEG's first marker.
func withOrientation(data []byte, value byte) []byte {
	exif := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00")
	exif = append(exif, value, 0, 0, 0, 0, 0, 0)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xFF, 0xE1, byte((len(exif)+2)>>8), byte(len(exif)+2))
	return append(append(out, exif...), data[2:]...)
}

func TestTheSameBytesGiveTheSameFindingFromManyGoroutines(t *testing.T) {
	t.Parallel()
	f, err := finder()
	require.NoError(t, err)
	data := asPNG(t, resized(portrait(), 150, 200))
	got := make([]face.Finding, 4)
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() { got[i], _ = f.Find(context.Background(), data) })
	}
	all.Wait()
	require.Len(t, got[0].Faces, 1)
	for _, g := range got[1:] {
		require.Equal(t, got[0], g)
	}
}

func TestWhatIsNoPictureIsRefused(t *testing.T) {
	t.Parallel()
	f, err := finder()
	require.NoError(t, err)
	whole := sample.Portrait()
	for name, data := range map[string][]byte{
		"nothing":     nil,
		"text":        []byte("<html>not found</html>"),
		"a gif":       []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
		"a cut jpeg":  whole[:len(whole)/2],
		"a cut webp":  []byte("RIFF\x10\x00\x00\x00WEBPVP8 \x04\x00\x00\x00\x00\x00\x00\x00"),
		"a stray BMP": []byte("BM and then nothing"),
	} {
		_, err := f.Find(context.Background(), data)
		require.ErrorIs(t, err, picture.ErrFormat, name)
	}
}

func TestAnEndedContextStopsTheSearch(t *testing.T) {
	t.Parallel()
	f, err := finder()
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = f.Find(ctx, sample.Portrait())
	require.ErrorIs(t, err, context.Canceled)
}

// BenchmarkFind shows what finding costs beside decoding the same picture, which nobody can do without.
func BenchmarkFind(b *testing.B) {
	f, err := face.NewFinder()
	require.NoError(b, err)
	data := sample.Portrait()
	start := time.Now()
	const rounds = 5
	for range rounds {
		_, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(b, err)
	}
	floor := time.Since(start) / rounds
	for b.Loop() {
		_, err := f.Find(context.Background(), data)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-decode")
}
