package callback_test

import (
	"bytes"
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
	"maps"
	"math/big"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/callback"
	"emodrop/shared/job"
)

const (
	token   = "a-token-that-nobody-guesses"
	pinned  = "https://cn-beijing-eventbridge.oss-accelerate.aliyuncs.com/"
	address = pinned + "x509_public_certificate_1.pem"
	domain  = "a1b2c3d4.lambda-url.eu-central-1.on.aws"
	task    = "13b1848b-5493-4c0e-8c44-68d038b492af"
	event   = `{"data":{"task_status":"SUCCEEDED","task_id":"` + task + `"},"source":"acs.dashscope","type":"dashscope:System:AsyncTaskFinish"}`

	timeHeader  = "x-eventbridge-signature-timestamp"
	hashHeader  = "x-eventbridge-hash-method"
	versHeader  = "x-eventbridge-signature-version"
	urlHeader   = "x-eventbridge-signature-url"
	tokenHeader = "x-eventbridge-signature-token"
	signHeader  = "x-eventbridge-signature-v2"
)

// Keys of the smallest size that Go takes: making and using larger ones would be
// most of what these tests do.
var theirs, strangers = newKey(), newKey()

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		panic(err)
	}
	return k
}

// certified is a self-signed certificate of a key, valid for a day around now.
func certified(t testing.TB, key crypto.Signer, change ...func(*x509.Certificate)) []byte {
	t.Helper()
	return certifiedBy(t, key.Public(), key, change...)
}

func certifiedBy(t testing.TB, public crypto.PublicKey, key crypto.Signer, change ...func(*x509.Certificate)) []byte {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-12 * time.Hour), NotAfter: time.Now().Add(12 * time.Hour)}
	for _, f := range change {
		f(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, public, key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// push is what the vendor sends, before it is signed.
type push struct {
	headers     map[string]string
	path, query string
	// url is what is signed for the address; empty: the one that it is sent to.
	url  string
	body string
	key  *rsa.PrivateKey
	// end is what the signer puts behind the body.
	end string
	// sealed changes the request once it is signed.
	sealed func(*events.LambdaFunctionURLRequest)
}

func good(change ...func(*push)) *push {
	p := &push{path: "/", body: event, key: theirs, headers: map[string]string{
		timeHeader: strconv.FormatInt(time.Now().UnixMilli(), 10), hashHeader: "SHA256", versHeader: "1.0", urlHeader: address, tokenHeader: token,
	}}
	for _, f := range change {
		f(p)
	}
	return p
}

// request signs the push and makes the function's event of it.
func (p *push) request(t testing.TB) events.LambdaFunctionURLRequest {
	t.Helper()
	at := p.url
	if at == "" {
		at = "https://" + domain + p.path
		if p.query != "" {
			at += "?" + p.query
		}
	}
	lines := []string{at}
	for _, h := range []string{timeHeader, hashHeader, versHeader, urlHeader, tokenHeader} {
		lines = append(lines, h+": "+p.headers[h])
	}
	sum := sha256.Sum256([]byte(strings.Join(append(lines, p.body), "\n") + p.end))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	require.NoError(t, err)
	r := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: p.path, RawQueryString: p.query, Headers: maps.Clone(p.headers), Body: p.body}
	r.Headers[signHeader] = base64.StdEncoding.EncodeToString(sig)
	r.Headers["content-type"] = "application/json;charset=utf-8"
	r.RequestContext.DomainName, r.RequestContext.HTTP.Method = domain, "POST"
	if p.sealed != nil {
		p.sealed(&r)
	}
	return r
}

// rig is a step and its neighbours.
type rig struct {
	t    testing.TB
	step *callback.Step
	logs bytes.Buffer

	mu      sync.Mutex
	files   map[string][]byte // by address
	fetched []string
	looked  []string
	token   job.Secret
	broken  map[string]error // what fails, by name
	unknown bool             // the task is no job's
}

// in runs a test in a bubble of its own.
func in(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newRig(t)) })
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, token: token, broken: map[string]error{}, files: map[string][]byte{address: certified(t, theirs)}}
	var err error
	r.step, err = callback.New(callback.Config{Certificates: pinned, Links: r, Tasks: r,
		Token: func(context.Context) (job.Secret, error) { return r.token, r.broken["token"] },
		Log:   slog.New(slog.NewJSONHandler(&r.logs, nil))})
	require.NoError(t, err)
	return r
}

var errTrouble = errors.New("no route")

func (r *rig) Fetch(_ context.Context, link string, limit int64) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetched = append(r.fetched, link)
	file, ok := r.files[link]
	if err := r.broken["fetch"]; err != nil || !ok || int64(len(file)) > limit {
		return nil, errors.Join(err, errTrouble)
	}
	return file, nil
}

func (r *rig) Look(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = append(r.looked, id)
	if r.unknown {
		return job.ErrNotFound
	}
	return r.broken["look"]
}

// send hands a request to the step and returns the status.
func (r *rig) send(req events.LambdaFunctionURLRequest) int {
	r.t.Helper()
	got, err := r.step.Handle(r.t.Context(), req)
	require.NoError(r.t, err)
	require.Empty(r.t, got.Body, "not a word more than the status")
	require.False(r.t, got.IsBase64Encoded)
	require.Empty(r.t, got.Headers)
	require.Empty(r.t, got.Cookies)
	return got.StatusCode
}
