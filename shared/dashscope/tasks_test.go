package dashscope

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The answers of https://help.aliyun.com/zh/model-studio/emo-api (2025).
const (
	taskDone = `{"request_id":"8190395f-xx","output":{"task_id":"a8532587","task_status":"SUCCEEDED",
		"submit_time":"2025-09-11 14:33:38.716","scheduled_time":"2025-09-11 14:33:53.089","end_time":"2025-09-11 14:35:51.541",
		"results":{"video_url":"http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/xxx.mp4?Expires=xxxx&a=%2F"}},
		"usage":{"video_duration":13.93,"video_ratio":"1:1"}}`
	taskFailed = `{"output":{"task_id":"a8532587","task_status":"FAILED","code":"InvalidURL",
		"message":"Required URL is missing or invalid, please check the request URL."},"request_id":"4d687387-xx"}`
	taskUnknown = `{"request_id":"85c25460","output":{"task_id":"a8532587","task_status":"UNKNOWN"}}`
)

func TestAFinishedTaskIsReadWhole(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, taskDone))
	got, err := c.Task(t.Context(), "", "a8532587")
	require.NoError(t, err)
	require.Equal(t, job.Answer{
		TaskID: "a8532587", RequestID: "8190395f-xx", Status: job.TaskSucceeded,
		Submitted: time.Date(2025, 9, 11, 14, 33, 38, 716e6, beijing),
		Started:   time.Date(2025, 9, 11, 14, 33, 53, 89e6, beijing),
		Ended:     time.Date(2025, 9, 11, 14, 35, 51, 541e6, beijing),
		VideoURL:  "http://dashscope-result-sh.oss-cn-shanghai.aliyuncs.com/xxx.mp4?Expires=xxxx&a=%2F",
		Seconds:   13.93, Ratio: job.Square,
	}, got)
	r := v.last()
	require.Equal(t, "GET https://dashscope.aliyuncs.com/api/v1/tasks/a8532587", r.Method+" "+r.URL.String())
	require.Equal(t, http.Header{
		"Authorization":   {"Bearer " + testKey.Reveal()},
		"Accept-Encoding": {"identity"},
		"User-Agent":      {"emodrop"},
	}, r.Header)
}

func TestATaskIsAskedForWhereItWasCreated(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, taskUnknown))
	_, err := c.Task(t.Context(), "https://ws.cn-beijing.maas.aliyuncs.com/api/v1/", "a8532587")
	require.NoError(t, err)
	require.Equal(t, "https://ws.cn-beijing.maas.aliyuncs.com/api/v1/tasks/a8532587", v.last().URL.String())
	for _, wrong := range []string{"ftp://x", "nothing", "https://user:CANARY@x/", "https://x/?CANARY=1"} {
		_, err = c.Task(t.Context(), wrong, "a8532587")
		_ = failure(t, err)
	}
	require.Len(t, v.got, 1)
}

func TestATasksIdCannotLeadElsewhere(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, `{"output":{"task_status":"RUNNING"}}`))
	for _, id := range []string{"", ".", "..", "a b", "a\nb", "ä"} {
		_, err := c.Task(t.Context(), "", id)
		require.Equal(t, job.Refused, failure(t, err).Outcome)
		require.Equal(t, job.Refused, failure(t, c.Cancel(t.Context(), id)).Outcome)
	}
	require.Empty(t, v.got)
	_, err := c.Task(t.Context(), "", "../a?b#c")
	require.NoError(t, err)
	require.Equal(t, "/api/v1/tasks/..%2Fa%3Fb%23c", v.last().URL.EscapedPath())
}

func TestAFailedTaskSaysWhy(t *testing.T) {
	t.Parallel()
	c, _ := client(t, with(200, taskFailed))
	got, err := c.Task(t.Context(), "", "a8532587")
	require.NoError(t, err)
	require.Equal(t, job.TaskFailed, got.Status)
	require.Equal(t, job.Verdict{Outcome: job.OtherTransport, Status: 200, Code: "InvalidURL",
		Message: "Required URL is missing or invalid, please check the request URL.", RequestID: "4d687387-xx"}, got.Fault)
}

