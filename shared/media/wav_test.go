package media

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func inspectAudio(t *testing.T, data []byte) Audio {
	t.Helper()
	f, err := inspect(t, data)
	require.NoError(t, err)
	require.NotNil(t, f.Audio)
	require.Nil(t, f.Image)
	return *f.Audio
}

func TestAMinuteIsExactlyAMinuteAndOneSampleMoreIsMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate    uint32
		samples int
		want    time.Duration
	}{
		{44100, 2_646_000, time.Minute},
		{44100, 2_646_001, time.Minute + 22_676},
		{44100, 2_645_999, time.Minute - 22_675},
		{8000, 480_000, time.Minute},
		{4_294_967_295, 1, 1},
		{1, 3, 3 * time.Second},
	} {
		f, err := Inspect(bytes.NewReader(wave(wavFmt(1, 1, c.rate, 8), riff("data", make([]byte, c.samples)))), noLimit)
		require.NoError(t, err)
		require.Equal(t, c.want, f.Audio.Duration)
		require.Equal(t, int64(c.samples), f.Audio.Samples)
	}
}

func TestEveryPlainSampleFormatOfWAVIsRead(t *testing.T) {
	t.Parallel()
	guid := "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	for _, c := range []struct {
		tag, bits uint16
		codec     string
	}{
		{1, 8, "pcm"}, {1, 12, "pcm"}, {1, 16, "pcm"}, {1, 24, "pcm"}, {1, 32, "pcm"},
		{3, 32, "float"}, {3, 64, "float"}, {6, 8, "alaw"}, {7, 8, "mulaw"},
	} {
		for _, channels := range []uint16{1, 2, 6} {
			block := int(channels) * int((c.bits+7)/8)
			want := Audio{Duration: 125 * time.Millisecond, Samples: 1000, SampleRate: 8000, Channels: int(channels), BitsPerSample: int(c.bits), Codec: c.codec}
			data := riff("data", make([]byte, 1000*block))
			format := wavFmt(c.tag, channels, 8000, c.bits)
			require.Equal(t, want, inspectAudio(t, wave(format, data)))
			require.Equal(t, want, inspectAudio(t, wave(riff("fmt ", format[8:], uint16(0)), data)), "with an empty extension")
			ext := riff("fmt ", "\xfe\xff", format[10:], uint16(22), c.bits, uint32(3), c.tag, guid)
			require.Equal(t, want, inspectAudio(t, wave(ext, data)), "extensible")
			require.Equal(t, want, inspectAudio(t, wave(ext, riff("fact", uint32(7)), data)), "with a fact chunk that lies")
		}
	}
	padded := riff("fmt ", uint16(1), uint16(2), uint32(8000), uint32(64000), uint16(8), uint16(24))
	require.Equal(t, int64(100), inspectAudio(t, wave(padded, riff("data", make([]byte, 800)))).Samples, "24 bits in 32")
}

func TestChunksMayComeInAnyNumberBeforeAndBehindTheSound(t *testing.T) {
	t.Parallel()
	format, data := wavFmt(1, 1, 8000, 16), riff("data", make([]byte, 16000))
	for name, file := range map[string][]byte{
		"junk, list and bext first": wave(riff("JUNK", make([]byte, 40_001)), riff("LIST", "INFOISFT\x03\x00\x00\x00abc"), riff("bext", make([]byte, 602)), format, data),
		"between":                   wave(format, riff("odd ", "123"), riff("PEAK", "1234"), data),
		"behind":                    wave(format, data, riff("LIST", make([]byte, 5000)), riff("id3 ", "ID3")),
		"data named in a chunk":     wave(riff("JUNK", data), format, data),
		"bytes behind the file":     append(wave(format, data), make([]byte, 999)...),
		"no size in front":          le("RIFF", uint32(0), "WAVE", format, data, riff("LIST", "behind")),
		"a wrong size in front":     le("RIFF", uint32(36), "WAVE", format, data),
	} {
		a := inspectAudio(t, file)
		require.Equal(t, time.Second, a.Duration, name)
	}
	odd := wave(wavFmt(1, 1, 8000, 8), riff("data", make([]byte, 4001)))
	require.Equal(t, int64(4001), inspectAudio(t, odd[:len(odd)-1]).Samples, "without its pad byte")
	require.Equal(t, int64(1000), inspectAudio(t, wave(format, riff("data", make([]byte, 2001)))).Samples, "half a sample does not count")
}

func TestAStreamedHeaderLetsTheRealBytesCount(t *testing.T) {
	t.Parallel()
	for name, sizes := range map[string][2]uint32{
		"ffmpeg":                   {0xffffffff, 0xffffffff},
		"all ones less headers":    {0xffffffff, 0xffffffff - 36},
		"sox":                      {0x7ffff024, 0x7ffff000},
		"arecord":                  {0x80000024, 0x80000000},
		"zeros":                    {0, 0},
		"header of an empty file":  {36, 0},
		"only the data's size":     {16036, 0xffffffff},
		"only the data's size, 0":  {16036, 0},
		"a placeholder and a wish": {0xffffffff, 1_000_000},
		"zero and a wish":          {0, 1_000_000},
	} {
		sound := bytes.Repeat([]byte{0xf1, 0x02}, 8000)
		require.Equal(t, time.Second, inspectAudio(t, le(wavHead(sizes[0], sizes[1]), sound)).Duration, name)
	}
	_, err := inspect(t, wavHead(0xffffffff, 0xffffffff))
	require.Equal(t, NoAudio, code(err))
}

