package emo

import (
	"image"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheBoxRuleReproducesTheDocumentsSample(t *testing.T) {
	t.Parallel()
	face, ext, ok := boxes(1024, 1024, image.Rect(302, 286, 610, 593), ratioSquare)
	require.True(t, ok)
	require.Equal(t, [4]int{302, 286, 610, 593}, face)
	require.Equal(t, [4]int{71, 9, 840, 778}, ext)
}

func TestExtBoxesFitThePictureTheFaceAndTheirRatio(t *testing.T) {
	t.Parallel()
	for _, size := range []image.Point{{400, 400}, {400, 7000}, {7000, 400}, {600, 800}, {1023, 769}} {
		for side := 40; side < min(size.X, size.Y)/2; side += 37 {
			for _, at := range []image.Point{{0, 0}, {size.X - side, 0}, {size.X / 2, size.Y / 2}, {0, size.Y - side}, {size.X - side, size.Y - side}} {
				face := image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}.Intersect(image.Rectangle{Max: size})
				for _, ratio := range []string{ratioSquare, ratioHalf} {
					_, ext, ok := boxes(size.X, size.Y, face, ratio)
					if !ok {
						continue
					}
					require.True(t, within(ext, size.X, size.Y), "%v %v %v", size, face, ext)
					require.True(t, face.In(image.Rect(ext[0], ext[1], ext[2], ext[3])))
					have, fits := ratioOf(ext)
					require.True(t, fits, "%v", ext)
					require.Equal(t, ratio, have)
				}
			}
		}
	}
}

func TestAFaceInTheMiddleAlwaysHasRoom(t *testing.T) {
	t.Parallel()
	for _, ratio := range []string{ratioSquare, ratioHalf} {
		_, _, ok := boxes(600, 800, image.Rect(250, 250, 350, 350), ratio)
		require.True(t, ok)
		_, _, ok = boxes(600, 800, image.Rect(0, 0, 600, 800), ratioSquare)
		require.False(t, ok)
		_, _, ok = boxes(600, 800, image.Rect(900, 900, 950, 950), ratio)
		require.False(t, ok)
	}
}

func FuzzBoxes(f *testing.F) {
	f.Add(600, 800, 200, 200, 100, 100, true)
	f.Add(1, 1, -5, 3, 7, math.MaxInt16, false)
	f.Add(-42, 1, -5, -94, 7, 32764, false)
	f.Fuzz(func(t *testing.T, w, h, x, y, fw, fh int, square bool) {
		limit := func(v int) int { return v % 8000 }
		w, h, x, y, fw, fh = limit(w), limit(h), limit(x), limit(y), limit(fw), limit(fh)
		ratio := ratioHalf
		if square {
			ratio = ratioSquare
		}
		face, ext, ok := boxes(w, h, image.Rect(x, y, x+fw, y+fh), ratio)
		if ok {
			require.True(t, within(face, w, h))
			require.True(t, within(ext, w, h))
		}
	})
}
