package dashscope

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The answer of https://help.aliyun.com/zh/model-studio/emo-api (2025).
const createdAnswer = `{
    "output": {
        "task_id": "a8532587-fa8c-4ef8-82be-xxxxxx",
        "task_status": "PENDING"
    },
    "request_id": "7574ee8f-38a3-4b1e-9280-11c33ab46e51"
}`

func TestACreateIsPostedAsTheDocumentShowsIt(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, createdAnswer, "Date: Sun, 22 Nov 2026 10:00:00 GMT"))
	got, err := c.Create(t.Context(), job.CreateRequest{Model: "emo-v1",
		ImageURL: "https://example.com/a.jpg?a=1&b=%E4%BA%BA&c=<%2B>", AudioURL: "http://example.com/b.mp3",
		Face: job.Box{302, 286, 610, 593}, Ext: job.Box{71, 9, 840, 778}, Style: job.Normal})
	require.NoError(t, err)
	require.Equal(t, job.Created{TaskID: "a8532587-fa8c-4ef8-82be-xxxxxx", RequestID: "7574ee8f-38a3-4b1e-9280-11c33ab46e51",
		Status: job.TaskPending, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}, got)

	r := v.last()
	require.Len(t, v.got, 1)
	require.Equal(t, http.MethodPost, r.Method)
	require.Equal(t, "https://dashscope.aliyuncs.com/api/v1/services/aigc/image2video/video-synthesis", r.URL.String())
	require.Equal(t, `{"model":"emo-v1","input":{"image_url":"https://example.com/a.jpg?a=1&b=%E4%BA%BA&c=<%2B>",`+
		`"audio_url":"http://example.com/b.mp3","face_bbox":[302,286,610,593],"ext_bbox":[71,9,840,778]},`+
		`"parameters":{"style_level":"normal"}}`, r.body)
	require.Equal(t, int64(len(r.body)), r.ContentLength)
	require.Equal(t, http.Header{
		"Authorization":     {"Bearer " + testKey.Reveal()},
		"Content-Type":      {"application/json"},
		"X-Dashscope-Async": {"enable"},
		"Accept-Encoding":   {"identity"},
		"User-Agent":        {"emodrop"},
	}, r.Header)
}

func TestACreateCanNeitherBeRewoundNorReplayed(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, createdAnswer))
	_, err := c.Create(t.Context(), film())
	require.NoError(t, err)
	require.Nil(t, v.last().GetBody)
	require.NotContains(t, v.last().Header, "Idempotency-Key")
	require.NotContains(t, v.last().Header, "X-Idempotency-Key")
}

// frozen is a way to the vendor on which the machine stands still for a while before
// anything is written.
type frozen struct {
	*vendor
	d time.Duration
}

func (f frozen) RoundTrip(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	time.Sleep(f.d)
	return f.vendor.RoundTrip(r)
}

func TestWhoWasFrozenPastItsRightSendsNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		frozen, right time.Duration
		sent          bool
	}{
		"in time":                   {time.Minute - 1, time.Minute, true},
		"as it ends":                {time.Minute, time.Minute, false},
		"long after it":             {time.Hour, time.Minute, false},
		"a right that does not end": {time.Hour, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{say: []says{with(200, createdAnswer)}}
				r := film()
				if c.right > 0 {
					r.Before = time.Now().Add(c.right)
				}
				_, err := configured(t, frozen{v, c.frozen}, Config{CreateTimeout: 2 * time.Hour}).Create(t.Context(), r)
				if c.sent {
					require.NoError(t, err)
					return
				}
				require.Equal(t, job.Unknown, failure(t, err).Outcome, "as for every call that had a connection")
				require.Empty(t, v.got)
			})
		})
	}
}

func TestParametersAreLeftOutWithoutAStyleAndTheModelIsEMOWithoutAName(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, createdAnswer))
	_, err := c.Create(t.Context(), job.CreateRequest{ImageURL: "https://a/b.jpg", AudioURL: "https://a/b.mp3"})
	require.NoError(t, err)
	require.Equal(t, `{"model":"emo-v1","input":{"image_url":"https://a/b.jpg","audio_url":"https://a/b.mp3",`+
		`"face_bbox":[0,0,0,0],"ext_bbox":[0,0,0,0]}}`, v.last().body)
}

func TestOnlyTemporaryStorageAsksForResolving(t *testing.T) {
	t.Parallel()
	for _, links := range [][2]job.Secret{{"oss://a/b.jpg", "https://a/b.mp3"}, {"https://a/b.jpg", "oss://a/b.mp3"}, {"OSS://a/b.jpg", ""}} {
		c, v := client(t, with(200, createdAnswer))
		_, err := c.Create(t.Context(), job.CreateRequest{ImageURL: links[0], AudioURL: links[1]})
		require.NoError(t, err)
		require.Equal(t, "enable", v.last().Header.Get("X-DashScope-OssResourceResolve"))
	}
	c, v := client(t, with(200, createdAnswer))
	_, err := c.Create(t.Context(), job.CreateRequest{ImageURL: "https://oss://x", AudioURL: "https://a/oss://"})
	require.NoError(t, err)
	require.Empty(t, v.last().Header.Get("X-DashScope-OssResourceResolve"))
}

