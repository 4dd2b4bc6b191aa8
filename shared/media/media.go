// Package media reads the headers of pictures, recordings and films: what a file is, how large or long it is, and
// whether its structure holds together.
//
// It decodes no pixel and no sample, knows no vendor's limits and judges no content: it states facts, the caller
// decides. Pictures and recordings come through [Inspect], which hashes and examines in one streaming read; films come
// through [ReadMP4], which looks around in a finished file.
//
// The one invariant: memory stays constant (a few tens of KB) whatever the input claims or contains, and the answer
// depends on the bytes alone, never on how a reader happens to cut them into pieces.
package media

import (
	"io"
	"time"
)

// Format is a kind of file that a job can be made of. The zero value means "not recognised".
type Format string

// The formats that [Inspect] recognises, by their bytes and never by a name.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
	BMP  Format = "bmp"
	WebP Format = "webp"
	WAV  Format = "wav"
	MP3  Format = "mp3"
)

// Ext returns the file name extension, in lower case and with its dot; "" for an unknown format.
func (f Format) Ext() string {
	switch f {
	case JPEG:
		return ".jpg"
	case PNG, BMP, WebP, WAV, MP3:
		return "." + string(f)
	}
	return ""
}

// ContentType returns the media type to store and serve the file under; "application/octet-stream" for an unknown
// format.
func (f Format) ContentType() string {
	switch f {
	case JPEG, PNG, BMP, WebP:
		return "image/" + string(f)
	case WAV:
		return "audio/wav"
	case MP3:
		return "audio/mpeg"
	}
	return "application/octet-stream"
}

// IsImage reports whether f is a picture.
func (f Format) IsImage() bool { return f == JPEG || f == PNG || f == BMP || f == WebP }

// IsAudio reports whether f is a recording.
func (f Format) IsAudio() bool { return f == WAV || f == MP3 }

// Image is what the header of a picture says.
type Image struct {
	// Width and Height are in pixels, as a viewer shows the picture: after the EXIF orientation is applied.
	Width, Height int
	// Orientation is the EXIF value 1..8 as stored; 1 when there is none or it makes no sense.
	Orientation int
	// Animated is true for animated PNG and WebP.
	Animated bool
}

// Audio is what the structure of a recording says.
type Audio struct {
	// Duration is the length of everything that is there, encoder delay and padding included, rounded up to the next
	// nanosecond: exactly 60 s is 60 s, one sample more is more.
	Duration time.Duration
	// Samples is the exact number of samples per channel (at different rates, if an MP3 changes its own).
	Samples int64
	// SampleRate is in Hz. In an MP3 whose frames change their rate it is that of the first one.
	SampleRate int
	// Channels is 1 for mono.
	Channels int
	// BitsPerSample is the stored width of one sample; 0 for MP3.
	BitsPerSample int
	// Codec is "pcm", "float", "alaw", "mulaw" or "mp3".
	Codec string
}

// File is what one streaming read found out.
type File struct {
	// Format is set as soon as it is recognised, also beside an error.
	Format Format
	// Size in bytes and SHA256 are set whenever the input was read to its end: on success and beside every [*Error]
	// but [TooLarge].
	Size   int64
	SHA256 [32]byte
	// Image is set for pictures and Audio for recordings. Beside an error they are nil, except that Audio tells what is
	// really there of a recording that is [Truncated].
	Image *Image
	Audio *Audio
}

// Inspect reads r to its end exactly once, hashing and examining at the same time, and takes at most limit bytes plus
// the one that proves there are more.
//
// A fault of the file is an [*Error]; an error of r itself comes back wrapped and is never one. As long as the file was
// not wholly read, nothing is said against it: an error of r and [TooLarge] come before every other finding.
//
// Inspect keeps no state and may be called concurrently with different readers.
func Inspect(r io.Reader, limit int64) (File, error) {
	s := newSource(r, limit)
	var f File
	err := examine(s, &f)
	s.drain()
	if s.end != io.EOF {
		return File{Format: f.Format}, s.end
	}
	f.Size = s.total
	s.sum.Sum(f.SHA256[:0])
	return f, err
}

// examine recognises the format, and leaves the reading to the one who knows it. What it returns means something only
// if the source reached its true end.
func examine(s *source, f *File) (err error) {
	head := s.peek(sniffLen)
	if len(head) == 0 {
		return &Error{Code: Empty}
	}
	switch f.Format = recognise(head); f.Format {
	case JPEG:
		f.Image, err = readJPEG(s)
	case PNG:
		f.Image, err = readPNG(s)
	case BMP:
		f.Image, err = readBMP(s)
	case WebP:
		f.Image, err = readWebP(s)
	case WAV:
		f.Audio, err = readWAV(s)
	default:
		f.Format, f.Audio, err = readMP3(s)
	}
	return err
}

// shown finishes an image whose stored size is w by h pixels, or refuses it.
func shown(w, h int64, orientation int, animated bool) (*Image, error) {
	if w <= 0 || h <= 0 {
		return nil, fault(BadDimensions, "the header says %d x %d pixels", w, h)
	}
	if orientation < 1 || orientation > 8 {
		orientation = 1
	}
	if orientation >= 5 {
		w, h = h, w
	}
	return &Image{Width: int(w), Height: int(h), Orientation: orientation, Animated: animated}, nil
}
