package media

import (
	"bytes"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/hajimehoshi/go-mp3"
	"github.com/stretchr/testify/require"
)

func TestEveryBitrateAndRateOfLayerIIIIsWalkedExactly(t *testing.T) {
	t.Parallel()
	for version, rates := range specRates {
		for _, rate := range rates {
			k := mp3Kind{version: version, layer: 3, rate: rate}
			for i, bitrate := range k.bitrates()[1:] {
				k.bitrate, k.mono, k.crc = bitrate, i%2 == 0, i%3 == 0
				data := k.frames(20)
				f, err := Inspect(bytes.NewReader(data), noLimit)
				require.NoError(t, err, "%+v", k)
				channels := 2
				if k.mono {
					channels = 1
				}
				samples := 20 * k.samples()
				want := Audio{Samples: int64(samples), SampleRate: rate, Channels: channels, Codec: "mp3",
					Duration: (time.Duration(samples)*time.Second + time.Duration(rate) - 1) / time.Duration(rate)}
				require.Equal(t, want, *f.Audio, "%+v", k)
			}
		}
	}
}

func TestADecoderFindsTheSameLength(t *testing.T) {
	t.Parallel()
	lame, err := os.ReadFile("testdata/lame-vbr.mp3")
	require.NoError(t, err)
	decode := func(data []byte) int64 {
		d, err := mp3.NewDecoder(bytes.NewReader(data))
		require.NoError(t, err)
		return d.Length() / 4 // always 16-bit stereo
	}
	for name, data := range map[string][]byte{
		"constant": speech.frames(70), "tagged": append(id3(999, 0, 'x'), speech.frames(33)...),
		"MPEG-2": mp3Kind{version: "2", layer: 3, rate: 24000, bitrate: 64, mono: true}.frames(40),
	} {
		require.Equal(t, decode(data), inspectAudio(t, data).Samples, name)
	}
	// The decoder plays the header's frame, too.
	require.Equal(t, decode(lame)-576, inspectAudio(t, lame).Samples)
	require.Equal(t, Audio{Samples: 79 * 576, SampleRate: 22050, Channels: 1, Codec: "mp3", Duration: 2_063_673_470}, inspectAudio(t, lame))
}

func TestVaryingBitratesAreWalkedAndNotGuessed(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var data []byte
	for range 200 {
		k := speech
		k.bitrate = specIII1[1+rng.IntN(14)]
		k.mono = rng.IntN(4) == 0
		data = append(data, k.frame(rng.IntN(2) == 0, byte(rng.IntN(255)))...)
	}
	require.Equal(t, int64(200*1152), inspectAudio(t, data).Samples)
}

func TestTagsAreNotSound(t *testing.T) {
	t.Parallel()
	sound := speech.frames(100)
	apeHead := le("APETAGEX", uint32(2000), uint32(132), uint32(1), uint32(0xa0000000), uint64(0))
	apeFoot := le("APETAGEX", uint32(2000), uint32(132), uint32(1), uint32(0x80000000), uint64(0))
	items := append(speech.frame(false, 0)[:40], make([]byte, 60)...) // a picture that looks like a frame
	lyrics := be("LYRICSBEGIN", "IND0000200", bytes.Repeat([]byte("la "), 100), "000325LYRICS200")
	v1 := append([]byte("TAG"), make([]byte, 125)...)
	footed := append(id3(500, 0x10, 0), "3DI\x04\x00\x10\x00\x00\x03\x74"...)
	for name, data := range map[string][]byte{
		"none":                           sound,
		"ID3v2":                          append(id3(300, 0, 'x'), sound...),
		"ID3v2 full of frames":           append(id3(417*4, 0, 0)[:10], append(speech.frames(4)[:417*4], sound...)...),
		"ID3v2 of 300 KB":                append(id3(300_000, 0, 0xff), sound...),
		"two of ID3v2":                   be(id3(300, 0, 'x'), id3(1, 0, 0), sound),
		"ID3v2 with a footer":            append(footed, sound...),
		"ID3v2 with a wrong size":        be(id3(300, 0, 'x'), make([]byte, 200_000), sound),
		"ID3v1":                          append(bytes.Clone(sound), v1...),
		"extended ID3v1":                 be(sound, "TAG+", make([]byte, 223), v1),
		"APE with header":                be(sound, apeHead, items, apeFoot),
		"APE with footer only":           be(sound, items[40:], apeFoot, v1),
		"APE in front":                   be(apeHead, items, apeFoot, sound),
		"lyrics":                         be(sound, lyrics, v1),
		"ID3v2 behind":                   be(sound, id3(2000, 0, 0xff)),
		"junk in front, behind a tag":    be(id3(20, 0, 0), bytes.Repeat([]byte("junk\xff\xfb"), 3000), sound),
		"binary junk in front, no tag":   be(bytes.Repeat([]byte("\x01\x02\xff\xfb\xff"), 3000), sound),
		"zeros in front":                 be(make([]byte, 100_000), sound),
		"junk behind":                    be(sound, bytes.Repeat([]byte("junk\xff\xfb\x90\x00"), 5_000)),
		"a header that says nothing":     be(speech.info("Info", 0)[:417], sound),
		"junk between":                   be(speech.frames(10), speech.frame(false, 0)[4:100], bytes.Repeat([]byte("\xff\xfb?"), 50_000), speech.frames(90)),
		"a tag between two joined files": be(speech.frames(60), v1, id3(700, 0, 0xff), speech.frames(40)),
	} {
		f, err := inspect(t, data)
		require.NoError(t, err, name)
		require.Equal(t, int64(100*1152), f.Audio.Samples, name)
	}
}

