package dashscope

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// raw answers with bytes as they would come over the wire.
func raw(wire []byte) says {
	return func(r *http.Request) (*http.Response, error) {
		return http.ReadResponse(bufio.NewReader(strings.NewReader(string(wire))), r)
	}
}

func head(status, headers, body string) []byte {
	return []byte("HTTP/1.1 " + status + "\r\n" + headers + "\r\n" + body)
}

func seeds(f *testing.F) {
	for _, body := range []string{createdAnswer, taskDone, taskFailed, taskUnknown, taskList, emptyList, detectPassed, detectNot, permit("300"),
		`{"code":"InvalidParameter","message":"x","request_id":"r"}`, `{"output":{"task_id":"a","task_id":"b"}}`, "<html>", "", "null", `[{}]`,
		`{"output":{"code":"InvalidFile.Value"}}`, `{"code":"A","output":{"task_id":"t"}}`, strings.Repeat("[", 10000), "{\"\xff\":\"\xff\"}"} {
		for _, status := range []string{"200 OK", "400 Bad Request", "500 Internal Server Error"} {
			f.Add(head(status, "", body))
		}
	}
	for _, body := range []string{createdAnswer, taskFailed, `{"code":"A","output":{"task_id":"t"}}`} {
		for _, status := range []string{"401 Unauthorized", "408 Request Timeout", "429 Too Many Requests",
			"302 Found", "204 No Content", "101 Switching Protocols"} {
			f.Add(head(status, "", body))
		}
		f.Add(head("200 OK", "Content-Length: 9999\r\n", body))
		f.Add(head("400 Bad", "Content-Encoding: gzip\r\nRetry-After: 7\r\nX-Request-Id: r\r\n", body))
	}
	f.Add(head("200 OK", "Transfer-Encoding: chunked\r\n", "5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\n"))
	f.Add([]byte("nonsense"))
}

// FuzzCreate holds the invariant of the package against an independent reading
// of the answer: a success needs 200 and a task id, a verdict needs a refusal
// with a code, and all else is Unknown.
func FuzzCreate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, wire []byte) {
		v := &vendor{say: []says{raw(wire)}}
		c := configured(t, v, Config{})
		got, err := c.Create(t.Context(), film())
		require.Len(t, v.got, 1, "posted once")

		var status int
		var said struct {
			Code   any `json:"code"`
			Output any `json:"output"`
		}
		sound := false
		if resp, respErr := raw(wire)(v.last().Request); respErr == nil {
			status = resp.StatusCode
			data, readErr := readAnswer(resp)
			sound = readErr == nil && json.Unmarshal(data, &said) == nil
		}
		output, _ := said.Output.(map[string]any)
		if err == nil {
			require.True(t, sound)
			require.Equal(t, 200, status)
			require.NotEmpty(t, got.TaskID)
			require.Equal(t, output["task_id"], got.TaskID)
			return
		}
		require.Zero(t, got)
		e := failure(t, err)
		if e.Outcome == job.Unknown {
			return
		}
		require.True(t, sound)
		require.NotEqual(t, job.NotSent, e.Outcome, "the vendor read it")
		require.NotEqual(t, job.Retry, e.Outcome)
		require.GreaterOrEqual(t, status, 400)
		require.Less(t, status, 500)
		require.NotEqual(t, 408, status)
		require.True(t, said.Code != nil || output["code"] != nil)
	})
}

// FuzzAnswers lets every other call read whatever comes: nothing may break, and
// what comes out has the shape that the callers rely on.
func FuzzAnswers(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, wire []byte) {
		c, _ := client(t, raw(wire))
		c.attempts = 1
		if a, err := c.Task(t.Context(), "", "a8532587"); err == nil {
			require.NotEmpty(t, a.Status)
			require.Equal(t, "a8532587", a.TaskID)
			require.GreaterOrEqual(t, a.Seconds, 0.0)
			require.True(t, a.VideoURL == "" || a.Status == job.TaskSucceeded)
			require.True(t, a.Fault == job.Verdict{} || a.Status == job.TaskFailed)
		} else {
			_ = failure(t, err)
		}
		if p, err := c.List(t.Context(), job.ListQuery{}); err == nil {
			require.GreaterOrEqual(t, p.Page, 1)
			require.True(t, p.Pages > 0 || len(p.Tasks) == 0)
			for _, row := range p.Tasks {
				require.True(t, taskID(row.TaskID))
			}
		} else {
			_ = failure(t, err)
		}
		if face, err := c.Detect(t.Context(), job.DetectRequest{ImageURL: imageLink}); err == nil {
			if face.Pass {
				require.Less(t, face.Box[0], face.Box[2])
				require.Less(t, face.Ext[1], face.Ext[3])
			} else {
				require.Zero(t, face.Box)
				require.Zero(t, face.Ext)
			}
		} else {
			_ = failure(t, err)
		}
		if err := c.Cancel(t.Context(), "t"); err != nil {
			_ = failure(t, err)
		}
		if _, err := c.Clock(t.Context()); err != nil {
			_ = failure(t, err)
		}
		if _, err := upload(t, c, "emo-v1"); err != nil {
			_ = failure(t, err)
		}
	})
}

// FuzzClean: a text from outside stays bounded and valid, cleaning it again
// changes nothing that matters, and no link with a query survives.
func FuzzClean(f *testing.F) {
	for _, leak := range leaks() {
		f.Add(leak, 300)
	}
	for _, d := range documented {
		f.Add(d.message, 20)
	}
	f.Add("://no scheme", 300)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1000)
		got := clean(s, limit, []string{testKey.Reveal()})
		require.LessOrEqual(t, len(got), limit)
		require.True(t, utf8.ValidString(got))
		require.NotContains(t, got, testKey.Reveal())
		require.NotContains(t, got, "://")
		require.NotContains(t, got, "\n")
		s = strings.ReplaceAll(s[:min(len(s), 4<<10)], canary, "")
		require.NotContains(t, clean(s+" https://a.b/c?X-Amz-Signature="+canary, 100000, nil), canary)
	})
}

// FuzzClassify: every answer has an outcome that errors can have, and only those
// without a code may be undecided.
func FuzzClassify(f *testing.F) {
	for _, d := range documented {
		f.Add(d.status, d.code, d.message)
	}
	f.Fuzz(func(t *testing.T, status int, code, message string) {
		got := Classify(status, code, message)
		require.NotContains(t, []job.Outcome{job.NotSent, job.Lost}, got)
		if strings.TrimSpace(code) != "" && (status == 200 || status/100 == 4 || status/100 == 5) {
			require.NotEqual(t, job.Unknown, got)
		}
	})
}
