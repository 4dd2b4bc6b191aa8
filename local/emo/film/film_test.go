package film

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo/face/picture"
	"emodrop/local/sample"
)

// The sample portrait at a third of its size, which takes a ninth of the work, and the boxes in it.
var (
	portrait = sync.OnceValue(func() []byte {
		p, err := picture.Decode(sample.Portrait())
		if err != nil {
			panic(err)
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, p.Scaled(image.Rect(0, 0, 900, 1200), 300, 400), nil); err != nil {
			panic(err)
		}
		return b.Bytes()
	})
	portraitFace = [4]int{90, 110, 206, 226}
	portraitHead = [4]int{4, 6, 293, 295}
	portraitHalf = [4]int{4, 6, 292, 390}
	headArea     = image.Rect(4, 6, 293, 295)
)

func headRequest(audio []byte) Request {
	return Request{Picture: portrait(), ExtBox: portraitHead, FaceBox: portraitFace, Audio: audio, Ratio: RatioHead}
}

// Films that several tests look at. The English one is of the sample portrait as it is shipped.
var (
	englishFilm = sync.OnceValue(func() made {
		return mustMake(Request{
			Picture: sample.Portrait(), ExtBox: [4]int{11, 18, 879, 886}, FaceBox: [4]int{271, 331, 618, 678},
			Audio: sample.Speech(), Ratio: RatioHead,
		})
	})
	chineseFilm = sync.OnceValue(func() made {
		req := headRequest(sample.SpeechChinese())
		req.Ratio, req.ExtBox = RatioHalf, portraitHalf
		return mustMake(req)
	})
)

type made struct {
	data []byte
	info Info
}

func mustMake(req Request) made {
	var b bytes.Buffer
	info, err := Make(context.Background(), &b, req)
	if err != nil {
		panic(err)
	}
	return made{b.Bytes(), info}
}

func TestAFilmHasTheRecordingsLengthAndTheRatiosSize(t *testing.T) {
	t.Parallel()
	head := func(audio []byte) func() made { return func() made { return mustMake(headRequest(audio)) } }
	half := func(audio []byte) func() made {
		req := headRequest(audio)
		req.Ratio, req.ExtBox = RatioHalf, portraitHalf
		return func() made { return mustMake(req) }
	}
	square, tall := image.Pt(512, 512), image.Pt(512, 704)
	for _, c := range []struct {
		name    string
		film    func() made
		size    image.Point
		seconds float64
		entry   string
		rate    uint32
	}{
		{"wav", englishFilm, square, sample.SpeechDuration().Seconds(), "fLaC", 16000},
		{"mp3 of a low rate", chineseFilm, tall, 204 * 576 / 22050.0, "mp4a", 22050},
		{"mp3 of a high rate", head(append(indexFrame(), mp3Silence(10, false)...)), square, 10 * 1152 / 44100.0, "mp4a", 44100},
		{"a single frame", half(mp3Silence(1, false)), tall, 1152 / 44100.0, "mp4a", 44100},
		{"much less than a frame", head(wavFile(wavPCM, 16, 1, 16000, tone(1, 16000, 0.001))), square, 0.001, "fLaC", 16000},
		{"wav of 192 kHz", half(wavFile(wavPCM, 16, 2, 192000, tone(2, 192000, 0.09))), tall, 0.09, "fLaC", 48000},
		{"longer than a key picture's time", head(wavFile(wavPCM, 16, 1, 4000, tone(1, 4000, 20.3))), square, 20.3, "fLaC", 4000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			made, size := c.film(), c.size
			data, info := made.data, made.info
			require.Equal(t, int64(len(data)), info.Size)
			require.Equal(t, size, image.Pt(info.Width, info.Height))
			require.InDelta(t, c.seconds, info.Duration.Seconds(), 0.0005)

			pictures, sound := open(t, data)
			media := pictures.box.Mdia
			require.Equal(t, "vide", media.Hdlr.HandlerType)
			require.Equal(t, media.Mdhd.Duration, pictures.duration())
			require.InDelta(t, c.seconds, float64(pictures.duration())/float64(media.Mdhd.Timescale), 0.0005)
			require.InDelta(t, max(1, c.seconds*25), len(pictures.samples), 0.51)
			entry := media.Minf.Stbl.Stsd.AvcX
			require.Equal(t, size, image.Pt(int(entry.Width), int(entry.Height)))
			require.Equal(t, size, image.Pt(int(pictures.box.Tkhd.Width>>16), int(pictures.box.Tkhd.Height>>16)))
			sps := newPlayer(t, pictures).sps[0]
			require.Equal(t, size, image.Pt(int(sps.Width), int(sps.Height)))
			require.EqualValues(t, 66, sps.Profile)
			require.False(t, sps.VUI.VideoFullRangeFlag)
			require.EqualValues(t, 6, sps.VUI.MatrixCoefficients)
			require.Zero(t, sps.VUI.MaxNumReorderFrames)
			for i := range pictures.samples {
				require.Equal(t, i%250 == 0, media.Minf.Stbl.Stss.IsSyncSample(uint32(i+1)), "frame %d", i)
			}

			media = sound.box.Mdia
			require.Equal(t, "soun", media.Hdlr.HandlerType)
			require.Equal(t, c.rate, media.Mdhd.Timescale)
			require.Equal(t, media.Mdhd.Duration, sound.duration())
			require.InDelta(t, c.seconds, float64(sound.duration())/float64(c.rate), 0.0005)
			require.Equal(t, c.entry, media.Minf.Stbl.Stsd.Children[0].Type())
		})
	}
}