func TestABrokenFrameCostsNoMoreThanItself(t *testing.T) {
	t.Parallel()
	data := speech.frames(100)
	at := len(speech.frames(40))
	data[at] = 0
	require.Equal(t, int64(99*1152), inspectAudio(t, data).Samples)
}

func TestFilesOfDifferentRatesJoinedAddUpExactly(t *testing.T) {
	t.Parallel()
	low := mp3Kind{version: "2.5", layer: 3, rate: 8000, bitrate: 16, mono: true}
	a := inspectAudio(t, be(speech.frames(1225), low.frames(125))) // 32 s and 9 s
	require.Equal(t, 41*time.Second, a.Duration)
	require.Equal(t, 44100, a.SampleRate)
}

func TestAHeaderFrameIsNoSound(t *testing.T) {
	t.Parallel()
	for version, rates := range specRates {
		for _, mono := range []bool{false, true} {
			k := mp3Kind{version: version, layer: 3, rate: rates[0], bitrate: 64, mono: mono}
			for _, name := range []string{"Xing", "Info"} {
				for _, says := range []uint32{100, 1, 0} {
					a := inspectAudio(t, append(k.info(name, says), k.frames(100)...))
					require.Equal(t, int64(100*k.samples()), a.Samples, "%s in %+v", name, k)
				}
			}
			vbri := k.frame(false, 0)
			copy(vbri[36:], be("VBRI", uint16(1), uint16(0), uint16(75), uint32(999), uint32(100)))
			require.Equal(t, int64(100*k.samples()), inspectAudio(t, append(vbri, k.frames(100)...)).Samples)
		}
	}
	crc := speech
	crc.crc = true
	protected := crc.frame(false, 0)
	copy(protected[38:], be("Xing", uint32(1), uint32(100)))
	require.Equal(t, int64(100*1152), inspectAudio(t, append(protected, crc.frames(100)...)).Samples)
}

func TestMuchLessThanTheHeaderSaysIsTruncated(t *testing.T) {
	t.Parallel()
	sound := speech.frames(2000) // 52.2 s
	whole := append(speech.info("Xing", 2000), sound...)
	vbri := speech.frame(false, 0)
	copy(vbri[36:], be("VBRI", uint16(1), uint16(0), uint16(75), uint32(999), uint32(2000)))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"whole":            {whole, ""},
		"half a frame off": {whole[:len(whole)-200], ""},
		"1 s off":          {whole[:len(whole)*98/100+9000], ""},
		"half":             {whole[:len(whole)/2], Truncated},
		"half, VBRI":       {append(vbri, sound[:len(sound)/2]...), Truncated},
		"nothing there":    {append(id3(9, 0, 0), whole[:417]...), Truncated},
		"a short one":      {append(speech.info("Info", 40), speech.frames(10)...), ""}, // 0.8 s off
		"a lie":            {append(speech.info("Info", 1<<32-1), speech.frames(10)...), Truncated},
		"more than said":   {append(speech.info("Info", 3), sound...), ""},
	} {
		f, err := Inspect(bytes.NewReader(c.data), noLimit)
		require.Equal(t, c.want, code(err), name)
		require.Equal(t, MP3, f.Format)
		require.NotNil(t, f.Audio, "what is there is told all the same")
	}
}

