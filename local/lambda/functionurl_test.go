package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
)

// urlCall sends a request to the URL of "fn", whose answer is its event.
func (b *bench) urlCall(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	rec := httptest.NewRecorder()
	b.URLHandler("fn").ServeHTTP(rec, r)
	return rec.Result()
}

func TestAFunctionURLTurnsTheRequestIntoAnEvent(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{
		URLDomain: func(fn string) string { return fn + ".lambda-url.test:4444" },
		Functions: []Function{{Name: "fn"}},
	})
	r := httptest.NewRequest("POST", "http://127.0.0.1:9/a%20b/c?x=1&x=2&y=%26", strings.NewReader(`{"do":"echo"}`))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.Header.Add("X-Many", "1")
	r.Header.Add("X-Many", "2")
	r.Header.Set("Cookie", "a=1; b=2")
	r.Header.Set("User-Agent", "test")
	r.RemoteAddr = "192.0.2.7:55"
	res := b.urlCall(t, r)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "application/json", res.Header.Get("Content-Type"))
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)

	var e events.LambdaFunctionURLRequest
	require.NoError(t, json.Unmarshal(body, &e))
	require.Equal(t, "2.0", e.Version)
	require.Equal(t, "/a%20b/c", e.RawPath)
	require.Equal(t, "x=1&x=2&y=%26", e.RawQueryString)
	require.Equal(t, map[string]string{"x": "1,2", "y": "&"}, e.QueryStringParameters)
	require.Equal(t, []string{"a=1", "b=2"}, e.Cookies)
	require.Equal(t, map[string]string{
		"content-type": "application/json; charset=utf-8", "x-many": "1,2", "user-agent": "test",
		"host": "fn.lambda-url.test:4444", "x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "http",
	}, e.Headers)
	require.Equal(t, `{"do":"echo"}`, e.Body)
	require.False(t, e.IsBase64Encoded)
	require.Equal(t, "fn.lambda-url.test:4444", e.RequestContext.DomainName)
	require.Equal(t, "fn", e.RequestContext.DomainPrefix)
	require.Equal(t, "anonymous", e.RequestContext.AccountID)
	require.Equal(t, events.LambdaFunctionURLRequestContextHTTPDescription{
		Method: "POST", Path: "/a%20b/c", Protocol: "HTTP/1.1", SourceIP: "192.0.2.7", UserAgent: "test",
	}, e.RequestContext.HTTP)
	require.Contains(t, string(body), `"routeKey":"$default"`)
}

func TestBinaryBodiesTravelAsBase64(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		contentType, body string
		text              bool
	}{
		"json":               {"application/json", "{}", true},
		"json suffix":        {"application/cloudevents+json; charset=utf-8", "{}", true},
		"plain text":         {"text/plain", "é", true},
		"broken text":        {"text/plain", "\xff", false},
		"picture":            {"image/png", "png", false},
		"form":               {"application/x-www-form-urlencoded", "a=b", false},
		"no type":            {"", "a", false},
		"type without sense": {"/;", "a", false},
	} {
		require.Equal(t, c.text, isText(c.contentType, []byte(c.body)), name)
	}
	b := one(t, Function{})
	r := httptest.NewRequest("PUT", "/", strings.NewReader("\x00\xff"))
	r.Header.Set("Content-Type", "application/octet-stream")
	var e events.LambdaFunctionURLRequest
	require.NoError(t, json.NewDecoder(b.urlCall(t, r).Body).Decode(&e))
	require.True(t, e.IsBase64Encoded)
	require.Equal(t, "AP8=", e.Body)
	require.Equal(t, "fn.lambda-url.us-east-1.on.aws", e.RequestContext.DomainName)
}

func TestTheFunctionsAnswerBecomesTheHTTPAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer string
		status int
		body   string
		header http.Header
	}{
		"a whole answer": {
			`{"statusCode":201,"headers":{"content-type":"text/plain","X-A":"b","Content-Length":"99"},"cookies":["a=1","b=2"],"body":"hi"}`,
			201, "hi", http.Header{"Content-Type": {"text/plain"}, "X-A": {"b"}, "Set-Cookie": {"a=1", "b=2"}},
		},
		"base64":           {`{"statusCode":200,"body":"AP8=","isBase64Encoded":true}`, 200, "\x00\xff", nil},
		"no body":          {`{"statusCode":204}`, 204, "", nil},
		"plain JSON":       {`{"hello":1}`, 200, `{"hello":1}`, http.Header{"Content-Type": {"application/json"}}},
		"a string":         {`"hello"`, 200, `"hello"`, nil},
		"nothing":          {`null`, 200, `null`, nil},
		"wrong status":     {`{"statusCode":99}`, 502, "", nil},
		"status no number": {`{"statusCode":"ok"}`, 502, "", nil},
		"wrong base64":     {`{"statusCode":200,"body":"!","isBase64Encoded":true}`, 502, "", nil},
		"wrong headers":    {`{"statusCode":200,"headers":[]}`, 502, "", nil},
		"no JSON":          {`<html>`, 502, "", nil},
	} {
		answer, err := parseURLAnswer([]byte(c.answer))
		if c.status == 502 {
			require.Error(t, err, name)
			continue
		}
		require.NoError(t, err, name)
		rec := httptest.NewRecorder()
		answer.write(rec, "id")
		require.Equal(t, c.status, rec.Code, name)
		require.Equal(t, c.body, rec.Body.String(), name)
		require.Empty(t, rec.Header().Get("Content-Length"), name)
		for k, v := range c.header {
			require.Equal(t, v, rec.Header()[k], name)
		}
	}
}

func TestAFunctionURLMapsFailuresToStatuses(t *testing.T) {
	t.Parallel()
	// The event of a URL says nothing in "do", so only the start can fail.
	b := setup(t, Config{Functions: []Function{{Name: "fn", Env: map[string]string{"AT_START": "exit"}}}})
	require.Equal(t, http.StatusBadGateway, b.urlCall(t, httptest.NewRequest("GET", "/", nil)).StatusCode)
	rec := httptest.NewRecorder()
	b.URLHandler("other").ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, http.StatusNotFound, rec.Code)
	for _, size := range []int{maxSyncPayload + 1, maxSyncPayload - 100} { // the second only once it is encoded
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", size)))
		require.Equal(t, http.StatusRequestEntityTooLarge, b.urlCall(t, r).StatusCode)
	}
	require.NoError(t, b.Close(t.Context()))
	require.Equal(t, http.StatusServiceUnavailable, b.urlCall(t, httptest.NewRequest("GET", "/", nil)).StatusCode)

	full := one(t, Function{Concurrency: 1})
	require.NoError(t, full.InvokeAsync("fn", []byte(`{"do":"sleep"}`)))
	require.Equal(t, "sleeping", next(t, full.lines))
	require.Equal(t, http.StatusTooManyRequests, full.urlCall(t, httptest.NewRequest("GET", "/", nil)).StatusCode)
}
