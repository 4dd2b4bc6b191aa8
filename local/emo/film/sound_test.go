package film

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/mewkiz/flac"
	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
)

// decodeFLAC lets an independent decoder read the track: it checks each frame's checksums.
func decodeFLAC(t *testing.T, s *sound) (stream *flac.Stream, channels [][]int32) {
	t.Helper()
	data := append([]byte("fLaC\x80\x00\x00\x22"), s.setup...)
	data = append(data, bytes.Join(s.packets, nil)...)
	d, err := flac.New(bytes.NewReader(data))
	require.NoError(t, err)
	channels = make([][]int32, d.Info.NChannels)
	for i := 0; ; i++ {
		f, err := d.ParseNext()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		require.Equal(t, s.spans[i], int(f.BlockSize))
		for c := range channels {
			channels[c] = append(channels[c], f.Subframes[c].Samples...)
		}
	}
	return d, channels
}

func TestFLACGivesBackEverySample(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	kinds := map[string]func(i int) (l, r int32){
		"silence":          func(int) (int32, int32) { return 0, 0 },
		"a constant":       func(int) (int32, int32) { return -32768, 32767 },
		"noise":            func(int) (int32, int32) { return int32(r.IntN(65536) - 32768), int32(r.IntN(65536) - 32768) },
		"extremes":         func(i int) (int32, int32) { return int32(i%2)*65535 - 32768, 32767 - int32(i%2)*65535 },
		"one voice on two": func(i int) (int32, int32) { v := int32(9000 * math.Sin(float64(i)/17)); return v, v },
		"a click":          func(i int) (int32, int32) { return int32(i/4000%2) * int32(i%2) * 30000, int32(i % 3) },
	}
	for name, kind := range kinds {
		for _, n := range []int{1, 2, 5, 191, 4096, 8193} {
			want := make([][]int32, 2)
			for i := range n {
				a, b := kind(i)
				want[0], want[1] = append(want[0], a), append(want[1], b)
			}
			for channels := 1; channels <= 2; channels++ {
				s := encodeFLAC(want[:channels], 16000)
				d, got := decodeFLAC(t, s)
				require.Len(t, got, channels)
				for c := range got {
					require.True(t, slices.Equal(want[c], got[c]), "%s, %d samples", name, n)
				}
				require.Equal(t, uint64(n), d.Info.NSamples)
				require.Equal(t, md5sum(want[:channels]), d.Info.MD5sum)
				require.Equal(t, int64(n), s.samples())
			}
		}
	}
}

func TestEveryKindOfWAVIsHeard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		tag, bits      uint16
		channels, rate int
		wantRate       int
		tolerance      float64
	}{
		{"8 bits", wavPCM, 8, 1, 8000, 8000, 260},
		{"16 bits", wavPCM, 16, 1, 16000, 16000, 1},
		{"24 bits", wavPCM, 24, 2, 44100, 44100, 1},
		{"32 bits", wavPCM, 32, 1, 48000, 48000, 1},
		{"float", wavFloat, 32, 1, 22050, 22050, 1},
		{"double", wavFloat, 64, 2, 32000, 32000, 1},
		{"A-law", wavALaw, 8, 1, 8000, 8000, 200},
		{"mu-law", wavMuLaw, 8, 1, 8000, 8000, 200},
		{"six channels", wavPCM, 16, 6, 44100, 44100, 1},
		{"96 kHz", wavPCM, 16, 2, 96000, 48000, 120},
		{"176.4 kHz", wavPCM, 24, 1, 176400, 44100, 240},
		{"384 kHz", wavFloat, 32, 1, 384000, 48000, 240},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want := tone(1, c.wantRate, 0.3)
			s, err := readSound(wavFile(c.tag, c.bits, c.channels, c.rate, tone(c.channels, c.rate, 0.3)))
			require.NoError(t, err)
			require.Equal(t, c.wantRate, s.rate)
			require.InDelta(t, 0.3, float64(s.ticks())/ticksPerSecond, 0.001)
			_, got := decodeFLAC(t, s)
			require.Len(t, got, map[bool]int{true: 2, false: 1}[c.channels == 2])
			for _, channel := range got {
				worst := 0.0
				for i, v := range want {
					worst = max(worst, math.Abs(v*32767-float64(channel[i])))
				}
				require.LessOrEqual(t, worst, c.tolerance)
			}
			loud := s.loudness(7)
			require.Less(t, loud[2], -60.0, "silence first")
			require.InDelta(t, 20*math.Log10(0.25/math.Sqrt2), loud[5], 1, "then a tone")
		})
	}
}