func TestARecordingCutShortAgainstAnHonestHeaderIsTruncated(t *testing.T) {
	t.Parallel()
	whole := wave(wavFmt(1, 2, 44100, 16), riff("data", make([]byte, 44100*4)))
	f, err := inspect(t, whole[:len(whole)/2])
	require.Equal(t, Truncated, code(err))
	require.Equal(t, WAV, f.Format)
	require.Equal(t, int64(22044), f.Audio.Samples, "what is there is told all the same")
	for n := 12; n < len(whole)-wavSlack; n += 1 + n/20 {
		_, err := Inspect(bytes.NewReader(whole[:n]), noLimit)
		require.Equal(t, Truncated, code(err), n)
	}
	sloppy := bytes.Clone(whole)
	copy(sloppy[40:], le(uint32(len(whole)))) // the size of the file in place of the sound's
	require.Equal(t, time.Second, inspectAudio(t, sloppy).Duration)
}

func TestTheWideKinOfWAVIsMeasuredByItsOwnSizes(t *testing.T) {
	t.Parallel()
	sound := make([]byte, 16000)
	make64 := func(id string, riffSize, dataSize uint64, size32 uint32) []byte {
		return le(id, uint32(0xffffffff), "WAVE", riff("ds64", riffSize, dataSize, uint64(8000), uint32(0)), wavFmt(1, 1, 8000, 16), "data", size32, sound)
	}
	for _, id := range []string{"RF64", "BW64"} {
		require.Equal(t, time.Second, inspectAudio(t, make64(id, 16080, 16000, 0xffffffff)).Duration)
		require.Equal(t, time.Second/2, inspectAudio(t, append(make64(id, 16080, 8000, 0xffffffff), make([]byte, 100)...)).Duration)
		require.Equal(t, time.Second, inspectAudio(t, make64(id, 16080, 0, 16000)).Duration, "32 bits were enough")
		require.Equal(t, time.Second, inspectAudio(t, make64(id, 0, 0, 0xffffffff)).Duration, "streamed")
		require.Equal(t, time.Second, inspectAudio(t, make64(id, 1<<64-1, 1<<64-1, 0xffffffff)).Duration, "streamed")
		_, err := inspect(t, make64(id, 1<<40, 1<<40, 0xffffffff))
		require.Equal(t, Truncated, code(err))
		_, err = inspect(t, le(id, uint32(0xffffffff), "WAVE", wavFmt(1, 1, 8000, 16), "data", uint32(0xffffffff), sound))
		require.Equal(t, Corrupt, code(err), "without ds64")
	}
}

func TestAFaultyWAVIsRefusedForWhatItIs(t *testing.T) {
	t.Parallel()
	format, data := wavFmt(1, 1, 8000, 16), riff("data", make([]byte, 1600))
	raw := func(parts ...any) []byte { return wave(riff("fmt ", parts...), data) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"format behind the data":     {wave(data, format), Corrupt},
		"no format":                  {wave(data), Corrupt},
		"two formats":                {wave(format, format, data), Corrupt},
		"short format":               {wave(riff("fmt ", "1234567"), data), Corrupt},
		"no channels":                {raw(uint16(1), uint16(0), uint32(8000), uint32(0), uint16(0), uint16(16)), Corrupt},
		"no rate":                    {raw(uint16(1), uint16(1), uint32(0), uint32(0), uint16(2), uint16(16)), Corrupt},
		"wrong block":                {raw(uint16(1), uint16(2), uint32(8000), uint32(32000), uint16(2), uint16(16)), Corrupt},
		"zero block":                 {raw(uint16(1), uint16(2), uint32(8000), uint32(32000), uint16(0), uint16(16)), Corrupt},
		"short extension":            {wave(riff("fmt ", "\xfe\xff", format[10:], uint16(0)), data), Corrupt},
		"junk longer than the file":  {le("RIFF", uint32(60), "WAVE", "JUNK", uint32(5000), make([]byte, 100)), Corrupt},
		"cut inside junk":            {le("RIFF", uint32(9000), "WAVE", "JUNK", uint32(5000), make([]byte, 100)), Truncated},
		"cut before the data":        {le("RIFF", uint32(9000), "WAVE", format), Truncated},
		"no data chunk":              {wave(format, riff("LIST", "abcd")), NoAudio},
		"empty data":                 {wave(format, riff("data")), NoAudio},
		"empty data, then a chunk":   {wave(format, riff("data"), riff("LIST", make([]byte, 400))), NoAudio},
		"less than a sample":         {wave(format, riff("data", "x")), NoAudio},
		"0 bits":                     {wave(wavFmt(1, 1, 8000, 0), data), UnsupportedCodec},
		"16-bit float":               {wave(wavFmt(3, 1, 8000, 16), data), UnsupportedCodec},
		"Microsoft ADPCM":            {wave(wavFmt(2, 1, 8000, 4), data), UnsupportedCodec},
		"MP3 inside":                 {wave(wavFmt(0x55, 1, 8000, 0), data), UnsupportedCodec},
		"something unheard of":       {wave(wavFmt(0x4242, 1, 8000, 0), data), UnsupportedCodec},
		"unknown subformat":          {wave(riff("fmt ", "\xfe\xff", format[10:], uint16(22), make([]byte, 22)), data), UnsupportedCodec},
		"big-endian":                 {le("RIFX", "\x00\x00\x01\x00WAVEfmt "), UnsupportedCodec},
		"nothing behind the heading": {le("RIFF", uint32(4), "WAVE"), NoAudio},
	} {
		f, err := inspect(t, c.data)
		require.Equal(t, c.want, code(err), "%s: %v", name, err)
		require.Equal(t, WAV, f.Format, name)
	}
	_, err := inspect(t, wave(wavFmt(0x11, 1, 8000, 4), data))
	require.ErrorContains(t, err, "IMA ADPCM")
	_, err = inspect(t, wave(wavFmt(0x4242, 1, 8000, 4), data))
	require.ErrorContains(t, err, "0x4242")
}
