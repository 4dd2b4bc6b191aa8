package media

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
	"github.com/stretchr/testify/require"
)

func readMP4(data []byte) (Movie, error) { return ReadMP4(bytes.NewReader(data), int64(len(data))) }

func golden(t testing.TB, name string) []byte {
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

// mbox makes a box; full adds the version and flags before its payload.
func mbox(typ string, parts ...any) []byte {
	b := be(parts...)
	return be(uint32(len(b)+8), typ, b)
}

func full(typ string, version byte, flags uint32, parts ...any) []byte {
	return mbox(typ, uint32(version)<<24|flags, be(parts...))
}

// trackSpec is what a hand-made track says; the zero values of its tables are filled by spec.
type trackSpec struct {
	kind                   string
	version                byte
	stts, stsc, stsz, stco []byte
	extra                  []byte
}

func (s trackSpec) box() []byte {
	var tkhd, mdhd []byte
	if s.version == 0 {
		tkhd = full("tkhd", 0, 3, make([]byte, 8), uint32(1), uint32(0), uint32(7), make([]byte, 52), uint32(640<<16), uint32(480<<16))
		mdhd = full("mdhd", 0, 0, make([]byte, 8), uint32(1000), uint32(2000), uint32(0))
	} else {
		tkhd = full("tkhd", 1, 3, make([]byte, 16), uint32(1), uint32(0), uint64(7), make([]byte, 52), uint32(640<<16), uint32(480<<16))
		mdhd = full("mdhd", 1, 0, make([]byte, 16), uint32(1000), uint64(2000), uint32(0))
	}
	entry := mbox("avc1", make([]byte, 24), uint16(512), uint16(704), make([]byte, 50))
	if s.kind == "soun" {
		entry = mbox("mp4a", make([]byte, 16), uint16(2), uint16(16), uint32(0), uint32(44100)<<16)
	}
	return mbox("trak", tkhd, mbox("mdia", mdhd, full("hdlr", 0, 0, uint32(0), s.kind, make([]byte, 13)),
		mbox("minf", mbox("stbl", full("stsd", 0, 0, uint32(1), entry), s.stts, s.stsc, s.stsz, s.stco, s.extra))))
}

// four samples of 500 ticks, 10, 20, 30 and 40 bytes long, in two chunks
func videoTrack(at uint32) trackSpec {
	return trackSpec{kind: "vide",
		stts: full("stts", 0, 0, uint32(1), uint32(4), uint32(500)),
		stsc: full("stsc", 0, 0, uint32(2), uint32(1), uint32(3), uint32(1), uint32(2), uint32(1), uint32(1)),
		stsz: full("stsz", 0, 0, uint32(0), uint32(4), uint32(10), uint32(20), uint32(30), uint32(40)),
		stco: full("stco", 0, 0, uint32(2), at, at+60),
	}
}

var (
	ftyp = mbox("ftyp", "isom", uint32(512), "isomavc1")
	mvhd = full("mvhd", 0, 0, make([]byte, 8), uint32(1000), uint32(2000), make([]byte, 80))
)

// handmade puts 100 bytes of media data behind ftyp, and the moov behind them.
func handmade(moov ...any) []byte {
	return be(ftyp, mbox("mdat", make([]byte, 100)), mbox("moov", moov...))
}

var firstByte = uint32(len(ftyp) + 8)

func TestAFilmIsWhatAnIndependentParserFinds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"plain.mp4", "fragmented.mp4"} {
		data := golden(t, name)
		got, err := readMP4(data)
		require.NoError(t, err, name)
		want, err := mp4.DecodeFile(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, want.IsFragmented(), got.Fragmented)
		require.Equal(t, want.Ftyp.MajorBrand(), got.Brand)
		require.Equal(t, VideoTrack{Width: 64, Height: 48, Duration: 2 * time.Second, Codec: "avc1", Samples: 20}, *got.Video)
		require.Equal(t, 44100, got.Audio.SampleRate)
		require.Equal(t, 2, got.Audio.Channels)
		require.Equal(t, "mp4a", got.Audio.Codec)
		var ticks, samples uint64
		if got.Fragmented {
			for _, f := range want.Segments[0].Fragments {
				for _, traf := range f.Moof.Trafs {
					if traf.Tfhd.TrackID != 2 {
						continue
					}
					for _, trun := range traf.Truns {
						trun.AddSampleDefaultValues(traf.Tfhd, want.Moov.Mvex.Trexs[1])
						for _, s := range trun.Samples {
							ticks, samples = ticks+uint64(s.Dur), samples+1
						}
					}
				}
			}
		} else {
			stbl := want.Moov.Traks[1].Mdia.Minf.Stbl
			samples = uint64(stbl.Stsz.SampleNumber)
			for i, n := range stbl.Stts.SampleCount {
				ticks += uint64(n) * uint64(stbl.Stts.SampleTimeDelta[i])
			}
			require.Equal(t, 2*time.Second, got.Duration)
		}
		require.Equal(t, int(samples), got.Audio.Samples)
		require.Equal(t, time.Duration(math.Ceil(float64(ticks)*1e9/44100)), got.Audio.Duration)
	}
}

