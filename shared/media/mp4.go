package media

import (
	"io"
	"time"
)

const (
	// maxMoov is the longest index that is looked into. One second of film takes a few hundred bytes.
	maxMoov = 16 << 20
	// maxMdats is how many data boxes are remembered for an unfragmented film; writers make one.
	maxMdats = 64
)

// Movie is what the structure of an MP4 says.
type Movie struct {
	// Duration is that of the movie header; of the longest track where the header does not say, or not of all fragments.
	Duration time.Duration
	// Video is the first picture track; never nil without an error.
	Video *VideoTrack
	// Audio is the first sound track; nil if there is none.
	Audio *AudioTrack
	// Brand is the major brand of the file, as in "isom".
	Brand string
	// Fragmented is true if samples lie in movie fragments (moof boxes).
	Fragmented bool
}

// VideoTrack describes pictures.
type VideoTrack struct {
	// Width and Height are in pixels, as coded.
	Width, Height int
	// Duration is the sum of all samples' durations, rounded up; edit lists are not applied.
	Duration time.Duration
	// Codec is the four-character code of the sample entry: avc1, hvc1 ...
	Codec string
	// Samples is the number of pictures.
	Samples int
}

// AudioTrack describes sound.
type AudioTrack struct {
	// Duration is the sum of all samples' durations, rounded up; edit lists are not applied.
	Duration time.Duration
	// SampleRate is in Hz.
	SampleRate, Channels int
	// Codec is the four-character code of the sample entry: mp4a, fLaC ...
	Codec string
	// Samples is the number of coded packets.
	Samples int
}

// ReadMP4 verifies that the size bytes behind r are a whole MP4 (ISO/IEC 14496-12): every box lies inside what it
// belongs to, the index is there, and every sample of the picture and sound tracks that it speaks of lies inside the
// media data of the file. The samples themselves are not read.
//
// A fault of the file is an [*Error]; an error of r itself comes back wrapped and is never one, but io.EOF before size,
// which is [Truncated].
func ReadMP4(r io.ReaderAt, size int64) (Movie, error) {
	f := film{boxes: boxReader{window{r: r, size: max(size, 0)}}}
	if err := f.read(); err != nil {
		return Movie{}, err
	}
	return f.movie()
}

// film collects what is found on the way through the boxes.
type film struct {
	boxes boxReader
	brand string
	moov  box
	mvex  box
	mdats []span // payloads, in order; not more than maxMdats
	many  bool   // there were more mdats
	moofs bool

	scale, length uint64 // mvhd; the length also from mehd
	video, audio  *track
	current       track // the trak being read
	other         track // takes the fragments of tracks of no interest
}

// span is a range of the file.
type span struct{ start, end int64 }

func (f *film) read() error {
	size := f.boxes.size
	if size == 0 {
		return &Error{Code: Empty}
	}
	if err := f.begin(); err != nil {
		return err
	}
	// The last byte proves that the file is as long as it is said to be.
	if _, err := f.boxes.at(size-1, 1); err != nil {
		return err
	}
	if err := f.boxes.each(span{0, size}, true, f.topLevel); err != nil {
		return err
	}
	if f.moov.end == 0 {
		return fault(Truncated, "the MP4 has no index (moov)")
	}
	if len(f.mdats) == 0 {
		return fault(Truncated, "the MP4 has no media data (mdat)")
	}
	if err := f.boxes.each(f.moov.body(), false, f.inMoov); err != nil {
		return err
	}
	if f.scale == 0 {
		return fault(Corrupt, "the MP4 has no movie header with a time scale")
	}
	if f.video == nil {
		return fault(NoVideo, "the MP4 has no picture track")
	}
	for _, t := range []*track{f.video, f.audio} {
		if t == nil {
			continue
		}
		if err := f.readTables(t); err != nil {
			return err
		}
	}
	if f.mvex.end != 0 {
		return f.readFragments()
	}
	return nil
}

// begin looks at the first box, which must be ftyp.
func (f *film) begin() error {
	b, err := f.boxes.at(0, int(min(f.boxes.size, sniffLen)))
	if err != nil {
		return err
	}
	if !has(b, 4, "ftyp") {
		word := looks(b)
		if known := recognise(b); word == "" && known != "" {
			word = string(known)
		}
		return &Error{Code: NotMP4, Detail: word}
	}
	switch word := looks(b); word {
	case "heic", "avif":
		return &Error{Code: NotMP4, Detail: word}
	}
	return nil
}

func (f *film) topLevel(b box) error {
	switch b.name() {
	case "ftyp":
		h, err := f.boxes.head(b, 8)
		if err != nil {
			return err
		}
		if b.start == 0 {
			f.brand = string(h[:4])
		}
	case "moov":
		if f.moov.end != 0 {
			return fault(Corrupt, "the MP4 has two indexes (moov)")
		}
		if b.end-b.start > maxMoov {
			return fault(TooLarge, "the MP4's index has %d bytes", b.end-b.start)
		}
		f.moov = b
	case "mdat":
		if len(f.mdats) == maxMdats {
			f.many = true
			break
		}
		f.mdats = append(f.mdats, b.body())
	case "moof":
		f.moofs = true
	}
	return nil
}

func (f *film) inMoov(b box) error {
	switch b.name() {
	case "mvhd":
		var err error
		f.scale, f.length, err = f.boxes.timing(b)
		return err
	case "trak":
		if err := f.readTrack(b); err != nil {
			return err
		}
		switch f.current.label() {
		case "vide":
			f.video = first(f.video, f.current)
		case "soun":
			f.audio = first(f.audio, f.current)
		}
	case "mvex":
		f.mvex = b
	}
	return nil
}

// first keeps a track unless there is one already.
func first(have *track, t track) *track {
	if have != nil {
		return have
	}
	return &t
}

// movie puts the findings into words.
func (f *film) movie() (Movie, error) {
	m := Movie{Brand: f.brand, Fragmented: f.moofs}
	v := f.video
	if v.samples == 0 {
		return Movie{}, fault(NoVideo, "the MP4's picture track is empty")
	}
	if v.width == 0 || v.height == 0 {
		return Movie{}, fault(BadDimensions, "the MP4 says %d x %d pixels", v.width, v.height)
	}
	m.Video = &VideoTrack{
		Width: v.width, Height: v.height, Duration: v.duration(), Codec: v.codec(), Samples: int(v.samples),
	}
	longest := m.Video.Duration
	if a := f.audio; a != nil {
		m.Audio = &AudioTrack{
			Duration: a.duration(), SampleRate: a.rate, Channels: a.channels, Codec: a.codec(), Samples: int(a.samples),
		}
		longest = max(longest, m.Audio.Duration)
	}
	if m.Duration = duration(f.length, f.scale); m.Duration == 0 || f.moofs && m.Duration < longest {
		m.Duration = longest
	}
	return m, nil
}
