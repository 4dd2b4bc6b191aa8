package emo

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// request is the body of create and detect. Raw fields tell a missing field from a null or wrong one.
type request struct {
	Model      string          `json:"model"`
	Input      json.RawMessage `json:"input"`
	Parameters json.RawMessage `json:"parameters"`
}

type filmInput struct {
	Image string `json:"image_url"`
	Audio string `json:"audio_url"`
	Face  []int  `json:"face_bbox"`
	Ext   []int  `json:"ext_bbox"`
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// decode reads what create and detect share: content type, JSON, model, input. The model must be one of these; the
// other operation's models get the documented "url error".
func (c *call) decode(models, others []string) (request, *Problem) {
	var req request
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return req, &errContentType
	}
	if err := json.Unmarshal(c.body, &req); err != nil {
		return req, &errBody
	}
	switch {
	case req.Model == "":
		return req, &errNoModel
	case slices.Contains(models, req.Model):
	case slices.Contains(others, req.Model):
		return req, &errEndpoint
	default:
		return req, &errModel
	}
	if absent(req.Input) {
		return req, &errNoInput
	}
	return req, nil
}

func (c *call) models() (films, detects []string) {
	return append([]string{modelFilm}, c.s.cfg.Models...), append([]string{modelDetect}, c.s.cfg.DetectModels...)
}

func enabled(h http.Header, name string) bool { return strings.EqualFold(h.Get(name), "enable") }

// create serves the submission of a task (https://help.aliyun.com/zh/model-studio/emo-api).
func (c *call) create() answer {
	if !enabled(c.r.Header, "X-DashScope-Async") {
		return c.refuse(errSync)
	}
	t, p := c.newTask()
	if p == nil && c.s.cfg.CheckAtCreate {
		_, p = c.s.inputs(c.r.Context(), t)
	}
	if p != nil {
		return c.refuse(*p)
	}
	c.taskID = t.ID
	a := taskAnswer{RequestID: c.requestID, Output: output{TaskID: t.ID, TaskStatus: statusPending}}
	switch {
	case c.fault != nil && c.fault.Kind == "lose_task":
		return ok(a)
	case c.fault != nil && c.fault.Kind == "no_task_id":
		a.Output.TaskID = ""
	}
	if !c.s.submit(t) {
		return c.refuse(errInternal) // closing
	}
	return ok(a)
}

// newTask checks the request and makes its task, not yet known to the server.
func (c *call) newTask() (*task, *Problem) {
	films, detects := c.models()
	req, p := c.decode(films, detects)
	if p != nil {
		return nil, p
	}
	var in filmInput
	if json.Unmarshal(req.Input, &in) != nil {
		return nil, &errBody
	}
	var par struct {
		Style *string `json:"style_level"`
	}
	if !absent(req.Parameters) && json.Unmarshal(req.Parameters, &par) != nil {
		return nil, &errBody
	}
	style := "normal"
	if par.Style != nil {
		style = *par.Style
	}
	if !slices.Contains([]string{"normal", "calm", "active"}, style) {
		return nil, &errStyle
	}
	if len(in.Face) != 4 || len(in.Ext) != 4 {
		return nil, &errBox
	}
	face, ext := [4]int(in.Face), [4]int(in.Ext)
	ratio, fits := ratioOf(ext)
	if !sane(face) || !sane(ext) || !fits {
		return nil, &errBox
	}
	for _, link := range []string{in.Image, in.Audio} {
		if p := c.checkLink(link, req.Model); p != nil {
			return nil, p
		}
	}
	return &task{
		ID: c.s.newID(), RequestID: c.requestID, APIKeyID: c.keyID, Model: req.Model, ImageURL: in.Image, AudioURL: in.Audio,
		Face: face, Ext: ext, Ratio: ratio, Style: style, Submitted: c.began, Status: statusPending,
	}, nil
}

// checkLink checks what can be said of an input's link without fetching it. oss:// links are resolved with the call
// (ASSUMED), so a missing header or a foreign upload shows at once.
func (c *call) checkLink(link, model string) *Problem {
	if strings.HasPrefix(link, ossScheme) {
		if !enabled(c.r.Header, "X-DashScope-OssResourceResolve") {
			return &errDownload
		}
		_, p := c.s.uploaded(link, model)
		return p
	}
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return &errURL
	}
	return nil
}

// submit makes a task known, puts it in the queue and starts what can start. The state is saved before it returns: an
// answered create survives a crash. It reports false when the server is closing.
func (s *Server) submit(t *task) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	s.tidy(t.Submitted)
	s.tasks[t.ID] = t
	s.order = append(s.order, t)
	s.queue = append(s.queue, t)
	s.arm(t)
	s.log.Info("task made", "task_id", t.ID, "request_id", t.RequestID)
	s.dispatch()
	s.mu.Unlock()
	s.saveOrLog()
	return true
}

// arm sets the server's own time limit for a task. The caller holds mu.
func (s *Server) arm(t *task) {
	t.timer = time.AfterFunc(time.Until(t.Submitted.Add(s.cfg.ServerTimeout)), func() {
		s.mu.Lock()
		if s.closed || !t.open() || s.tasks[t.ID] != t {
			s.mu.Unlock()
			return
		}
		s.queue = slices.DeleteFunc(s.queue, func(q *task) bool { return q == t })
		s.close(t, statusFailed, &errTimeout, time.Now())
		s.mu.Unlock()
		s.saveOrLog()
	})
}