// Values of ITU-T Rec. G.711, tables 1a and 2a, at 16 bits.
func TestTheLawsOfTelephonyAreG711s(t *testing.T) {
	t.Parallel()
	for b, want := range map[byte]int{0x2A: -32256, 0xAA: 32256, 0xD5: 8, 0x55: -8} {
		require.Equal(t, want, aLaw(b), "A-law %02x", b)
	}
	for b, want := range map[byte]int{0x00: -32124, 0x80: 32124, 0xFF: 0, 0x7F: 0, 0xFE: 8} {
		require.Equal(t, want, muLaw(b), "mu-law %02x", b)
	}
}

func TestAWAVWithAHeaderThatLiesIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	honest := wavFile(wavPCM, 16, 1, 16000, tone(1, 16000, 0.5))
	at := bytes.Index(honest, []byte("data")) + 4
	for name, size := range map[string]uint32{"streamed": 0xFFFFFFFF, "never filled in": 0, "too large": 1 << 30} {
		lying := bytes.Clone(honest)
		binary.LittleEndian.PutUint32(lying[at:], size)
		s, err := readSound(lying)
		require.NoError(t, err, name)
		require.Equal(t, int64(8000), s.samples(), name)
	}
	extensible := bytes.Clone(wavFile(wavPCM, 16, 1, 16000, tone(1, 16000, 0.5)))
	format := append(bytes.Clone(extensible[20:36]), 22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71)
	binary.LittleEndian.PutUint16(format, wavExtensible)
	s, err := readSound(riff(chunk("fmt ", format), chunk("data", extensible[at+4:])))
	require.NoError(t, err)
	require.Equal(t, int64(8000), s.samples())
}

func TestWhatThePipelineTakesForAWAVIsFilmed(t *testing.T) {
	t.Parallel()
	plain := wavFile(wavPCM, 16, 1, 16000, tone(1, 16000, 0.5))
	format, pcm := plain[20:36], plain[bytes.Index(plain, []byte("data"))+8:]
	as := func(bits, width uint16) []byte {
		f := bytes.Clone(format)
		binary.LittleEndian.PutUint16(f[12:], width)
		binary.LittleEndian.PutUint16(f[14:], bits)
		return f
	}
	var spread []byte // the same in the lower three of four bytes
	for i := 0; i < len(pcm); i += 2 {
		spread = append(spread, 0, pcm[i], pcm[i+1], byte(int8(pcm[i+1])>>7))
	}
	sizes := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1<<40), uint64(len(pcm)))
	wide := riff(chunk("ds64", append(sizes, make([]byte, 12)...)), chunk("fmt ", format), chunk("data", append(bytes.Clone(pcm), "LIST\x04\x00\x00\x00tail"...)))
	binary.LittleEndian.PutUint32(wide[bytes.Index(wide, []byte("data"))+4:], wavWide)
	_, want := decodeFLAC(t, must(readSound(plain)))
	for name, file := range map[string][]byte{
		"12 bits in two bytes":  riff(chunk("fmt ", as(12, 2)), chunk("data", pcm)),
		"24 bits in four bytes": riff(chunk("fmt ", as(24, 4)), chunk("data", spread)),
		"RF64":                  append([]byte("RF64"), wide[4:]...),
		"BW64":                  append([]byte("BW64"), wide[4:]...),
	} {
		s, err := readSound(file)
		require.NoError(t, err, name)
		_, got := decodeFLAC(t, s)
		require.Equal(t, want, got, name)
	}
}

