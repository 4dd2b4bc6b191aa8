package job

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// ofFiles are the codes of hand-ins whose files cannot be used, as they were found to be
// when they were read.
var ofFiles = []string{CodeEmpty, CodeTooLarge, CodeNotImage, CodeNotAudio, CodeUnknownFormat, CodeTruncated, CodeCorrupt, CodeUnsupportedCode,
	CodeNoSound, CodeImageTooSmall, CodeImageTooBig, CodeAudioTooLong, CodeFileMissing, CodeOptionsRefused}

// Unusable says whether a job ended because its files cannot be used, or have never been
// read to their end: trying again would send what was refused, at no price.
func (j Job) Unusable() bool {
	return j.Fault != nil && slices.Contains(ofFiles, j.Fault.Code) ||
		j.Image.ETag == "" || j.Image.Format == "" || j.Audio.ETag == "" || j.Audio.Format == "" || j.Audio.Seconds <= 0
}

// Unsound is why a job must not be sent, by what its record says of its files; nil when
// nothing speaks against it. What is read of a file decides before, by the same limits:
// this is for records that were written without that.
func (p Profile) Unsound(j Job) *Fault {
	image, audio := j.Image, j.Audio
	for _, in := range []Input{image, audio} {
		if in.ETag == "" {
			return &Fault{Code: CodeFileMissing, File: in.Key}
		}
	}
	if f := image.Larger(p.MaxImageBytes); f != nil {
		return f
	}
	if f := audio.Larger(p.MaxAudioBytes); f != nil {
		return f
	}
	switch {
	case image.Format == "":
		return &Fault{Code: CodeNotImage, File: image.Key}
	case audio.Format == "":
		return &Fault{Code: CodeNotAudio, File: audio.Key}
	}
	if f := p.Sides(image); f != nil {
		return f
	}
	if audio.Seconds <= 0 {
		return &Fault{Code: CodeCorrupt, File: audio.Key}
	}
	return p.Length(audio)
}

// Larger is a file's fault when it has more bytes than that; else nil.
func (in Input) Larger(limit int64) *Fault {
	if in.Size <= limit {
		return nil
	}
	return in.fault(CodeTooLarge, "%s; at most %s", bytesText(in.Size), bytesText(limit))
}

// Sides is a picture's fault when it is too small or too large in pixels; else nil.
func (p Profile) Sides(in Input) *Fault {
	size := fmt.Sprintf("%d×%d", in.Width, in.Height)
	switch {
	case min(in.Width, in.Height) < p.MinSide:
		return in.fault(CodeImageTooSmall, "%s; at least %d", size, p.MinSide)
	case max(in.Width, in.Height) > p.MaxSide:
		return in.fault(CodeImageTooBig, "%s; at most %d", size, p.MaxSide)
	}
	return nil
}

// Length is a recording's fault when it lasts too long; else nil.
func (p Profile) Length(in Input) *Fault {
	// Rounded, as the length was in whole nanoseconds: the limit itself is none too long.
	length := time.Duration(math.Round(in.Seconds * float64(time.Second)))
	if length <= p.MaxAudio {
		return nil
	}
	// Up, so that a hair over the limit never reads as the limit itself.
	shown := (length + 10*time.Millisecond - 1).Truncate(10 * time.Millisecond)
	return in.fault(CodeAudioTooLong, "%.2f s; at most %.0f s", shown.Seconds(), p.MaxAudio.Seconds())
}

func (in Input) fault(code, detail string, args ...any) *Fault {
	return &Fault{Code: code, File: in.Key, Detail: fmt.Sprintf(detail, args...)}
}

// bytesText gives a size in MB to two decimals, or in bytes below one.
func bytesText(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	// Up, so that one byte over the limit never reads as the limit itself.
	return fmt.Sprintf("%.2f MB", float64((n*100+(1<<20)-1)>>20)/100)
}
