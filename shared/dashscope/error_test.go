package dashscope

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// leaks are the ways in which a vendor, a proxy or net/http might give back what
// it was given.
func leaks() map[string]string {
	link := imageLink.Reveal()
	_, query, _ := strings.Cut(link, "?")
	quoted, _ := json.Marshal(link)
	return map[string]string{
		"the link":                  "Download " + link + " timeout, please check network connection.",
		"the other link":            "Connection to " + audioLink.Reveal() + " refused",
		"the link, escaped":         "url=" + url.QueryEscape(link),
		"the link as JSON":          string(quoted),
		"the link in capitals":      strings.Replace(link, "https://", "HTTPS://", 1),
		"the link without a scheme": strings.TrimPrefix(link, "https://"),
		"the link cut short":        link[:len(link)-3],
		"the link's beginning gone": link[40:],
		"the link unescaped":        mustUnescape(link),
		"the query":                 query,
		"the query with semicolons": strings.ReplaceAll(query, "&", "; "),
		"one parameter":             "Signature=CANARYabc",
		"a header":                  "Authorization: Bearer " + testKey.Reveal(),
		"another header":            `"x-amz-security-token": "CANARY"`,
		"the key":                   "key " + testKey.Reveal() + " is wrong",
		"the key cut short":         "key " + testKey.Reveal()[:12],
		"another key":               "key sk-ws-CANARY.other is wrong, so is st-CANARYtemporary",
		"a link to an HTML page":    `<a href="` + link + `">here</a>`,
		"a long tail":               strings.Repeat("很", 200) + link,
		"many links":                strings.Repeat(link+" ", 12),
	}
}

func mustUnescape(s string) string {
	plain, err := url.QueryUnescape(s)
	if err != nil {
		panic(err)
	}
	return plain
}

func TestNoErrorGivesAwayALinkOrAKey(t *testing.T) {
	t.Parallel()
	for name, leak := range leaks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := json.Marshal(map[string]any{"code": leak, "message": leak, "request_id": leak,
				"output": map[string]string{"code": leak, "message": leak}})
			require.NoError(t, err)
			for _, say := range []says{with(400, string(body)), with(200, string(body)), with(401, "<html>"+leak, "X-Request-Id: "+leak),
				breaks(&url.Error{Op: "Post", URL: leak, Err: errors.New("reading " + leak)})} {
				c, _ := client(t, say)
				c.attempts = 1
				_, err = c.Create(t.Context(), film())
				_ = failure(t, err)
				_, err = c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
				if err != nil {
					_ = failure(t, err)
				}
				// Without the links at hand only their looks tell them.
				_, err = c.Task(t.Context(), "", "t")
				_ = failure(t, err)
				_, err = c.List(t.Context(), job.ListQuery{})
				_ = failure(t, err)
				_ = failure(t, c.Cancel(t.Context(), "t"))
				_, err = upload(t, c, "emo-v1")
				_ = failure(t, err)
			}
			fail, err := json.Marshal(map[string]any{"output": map[string]string{"task_status": "FAILED", "code": leak, "message": leak}, "request_id": leak})
			require.NoError(t, err)
			c, _ := client(t, with(200, string(fail)))
			a, err := c.Task(t.Context(), "", "t")
			require.NoError(t, err)
			require.NotContains(t, fmt.Sprintf("%+v", a), canary)
			keyless := configured(t, &vendor{say: []says{with(200, "{}")}}, Config{
				Key: func(context.Context) (job.Secret, error) { return "", fmt.Errorf("get secret: %s", leak) }})
			_, err = keyless.Clock(t.Context())
			_ = failure(t, err)
		})
	}
}

func TestARejectedPortraitsMessageGivesNothingAway(t *testing.T) {
	t.Parallel()
	for _, leak := range leaks() {
		body, err := json.Marshal(map[string]any{"code": "InvalidFile.Value", "message": leak})
		require.NoError(t, err)
		c, _ := client(t, with(400, string(body)))
		face, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink})
		require.NoError(t, err)
		require.NotContains(t, face.Message, canary)
	}
}

func TestPlainMessagesAreLeftAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, d := range documented {
		require.Equal(t, d.message, clean(d.message, 300, nil))
		require.Equal(t, d.code, clean(d.code, 100, nil))
	}
	require.Equal(t, "a b c", clean(" a\r\n\tb\x00 c ", 300, nil))
}

func TestALongMessageIsCutBetweenRunes(t *testing.T) {
	t.Parallel()
	for n := range 5 {
		got := clean(strings.Repeat("x", n)+strings.Repeat("人", 200), maxMessage, nil)
		require.LessOrEqual(t, len(got), maxMessage)
		require.Greater(t, len(got), maxMessage-3)
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, "\uFFFD")
	}
}

func TestAnErrorReadsAsASentence(t *testing.T) {
	t.Parallel()
	c, _ := client(t, with(400, `{"code":"InvalidURL","message":"File size is larger than 15MB.","request_id":"r-1"}`))
	_, err := c.Create(t.Context(), film())
	require.EqualError(t, err, "dashscope: create: HTTP 400: InvalidURL: File size is larger than 15MB. (request r-1)")
	c, _ = client(t, breaks(errors.New("connection reset")))
	_, err = c.Create(t.Context(), film())
	require.EqualError(t, err, "dashscope: create: Post: connection reset")
}

func TestTheRequestIDIsTakenFromTheHeaderWhenTheBodyHasNone(t *testing.T) {
	t.Parallel()
	c, _ := client(t, with(401, `{"code":"InvalidApiKey","message":"No API-key provided."}`, "X-Request-Id: 7438d53d"))
	_, err := c.Create(t.Context(), film())
	require.Equal(t, "7438d53d", failure(t, err).RequestID)
}

func TestRetryAfterIsHonouredInBothFormsAndBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		date := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
		for value, want := range map[string]time.Duration{
			"": 0, "0": 0, "7": 7 * time.Second, " 30 ": 30 * time.Second, "600": 10 * time.Minute, "601": 10 * time.Minute,
			"99999999999999999999": 0, "18446744073709551615": 10 * time.Minute, "-1": 0, "soon": 0, "1.5": 0,
			date(time.Minute): time.Minute, date(-time.Minute): 0, date(time.Hour): 10 * time.Minute,
		} {
			c, _ := client(t, with(429, `{"code":"Throttling","message":"x"}`, "Retry-After: "+value))
			_, err := c.Create(t.Context(), film())
			e := failure(t, err)
			require.Equal(t, want, e.RetryAfter, value)
			require.Equal(t, job.Throttled, e.Outcome)
		}
		// Both times are the vendor's, whose clock need not be ours.
		c, _ := client(t, with(429, `{"code":"Throttling"}`, "Retry-After: "+date(time.Hour+20*time.Second), "Date: "+date(time.Hour)))
		_, err := c.Create(t.Context(), film())
		require.Equal(t, 20*time.Second, failure(t, err).RetryAfter)
	})
}

func TestEveryWrongFieldOfAConfigIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{BaseURL: "dashscope.aliyuncs.com", Workspace: "a\nb", UserAgent: "ä", Timeout: -1, CreateTimeout: -1, ReadAttempts: -1})
	require.Error(t, err)
	for _, field := range []string{"BaseURL", "Workspace", "Key", "UserAgent", "\nTimeout", "CreateTimeout", "ReadAttempts"} {
		require.True(t, strings.Contains("\n"+err.Error(), field), field)
	}
	key := func(context.Context) (job.Secret, error) { return testKey, nil }
	for _, base := range []string{"ftp://x/", "https://", "/api/v1", "https://a:CANARY@x", "https://x?CANARY", "https://x#f", "://", "https://x?"} {
		_, err := New(Config{BaseURL: base, Key: key})
		require.ErrorContains(t, err, "BaseURL")
		require.NotContains(t, err.Error(), canary)
	}
	c, err := New(Config{Key: key})
	require.NoError(t, err)
	require.Equal(t, DefaultBaseURL, c.BaseURL())
}