func TestWorkspaceAndUserAgentAreSentWhenSet(t *testing.T) {
	t.Parallel()
	v := &vendor{say: []says{with(200, createdAnswer)}}
	c := configured(t, v, Config{Workspace: "ws-1", UserAgent: "emodrop/2 (test)", BaseURL: "http://127.0.0.1:8080/api/v1//"})
	_, err := c.Create(t.Context(), film())
	require.NoError(t, err)
	require.Equal(t, "http://127.0.0.1:8080/api/v1", c.BaseURL())
	require.Equal(t, "http://127.0.0.1:8080/api/v1/services/aigc/image2video/video-synthesis", v.last().URL.String())
	require.Equal(t, "ws-1", v.last().Header.Get("X-DashScope-WorkSpace"))
	require.Equal(t, "emodrop/2 (test)", v.last().Header.Get("User-Agent"))
}

func TestAClearRefusalOfACreateHasItsOutcome(t *testing.T) {
	t.Parallel()
	for _, d := range documented {
		if d.status < 400 || d.status > 499 || d.status == 408 || d.code == "" || d.want == job.Retry {
			continue
		}
		body, err := encode(map[string]string{"request_id": "4d687387", "code": d.code, "message": d.message})
		require.NoError(t, err)
		c, v := client(t, with(d.status, string(body)))
		_, err = c.Create(t.Context(), film())
		e := failure(t, err)
		require.Equal(t, d.want, e.Outcome, "%d %s: %s", d.status, d.code, d.message)
		require.Equal(t, d.status, e.Status)
		require.Equal(t, d.code, e.Code)
		require.Equal(t, d.message, e.Message)
		require.Equal(t, "4d687387", e.RequestID)
		require.Len(t, v.got, 1)
	}
}

