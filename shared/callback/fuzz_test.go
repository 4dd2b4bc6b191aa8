package callback

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// A stand-in for the world: one certificate, wherever it is looked for, and a count
// of the looks.
type fuzzed struct {
	file    []byte
	fetched int
	looked  int
}

func (f *fuzzed) Fetch(_ context.Context, link string, _ int64) ([]byte, error) {
	f.fetched++
	if !strings.HasPrefix(link, fuzzHost) || !strings.HasSuffix(link, ".pem") {
		return nil, errors.New("fetched from elsewhere: " + link)
	}
	return f.file, nil
}

func (f *fuzzed) Look(context.Context, string) error {
	f.looked++
	return nil
}

const (
	fuzzHost  = "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com/"
	fuzzToken = "a-token-that-nobody-guesses"
	fuzzEvent = `{"data":{"task_id":"13b1848b"},"source":"acs.dashscope","type":"dashscope:System:AsyncTaskFinish"}`
)

// FuzzAPush feeds the step requests of every kind. Whatever comes, it does not panic,
// looks at most once and only at what was signed.
func FuzzAPush(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(f, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	require.NoError(f, err)
	file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})

	const address = fuzzHost + "c.pem"
	f.Add("POST", "fn.on.aws", "/", "", "", "SHA256", "1.0", address, fuzzToken, "", fuzzEvent, false)
	f.Add("POST", "fn.on.aws", "/a", "x=1&y=%0A", "1700000000000", "SHA256", "1.0", address, fuzzToken, "AAAA", "", false)
	f.Add("POST", "fn.on.aws", "/", "", "", "SHA256", "1.0", address, fuzzToken, "", base64.StdEncoding.EncodeToString([]byte(fuzzEvent)), true)
	f.Add("GET", "", "", "", "-1", "", "", "https://evil/c.pem", "", "%", "\x00\xff", true)
	f.Add("POST", "fn.on.aws", "/", "", "99999999999999999999", "SHA256,SHA256", "1.0\n", address+"/../x.pem", fuzzToken+",", "====", "[]", false)
	f.Fuzz(func(t *testing.T, method, domain, path, query, at, hash, version, from, token, sign, body string, encoded bool) {
		// An empty time stands for now, an empty signature for a true one of what
		// the seeds send to the root: the fuzzer cannot sign.
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		if at == "" {
			at = now
		}
		text := strings.Join([]string{"https://fn.on.aws/", timeHeader + ": " + now, hashHeader + ": SHA256", versionHeader + ": 1.0",
			addressHeader + ": " + address, tokenHeader + ": " + fuzzToken, fuzzEvent}, "\n")
		if sign == "" {
			sum := sha256.Sum256([]byte(text))
			raw, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
			require.NoError(t, err)
			sign = base64.StdEncoding.EncodeToString(raw)
		}
		world := &fuzzed{file: file}
		s, err := New(Config{Certificates: fuzzHost, Links: world, Tasks: world, Log: slog.New(slog.DiscardHandler),
			Token: func(context.Context) (job.Secret, error) { return fuzzToken, nil }})
		require.NoError(t, err)
		r := events.LambdaFunctionURLRequest{RawPath: path, RawQueryString: query, Body: body, IsBase64Encoded: encoded,
			Headers: map[string]string{timeHeader: at, hashHeader: hash, versionHeader: version, addressHeader: from, tokenHeader: token, signHeader: sign}}
		r.RequestContext.DomainName, r.RequestContext.HTTP.Method = domain, method
		got, err := s.Handle(t.Context(), r)
		require.NoError(t, err)
		require.GreaterOrEqual(t, got.StatusCode, 200)
		require.LessOrEqual(t, world.fetched, 1)
		require.LessOrEqual(t, world.looked, 1)
		if world.looked == 0 {
			return
		}
		sent, why := bodyOf(r)
		require.Empty(t, why)
		require.Equal(t, []string{now, "SHA256", "1.0", address, fuzzToken}, []string{at, hash, version, from, token})
		require.Equal(t, fuzzEvent, strings.TrimSuffix(string(sent), "\n"), "the end of the last line is all that may differ")
		require.True(t, slices.Contains(addresses(r), "https://fn.on.aws/"))
	})
}

// FuzzACertificate feeds files that are not certificates.
func FuzzACertificate(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("<Error/>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if c, err := parse(file); err == nil {
			require.NotNil(t, c.key)
			require.LessOrEqual(t, c.key.N.BitLen(), maxKeyBits)
		}
	})
}

// FuzzAnAddress checks the pinning against what an HTTP client would make of the
// same text.
func FuzzAnAddress(f *testing.F) {
	f.Add(fuzzHost + "a/b.pem")
	f.Add("https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com@evil/c.pem")
	f.Fuzz(func(t *testing.T, address string) {
		if pinned(address, fuzzHost) {
			u, err := url.Parse(address)
			require.NoError(t, err)
			require.Equal(t, "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com", u.Scheme+"://"+u.Host)
			require.Nil(t, u.User)
			require.Empty(t, u.RawQuery+u.Fragment)
			require.Equal(t, address, u.String(), "two readers of it cannot disagree")
		}
	})
}
