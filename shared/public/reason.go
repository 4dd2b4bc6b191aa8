package public

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
)

// maxText bounds what a reason says in words that are not ours.
const maxText = 200

// Reason says why nothing came of a call over HTTP, in words that are fit for logs. The
// text of an error of net/http may hold the address, whose query may be a credential, and
// whatever the other side sent, which may be anything: so only errors of known kinds keep
// their words, and the rest is dropped.
func Reason(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		return "the host's name does not resolve: " + plainText(dns.Err)
	case errors.As(err, &cert):
		return "the host's certificate is not valid: " + plainText(cert.Err.Error())
	case errors.As(err, &alert), errors.As(err, &record):
		return "no TLS connection can be made"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &op):
		return "the connection failed: " + op.Op
	}
	return "the host does not speak HTTP as it should"
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