func TestOddAnswersAboutATaskAreReadForWhatTheySay(t *testing.T) {
	t.Parallel()
	plain := func(status job.TaskStatus) job.Answer { return job.Answer{TaskID: "a8532587", Status: status} }
	succeeded := func(link job.Secret, seconds float64, ratio job.Ratio) job.Answer {
		return job.Answer{TaskID: "a8532587", Status: job.TaskSucceeded, VideoURL: link, Seconds: seconds, Ratio: ratio}
	}
	for body, want := range map[string]job.Answer{
		taskUnknown: {TaskID: "a8532587", RequestID: "85c25460", Status: job.TaskUnknown},
		`{"output":{"task_id":"a8532587","task_status":"SUSPENDED","new":{"a":[1]}},"more":1}`:        plain("SUSPENDED"),
		`{"output":{"task_status":"RUNNING","task_metrics":{"TOTAL":1}}}`:                             plain(job.TaskRunning),
		`{"output":{"task_status":"CANCELED","code":"X","message":"y"}}`:                              plain(job.TaskCanceled),
		`{"output":{"task_status":"RUNNING","results":{"video_url":"http://early"}}}`:                 plain(job.TaskRunning),
		`{"output":{"task_status":"SUCCEEDED"}}`:                                                      succeeded("", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","results":[{"url":"http://a"}]}}`:                       succeeded("", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","results":null,"video_url":"http://b"}}`:                succeeded("http://b", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","results":[],"video_url":"http://b"}}`:                  succeeded("http://b", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","results":{"video_url":7},"video_url":{}}}`:             succeeded("", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_duration":14}}`:        succeeded("u", 14, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_duration":"13.5"}}`:    succeeded("u", 13.5, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_duration":"NaN"}}`:     succeeded("u", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_duration":-1}}`:        succeeded("u", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_duration":1e999}}`:     succeeded("u", 0, ""),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":{"video_ratio":"standard"}}`:   succeeded("u", 0, "standard"),
		`{"output":{"task_status":"SUCCEEDED","video_url":"u"},"usage":[1]}`:                          succeeded("u", 0, ""),
		`{"output":{"task_status":"PENDING","submit_time":"yesterday","end_time":7}}`:                 plain(job.TaskPending),
		`{"output":{"task_status":"PENDING","submit_time":""},"request_id":9}`:                        {TaskID: "a8532587", RequestID: "9", Status: job.TaskPending},
		`{"output":{"task_status":"PENDING","submit_time":"2025-09-11 14:33:38"}}`:                    {TaskID: "a8532587", Status: job.TaskPending, Submitted: time.Date(2025, 9, 11, 14, 33, 38, 0, beijing)},
		`{"output":{"task_status":"FAILED"}}`:                                                         {TaskID: "a8532587", Status: job.TaskFailed, Fault: job.Verdict{Status: 200}},
		`{"output":{"task_status":"FAILED","code":"InternalError.Timeout","message":{"not":"text"}}}`: {TaskID: "a8532587", Status: job.TaskFailed, Fault: job.Verdict{Outcome: job.Retry, Status: 200, Code: "InternalError.Timeout"}},
	} {
		c, _ := client(t, with(200, body))
		got, err := c.Task(t.Context(), "", "a8532587")
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
}

func TestAnAnswerThatIsNoneAboutTheTaskIsUnknown(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>", "null", "{}", "[]", `{"output":[]}`, `{"output":{"task_id":"a8532587"}}`,
		`{"output":{"task_status":"FAILED","task_status":"SUCCEEDED"}}`, taskDone[:100], taskDone + "x",
		`{"output":{"task_id":"another","task_status":"FAILED"}}`, `{"Output":{"task_status":"FAILED"}}`} {
		c, v := client(t, with(200, body))
		_, err := c.Task(t.Context(), "", "a8532587")
		require.Equal(t, job.Unknown, failure(t, err).Outcome, body)
		require.Len(t, v.got, 1, "the next poll asks again, not this call")
	}
	c, _ := client(t, with(200, `{"code":"Throttling","message":"x"}`))
	_, err := c.Task(t.Context(), "", "a8532587")
	require.Equal(t, job.Throttled, failure(t, err).Outcome)
}

func TestAReadIsTriedAgainForTroubleAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		say   says
		tries int
	}{
		"the vendor's trouble":    {with(500, `{"code":"InternalError","message":"x"}`), 3},
		"a gateway's page":        {with(502, `<html>`), 3},
		"a short wait asked for":  {with(503, `{}`, "Retry-After: 1"), 3},
		"a long wait asked for":   {with(503, `{}`, "Retry-After: 60"), 1},
		"a broken connection":     {breaks(errors.New("reset")), 3},
		"an answer cut off":       {cutting(200, `{"a`), 3},
		"a throttle":              {with(429, `{"code":"Throttling","message":"x"}`), 1},
		"a throttle without code": {with(429, ``), 1},
		"a refusal":               {with(400, `{"code":"InvalidParameter","message":"x"}`), 1},
		"a redirect":              {with(302, ``, "Location: https://evil.example"), 1},
		"a page instead of JSON":  {with(200, `<html>`), 1},
		"a refused key":           {with(401, `{"code":"InvalidApiKey","message":"x"}`), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{say: []says{tc.say}}
				c := configured(t, v, Config{ReadAttempts: 3})
				start := time.Now()
				_, err := c.Task(t.Context(), "", "t")
				_ = failure(t, err)
				require.Len(t, v.got, tc.tries)
				require.Less(t, time.Since(start), 3*time.Second)
				if tc.tries > 1 {
					require.Greater(t, time.Since(start), 250*time.Millisecond)
				}
			})
		})
	}
}