func TestACutLastFrameDoesNotCount(t *testing.T) {
	t.Parallel()
	data := speech.frames(20)
	last := len(data) - len(speech.frames(19))
	for cut := 1; cut <= last; cut++ {
		f, err := Inspect(bytes.NewReader(data[:len(data)-cut]), noLimit)
		require.NoError(t, err)
		require.Equal(t, int64(19*1152), f.Audio.Samples, cut)
	}
}

func TestASingleFrameIsARecordingOnlyIfItFillsTheFile(t *testing.T) {
	t.Parallel()
	frame := speech.frames(1)
	require.Equal(t, int64(1152), inspectAudio(t, frame).Samples)
	require.Equal(t, int64(1152), inspectAudio(t, be(id3(9, 0, 0), frame, "TAG", make([]byte, 125))).Samples)
	_, err := inspect(t, append(frame, 1, 2, 3, 4, 5, 6, 7, 8))
	require.Equal(t, UnknownFormat, code(err))
}

func TestAnMP3WithoutLayerIIIFramesIsRefusedForWhatItIs(t *testing.T) {
	t.Parallel()
	free := speech.frame(false, 7)
	free[2] &= 0x0f
	for name, c := range map[string]struct {
		data   []byte
		format Format
		want   Error
	}{
		"Layer II":            {mp3Kind{version: "1", layer: 2, rate: 48000, bitrate: 192}.frames(9), MP3, Error{UnsupportedCodec, "MPEG-1 Layer II, not Layer III"}},
		"Layer I":             {mp3Kind{version: "2", layer: 1, rate: 22050, bitrate: 256}.frames(9), MP3, Error{UnsupportedCodec, "MPEG-2 Layer I, not Layer III"}},
		"Layer II, 2.5":       {mp3Kind{version: "2.5", layer: 2, rate: 8000, bitrate: 160}.frames(9), MP3, Error{UnsupportedCodec, "MPEG-2.5 Layer II, not Layer III"}},
		"free format":         {bytes.Repeat(free, 9), MP3, Error{UnsupportedCodec, "MP3 in free format, without a fixed bitrate"}},
		"a tag only":          {id3(50, 0, 0), MP3, Error{NoAudio, "no MPEG frame behind the tag"}},
		"a tag and junk":      {append(id3(50, 0, 0), bytes.Repeat([]byte("\xff\xfb\x90\x01 no"), 50_000)...), MP3, Error{NoAudio, "no MPEG frame behind the tag"}},
		"a header only":       {be(id3(9, 0, 0), speech.info("Info", 1)), MP3, Error{NoAudio, "the MP3 has no whole frame of sound"}},
		"a cut tag":           {id3(50, 0, 0)[:40], MP3, Error{Truncated, "the MP3 ends inside its tag"}},
		"FLAC behind a tag":   {be(id3(50, 0, 0), "fLaC\x00\x00\x00\x22"), "", Error{UnknownFormat, "flac"}},
		"AAC behind a tag":    {be(id3(50, 0, 0), "\xff\xf1\x50\x80\x00\x1f\xfc"), "", Error{UnknownFormat, "aac"}},
		"WAV behind a tag":    {be(id3(50, 0, 0), wave(wavFmt(1, 1, 8000, 8))), "", Error{UnknownFormat, "wav"}},
		"frames far too late": {be("\x01\x02", bytes.Repeat([]byte("\x03"), mp3Search), speech.frames(50)), "", Error{UnknownFormat, ""}},
		"three stray frames":  {be("\x01\x02", speech.frames(3), bytes.Repeat([]byte("\x03"), 5000)), "", Error{UnknownFormat, ""}},
	} {
		f, err := inspect(t, c.data)
		require.Equal(t, &c.want, err, name)
		require.Equal(t, c.format, f.Format, name)
	}
}

func TestNoiseIsNoMP3(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 4 {
		noise := make([]byte, 50_000)
		for i := range noise {
			noise[i] = byte(rng.Uint32())
			if rng.IntN(8) == 0 {
				noise[i] = 0xff
			}
		}
		noise[0] = 1
		_, err := Inspect(bytes.NewReader(noise), noLimit)
		require.Equal(t, UnknownFormat, code(err))
	}
}
