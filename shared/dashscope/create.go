package dashscope

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"emodrop/shared/job"
)

// The wire form of a create call, in the order of the documented example.
// Source: https://help.aliyun.com/zh/model-studio/emo-api (2025)
type createBody struct {
	Model      string            `json:"model"`
	Input      createInput       `json:"input"`
	Parameters *createParameters `json:"parameters,omitempty"`
}

type createInput struct {
	ImageURL string  `json:"image_url"`
	AudioURL string  `json:"audio_url"`
	Face     job.Box `json:"face_bbox"`
	Ext      job.Box `json:"ext_bbox"`
}

type createParameters struct {
	StyleLevel job.Style `json:"style_level"`
}

// opCreate names the one call that is never paced, repeated or redirected.
const opCreate = "create"

// Create asks for a film: a paid task. It is posted once, whatever happens.
//
// Without an error the task exists. Otherwise the error's Outcome is
//   - NotSent when no connection was ever got (or no key, so nothing was tried),
//   - as Classify says when the vendor refused clearly: 4xx but not 408, with
//     JSON and a code, and no word of a task or of trouble of the vendor's own,
//   - OperatorNeeded when the key cannot be sent,
//   - Unknown for everything else: the task may exist and be billed.
//
// An empty Model means emo-v1, an empty Style the vendor's default.
func (c *Client) Create(ctx context.Context, r job.CreateRequest) (job.Created, error) {
	const op = opCreate
	b := createBody{Model: r.Model, Input: createInput{
		ImageURL: r.ImageURL.Reveal(), AudioURL: r.AudioURL.Reveal(), Face: r.Face, Ext: r.Ext}}
	if b.Model == "" {
		b.Model = job.EMO().Model
	}
	if r.Style != "" {
		b.Parameters = &createParameters{StyleLevel: r.Style}
	}
	body, err := encode(b)
	if err != nil {
		return job.Created{}, &Error{Op: op, Outcome: job.NotSent, Err: err}
	}
	rep, secrets, e := c.send(ctx, call{
		op: op, method: http.MethodPost, url: c.base + "/services/aigc/image2video/video-synthesis",
		body: body, async: true, resolve: temporary(r.ImageURL, r.AudioURL),
		secrets: secretsOf(r.ImageURL, r.AudioURL),
		client:  c.creates, timeout: c.createTimeout, before: r.Before.Round(0),
	}, c.key)
	if e != nil {
		return job.Created{}, e
	}

	out := rep.body.object("output")
	id, _ := out["task_id"].(string)
	if rep.status == http.StatusOK && taskID(id) {
		c.heard(rep.at)
		status := job.TaskStatus(out.word("task_status"))
		if status == "" {
			status = job.TaskPending
		}
		return job.Created{TaskID: id, RequestID: rep.requestID(secrets), Status: status, At: rep.at}, nil
	}
	e = c.refusal(op, rep, secrets)
	switch {
	case rep.status == http.StatusOK && e.Err == nil:
		e.Err = errors.New("the answer has no task id")
	case id != "":
		e.Err = errors.New("the answer refuses and names a task")
	}
	if !refusedClearly(rep.status, e) {
		e.Outcome = job.Unknown
	}
	return job.Created{}, e
}

// refusedClearly reports whether an answer refuses a create beyond doubt.
func refusedClearly(status int, e *Error) bool {
	if status < 400 || status > 499 || status == http.StatusRequestTimeout || e.Code == "" || e.Err != nil {
		return false
	}
	switch e.Outcome {
	case job.Unknown, job.Retry, job.NotSent, job.Lost:
		// A time-out or inner trouble of the vendor's leaves doubt in whatever
		// status it comes.
		return false
	}
	return true
}

// temporary reports whether an input stands in the vendor's temporary storage.
// Source: https://help.aliyun.com/zh/model-studio/get-temporary-file-url (2026)
func temporary(links ...job.Secret) bool {
	for _, l := range links {
		s := l.Reveal()
		if len(s) >= 6 && strings.EqualFold(s[:6], "oss://") {
			return true
		}
	}
	return false
}

// taskID reports whether s can be the id of a task: the vendor's are UUIDs, and
// nothing that long or with spaces could be asked for again.
func taskID(s string) bool {
	return s != "" && len(s) <= 128 && s != "." && s != ".." && printable(s) && !strings.Contains(s, " ")
}