func TestACutFilmIsNeverWhole(t *testing.T) {
	t.Parallel()
	for _, data := range [][]byte{golden(t, "plain.mp4"), handmade(mvhd, videoTrack(firstByte).box())} {
		_, err := readMP4(data)
		require.NoError(t, err)
		for n := 1; n < len(data); n += 1 + n/200 {
			_, err := readMP4(data[:n])
			if n < 8 {
				require.Equal(t, NotMP4, code(err), n)
				continue
			}
			require.Equal(t, Truncated, code(err), "%d: %v", n, err)
			// A file whose size was promised and whose bytes are missing is no different.
			_, err = ReadMP4(bytes.NewReader(data[:n]), int64(len(data)))
			require.Equal(t, Truncated, code(err), "%d: %v", n, err)
		}
	}
	data := golden(t, "fragmented.mp4")
	for n := 0; n < len(data); n += 3 {
		m, err := readMP4(data[:n])
		if err == nil { // cut exactly between two boxes: shorter, and it says so
			require.Less(t, m.Audio.Samples, 89)
			continue
		}
		require.Contains(t, []string{Empty, NotMP4, Truncated, NoVideo, Corrupt}, code(err), n)
	}
}

func TestWhatIsNoFilmIsCalledByItsName(t *testing.T) {
	t.Parallel()
	for want, data := range map[string][]byte{
		"html": []byte("<!doctype html><p>Access denied"), "xml": []byte("<?xml version=\"1.0\"?><Error/>"),
		"json": []byte(`{"code":"x"}`), "jpeg": jpegFile(t, 9, 9), "wav": wavHead(0, 0),
		"heic": mbox("ftyp", "heic", uint32(0), "mif1"), "": {0, 1, 2}, "gif": []byte("GIF89a"),
		"mp4": mbox("moov"),
	} {
		_, err := readMP4(data)
		require.Equal(t, &Error{Code: NotMP4, Detail: want}, err)
	}
	_, err := readMP4(nil)
	require.Equal(t, Empty, code(err))
}

