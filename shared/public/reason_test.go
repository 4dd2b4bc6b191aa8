package public_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/public"
)

func TestAReasonKeepsOnlyWordsThatAreKnownToBeHarmless(t *testing.T) {
	t.Parallel()
	const canary = "sk-canary?signature=canary"
	for want, err := range map[string]error{
		"no answer in time":                             fmt.Errorf("%s: %w", canary, context.DeadlineExceeded),
		"no answer in time ":                            &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
		"the host's name does not resolve: no such??":   &net.DNSError{Err: "no such\né", Name: canary},
		"the host's certificate is not valid: too many": &tls.CertificateVerificationError{Err: errors.New("too many")},
		"the host's certificate is not valid: x509: certificate signed by unknown authority": &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"no TLS connection can be made":             tls.RecordHeaderError{Msg: canary},
		"no TLS connection can be made ":            tls.AlertError(40),
		"the connection failed: dial":               &net.OpError{Op: "dial", Err: errors.New(canary)},
		"the host does not speak HTTP as it should": errors.New(canary),
	} {
		got := public.Reason(&url.Error{Op: "Post", URL: "https://films.test/?" + canary, Err: err})
		require.Equal(t, strings.TrimSpace(want), got)
	}
	require.Less(t, len(public.Reason(&net.DNSError{Err: strings.Repeat("x", 1000)})), 300)
}
