package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// exchange is one call as it is kept.
type exchange struct {
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Request  json.RawMessage `json:"request,omitempty"`
	Status   int             `json:"status"`
	Type     string          `json:"content_type,omitempty"`
	Response string          `json:"response,omitempty"`
}

// recorder keeps what goes over it, clean. Safe for concurrent use.
type recorder struct {
	next    http.RoundTripper
	secrets []string

	mu  sync.Mutex
	all []exchange
}

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{Method: req.Method, Path: r.clean(req.URL.RequestURI())}
	if req.Body != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "application/json") {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		e.Request = json.RawMessage(r.clean(string(body)))
	}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	e.Status, e.Type, e.Response = res.StatusCode, res.Header.Get("Content-Type"), r.clean(string(body))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
	return res, nil
}

var (
	permits = regexp.MustCompile(`"(policy|signature|oss_access_key_id|upload_dir|security_token|x_oss_[a-z_]*token)"\s*:\s*"[^"]*"`)
	links   = regexp.MustCompile(`oss://[^"\s]+`)
	uuids   = regexp.MustCompile(`[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}`)
	numbers = regexp.MustCompile(`"(api_key_id|user_api_unique_key|caller_parent_id|caller_uid|uid|aliyun_uid|workspace_id)"\s*:\s*("[^"]*"|[0-9]+)`)
)

// clean takes out whatever could be used, or tells whose it was.
func (r *recorder) clean(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, "REDACTED")
	}
	s = permits.ReplaceAllString(s, `"$1":"REDACTED"`)
	s = links.ReplaceAllString(s, "oss://REDACTED")
	s = numbers.ReplaceAllString(s, `"$1":"REDACTED"`)
	return uuids.ReplaceAllString(s, "00000000-0000-0000-0000-000000000000")
}

// keep writes what was recorded under that name.
func (r *recorder) keep(t *testing.T, name string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := json.MarshalIndent(r.all, "", "  ")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile(filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".json"), append(b, '\n'), 0o644))
	r.all = nil
}

func TestWhatIsKeptOfARealCallCanBeUsedByNobody(t *testing.T) {
	t.Parallel()
	const key = "sk-0123456789abcdef"
	said := fmt.Sprintf(`{"data":{"policy":"cG9saWN5","signature":"c2lnbmF0dXJl","upload_dir":"dashscope-instant/0a1b/2026-01-01/%[1]s",`+
		`"oss_access_key_id":"LTAI5tSecret","expire_in_seconds":300},"request_id":"%[1]s","api_key_id":"4711","caller_uid":1234567890,"echo":"%[2]s"}`,
		"a8532587-fa8c-4ef8-82be-0c46b17950d1", key)
	r := &recorder{secrets: []string{key}, next: answering(said)}
	req, err := http.NewRequest(http.MethodPost, "https://dashscope.test/api/v1/x?model=m", strings.NewReader(`{"input":{"image_url":"oss://dashscope-instant/0a1b/1-me.png"}}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := r.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Equal(t, said, string(body), "the client gets it all")
	kept, err := json.Marshal(r.all)
	require.NoError(t, err)
	for _, secret := range []string{key, "cG9saWN5", "c2lnbmF0dXJl", "LTAI5tSecret", "0a1b", "a8532587", "4711", "1234567890", "me.png", "Bearer"} {
		require.NotContains(t, string(kept), secret)
	}
	require.Contains(t, string(kept), "expire_in_seconds")
	require.Contains(t, string(kept), "/api/v1/x?model=m")
}

type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}