func TestWhateverIsNotClearLeavesACreateUnknown(t *testing.T) {
	t.Parallel()
	const refusal = `{"code":"InvalidParameter","message":"x","request_id":"r"}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 2<<20))
	_ = z.Close()
	for name, say := range map[string]says{
		"a server error with a code":         with(500, `{"code":"InternalError","message":"x"}`),
		"a server error with a refusal":      with(500, refusal),
		"a gateway's page":                   with(502, "<html>bad gateway</html>", "Content-Type: text/html"),
		"a refusal without JSON":             with(400, "<html>no</html>"),
		"a refusal without a code":           with(400, `{"message":"no"}`),
		"a refusal with an empty code":       with(400, `{"code":" ","message":"no"}`),
		"a refusal whose code is an object":  with(400, `{"code":{},"message":"no"}`),
		"a throttle without a code":          with(429, "slow down"),
		"a refusal cut short":                with(400, refusal[:20]),
		"two refusals":                       with(400, refusal+refusal),
		"a refusal said twice":               with(400, `{"code":"A","code":"B"}`),
		"a refusal too long":                 with(400, `{"code":"A","message":"`+strings.Repeat("x", maxAnswer)+`"}`),
		"a refusal that names a task":        with(400, `{"code":"A","output":{"task_id":"t"}}`),
		"a refusal for time":                 with(400, `{"code":"RequestTimeOut","message":"x"}`),
		"a refusal for inner trouble":        with(400, `{"code":"InternalError.Timeout","message":"x"}`),
		"408 with a code":                    with(408, refusal),
		"a temporary redirect":               with(307, refusal, "Location: https://evil.example/"),
		"a permanent redirect":               with(308, refusal, "Location: /services/"),
		"a see-other":                        with(303, "", "Location: /"),
		"nothing":                            with(200, ""),
		"an empty object":                    with(200, `{}`),
		"null":                               with(200, `null`),
		"a list":                             with(200, `[]`),
		"a success cut short":                with(200, createdAnswer[:60]),
		"a success with an endless tail":     with(200, createdAnswer+strings.Repeat(" ", maxAnswer)),
		"a success without a task":           with(200, `{"output":{"task_status":"PENDING"},"request_id":"r"}`),
		"a success with an empty task":       with(200, `{"output":{"task_id":""}}`),
		"a success with a blank task":        with(200, `{"output":{"task_id":"  "}}`),
		"a success with a number for a task": with(200, `{"output":{"task_id":7}}`),
		"a success with a novel for a task":  with(200, `{"output":{"task_id":"`+strings.Repeat("x", 129)+`"}}`),
		"a success with a task outside":      with(200, `{"task_id":"t"}`),
		"a success with two tasks":           with(200, `{"output":{"task_id":"a","task_id":"b"}}`),
		"a refusal in a success":             with(200, refusal),
		"a success with another status":      with(201, createdAnswer),
		"accepted":                           with(202, createdAnswer),
		"an unknown encoding":                with(200, createdAnswer, "Content-Encoding: br"),
		"something that is not gzip":         with(200, createdAnswer, "Content-Encoding: gzip"),
		"a bomb":                             with(200, zipped.String(), "Content-Encoding: gzip"),
		"a connection reset":                 breaks(errors.New("read tcp: connection reset by peer")),
		"an answer that breaks off":          cutting(200, createdAnswer[:40]),
		"a refusal that breaks off":          cutting(400, refusal),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, v := client(t, say)
			_, err := c.Create(t.Context(), film())
			e := failure(t, err)
			require.Equal(t, job.Unknown, e.Outcome, "%v", err)
			require.Len(t, v.got, 1, "posted once")
		})
	}
}

// cutting answers with a body that ends in a broken connection.
func cutting(status int, body string) says {
	return func(r *http.Request) (*http.Response, error) {
		resp, err := with(status, "")(r)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), brokenReader{}))
		return resp, err
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestACompressedReceiptIsStillAReceipt(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(createdAnswer))
	_ = z.Close()
	c, _ := client(t, with(200, b.String(), "Content-Encoding: gzip"))
	got, err := c.Create(t.Context(), film())
	require.NoError(t, err)
	require.Equal(t, "a8532587-fa8c-4ef8-82be-xxxxxx", got.TaskID)
}

func TestACreateThatNobodyReadWasNotSent(t *testing.T) {
	t.Parallel()
	c := configured(t, roundTrip(breaks(errors.New("dial tcp: connection refused"))), Config{})
	_, err := c.Create(t.Context(), film())
	require.Equal(t, job.NotSent, failure(t, err).Outcome)
}

type roundTrip says

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestACreateJudgedNotSentCannotBeSentAfterwards(t *testing.T) {
	t.Parallel()
	var kept io.Reader
	c := configured(t, roundTrip(func(r *http.Request) (*http.Response, error) {
		kept = r.Body
		return nil, errors.New("gave up early")
	}), Config{})
	_, err := c.Create(t.Context(), film())
	require.Equal(t, job.NotSent, failure(t, err).Outcome)
	late, err := io.ReadAll(kept)
	require.Empty(t, late)
	require.Error(t, err)
}

func TestACreateWithoutAKeyIsNotTried(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key  func(context.Context) (job.Secret, error)
		want job.Outcome
	}{
		"the key cannot be had":    {func(context.Context) (job.Secret, error) { return "", errors.New("get secret: throttled") }, job.NotSent},
		"the key is empty":         {func(context.Context) (job.Secret, error) { return " \n", nil }, job.OperatorNeeded},
		"the key cannot be a line": {func(context.Context) (job.Secret, error) { return "CANARY\nkey", nil }, job.OperatorNeeded},
	} {
		v := &vendor{say: []says{with(200, createdAnswer)}}
		c := configured(t, v, Config{Key: tc.key})
		_, err := c.Create(t.Context(), film())
		require.Equal(t, tc.want, failure(t, err).Outcome, name)
		require.Empty(t, v.got)
	}
}

func TestSpaceAroundTheKeyIsTakenOff(t *testing.T) {
	t.Parallel()
	v := &vendor{say: []says{with(200, createdAnswer)}}
	c := configured(t, v, Config{Key: func(context.Context) (job.Secret, error) { return " sk-abc\n", nil }})
	_, err := c.Create(t.Context(), film())
	require.NoError(t, err)
	require.Equal(t, "Bearer sk-abc", v.last().Header.Get("Authorization"))
}

func TestARefusedKeyIsNotRefreshedForACreate(t *testing.T) {
	t.Parallel()
	v := &vendor{say: []says{with(401, `{"code":"InvalidApiKey","message":"Invalid API-key provided."}`)}}
	c := configured(t, v, Config{Refresh: func(context.Context) (job.Secret, error) {
		t.Error("asked for a fresh key")
		return testKey, nil
	}})
	_, err := c.Create(t.Context(), film())
	require.Equal(t, job.OperatorNeeded, failure(t, err).Outcome)
	require.Len(t, v.got, 1)
}

func TestACreateHasATimeLimitOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{say: []says{func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}}
		c := configured(t, v, Config{Timeout: time.Hour, CreateTimeout: 7 * time.Second})
		start := time.Now()
		_, err := c.Create(t.Context(), film())
		e := failure(t, err)
		require.Equal(t, 7*time.Second, time.Since(start))
		require.Equal(t, job.Unknown, e.Outcome)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, v.got, 1)
	})
}
