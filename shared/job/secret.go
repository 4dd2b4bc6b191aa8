package job

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is text that must not reach a log, an error or a message: an API key
// or a presigned URL. It prints as REDACTED in every way of formatting that fmt
// lets a type decide; Reveal is the one way to its content. As JSON it is written
// out: a job's record needs it, and nothing that is logged is a job.
//
// Not a type's to decide are %p and %w (go vet refuses both), and a struct that
// keeps a Secret in an unexported field and is printed whole.
type Secret string

// Reveal returns the secret text.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) redacted() string {
	if s == "" {
		return ""
	}
	return "REDACTED"
}

// Format stands in for every verb: of a wrong one, such as %d, fmt itself would
// print the text in its complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.redacted()) }

// String, GoString and LogValue never show the secret.
func (s Secret) String() string       { return s.redacted() }
func (s Secret) GoString() string     { return s.redacted() }
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }
