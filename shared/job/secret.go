package job

import "log/slog"

// Secret is text that must not reach a log, an error or a message: an API key
// or a presigned URL. It prints as REDACTED in every way of formatting; Reveal
// is the one way to its content. As JSON it is written out: a job's record
// needs it, and nothing that is logged is a job.
type Secret string

// Reveal returns the secret text.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) redacted() string {
	if s == "" {
		return ""
	}
	return "REDACTED"
}

// String, GoString and LogValue never show the secret.
func (s Secret) String() string       { return s.redacted() }
func (s Secret) GoString() string     { return s.redacted() }
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.redacted()) }
