package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"emodrop/shared/job"
)

// failure is a delivery that was not taken.
type failure struct {
	// status is 0 when there was no answer; why is set then.
	status int
	why    string
	after  time.Duration
}

func (f *failure) Error() string {
	if f.status == 0 {
		return f.why
	}
	return fmt.Sprintf("answered with status %d", f.status)
}

// Delivery is the error in the domain's words.
func (f *failure) Delivery() job.Delivery {
	return job.Delivery{Gone: f.status == http.StatusGone, After: f.after,
		Busy: f.status == 0 || f.status == http.StatusTooManyRequests || f.status >= 500}
}

// guarded is what the guard says of an address.
type guarded struct{ err error }

func (g *guarded) Error() string { return g.err.Error() }
func (g *guarded) Unwrap() error { return g.err }

// reason says of an error of net/http what is known to be harmless: its own text shows
// the address, and may show what the other side sent.
func reason(err error) string {
	var guard *guarded
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &guard):
		return "refused: " + guard.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the host's name does not resolve"
	case errors.As(err, &cert):
		return "the host's certificate is not valid"
	case errors.As(err, &alert), errors.As(err, &record):
		return "no TLS connection can be made"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return "the connection failed: " + op.Op
	}
	return "the host does not speak HTTP as it should"
}