func TestHeadersOfEitherVersionAndEveryTableAreRead(t *testing.T) {
	t.Parallel()
	sound := videoTrack(firstByte)
	sound.kind = "soun"
	far := videoTrack(2000)
	far.kind = "soun"
	want := Movie{Duration: 2 * time.Second, Brand: "isom",
		Video: &VideoTrack{Width: 512, Height: 704, Duration: 2 * time.Second, Codec: "avc1", Samples: 4},
		Audio: &AudioTrack{Duration: 2 * time.Second, SampleRate: 44100, Channels: 2, Codec: "mp4a", Samples: 4}}
	mvhd1 := full("mvhd", 1, 0, make([]byte, 16), uint32(1000), uint64(2000), make([]byte, 80))
	unknown := full("mvhd", 1, 0, make([]byte, 16), uint32(1000), uint64(math.MaxUint64), make([]byte, 80))
	vary := func(change func(*trackSpec)) trackSpec {
		s := videoTrack(firstByte)
		change(&s)
		return s
	}
	at := uint64(firstByte)
	for name, file := range map[string][]byte{
		"plain":            handmade(mvhd, videoTrack(firstByte).box(), sound.box()),
		"version 1":        handmade(mvhd1, vary(func(s *trackSpec) { s.version = 1 }).box(), sound.box()),
		"unknown length":   handmade(unknown, videoTrack(firstByte).box(), sound.box()),
		"sound first":      handmade(mvhd, sound.box(), videoTrack(firstByte).box()),
		"a third track":    handmade(mvhd, trackSpec{kind: "text"}.box(), videoTrack(firstByte).box(), sound.box(), videoTrack(9999).box()),
		"co64":             handmade(mvhd, vary(func(s *trackSpec) { s.stco = full("co64", 0, 0, uint32(2), at, at+60) }).box(), sound.box()),
		"one size for all": handmade(mvhd, vary(func(s *trackSpec) { s.stsz = full("stsz", 0, 0, uint32(20), uint32(4)) }).box(), sound.box()),
		"sizes of 16 bits": handmade(mvhd, vary(func(s *trackSpec) {
			s.stsz = full("stz2", 0, 16, uint32(16), uint32(4), uint16(10), uint16(20), uint16(30), uint16(40))
		}).box(), sound.box()),
		"sizes of 8 bits":      handmade(mvhd, vary(func(s *trackSpec) { s.stsz = full("stz2", 0, 0, uint32(8), uint32(4), "\x0a\x14\x1e\x28") }).box(), sound.box()),
		"sizes of 4 bits":      handmade(mvhd, vary(func(s *trackSpec) { s.stsz = full("stz2", 0, 0, uint32(4), uint32(4), "\xff\xff") }).box(), sound.box()),
		"64-bit box size":      be(ftyp, uint32(1), "mdat", uint64(16+100), make([]byte, 100), mbox("moov", mvhd, videoTrack(firstByte+8).box())),
		"moov in front":        be(ftyp, mbox("moov", mvhd, videoTrack(2000).box(), far.box()), uint32(0), "mdat", make([]byte, 3000)),
		"several lots of mdat": be(ftyp, mbox("mdat", make([]byte, 100)), mbox("free", "abc"), mbox("mdat", "x"), mbox("moov", mvhd, videoTrack(firstByte).box(), sound.box())),
		"run ends are elastic": handmade(mvhd, vary(func(s *trackSpec) {
			s.stsc = full("stsc", 0, 0, uint32(3), uint32(1), uint32(3), uint32(1), uint32(2), uint32(1), uint32(1), uint32(9), uint32(5), uint32(1))
		}).box(), sound.box()),
		"without a size inside": handmade(mvhd, videoTrack(firstByte).box(), sound.box(), mbox("udta")),
	} {
		got, err := readMP4(file)
		require.NoError(t, err, name)
		want := want
		if name == "64-bit box size" {
			want.Audio = nil
		}
		require.Equal(t, want, got, name)
	}
}

