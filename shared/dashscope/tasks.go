package dashscope

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"emodrop/shared/job"
)

// Task asks where a task stands. baseURL is where it was created; empty means the
// configured one. The vendor answers UNKNOWN, without an error, for a task it
// does not or no longer know. A SUCCEEDED task may come without a VideoURL:
// that is for the caller to judge.
// Source: https://help.aliyun.com/zh/model-studio/emo-api (2025)
func (c *Client) Task(ctx context.Context, baseURL, id string) (job.Answer, error) {
	const op = "task"
	base, err := c.baseFor(baseURL)
	if err != nil {
		return job.Answer{}, &Error{Op: op, Outcome: job.NotSent, Err: err}
	}
	if !taskID(id) {
		return job.Answer{}, badID(op)
	}
	rep, e := c.get(ctx, call{op: op, method: http.MethodGet, url: base + "/tasks/" + url.PathEscape(id), task: id})
	if e != nil {
		return job.Answer{}, e
	}
	out := rep.body.object("output")
	status := job.TaskStatus(out.word("task_status"))
	if status == "" {
		if rep.body.text("code") != "" {
			return job.Answer{}, c.refusal(op, rep, nil)
		}
		return job.Answer{}, malformed(op, rep, "the answer has no task status")
	}
	if got := out.text("task_id"); got != "" && got != id {
		return job.Answer{}, malformed(op, rep, "the answer is about another task")
	}
	a := job.Answer{
		TaskID: id, RequestID: rep.requestID(nil), Status: status,
		Submitted: out.when("submit_time"), Started: out.when("scheduled_time"), Ended: out.when("end_time"),
	}
	usage := rep.body.object("usage")
	a.Seconds = max(0, usage.number("video_duration"))
	a.Ratio = job.Ratio(usage.word("video_ratio"))
	switch status {
	case job.TaskSucceeded:
		a.VideoURL = videoURL(out)
	case job.TaskFailed:
		f := c.errorOf(op, rep, out.text("code"), out.text("message"), nil)
		a.Fault = f.Verdict()
	}
	return a, nil
}

// videoURL finds the film's link: in results for EMO, beside it for siblings.
// Models of pictures have a list in results, which is no film's.
// Source: https://help.aliyun.com/zh/model-studio/emo-api and
// https://help.aliyun.com/zh/model-studio/emoji-api (2025)
func videoURL(out object) job.Secret {
	if link, _ := out.object("results")["video_url"].(string); link != "" {
		return job.Secret(link)
	}
	link, _ := out["video_url"].(string)
	return job.Secret(link)
}

// Cancel takes a task back at the configured address; see CancelAt.
func (c *Client) Cancel(ctx context.Context, id string) error { return c.CancelAt(ctx, "", id) }

// CancelAt takes a task back where it was created; an empty baseURL means the
// configured one. The vendor does so only while the task is PENDING and refuses
// otherwise (Outcome Refused). The call is made once.
// Source: https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks (2026)
func (c *Client) CancelAt(ctx context.Context, baseURL, id string) error {
	const op = "cancel"
	base, err := c.baseFor(baseURL)
	if err != nil {
		return &Error{Op: op, Outcome: job.NotSent, Err: err}
	}
	if !taskID(id) {
		return badID(op)
	}
	rep, e := c.ask(ctx, call{op: op, method: http.MethodPost, url: base + "/tasks/" + url.PathEscape(id) + "/cancel", task: id}, c.key)
	if e != nil {
		return e
	}
	if rep.body.text("code") != "" {
		return c.refusal(op, rep, nil)
	}
	return nil
}

// List asks for one page of the tasks of the account, whoever's key made them.
// Rows the vendor did not fill are not dropped but fail the call: whoever looks
// for a lost task must not overlook it.
// Source: https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks (2026)
func (c *Client) List(ctx context.Context, q job.ListQuery) (job.ListPage, error) {
	page, e := c.list(ctx, "list", q)
	if e != nil {
		return job.ListPage{}, e
	}
	return page, nil
}

func (c *Client) list(ctx context.Context, op string, q job.ListQuery) (job.ListPage, *Error) {
	v := url.Values{}
	// ASSUMED: in UTC+8, as every other time the vendor writes without a zone.
	const layout = "20060102150405"
	if !q.From.IsZero() {
		v.Set("start_time", q.From.In(beijing).Format(layout))
	}
	if !q.To.IsZero() {
		v.Set("end_time", q.To.In(beijing).Format(layout))
	}
	if q.Model != "" {
		v.Set("model_name", q.Model)
	}
	if q.Page > 0 {
		v.Set("page_no", strconv.Itoa(q.Page))
	}
	if q.PageSize > 0 {
		v.Set("page_size", strconv.Itoa(q.PageSize))
	}
	link := c.base + "/tasks/"
	if len(v) > 0 {
		link += "?" + v.Encode()
	}
	rep, e := c.get(ctx, call{op: op, method: http.MethodGet, url: link})
	if e != nil {
		return job.ListPage{}, e
	}
	rows, ok := rep.body.list("data")
	if !ok {
		switch {
		case rep.body.text("code") != "":
			return job.ListPage{}, c.refusal(op, rep, nil)
		case rep.body.text("total") != "0":
			return job.ListPage{}, malformed(op, rep, "the answer has no list of tasks")
		}
	}
	p := job.ListPage{Page: rep.body.count("page_no"), Pages: rep.body.count("total_page"), At: rep.at}
	if p.Page == 0 {
		p.Page = max(1, q.Page)
	}
	if p.Pages == 0 && len(rows) > 0 {
		// Without a number of pages a reader would stop at the first.
		return job.ListPage{}, malformed(op, rep, "the answer does not say how many pages there are")
	}
	for _, r := range rows {
		row, _ := r.(object)
		t := job.Listed{
			TaskID: row.text("task_id"), RequestID: row.word("request_id"), KeyID: row.word("api_key_id"),
			Model: row.word("model_name"), Status: job.TaskStatus(row.word("status")), Created: row.millis("gmt_create"),
		}
		if !taskID(t.TaskID) {
			return job.ListPage{}, malformed(op, rep, "a row of the list has no task id")
		}
		p.Tasks = append(p.Tasks, t)
	}
	return p, nil
}

func badID(op string) *Error {
	return &Error{Op: op, Outcome: job.Refused, Err: errBadID}
}
