package media

import "fmt"

// The codes of [Error]. They are stable: other programs and the catalogue of texts key on them.
const (
	// Empty: the file has no bytes at all.
	Empty = "empty"
	// TooLarge: the file is longer than the caller's limit, or a film's index is longer than any sensible one.
	TooLarge = "too_large"
	// UnknownFormat: neither a picture nor a recording that we know. Detail is one word for what it looks like (gif,
	// heic, avif, pdf, mp4, m4a, ogg, flac, aac, zip, html, json, text ...), or empty.
	UnknownFormat = "unknown_format"
	// Truncated: the file is cut off; its own structure says that more belongs to it.
	Truncated = "truncated"
	// Corrupt: the structure contradicts itself.
	Corrupt = "corrupt"
	// NoAudio: a recording without a single sample or frame.
	NoAudio = "no_audio"
	// UnsupportedCodec: the container is right, but what is inside is coded in a way that is not. Detail names it.
	UnsupportedCodec = "unsupported_codec"
	// BadDimensions: a picture that says it is 0 pixels wide or high.
	BadDimensions = "bad_dimensions"
	// NotMP4: what should be a film is none. Detail is one word for what it looks like, as with UnknownFormat.
	NotMP4 = "not_mp4"
	// NoVideo: an MP4 without a picture track, or with an empty one.
	NoVideo = "no_video"
)

// Codes lists every code an [Error] can carry. It is meant for reading only.
var Codes = []string{
	Empty, TooLarge, UnknownFormat, Truncated, Corrupt, NoAudio, UnsupportedCodec, BadDimensions, NotMP4, NoVideo,
}

// Error is a fault of the file itself, as against an error met while reading it: the same bytes will always have it.
type Error struct {
	// Code is one of the constants of this package.
	Code string
	// Detail says in plain English what was found; it may be empty, and never carries bytes of the file that are not
	// printable ASCII.
	Detail string
}

// Error returns the code, and the detail if there is one.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Code
	}
	return e.Code + ": " + e.Detail
}

func fault(code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}
