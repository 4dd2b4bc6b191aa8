package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"emodrop/shared/job"
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

// maxText bounds what an error says in words that are not ours.
const maxText = 200

// clean makes an error of net/http fit for logs. Its text may hold the link, whose
// query is a credential, and whatever the source sent, which may be anything; so
// only errors of known kinds keep their words, and the rest is dropped.
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
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return errors.New("the host's name does not resolve: " + plainText(dns.Err))
	case errors.As(err, &cert):
		return errors.New("the host's certificate is not valid: " + plainText(cert.Err.Error()))
	case errors.As(err, &alert), errors.As(err, &record):
		return errors.New("no TLS connection can be made")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the source did not answer in time")
	case errors.As(err, &op):
		return errors.New("the connection failed: " + op.Op)
	}
	return errors.New("the source does not speak HTTP as it should")
}

// plainText keeps what is printable and plain, up to a bound.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), maxText)])
}