func TestAReadThatSucceedsTheSecondTimeSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, v := client(t, with(503, ``), with(200, taskUnknown))
		got, err := c.Task(t.Context(), "", "a8532587")
		require.NoError(t, err)
		require.Equal(t, job.TaskUnknown, got.Status)
		require.Len(t, v.got, 2)
	})
}

func TestAWaitingReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, v := client(t, with(503, ``, "Retry-After: 2"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.Task(ctx, "", "t")
		require.Equal(t, job.Retry, failure(t, err).Outcome)
		require.Equal(t, time.Second, time.Since(start))
		require.Len(t, v.got, 1)
	})
}

func TestARefusedKeyIsRefreshedOnceForARead(t *testing.T) {
	t.Parallel()
	refused := with(401, `{"code":"InvalidApiKey","message":"Invalid API-key provided."}`)
	asked := 0
	refresh := func(context.Context) (job.Secret, error) { asked++; return "sk-CANARYfresh", nil }

	v := &vendor{say: []says{refused, with(200, taskUnknown)}}
	c := configured(t, v, Config{Refresh: refresh, ReadAttempts: 1})
	_, err := c.Task(t.Context(), "", "a8532587")
	require.NoError(t, err)
	require.Equal(t, "Bearer sk-CANARYfresh", v.last().Header.Get("Authorization"))
	require.Equal(t, 1, asked)

	v = &vendor{say: []says{refused}}
	c = configured(t, v, Config{Refresh: refresh, ReadAttempts: 5})
	_, err = c.Task(t.Context(), "", "a8532587")
	require.Equal(t, job.OperatorNeeded, failure(t, err).Outcome)
	require.Len(t, v.got, 2)
	require.Equal(t, 2, asked)
}

// https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks (2026)
const taskList = `{"total":12,"total_page":2,"page_no":1,"page_size":10,"request_id":"f6756b7e",
	"data":[{"api_key_id":"15xxxx","caller_parent_id":"p","caller_uid":"u","gmt_create":1745568428109,
	"start_time":1745568428138,"model_name":"emo-v1","region":"cn-beijing","request_id":"1abfc3c8",
	"status":"RUNNING","task_id":"50e2ccea","user_api_unique_key":"apikey:v1:aigc:image2video:video-synthesis:emo-v1"},
	{"api_key_id":15,"gmt_create":"1745568428110","task_id":"60e2ccea","status":"SUSPENDED"}]}`

