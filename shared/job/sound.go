package job

import (
	"fmt"
	"slices"
	"time"
)

// ofFiles are the codes of hand-ins whose files cannot be used, as they were found to be
// when they were read.
var ofFiles = []string{CodeEmpty, CodeTooLarge, CodeNotImage, CodeNotAudio, CodeUnknownFormat, CodeTruncated, CodeCorrupt, CodeUnsupportedCode,
	CodeNoSound, CodeImageTooSmall, CodeImageTooBig, CodeAudioTooLong, CodeFileMissing}

// Unusable says whether a job ended because its files cannot be used, or have never been
// read to their end: trying again would send what was refused, at no price.
func (j Job) Unusable() bool {
	return j.Fault != nil && slices.Contains(ofFiles, j.Fault.Code) ||
		j.Image.ETag == "" || j.Image.Format == "" || j.Audio.ETag == "" || j.Audio.Format == "" || j.Audio.Seconds <= 0
}

// Unsound is why a job must not be sent, by what its record says of its files; nil when
// nothing speaks against it. What is read of a file decides before: this is for records
// that were written without that.
func (p Profile) Unsound(j Job) *Fault {
	fault := func(code string, in Input, format string, args ...any) *Fault {
		return &Fault{Code: code, File: in.Key, Detail: fmt.Sprintf(format, args...)}
	}
	image, audio := j.Image, j.Audio
	switch length := time.Duration(audio.Seconds * float64(time.Second)); {
	case image.ETag == "":
		return fault(CodeFileMissing, image, "")
	case audio.ETag == "":
		return fault(CodeFileMissing, audio, "")
	case image.Size > p.MaxImageBytes:
		return fault(CodeTooLarge, image, "%d bytes; at most %d", image.Size, p.MaxImageBytes)
	case audio.Size > p.MaxAudioBytes:
		return fault(CodeTooLarge, audio, "%d bytes; at most %d", audio.Size, p.MaxAudioBytes)
	case image.Format == "":
		return fault(CodeNotImage, image, "")
	case audio.Format == "":
		return fault(CodeNotAudio, audio, "")
	case min(image.Width, image.Height) < p.MinSide:
		return fault(CodeImageTooSmall, image, "%d×%d px", image.Width, image.Height)
	case max(image.Width, image.Height) > p.MaxSide:
		return fault(CodeImageTooBig, image, "%d×%d px", image.Width, image.Height)
	case audio.Seconds <= 0:
		return fault(CodeCorrupt, audio, "")
	case length > p.MaxAudio:
		return fault(CodeAudioTooLong, audio, "%.2f s; at most %.0f s", audio.Seconds, p.MaxAudio.Seconds())
	}
	return nil
}