func TestTheSoundIsTheRecordingsOwn(t *testing.T) {
	t.Parallel()
	second := speech44k[:len(speech44k)/4] // cut somewhere in a frame
	_, sound := open(t, mustMake(headRequest(second)).data)
	carried := bytes.Join(sound.samples, nil)
	require.True(t, bytes.Contains(second, carried), "MP3 frames are carried as they are")
	require.Less(t, len(second)-len(carried), 1000, "all but tags, the index and the cut frame")
	entry := sound.box.Mdia.Minf.Stbl.Stsd.Mp4a
	require.EqualValues(t, 0x6B, entry.Esds.DecConfigDescriptor.ObjectType)
	require.EqualValues(t, 1, entry.ChannelCount)
	require.EqualValues(t, 44100, entry.SampleRate)

	_, sound = open(t, chineseFilm().data)
	require.EqualValues(t, 0x69, sound.box.Mdia.Minf.Stbl.Stsd.Mp4a.Esds.DecConfigDescriptor.ObjectType)

	data := englishFilm().data
	_, sound = open(t, data)
	at := bytes.Index(data, []byte("dfLa"))
	require.Positive(t, at)
	require.Equal(t, []byte{0, 0, 0, 0, 0x80, 0, 0, 34}, data[at+4:at+12])
	spans := make([]int, len(sound.samples))
	for i := range spans {
		spans[i] = int(sound.box.Mdia.Minf.Stbl.Stts.GetDur(uint32(i + 1)))
	}
	_, pcm := decodeFLAC(t, &sound_{setup: data[at+12 : at+46], packets: sound.samples, spans: spans})
	raw := sample.Speech()[44:]
	want := make([]int32, len(raw)/2)
	for i := range want {
		want[i] = int32(int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8))
	}
	require.True(t, slices.Equal(want, pcm[0]))
}

type sound_ = sound // the test above has a track of that name

// play decodes every picture of a film.
func play(t *testing.T, data []byte) []macroblocks {
	t.Helper()
	pictures, _ := open(t, data)
	p := newPlayer(t, pictures)
	out := make([]macroblocks, len(pictures.samples))
	for i, s := range pictures.samples {
		out[i] = p.show(s)
	}
	return out
}

// same says whether two pictures are equal. A player that shows one again gives the same one.
func same(a, b macroblocks) bool { return &a[0] == &b[0] || bytes.Equal(a, b) }

// lumaAt is the brightness of a pixel of a picture that is 512 wide.
func lumaAt(m macroblocks, x, y int) uint8 { return m.at(y/16*32 + x/16)[y%16*16+x%16] }

func TestTheMouthOpensWhenTheRecordingIsLoudAndOnlyTheMouthMoves(t *testing.T) {
	t.Parallel()
	// Silence, then a tone; long enough that the second key picture falls into the tone.
	shown := play(t, mustMake(headRequest(wavFile(wavPCM, 16, 1, 4000, tone(1, 4000, 12)))).data)
	require.Len(t, shown, 300)
	closed, open := shown[0], shown[299]
	for i := range 140 {
		require.True(t, same(closed, shown[i]), "shut in silence, frame %d", i)
	}
	for i := 160; i < 300; i++ { // 250 is a key picture of the open pose
		require.True(t, same(open, shown[i]), "open in the tone, frame %d", i)
	}
	require.False(t, same(closed, open))

	m := mouthOf(portraitFace, headArea, 512, 512)
	require.Less(t, float64(lumaAt(open, int(m.x), int(m.y+m.gape/3))), 70.0, "the mouth is dark inside")
	require.Greater(t, float64(lumaAt(closed, int(m.x), int(m.y+m.gape/3))), 80.0)
	for y := range 512 {
		for x := range 512 {
			if lumaAt(closed, x, y) != lumaAt(open, x, y) {
				require.InDelta(t, m.x, x, m.half+1)
				require.InDelta(t, m.y, y, m.jaw+1)
			}
		}
	}
}

