package events_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/callback"
	"emodrop/shared/job"
)

var update = flag.Bool("update", false, "sign the sample pushes anew, with a key that nobody keeps")

// The certificate of the key that signed the samples, and what they say.
const (
	certificateFile = "testdata/eventbridge.pem"
	certificates    = "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com/"
	certificateName = "x509_public_certificate_example.pem"
	pushToken       = "example-token-not-a-secret"
	pushedTask      = "13b1848b-5493-4c0e-8c44-68d038b492af"
)

// callee is what the callback function asks: it keeps what it was asked.
type callee struct{ fetched, looked []string }

func (c *callee) Fetch(_ context.Context, link string, _ int64) ([]byte, error) {
	c.fetched = append(c.fetched, link)
	if link != certificates+certificateName {
		return nil, errors.New("not there")
	}
	return os.ReadFile(certificateFile)
}

func (c *callee) Look(_ context.Context, task string) error {
	c.looked = append(c.looked, task)
	return nil
}

func TestTheCallbackFunctionAnswersRequestsToItsURL(t *testing.T) {
	if *update {
		sign(t)
	}
	for name, want := range map[string]struct {
		status int
		looked []string
	}{
		"url-health.json":          {200, nil},
		"url-callback.json":        {200, []string{pushedTask}},
		"url-callback-base64.json": {200, []string{pushedTask}},
		"url-callback-forged.json": {401, nil},
		"url-callback-stale.json":  {401, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r lambdaevents.LambdaFunctionURLRequest
			require.NoError(t, json.Unmarshal(read(t, name), &r), name)
			// The samples are of a day; a bubble's clock can be moved to it.
			time.Sleep(time.Until(time.UnixMilli(r.RequestContext.TimeEpoch)))
			c := &callee{}
			s, err := callback.New(callback.Config{Certificates: certificates, Links: c, Tasks: c, Log: slog.New(slog.DiscardHandler),
				Token: func(context.Context) (job.Secret, error) { return pushToken, nil }})
			require.NoError(t, err)
			got, err := s.Handle(t.Context(), r)
			require.NoError(t, err, name)
			require.Equal(t, want.status, got.StatusCode, name)
			require.Equal(t, want.looked, c.looked, name)
			time.Sleep(2 * time.Minute)
			if r.RequestContext.HTTP.Method == "POST" {
				got, err = s.Handle(t.Context(), r)
				require.NoError(t, err, name)
				require.Equal(t, 401, got.StatusCode, "%s: two minutes later", name)
			}
		})
	}
}

// sign writes the samples of pushes: url-callback.json signed anew, the others
// derived from it.
func sign(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := string(read(t, "url-callback.json"))
	set := func(text, name, value string) string {
		field := regexp.MustCompile(`("` + name + `": ")(?:[^"\\]|\\.)*"`)
		require.Len(t, field.FindAllString(text, -1), 1, name)
		return field.ReplaceAllStringFunc(text, func(string) string { return fmt.Sprintf("%q: %s", name, quoted(t, value)) })
	}
	var r lambdaevents.LambdaFunctionURLRequest
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	received := time.UnixMilli(r.RequestContext.TimeEpoch)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "emodrop's sample events"},
		NotBefore: received.AddDate(-1, 0, 0), NotAfter: received.AddDate(20, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(certificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))

	signed := func(at time.Time) string {
		stamp := strconv.FormatInt(at.UnixMilli(), 10)
		lines := []string{"https://" + r.RequestContext.DomainName + r.RawPath, "x-eventbridge-signature-timestamp: " + stamp,
			"x-eventbridge-hash-method: SHA256", "x-eventbridge-signature-version: 1.0",
			"x-eventbridge-signature-url: " + certificates + certificateName, "x-eventbridge-signature-token: " + pushToken, r.Body}
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		require.NoError(t, err)
		out := set(text, "x-eventbridge-signature-timestamp", stamp)
		out = set(out, "x-eventbridge-signature-url", certificates+certificateName)
		out = set(out, "x-eventbridge-signature-token", pushToken)
		return set(out, "x-eventbridge-signature-v2", base64.StdEncoding.EncodeToString(sig))
	}
	good := signed(received.Add(-150 * time.Millisecond))
	encoded := set(good, "body", base64.StdEncoding.EncodeToString([]byte(r.Body)))
	encoded = strings.Replace(encoded, `"isBase64Encoded": false`, `"isBase64Encoded": true`, 1)
	for name, sample := range map[string]string{
		"url-callback.json": good, "url-callback-base64.json": encoded,
		"url-callback-forged.json": set(good, "body", strings.Replace(r.Body, pushedTask, "5f0c9d3e-2b1a-4c7d-9e8f-0a1b2c3d4e5f", 1)),
		"url-callback-stale.json":  signed(received.Add(-10 * time.Minute)),
	} {
		require.NoError(t, os.WriteFile(name, []byte(sample), 0o644))
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(s))
	return strings.TrimSpace(b.String())
}
