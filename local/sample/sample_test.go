package sample_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"testing"
	"time"

	"github.com/hajimehoshi/go-mp3"
	"github.com/stretchr/testify/require"

	"emodrop/local/emo/face"
	"emodrop/local/sample"
)

var update = flag.Bool("update", false, "draw portrait.jpg anew")

func TestThePortraitIsWhatTheCodeDraws(t *testing.T) {
	t.Parallel()
	drawn := sample.Draw()
	if *update {
		var b bytes.Buffer
		require.NoError(t, jpeg.Encode(&b, drawn, &jpeg.Options{Quality: 90}))
		require.NoError(t, os.WriteFile("portrait.jpg", b.Bytes(), 0o644))
		return // the embedded copy is still the old one
	}
	shipped, err := jpeg.Decode(bytes.NewReader(sample.Portrait()))
	require.NoError(t, err)
	require.Equal(t, drawn.Bounds(), shipped.Bounds())
	// JPEG loses a little everywhere and more at sharp edges: the mean must be close, not each pixel.
	sum, n := 0, 0
	for y := 0; y < drawn.Bounds().Dy(); y += 7 {
		for x := 0; x < drawn.Bounds().Dx(); x += 7 {
			a := color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y
			b := color.GrayModel.Convert(shipped.At(x, y)).(color.Gray).Y
			sum += max(int(a)-int(b), int(b)-int(a))
			n++
		}
	}
	require.Less(t, float64(sum)/float64(n), 1.5, "the drawing changed: run this test with -update")
}

func TestThePortraitIsAcceptedForBothRatios(t *testing.T) {
	t.Parallel()
	f, err := face.NewFinder()
	require.NoError(t, err)
	got, err := f.Find(context.Background(), sample.Portrait())
	require.NoError(t, err)
	require.Len(t, got.Faces, 1)
	require.InDelta(t, got.Width/2, (got.Faces[0].Min.X+got.Faces[0].Max.X)/2, 10, "the face stands in the middle")
	require.Greater(t, got.Brightness, 100.0)
	// The part that is filmed is 2.5 faces wide and its centre 0.15 above the face's (local/emo, boxes.go); 3:4 is the
	// same, grown down. There is room for the larger one.
	side, centre := float64(got.Faces[0].Dx()), got.Faces[0].Min.Add(got.Faces[0].Max).Div(2)
	left, top := centre.X-int(1.25*side), centre.Y-int(1.4*side)
	filmed := image.Rect(left, top, left+int(2.5*side), top+int(2.5*side*4/3))
	require.True(t, filmed.In(image.Rect(0, 0, got.Width, got.Height)), "%v of %d×%d", filmed, got.Width, got.Height)
}

func TestTheSpeechLastsAsLongAsItSays(t *testing.T) {
	t.Parallel()
	wav := sample.Speech()
	require.Equal(t, "RIFF", string(wav[:4]))
	require.Equal(t, "data", string(wav[36:40]))
	rate := binary.LittleEndian.Uint32(wav[28:32])
	size := binary.LittleEndian.Uint32(wav[40:44])
	require.Len(t, wav, 44+int(size))
	require.Equal(t, sample.SpeechDuration(), time.Duration(size)*time.Second/time.Duration(rate))
	require.Less(t, len(wav), 250_000)

	d, err := mp3.NewDecoder(bytes.NewReader(sample.SpeechChinese()))
	require.NoError(t, err)
	require.InDelta(t, 5.3, float64(d.Length()/4)/float64(d.SampleRate()), 0.2)
}

func TestWhatACallerDoesToItsCopyStaysThere(t *testing.T) {
	t.Parallel()
	for _, get := range []func() []byte{sample.Portrait, sample.Speech, sample.SpeechChinese} {
		first := get()[0]
		b := get()
		b[0] ^= 0xFF
		require.Equal(t, first, get()[0])
	}
}