func TestSpeechShowsEveryPoseAndThePictureItself(t *testing.T) {
	t.Parallel()
	req := headRequest(sample.Speech())
	poses, err := pose(req, 512, 512)
	require.NoError(t, err)
	counts := map[int]int{}
	known := map[*byte]int{} // pictures that were found to be a pose
	for i, p := range play(t, mustMake(req).data) {
		j, found := known[&p[0]]
		if !found {
			j = slices.IndexFunc(poses, func(pose macroblocks) bool { return bytes.Equal(p, pose) })
			require.GreaterOrEqual(t, j, 0, "frame %d shows one of the poses, whole", i)
			known[&p[0]] = j
		}
		counts[j]++
	}
	for j := range poses {
		require.GreaterOrEqual(t, counts[j], 8, "pose %d in %v", j, counts)
	}

	// The closed mouth is the picture's own, but for the label: compare with an independent way to Y.
	p, err := picture.Decode(portrait())
	require.NoError(t, err)
	want := p.Scaled(headArea, 512, 512)
	for y := 0; y < 440; y += 7 {
		for x := 0; x < 512; x += 5 {
			c := want.RGBAAt(x, y)
			luma := 16 + 219*(0.299*float64(c.R)+0.587*float64(c.G)+0.114*float64(c.B))/255
			require.InDelta(t, luma, float64(lumaAt(poses[0], x, y)), 1)
		}
	}
}

func TestColoursSurviveTheConversion(t *testing.T) {
	t.Parallel()
	// Rec. 601, limited range: the values of the standard colour bars.
	for c, want := range map[[3]uint8][3]uint8{
		{255, 255, 255}: {235, 128, 128}, {0, 0, 0}: {16, 128, 128},
		{255, 0, 0}: {81, 90, 240}, {0, 255, 0}: {145, 54, 34}, {0, 0, 255}: {41, 240, 110},
	} {
		m := image.NewRGBA(image.Rect(0, 0, 16, 16))
		for i := range 256 {
			copy(m.Pix[4*i:], []byte{c[0], c[1], c[2], 255})
		}
		mb := toMacroblocks(m)
		for i, at := range []int{0, 256, 320} {
			require.InDelta(t, want[i], mb[at], 1, "%v", c)
		}
	}
}

func TestEveryFrameIsLabelledAsSimulated(t *testing.T) {
	t.Parallel()
	shown := play(t, englishFilm().data)
	word := image.NewRGBA(image.Rect(0, 0, 512, 512)) // black, with the label on it
	label(word)
	white := 0
	for y := range 512 {
		for x := range 512 {
			if word.RGBAAt(x, y).R == 255 {
				white++
				require.EqualValues(t, 235, lumaAt(shown[0], x, y))
				require.EqualValues(t, 235, lumaAt(shown[len(shown)-1], x, y))
			}
		}
	}
	require.Equal(t, 135*labelDot*labelDot, white, "the dots of S, I, M, U, L, A, T, E and D")
	require.True(t, bytes.Contains(englishFilm().data, []byte("SIMULATED")), "and so says the file's comment")
}

func TestTheMouthIsWhereTheFaceBoxSays(t *testing.T) {
	t.Parallel()
	ext := image.Rect(100, 50, 600, 550)
	usual := mouthOf([4]int{}, ext, 512, 512)
	// The face that a box of 2.5 faces was drawn around lies 0.15 of its side below the box's centre.
	require.Equal(t, usual, mouthOf([4]int{250, 230, 450, 430}, ext, 512, 512))
	require.Equal(t, usual, mouthOf([4]int{900, 900, 950, 950}, ext, 512, 512), "a face elsewhere is not believed")
	moved := mouthOf([4]int{200, 280, 400, 480}, ext, 512, 512)
	require.InDelta(t, usual.x-50*1.024, moved.x, 0.001)
	require.InDelta(t, usual.y+50*1.024, moved.y, 0.001)
}

func TestAMouthAtTheFramesEdgeStaysInIt(t *testing.T) {
	t.Parallel()
	still := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for _, m := range []mouth{{x: 0, y: 0, half: 20, jaw: 30, gape: 20}, {x: 64, y: 64, half: 20, jaw: 30, gape: 20},
		{x: 32, y: 70, half: 900, jaw: 900, gape: 300}, {x: -500, y: 32, half: 4, jaw: 4, gape: 4}, {}} {
		require.NotPanics(t, func() { m.open(still, 1) }, "%+v", m)
	}
}

func TestTheSameRequestGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	req := headRequest(wavFile(wavPCM, 16, 1, 8000, tone(1, 8000, 0.5)))
	require.True(t, bytes.Equal(mustMake(req).data, mustMake(req).data))
}

func TestAMinuteOfFilmStaysSmall(t *testing.T) {
	t.Parallel()
	audio := bytes.Repeat(speech44k, 15)
	req := headRequest(audio)
	req.Ratio, req.ExtBox = RatioHalf, portraitHalf
	film := mustMake(req)
	require.InDelta(t, 60, film.info.Duration.Seconds(), 1.5)
	require.Less(t, len(film.data)-len(audio), 5<<20)
}

func TestARequestThatCannotBeFilmedWritesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Request)
		want   error
	}{
		"no picture":       {func(r *Request) { r.Picture = nil }, picture.ErrFormat},
		"no recording":     {func(r *Request) { r.Audio = nil }, ErrAudio},
		"another ratio":    {func(r *Request) { r.Ratio = "16:9" }, ErrRatio},
		"no box":           {func(r *Request) { r.ExtBox = [4]int{} }, ErrBox},
		"a box inside out": {func(r *Request) { r.ExtBox = [4]int{200, 200, 100, 100} }, ErrBox},
		"a box outside":    {func(r *Request) { r.ExtBox = [4]int{0, 0, 301, 301} }, ErrBox},
		"a box far away":   {func(r *Request) { r.ExtBox = [4]int{math.MinInt, 0, math.MaxInt, 1} }, ErrBox},
	} {
		req := headRequest(mp3Silence(2, false))
		c.change(&req)
		var b bytes.Buffer
		_, err := Make(context.Background(), &b, req)
		require.ErrorIs(t, err, c.want, name)
		require.Zero(t, b.Len(), name)
	}
}

func TestMakingStopsWithItsContextAndItsWriter(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Make(ended, io.Discard, headRequest(mp3Silence(2, false)))
	require.ErrorIs(t, err, context.Canceled)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	long := bytes.Repeat(speech44k, 15)
	w := &stopping{after: 1 << 20, stop: cancel}
	_, err = Make(ctx, w, headRequest(long))
	require.ErrorIs(t, err, context.Canceled, "in the middle of the film")
	require.Less(t, w.n, 2<<20)

	full := errors.New("disk full")
	_, err = Make(context.Background(), &stopping{after: 1 << 20, err: full, stop: func() {}}, headRequest(long))
	require.ErrorIs(t, err, full)
}

// stopping is a writer that calls stop, and fails if it has an error, once so many bytes have come.
type stopping struct {
	n, after int
	stop     func()
	err      error
}

func (s *stopping) Write(p []byte) (int, error) {
	s.n += len(p)
	if s.n > s.after {
		s.stop()
		if s.err != nil {
			return 0, s.err
		}
	}
	return len(p), nil
}

// BenchmarkMinute makes a minute of film from each kind of recording. The floor is what nobody can do without:
// hashing and copying as many bytes.
func BenchmarkMinute(b *testing.B) {
	for name, audio := range map[string][]byte{
		"mp3": bytes.Repeat(speech44k, 15),
		"wav": wavFile(wavPCM, 16, 2, 44100, tone(2, 44100, 60)),
	} {
		for _, ratio := range []string{RatioHead, RatioHalf} {
			req := Request{Picture: sample.Portrait(), ExtBox: [4]int{11, 18, 879, 886}, Audio: audio, Ratio: ratio}
			b.Run(fmt.Sprint(name, " ", ratio), func(b *testing.B) {
				data := mustMake(req).data
				start := time.Now()
				const rounds = 5
				for range rounds {
					sum := sha256.Sum256(bytes.Clone(data))
					require.NotZero(b, sum)
				}
				floor := time.Since(start) / rounds
				for b.Loop() {
					_, err := Make(context.Background(), io.Discard, req)
					require.NoError(b, err)
				}
				b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(floor), "x-copy+sha256")
				b.ReportMetric(float64(len(data))/1e6, "MB")
			})
		}
	}
}

func TestConvertingOnlyTheMouthsAreaMissesNothing(t *testing.T) {
	t.Parallel()
	p, err := picture.Decode(portrait())
	require.NoError(t, err)
	still := p.Scaled(headArea, 512, 512)
	m := mouthOf(portraitFace, headArea, 512, 512)
	part := toMacroblocks(still)
	wide := m.open(still, 1)
	part.convert(wide, m.area())
	require.True(t, bytes.Equal(toMacroblocks(wide), part))
}