func TestAnIndexThatLiesIsCorrupt(t *testing.T) {
	t.Parallel()
	vary := func(change func(*trackSpec)) []byte {
		s := videoTrack(firstByte)
		change(&s)
		return handmade(mvhd, s.box())
	}
	for name, file := range map[string][]byte{
		"chunk behind the file": vary(func(s *trackSpec) { s.stco = full("stco", 0, 0, uint32(2), firstByte, uint32(9999)) }),
		"chunk one byte over":   vary(func(s *trackSpec) { s.stco = full("stco", 0, 0, uint32(2), firstByte, firstByte+61) }),
		"chunk one byte before": vary(func(s *trackSpec) { s.stco = full("stco", 0, 0, uint32(2), firstByte-1, firstByte) }),
		"offset that overflows": vary(func(s *trackSpec) {
			s.stco = full("co64", 0, 0, uint32(2), uint64(math.MaxUint64-5), uint64(firstByte))
		}),
		"a sample too long": vary(func(s *trackSpec) {
			s.stsz = full("stsz", 0, 0, uint32(0), uint32(4), uint32(10), uint32(20), uint32(30), uint32(41))
		}),
		"four billion long samples":  vary(func(s *trackSpec) { s.stsz = full("stsz", 0, 0, uint32(math.MaxUint32), uint32(4)) }),
		"more samples than sizes":    vary(func(s *trackSpec) { s.stsz = full("stsz", 0, 0, uint32(0), uint32(4), uint32(10)) }),
		"sizes and times differ":     vary(func(s *trackSpec) { s.stts = full("stts", 0, 0, uint32(1), uint32(5), uint32(500)) }),
		"samples in no chunk":        vary(func(s *trackSpec) { s.stco = full("stco", 0, 0, uint32(1), firstByte) }),
		"chunks of too many samples": vary(func(s *trackSpec) { s.stsc = full("stsc", 0, 0, uint32(1), uint32(1), uint32(3), uint32(1)) }),
		"chunks without samples":     vary(func(s *trackSpec) { s.stsc = full("stsc", 0, 0, uint32(1), uint32(1), uint32(0), uint32(1)) }),
		"runs that begin late":       vary(func(s *trackSpec) { s.stsc = full("stsc", 0, 0, uint32(1), uint32(2), uint32(2), uint32(1)) }),
		"runs out of order": vary(func(s *trackSpec) {
			s.stsc = full("stsc", 0, 0, uint32(3), uint32(1), uint32(2), uint32(1), uint32(2), uint32(2), uint32(1), uint32(2), uint32(2), uint32(1))
		}),
		"no runs":                 vary(func(s *trackSpec) { s.stsc = full("stsc", 0, 0, uint32(0)) }),
		"a table that overstates": vary(func(s *trackSpec) { s.stco = full("stco", 0, 0, uint32(math.MaxUint32), firstByte) }),
		"a table that is missing": vary(func(s *trackSpec) { s.stco = nil }),
		"times beyond all measure": vary(func(s *trackSpec) {
			s.stts = full("stts", 0, 0, uint32(2), uint32(math.MaxUint32), uint32(math.MaxUint32), uint32(math.MaxUint32), uint32(math.MaxUint32))
		}),
		"sizes of 5 bits":             vary(func(s *trackSpec) { s.stsz = full("stz2", 0, 0, uint32(5), uint32(4), "\xff\xff\xff\xff") }),
		"no movie header":             handmade(videoTrack(firstByte).box()),
		"two indexes":                 be(handmade(mvhd, videoTrack(firstByte).box()), mbox("moov")),
		"a box over the edge inside":  handmade(mvhd, videoTrack(firstByte).box(), uint32(500), "udta"),
		"a stub inside":               handmade(mvhd, videoTrack(firstByte).box(), "abc"),
		"a box smaller than its head": be(handmade(mvhd, videoTrack(firstByte).box()), uint32(7), "free"),
		"zeros behind":                be(handmade(mvhd, videoTrack(firstByte).box()), make([]byte, 64)),
		"data in too many places":     be(handmade(mvhd, videoTrack(firstByte).box()), bytes.Repeat(mbox("mdat"), maxMdats)),
	} {
		_, err := readMP4(file)
		require.Equal(t, Corrupt, code(err), "%s: %v", name, err)
	}
}

func TestAFilmWithoutPicturesIsNoVideo(t *testing.T) {
	t.Parallel()
	sound, empty, flat := videoTrack(firstByte), videoTrack(firstByte), videoTrack(firstByte)
	sound.kind = "soun"
	empty.stts, empty.stsc = full("stts", 0, 0, uint32(0)), full("stsc", 0, 0, uint32(0))
	empty.stsz, empty.stco = full("stsz", 0, 0, uint32(0), uint32(0)), full("stco", 0, 0, uint32(0))
	_, err := readMP4(handmade(mvhd, sound.box()))
	require.Equal(t, NoVideo, code(err))
	_, err = readMP4(handmade(mvhd, empty.box(), sound.box()))
	require.Equal(t, NoVideo, code(err))
	noSize := bytes.Replace(flat.box(), be(uint16(512), uint16(704)), make([]byte, 4), 1)
	m, err := readMP4(handmade(mvhd, noSize))
	require.NoError(t, err)
	require.Equal(t, 640, m.Video.Width, "the presentation's size stands in")
	noSize = bytes.Replace(noSize, be(uint32(640<<16), uint32(480<<16)), make([]byte, 8), 1)
	_, err = readMP4(handmade(mvhd, noSize))
	require.Equal(t, BadDimensions, code(err))
}

