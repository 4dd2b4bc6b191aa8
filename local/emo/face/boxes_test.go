package face_test

import (
	"image"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo/face"
)

func TestBoxesAreThoseOfTheVendorsExample(t *testing.T) {
	t.Parallel()
	// https://help.aliyun.com/zh/model-studio/emo-detect-api shows this pair.
	faceBox, ext, ok := face.Boxes(1000, 1000, image.Rect(302, 286, 610, 593), face.RatioHead)
	require.True(t, ok)
	require.Equal(t, [4]int{302, 286, 610, 593}, faceBox)
	want := [4]int{71, 9, 840, 778}
	for i := range want {
		require.InDelta(t, want[i], ext[i], 1, "side %d", i)
	}
}

func TestAHalfBodyBoxIsTheHeadsGrownDown(t *testing.T) {
	t.Parallel()
	f := image.Rect(400, 400, 640, 640)
	_, head, ok := face.Boxes(2000, 2000, f, face.RatioHead)
	require.True(t, ok)
	_, half, ok := face.Boxes(2000, 2000, f, face.RatioHalf)
	require.True(t, ok)
	require.Equal(t, [4]int{head[0], head[1], head[2], head[1] + 800}, half)
	require.Equal(t, 600, head[3]-head[1])
}

func TestBoxesAreRefusedWhenThereIsNothingToBox(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func() ([4]int, [4]int, bool){
		"no face":        func() ([4]int, [4]int, bool) { return face.Boxes(800, 800, image.Rectangle{}, "1:1") },
		"a face outside": func() ([4]int, [4]int, bool) { return face.Boxes(800, 800, image.Rect(900, 0, 990, 90), "1:1") },
		"no picture":     func() ([4]int, [4]int, bool) { return face.Boxes(0, 0, image.Rect(0, 0, 9, 9), "1:1") },
		"another ratio":  func() ([4]int, [4]int, bool) { return face.Boxes(800, 800, image.Rect(0, 0, 90, 90), "16:9") },
		"too thin":       func() ([4]int, [4]int, bool) { return face.Boxes(2, 800, image.Rect(0, 0, 2, 2), "3:4") },
	} {
		_, _, ok := call()
		require.False(t, ok, name)
	}
}

// requireBoxHolds states what is true of every box.
func requireBoxHolds(t *testing.T, w, h int, f image.Rectangle, ratio string) {
	t.Helper()
	faceBox, ext, ok := face.Boxes(w, h, f, ratio)
	picture := image.Rect(0, 0, w, h)
	seen := f.Intersect(picture)
	if seen.Empty() {
		require.False(t, ok)
		return
	}
	if !ok {
		require.True(t, ratio == face.RatioHalf && (w < 3 || h < 4), "only a speck is refused")
		return
	}
	require.Equal(t, seen, image.Rect(faceBox[0], faceBox[1], faceBox[2], faceBox[3]))
	box := image.Rect(ext[0], ext[1], ext[2], ext[3])
	require.True(t, box.In(picture), "%v in %v", box, picture)
	if ratio == face.RatioHead {
		require.Equal(t, box.Dx(), box.Dy())
	} else {
		require.Equal(t, 4*box.Dx(), 3*box.Dy())
	}
	if seen.Dx() <= box.Dx() && seen.Dy() <= box.Dy() {
		require.True(t, seen.In(box), "the whole face %v in %v", seen, box)
	}
	require.LessOrEqual(t, float64(box.Dx()), 2.5*float64(seen.Dx()+seen.Dy())/2+3)
}

func TestEveryBoxLiesInThePictureAroundTheFaceInTheRightShape(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 11))
	for range 300 {
		w, h := 400+r.IntN(6600), 400+r.IntN(6600)
		side := 1 + r.IntN(min(w, h))
		x, y := r.IntN(w-side+1), r.IntN(h-side+1)
		f := image.Rect(x, y, x+side, y+side)
		for _, ratio := range []string{face.RatioHead, face.RatioHalf} {
			requireBoxHolds(t, w, h, f, ratio)
			_, ext, ok := face.Boxes(w, h, f, ratio)
			require.True(t, ok)
			centre := f.Min.Add(f.Max).Div(2)
			require.True(t, centre.In(image.Rect(ext[0], ext[1], ext[2], ext[3])), "%v of %v in %d x %d", centre, f, w, h)
		}
	}
}

func FuzzBoxes(f *testing.F) {
	f.Add(1000, 1000, 302, 286, 610, 593)
	f.Add(400, 7000, -50, -50, 399, 9000)
	f.Add(1, 1, 0, 0, 1, 1)
	f.Fuzz(func(t *testing.T, w, h, x1, y1, x2, y2 int) {
		const most = 1 << 20
		for _, v := range []int{w, h, x1, y1, x2, y2} {
			if v > most || v < -most {
				return
			}
		}
		for _, ratio := range []string{face.RatioHead, face.RatioHalf} {
			requireBoxHolds(t, max(w, 0), max(h, 0), image.Rect(x1, y1, x2, y2), ratio)
		}
	})
}
