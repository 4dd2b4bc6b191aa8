package media

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestEveryFormatHasItsExtensionAndContentType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		format      Format
		ext, ctype  string
		isImg, isAu bool
	}{
		{JPEG, ".jpg", "image/jpeg", true, false},
		{PNG, ".png", "image/png", true, false},
		{BMP, ".bmp", "image/bmp", true, false},
		{WebP, ".webp", "image/webp", true, false},
		{WAV, ".wav", "audio/wav", false, true},
		{MP3, ".mp3", "audio/mpeg", false, true},
		{"", "", "application/octet-stream", false, false},
	} {
		require.Equal(t, c.ext, c.format.Ext())
		require.Equal(t, c.ctype, c.format.ContentType())
		require.Equal(t, c.isImg, c.format.IsImage())
		require.Equal(t, c.isAu, c.format.IsAudio())
	}
}

func TestSizeAndHashAreThoseOfTheWholeFileEvenIfItIsFaulty(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"good":                   jpegFile(t, 40, 30),
		"with much behind it":    append(jpegFile(t, 40, 30), make([]byte, 200_000)...),
		"unknown":                bytes.Repeat([]byte("no media at all. "), 9000),
		"faulty near the front":  append([]byte("\x89PNG\r\n\x1a\nnonsense"), make([]byte, 100_000)...),
		"an MP3":                 speech.frames(300),
		"no sound in much space": append(id3(100, 0, 0), make([]byte, 100_000)...),
	} {
		f, _ := inspect(t, data)
		require.Equal(t, int64(len(data)), f.Size, name)
		require.Equal(t, sha256.Sum256(data), f.SHA256, name)
	}
}

func TestAnEmptyFileIsCalledEmpty(t *testing.T) {
	t.Parallel()
	f, err := inspect(t, nil)
	require.Equal(t, Empty, code(err))
	require.Equal(t, sha256.Sum256(nil), f.SHA256)
}

func TestWhatIsNoMediaIsCalledByItsName(t *testing.T) {
	t.Parallel()
	for want, head := range map[string]string{
		"gif": "GIF89a....", "pdf": "%PDF-1.7", "ogg": "OggS\x00", "flac": "fLaC\x00\x00\x00\x22", "zip": "PK\x03\x04",
		"heic": "\x00\x00\x00\x18ftypheic", "avif": "\x00\x00\x00\x18ftypavif", "m4a": "\x00\x00\x00\x18ftypM4A ",
		"mp4": "\x00\x00\x00\x18ftypisom", "mov": "\x00\x00\x00\x18ftypqt  ", "aac": "\xff\xf1\x50\x80\x00\x1f\xfc",
		"html": "\n <!DOCTYPE HTML><title>", "json": "{\"a\":1}", "xml": "<?xml version='1.0'?><Error/>",
		"svg": "<svg xmlns=''/>", "text": "Grüße, 你好", "aiff": "FORM\x00\x00\x00\x00AIFF", "avi": "RIFF\x00\x00\x00\x00AVI ",
		"tiff": "II*\x00", "webm": "\x1a\x45\xdf\xa3", "gzip": "\x1f\x8b\x08", "amr": "#!AMR\n", "wma": "\x30\x26\xb2\x75\x8e\x66\xcf\x11",
		"": "\x01\x02\x03\x04 who knows",
	} {
		f, err := inspect(t, []byte(head))
		require.Equal(t, &Error{Code: UnknownFormat, Detail: want}, err, "%q", head)
		require.Empty(t, f.Format)
	}
}

func TestTextIsTextHoweverItBegins(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"BMW is a car and no bitmap", "BM", "ID3 is a tag format", "TAG, you are it", "\xef\xbb\xbfBOM",
		strings.Repeat("x", 511) + "é cut in the middle of the look ahead", "RIFF is not enough here"} {
		_, err := inspect(t, []byte(s))
		require.Equal(t, &Error{Code: UnknownFormat, Detail: "text"}, err, "%q", s)
	}
}

