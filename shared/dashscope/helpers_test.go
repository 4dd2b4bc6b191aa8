package dashscope

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// Everything in the tests that must never come back in an error holds the word
// CANARY; failure looks for it in every error of the suite.
const (
	canary    = "CANARY"
	testKey   = job.Secret("sk-CANARYkey0123456789")
	imageLink = job.Secret("https://in.s3.cn-north-1.amazonaws.com.cn/staging/9f/1/image.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=CANARYCRED%2F20261122%2Fs3&X-Amz-Expires=3600&X-Amz-Security-Token=CANARY%2Btoken%2F%3D%3D&X-Amz-Signature=CANARY0123456789abcdef")
	audioLink = job.Secret("https://in.s3.cn-north-1.amazonaws.com.cn/staging/9f/1/audio.mp3?Expires=1&Signature=CANARYsig%2B%2F%3D<>&x=1")
)

// failure asserts that err is an *Error that gives nothing away, and returns it.
func failure(t testing.TB, err error) *Error {
	t.Helper()
	require.Error(t, err)
	var e *Error
	require.ErrorAs(t, err, &e)
	for link := err; link != nil; link = errors.Unwrap(link) {
		require.NotContains(t, link.Error(), canary)
		require.NotContains(t, fmt.Sprintf("%v %+v %s", link, link, link), canary)
	}
	v, jsonErr := json.Marshal(e.Verdict())
	require.NoError(t, jsonErr)
	require.NotContains(t, string(v), canary)
	require.LessOrEqual(t, len(e.Message), maxMessage)
	require.Equal(t, e.Verdict(), job.VerdictOf(fmt.Errorf("wrapped: %w", err)))
	return e
}

// asked is a request as the vendor got it.
type asked struct {
	*http.Request
	body string
}

// vendor is a vendor in memory. It answers with say, in turn, and with the last
// of it for ever.
type vendor struct {
	mu  sync.Mutex
	got []asked
	say []func(*http.Request) (*http.Response, error)
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	v.mu.Lock()
	v.got = append(v.got, asked{r, string(body)})
	say := v.say[min(len(v.got), len(v.say))-1]
	v.mu.Unlock()
	return say(r)
}

func (v *vendor) last() asked { return v.got[len(v.got)-1] }

type says = func(*http.Request) (*http.Response, error)

// with answers with a status, a body and headers "Name: value".
func with(status int, body string, headers ...string) says {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for _, line := range headers {
			name, value, _ := strings.Cut(line, ": ")
			h.Set(name, value)
		}
		return &http.Response{StatusCode: status, Header: h, Request: r, ProtoMajor: 1, ProtoMinor: 1,
			ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// breaks is a connection that ends in an error.
func breaks(err error) says {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// client makes a client of the vendor that answers with say.
func client(t testing.TB, say ...says) (*Client, *vendor) {
	t.Helper()
	v := &vendor{say: say}
	return configured(t, v, Config{}), v
}

func configured(t testing.TB, rt http.RoundTripper, cfg Config) *Client {
	t.Helper()
	cfg.HTTP = rt
	if cfg.Key == nil {
		cfg.Key = func(context.Context) (job.Secret, error) { return testKey, nil }
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

func film() job.CreateRequest {
	return job.CreateRequest{Model: "emo-v1", ImageURL: imageLink, AudioURL: audioLink,
		Face: job.Box{302, 286, 610, 593}, Ext: job.Box{71, 9, 840, 778}, Style: job.Normal}
}