func must(s *sound, err error) *sound {
	if err != nil {
		panic(err)
	}
	return s
}

func TestAnMP3IsCarriedFrameByFrameWithoutItsTags(t *testing.T) {
	t.Parallel()
	frames := mp3Silence(12, false)
	id3v1 := append([]byte("TAG"), make([]byte, 125)...)
	for name, data := range map[string][]byte{
		"bare":                frames,
		"with an ID3v2 tag":   append(id3(5000), frames...),
		"with an ID3v1 tag":   append(bytes.Clone(frames), id3v1...),
		"with an index frame": append(indexFrame(), frames...),
		"with everything":     append(append(id3(1000), indexFrame()...), append(bytes.Clone(frames), id3v1...)...),
		"with junk before":    append([]byte("\xFF\xFB\x50\x00 not a frame \xFF\xF3"), frames...),
		"cut in a last frame": append(bytes.Clone(frames), frames[:100]...),
	} {
		s, err := readSound(data)
		require.NoError(t, err, name)
		require.Equal(t, frames, bytes.Join(s.packets, nil), name)
		require.Equal(t, int64(12*1152), s.samples(), name)
		require.Equal(t, 44100, s.rate)
		require.Equal(t, 2, s.channels)
	}
	s, err := readSound(mp3Silence(12, true))
	require.NoError(t, err)
	require.Len(t, s.packets, 12)
	for _, l := range s.loudness(7) {
		require.EqualValues(t, silence, l, "silence is silent, with a checksum too")
	}

	s, err = readSound(mp3Sparse(6))
	require.NoError(t, err)
	require.InDelta(t, 6, float64(s.samples())/float64(s.rate), 0.08, "MPEG-2.5, which is not decoded")

	s = spoken()
	require.InDelta(t, 4, float64(s.samples())/float64(s.rate), 0.06)
	require.Equal(t, 1, s.channels)
}

// spoken is four seconds of speech, with its loudness.
var spoken = sync.OnceValue(func() *sound {
	s, err := readSound(speech44k)
	if err != nil {
		panic(err)
	}
	return s
})

func TestLoudnessGuessedFromSideInformationFollowsTheDecodedOne(t *testing.T) {
	t.Parallel()
	s := spoken()
	heard := s.levels
	begin := *s
	begin.packets, begin.spans = s.packets[:20], s.spans[:20]
	decoded, ok := decodeLevels(&begin)
	require.True(t, ok)
	require.Len(t, decoded, 40)
	require.Equal(t, decoded, heard[:40], "a short recording is decoded")
	var guessed []float64
	for _, p := range s.packets {
		h, _ := parseMP3Header(p)
		guessed = append(guessed, estimateLevels(h, p)...)
	}
	require.Len(t, guessed, len(heard))
	var xs, ys []float64
	for i := 1; i < len(heard); i++ {
		if heard[i] > -60 && guessed[i-1] > -60 { // a decoder answers a granule late
			xs, ys = append(xs, guessed[i-1]), append(ys, heard[i])
		}
	}
	require.Greater(t, correlation(xs, ys), 0.8)
}

func correlation(x, y []float64) float64 {
	n := float64(len(x))
	var sx, sy, sxx, syy, sxy float64
	for i := range x {
		sx, sy, sxx, syy, sxy = sx+x[i], sy+y[i], sxx+x[i]*x[i], syy+y[i]*y[i], sxy+x[i]*y[i]
	}
	return (n*sxy - sx*sy) / math.Sqrt((n*sxx-sx*sx)*(n*syy-sy*sy))
}