func TestTheListIsAskedForInBeijingTimeAndReadWhole(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, taskList, "Date: Sun, 22 Nov 2026 10:00:00 GMT"))
	from := time.Date(2026, 11, 22, 20, 30, 5, 0, time.UTC)
	got, err := c.List(t.Context(), job.ListQuery{From: from, To: from.Add(time.Hour), Model: "emo-v1", Page: 1, PageSize: 10})
	require.NoError(t, err)
	require.Equal(t, job.ListPage{Page: 1, Pages: 2, At: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Tasks: []job.Listed{
		{TaskID: "50e2ccea", RequestID: "1abfc3c8", KeyID: "15xxxx", Model: "emo-v1", Status: job.TaskRunning, Created: time.UnixMilli(1745568428109)},
		{TaskID: "60e2ccea", KeyID: "15", Status: "SUSPENDED", Created: time.UnixMilli(1745568428110)},
	}}, got)
	require.Equal(t, "https://dashscope.aliyuncs.com/api/v1/tasks/?end_time=20261123053005&model_name=emo-v1&page_no=1&page_size=10&start_time=20261123043005",
		v.last().URL.String())
	_, err = c.List(t.Context(), job.ListQuery{})
	require.NoError(t, err)
	require.Equal(t, "https://dashscope.aliyuncs.com/api/v1/tasks/", v.last().URL.String())
}

func TestAnEmptyListIsAListAndAMissingOneIsNot(t *testing.T) {
	t.Parallel()
	for _, body := range []string{emptyList, `{"total":0,"data":null}`, `{"total":0}`, `{"data":[]}`} {
		c, _ := client(t, with(200, body))
		got, err := c.List(t.Context(), job.ListQuery{Page: 3})
		require.NoError(t, err)
		require.Empty(t, got.Tasks)
	}
	for _, body := range []string{`{}`, `{"total":1,"total_page":1}`, `{"total":1,"total_page":1,"data":{}}`, `{"total_page":1,"data":[7]}`,
		`{"total_page":1,"data":[{"status":"RUNNING"}]}`, `{"data":[{"task_id":"a"}]}`, `{"request_id":"r"}`} {
		c, _ := client(t, with(200, body))
		_, err := c.List(t.Context(), job.ListQuery{})
		require.Equal(t, job.Unknown, failure(t, err).Outcome, body)
	}
	c, _ := client(t, with(429, `{"code":"Throttling.RateQuota","message":"Requests rate limit exceeded, please try again later."}`))
	_, err := c.List(t.Context(), job.ListQuery{})
	require.Equal(t, job.Throttled, failure(t, err).Outcome)
}

func TestATaskIsCanceledWithAnEmptyBody(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, `{"request_id":"r"}`))
	require.NoError(t, c.Cancel(t.Context(), "a8532587"))
	require.Equal(t, "POST https://dashscope.aliyuncs.com/api/v1/tasks/a8532587/cancel", v.last().Method+" "+v.last().URL.String())
	require.Empty(t, v.last().body)
	require.Len(t, v.got, 1)
}

func TestATaskIsCanceledWhereItWasCreated(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(200, `{"request_id":"r"}`))
	require.NoError(t, c.CancelAt(t.Context(), "https://other.example/api/v1/", "a8532587"))
	require.Equal(t, "https://other.example/api/v1/tasks/a8532587/cancel", v.last().URL.String())
	require.Equal(t, job.NotSent, failure(t, c.CancelAt(t.Context(), "no address", "a8532587")).Outcome)
	require.Len(t, v.got, 1)
}

func TestOnlyAPendingTaskCanBeCanceled(t *testing.T) {
	t.Parallel()
	c, v := client(t, with(400, `{"request_id":"r","code":"UnsupportedOperation","message":"Failed to cancel the task, please confirm if the task is in PENDING status."}`))
	e := failure(t, c.Cancel(t.Context(), "a8532587"))
	require.Equal(t, job.Refused, e.Outcome)
	require.Equal(t, "UnsupportedOperation", e.Code)
	require.Len(t, v.got, 1)
	for _, say := range []says{with(200, `<html>`), with(200, `{"code":"SystemError"}`), with(500, ``)} {
		c, v := client(t, say)
		_ = failure(t, c.Cancel(t.Context(), "a8532587"))
		require.Len(t, v.got, 1)
	}
}