// counted counts the bytes taken from a reader.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// endless is a file that never ends, after a head.
func endless(head []byte) io.Reader { return io.MultiReader(bytes.NewReader(head), zeros{}) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestReadingStopsOneByteBehindTheLimit(t *testing.T) {
	t.Parallel()
	for _, head := range [][]byte{jpegFile(t, 20, 20), wavHead(0xffffffff, 0xffffffff), speech.frames(10), []byte("{}")} {
		for _, limit := range []int64{0, 1, 100, 32 << 10, 100_000} {
			r := &counted{r: endless(head)}
			f, err := Inspect(r, limit)
			require.Equal(t, TooLarge, code(err))
			require.Equal(t, limit+1, r.n)
			require.Nil(t, f.Image)
			require.Nil(t, f.Audio)
			var little io.Reader = sip{endless(head)}
			if limit <= 100 {
				little = iotest.OneByteReader(endless(head))
			}
			slow, serr := Inspect(little, limit)
			require.Equal(t, f, slow)
			require.Equal(t, err, serr)
		}
	}
}

func TestAFileOfExactlyTheLimitIsNotTooLarge(t *testing.T) {
	t.Parallel()
	data := pngFile(t, 30, 30)
	_, err := Inspect(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	f, err := Inspect(bytes.NewReader(data), int64(len(data))-1)
	require.Equal(t, TooLarge, code(err))
	require.Equal(t, PNG, f.Format)
	_, err = Inspect(bytes.NewReader(data), -5)
	require.Equal(t, TooLarge, code(err))
}

func TestAReadErrorIsNeverAFaultOfTheFile(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	for name, data := range map[string][]byte{
		"whole": jpegFile(t, 20, 20), "cut": jpegFile(t, 20, 20)[:100], "nothing": nil, "unknown": []byte("text"),
		"mp3": speech.frames(9), "faulty": []byte("\x89PNG\r\n\x1a\nnonsense that is not a chunk"),
	} {
		for _, cause := range []error{cause, io.ErrUnexpectedEOF} {
			f, err := Inspect(io.MultiReader(bytes.NewReader(data), iotest.ErrReader(cause)), noLimit)
			require.ErrorIs(t, err, cause, name)
			var e *Error
			require.False(t, errors.As(err, &e), name)
			require.Zero(t, f.Size)
			require.Nil(t, f.Image)
		}
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestAReaderThatGivesNothingDoesNotHang(t *testing.T) {
	t.Parallel()
	_, err := Inspect(stuck{}, noLimit)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// allocated returns the bytes that f allocated, whether they are free again or not: a bound on its memory.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Not parallel: it counts the whole process's allocations.
func TestMemoryIsConstantHoweverLongTheFile(t *testing.T) {
	const size = 2 << 20
	fat := []byte("ID3\x04\x00\x00\x7f\x7f\x7f\x7f")
	for name, head := range map[string][]byte{
		"jpeg":       jpegFile(t, 100, 100)[:200],
		"bomb":       be(jpegFile(t, 8, 8)[:2], segment(0xc0, be(byte(8), uint16(65535), uint16(65535), byte(1), "\x01\x11\x00"))),
		"png":        be("\x89PNG\r\n\x1a\n", pngChunk("IHDR", be(uint32(1<<31-1), uint32(1<<31-1), "\x08\x02\x00\x00\x00")), uint32(1<<31-1), "IDAT"),
		"bmp":        le("BM", uint32(0), uint32(0), uint32(54), uint32(40), int32(60000), int32(60000), uint16(1), uint16(24), make([]byte, 24)),
		"webp":       le("RIFF", uint32(0xfffffffe), "WEBP", vp8x(0, 16384, 16384)),
		"wav":        wavHead(0xffffffff, 0xffffffff),
		"mp3":        speech.frames(2000),
		"id3":        fat,
		"junk":       []byte("\x01\x02\x03"),
		"tiny riffs": le("RIFF", uint32(size), "WAVE", bytes.Repeat(riff("JUNK"), 100_000)),
	} {
		got := allocated(func() { _, _ = Inspect(io.LimitReader(endless(head), size), noLimit) })
		require.Less(t, got, uint64(48<<10), name)
	}
}

func TestEveryCodeIsListedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range Codes {
		require.False(t, seen[c], c)
		require.Regexp(t, `^[a-z0-9]+(_[a-z0-9]+)*$`, c)
		seen[c] = true
	}
	require.Equal(t, "truncated: x", (&Error{Code: Truncated, Detail: "x"}).Error())
	require.Equal(t, "empty", (&Error{Code: Empty}).Error())
}