func TestALongRecordingMovesTheMouthWithoutBeingDecoded(t *testing.T) {
	t.Parallel()
	s, err := readSound(bytes.Repeat(speech44k, 12)) // tags in between and all
	require.NoError(t, err)
	require.Greater(t, s.samples(), int64(decodeBudget))
	shown := map[int]int{}
	for _, p := range mouthPoses(s.loudness(1000), len(openings)) {
		shown[p]++
	}
	for p := range openings {
		require.Greater(t, shown[p], 50, "pose %d: %v", p, shown)
	}
}

func TestAQuietVoiceMovesTheMouthAsALoudOneDoes(t *testing.T) {
	t.Parallel()
	loud := []float64{-10, -12, -20, -30, -50, silence, -11}
	quiet := make([]float64, len(loud))
	for i, l := range loud {
		quiet[i] = max(l-25, silence)
	}
	// -75 is under what counts as heard at all; it stays shut in both.
	require.Equal(t, mouthPoses(loud, 4), mouthPoses(quiet, 4))
	require.Equal(t, 3, mouthPoses(loud, 4)[0])
	require.Equal(t, 0, mouthPoses(loud, 4)[5])
	require.Equal(t, []int{0, 0, 0}, mouthPoses([]float64{silence, silence, silence}, 4))
}

func TestRecordingsThatCannotBeFilmedAreRefused(t *testing.T) {
	t.Parallel()
	good := wavFile(wavPCM, 16, 1, 16000, tone(1, 16000, 0.1))
	for name, data := range map[string][]byte{
		"nothing":              nil,
		"text":                 []byte("<html>"),
		"a lone sync word":     {0xFF, 0xFB, 0x50, 0x00},
		"layer II":             bytes.Repeat(append([]byte{0xFF, 0xFD, 0x50, 0x00}, make([]byte, 205)...), 9),
		"a WAV without data":   good[:36],
		"a WAV without format": riff(chunk("data", make([]byte, 100))),
		"a short format":       riff(chunk("fmt ", make([]byte, 4)), chunk("data", make([]byte, 100))),
		"no channels":          wavFile(wavPCM, 16, 0, 16000, nil),
		"no samples":           wavFile(wavPCM, 16, 1, 16000, nil),
		"no rate":              wavFile(wavPCM, 16, 1, 0, tone(1, 16000, 0.1)),
		"ADPCM":                wavFile(2, 4, 1, 16000, tone(1, 16000, 0.1)),
		"12 bits":              wavFile(wavPCM, 12, 1, 16000, tone(1, 16000, 0.1)),
		"eleven minutes":       riff(wavFile(wavPCM, 8, 1, 4000, nil)[12:36], chunk("data", make([]byte, 660*4000))),
		"eleven minutes again": mp3Sparse(660),
	} {
		_, err := readSound(data)
		require.ErrorIs(t, err, ErrAudio, name)
	}
}

func FuzzReadSound(f *testing.F) {
	f.Add(wavFile(wavPCM, 16, 2, 16000, tone(2, 16000, 0.05)))
	f.Add(wavFile(wavFloat, 32, 1, 96000, tone(1, 96000, 0.02)))
	f.Add(wavFile(wavMuLaw, 8, 1, 8000, tone(1, 8000, 0.05)))
	f.Add(append(id3(20), append(indexFrame(), mp3Silence(3, true)...)...))
	f.Add(speech44k[:4000])
	f.Add(sample.SpeechChinese()[:2000])
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		s, err := readSound(data)
		if err != nil {
			require.ErrorIs(t, err, ErrAudio)
			return
		}
		require.Positive(t, s.samples())
		require.Positive(t, s.ticks())
		require.Len(t, s.spans, len(s.packets))
		require.LessOrEqual(t, s.rate, maxRate)
		for _, p := range mouthPoses(s.loudness(100), len(openings)) {
			require.GreaterOrEqual(t, p, 0)
			require.Less(t, p, len(openings))
		}
		if s.codec == codecFLAC {
			_, got := decodeFLAC(t, s)
			require.Len(t, got[0], int(s.samples()))
		}
	})
}