func TestAFragmentThatLeavesTheFileIsCorrupt(t *testing.T) {
	t.Parallel()
	data := golden(t, "fragmented.mp4")
	trun := bytes.Index(data, []byte("trun"))
	require.Positive(t, trun)
	for _, offset := range []uint32{1 << 30, 0x80000000} {
		bad := bytes.Clone(data)
		copy(bad[trun+12:], be(offset))
		_, err := readMP4(bad)
		require.Equal(t, Corrupt, code(err))
	}
	bad := bytes.Clone(data)
	copy(bad[trun+8:], be(uint32(1<<30)))
	_, err := readMP4(bad)
	require.Equal(t, Corrupt, code(err))
}

type brokenDisk struct {
	io.ReaderAt
	from int64
	err  error
}

func (d brokenDisk) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > d.from {
		return 0, d.err
	}
	return d.ReaderAt.ReadAt(p, off)
}

func TestAnErrorOfTheDiskIsNeverAFaultOfTheFilm(t *testing.T) {
	t.Parallel()
	data, cause := golden(t, "plain.mp4"), errors.New("input/output error")
	for from := int64(0); from < int64(len(data)); from += 1500 {
		_, err := ReadMP4(brokenDisk{bytes.NewReader(data), from, cause}, int64(len(data)))
		require.ErrorIs(t, err, cause)
		var e *Error
		require.False(t, errors.As(err, &e))
	}
}

// sparse is a huge file of which only the head and the tail are there.
type sparse struct {
	head, tail []byte
	size       int64
}

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		switch at := off + int64(i); {
		case at < int64(len(s.head)):
			p[i] = s.head[at]
		case at >= s.size-int64(len(s.tail)):
			p[i] = s.tail[at-(s.size-int64(len(s.tail)))]
		default:
			p[i] = 0
		}
	}
	return len(p), nil
}

// Not parallel: it counts the whole process's allocations.
func TestMemoryIsConstantHoweverLongTheFilm(t *testing.T) {
	const size int64 = 40 << 30
	track := videoTrack(0)
	const n = 200_000
	track.stts = full("stts", 0, 0, uint32(1), uint32(n), uint32(500))
	track.stsc = full("stsc", 0, 0, uint32(1), uint32(1), uint32(1), uint32(1))
	track.stsz = full("stsz", 0, 0, uint32(0), uint32(n), bytes.Repeat(be(uint32(100)), n))
	track.stco = full("co64", 0, 0, uint32(n), bytes.Repeat(be(uint64(size/2)), n))
	moov := mbox("moov", mvhd, track.box())
	head := be(ftyp, uint32(1), "mdat", uint64(size)-uint64(len(ftyp)+len(moov)))
	film := sparse{head, moov, size}
	var m Movie
	var err error
	got := allocated(func() { m, err = ReadMP4(film, size) })
	require.NoError(t, err)
	require.Equal(t, n, m.Video.Samples)
	require.Less(t, got, uint64(48<<10))

	deep := bytes.Repeat([]byte{0, 0, 0, 0, 'm', 'd', 'i', 'a'}, 200_000)
	for i := 0; i < len(deep); i += 8 {
		copy(deep[i:], be(uint32(len(deep)-i)))
	}
	got = allocated(func() { _, err = readMP4(handmade(mvhd, mbox("trak", deep))) })
	require.Equal(t, NoVideo, code(err))
	require.Less(t, got, uint64(8<<20), "mostly the film itself")

	_, err = ReadMP4(sparse{be(ftyp, uint32(maxMoov+1), "moov"), nil, size}, size)
	require.Equal(t, TooLarge, code(err))
}
