package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"

	"emodrop/shared/job"
	"emodrop/shared/public"
)

// The errors that do not pass by trying again; errors.Is finds them, and
// job.LinkTroubleOf tells them apart for who may not know this package.
var (
	// ErrGone: 403, 404 or 410.
	ErrGone = errors.New("link has ended")
	// ErrRefused: the guard does not let the link through, or the answer is of a
	// kind that is not taken (a redirect, a packed body).
	ErrRefused = errors.New("link refused")
	// ErrTooLarge: more bytes than allowed.
	ErrTooLarge = errors.New("more than expected behind the link")
)

// linkError is one of the above with its reason. It holds nothing of the link but
// its host.
type linkError struct {
	kind error
	why  string
}

func (e *linkError) Error() string { return e.kind.Error() + ": " + e.why }
func (e *linkError) Unwrap() error { return e.kind }

// Link is the error in the domain's words.
func (e *linkError) Link() job.LinkTrouble {
	switch e.kind {
	case ErrGone:
		return job.LinkGone
	case ErrRefused:
		return job.LinkRefused
	}
	return job.LinkTooLarge
}

func refused(format string, args ...any) error {
	return &linkError{ErrRefused, fmt.Sprintf(format, args...)}
}

// fileError is trouble on our own side: the disk is full, the file is closed.
// Asking the source again would not help.
type fileError struct{ err error }

func (e *fileError) Error() string { return "write the download: " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// clean makes an error of net/http fit for logs: see public.Reason.
func clean(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var link *linkError
	if errors.As(err, &link) {
		return link
	}
	for _, known := range []error{io.ErrUnexpectedEOF, io.EOF, http.ErrSchemeMismatch, syscall.ECONNREFUSED, syscall.ECONNRESET,
		syscall.EPIPE, syscall.ENETUNREACH, syscall.EHOSTUNREACH} {
		if errors.Is(err, known) {
			return fmt.Errorf("the connection failed: %w", known)
		}
	}
	return errors.New(public.Reason(err))
}
