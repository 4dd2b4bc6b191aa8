package emo

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// The vendor's task states (https://help.aliyun.com/zh/model-studio/emo-api).
const (
	statusPending   = "PENDING"   // in the queue; a free slot, a cancel or the server's time limit moves it on
	statusRunning   = "RUNNING"   // a worker has it
	statusSucceeded = "SUCCEEDED" // final, billed
	statusFailed    = "FAILED"    // final, not billed
	statusCanceled  = "CANCELED"  // final, not billed
	statusUnknown   = "UNKNOWN"   // what a foreign, lost or expired id is called
)

// task is one task. What is set at creation never changes; the rest is guarded by Server.mu. The JSON form is the state
// file's.
type task struct {
	ID, RequestID, APIKeyID, Model string
	ImageURL, AudioURL             string // credentials: they leave this struct for the download only
	Face, Ext                      [4]int
	Ratio, Style                   string
	Submitted                      time.Time

	Status           string
	Scheduled, Ended time.Time
	Code, Message    string
	Film             string    // the film's name once it is made, which is before the task has SUCCEEDED
	WorkUntil        time.Time // when the work ends, once that is known

	timer *time.Timer        // the server's time limit
	stop  context.CancelFunc // ends its work; nil until it runs
}

func (t *task) open() bool { return t.Status == statusPending || t.Status == statusRunning }

func (t *task) stopTimer() {
	if t.timer != nil {
		t.timer.Stop()
	}
}

// film is a film that was made.
type film struct {
	Name, TaskID string
	Info         FilmInfo
	Ratio        string
	Made         time.Time
	Expires      time.Time // zero until its task has SUCCEEDED
}

// Task is a task as tests and the admin path see it.
type Task struct {
	ID        string    `json:"task_id"`
	RequestID string    `json:"request_id"`
	APIKeyID  string    `json:"api_key_id"`
	Model     string    `json:"model"`
	Status    string    `json:"status"`
	Code      string    `json:"code,omitempty"`
	Message   string    `json:"message,omitempty"`
	Image     string    `json:"image"` // links without their query
	Audio     string    `json:"audio"`
	Face      [4]int    `json:"face_bbox"`
	Ext       [4]int    `json:"ext_bbox"`
	Ratio     string    `json:"ratio"`
	Style     string    `json:"style_level"`
	Submitted time.Time `json:"submitted"`
	Scheduled time.Time `json:"scheduled,omitzero"`
	Ended     time.Time `json:"ended,omitzero"`
}

func (t *task) public() Task {
	return Task{
		t.ID, t.RequestID, t.APIKeyID, t.Model, t.Status, t.Code, t.Message, bare(t.ImageURL), bare(t.AudioURL),
		t.Face, t.Ext, t.Ratio, t.Style, t.Submitted, t.Scheduled, t.Ended,
	}
}

// Tasks returns every task whose id still lives, oldest first.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	out := make([]Task, 0, len(s.order))
	for _, t := range s.order {
		if s.alive(t, now) {
			out = append(out, t.public())
		}
	}
	return out
}

// alive reports whether the task's id still means something.
func (s *Server) alive(t *task, now time.Time) bool { return now.Sub(t.Submitted) < s.cfg.IDLife }

// find returns the task, or nil when the id is UNKNOWN. The caller holds mu.
func (s *Server) find(id string, now time.Time) *task {
	if t := s.tasks[id]; t != nil && s.alive(t, now) {
		return t
	}
	return nil
}

func (s *Server) subjectOf(id string) subject {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.find(id, time.Now())
	if t == nil {
		return subject{taskID: id}
	}
	return t.subject()
}

func (t *task) subject() subject { return subject{names: links(t.ImageURL, t.AudioURL), taskID: t.ID} }

// output is the "output" object of create, query and list answers.
type output struct {
	TaskID        string `json:"task_id,omitempty"`
	TaskStatus    string `json:"task_status"`
	SubmitTime    string `json:"submit_time,omitempty"`
	ScheduledTime string `json:"scheduled_time,omitempty"`
	EndTime       string `json:"end_time,omitempty"`
	Results       any    `json:"results,omitempty"`
	VideoURL      string `json:"video_url,omitempty"` // never in an EMO answer, but for a fault
	Code          string `json:"code,omitempty"`
	Message       string `json:"message,omitempty"`
}

type taskUsage struct {
	VideoDuration float64 `json:"video_duration"`
	VideoRatio    string  `json:"video_ratio"`
}

type taskAnswer struct {
	RequestID string     `json:"request_id"`
	Output    output     `json:"output"`
	Usage     *taskUsage `json:"usage,omitempty"`
}

// timeLayout is how the service writes a time, in UTC+8.
const timeLayout = "2006-01-02 15:04:05.000"

func stamp(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.In(cst).Format(layout)
}

// query serves GET /api/v1/tasks/{id}. A foreign, lost or expired id is UNKNOWN with HTTP 200.
func (c *call) query() answer {
	a := taskAnswer{RequestID: c.requestID, Output: output{TaskID: c.taskID, TaskStatus: statusUnknown}}
	layout, kind := timeLayout, ""
	if c.fault != nil {
		kind = c.fault.Kind
	}
	if kind == "no_milliseconds" {
		layout = time.DateTime
	}
	s := c.s
	s.mu.Lock()
	var f *film
	if t := s.find(c.taskID, c.began); t != nil {
		a.Output = output{
			TaskID: t.ID, TaskStatus: t.Status, SubmitTime: stamp(c.s.says(t.Submitted), layout),
			ScheduledTime: stamp(c.s.says(t.Scheduled), layout), EndTime: stamp(c.s.says(t.Ended), layout), Code: t.Code, Message: t.Message,
		}
		if t.Status == statusSucceeded {
			f = s.films[t.Film]
		}
	}
	s.mu.Unlock()
	if f != nil {
		a.Output.Results = map[string]string{"video_url": s.filmURL(f)}
		a.Usage = &taskUsage{seconds(f.Info.Duration), f.Ratio}
	}
	switch kind {
	case "unknown_status":
		a.Output.TaskStatus = "SUSPENDED"
	case "unknown_task":
		a = taskAnswer{RequestID: c.requestID, Output: output{TaskID: c.taskID, TaskStatus: statusUnknown}}
	case "status_backwards":
		a = taskAnswer{RequestID: c.requestID, Output: output{TaskID: c.taskID, TaskStatus: statusPending, SubmitTime: a.Output.SubmitTime}}
	case "succeeded_without_url":
		a.Output.Results = nil
	case "results_as_list":
		if f != nil {
			a.Output.Results = []map[string]string{{"url": s.filmURL(f)}}
		}
	case "url_at_output":
		if f != nil {
			a.Output.Results, a.Output.VideoURL = nil, s.filmURL(f)
		}
	}
	return ok(a)
}

// cancel serves POST /api/v1/tasks/{id}/cancel: PENDING tasks only
// (https://www.alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks).
func (c *call) cancel() answer {
	s := c.s
	s.mu.Lock()
	t := s.find(c.taskID, c.began)
	if t == nil || t.Status != statusPending {
		s.mu.Unlock()
		return c.refuse(errCancel)
	}
	s.queue = slices.DeleteFunc(s.queue, func(q *task) bool { return q == t })
	s.close(t, statusCanceled, nil, c.began)
	s.mu.Unlock()
	s.saveOrLog()
	return answer{status: http.StatusOK, body: topLevel{RequestID: c.requestID}}
}

// close ends a task. The caller holds mu.
func (s *Server) close(t *task, status string, p *Problem, now time.Time) {
	t.Status, t.Ended = status, now
	if p != nil {
		t.Code, t.Message = p.Code, p.Message
	}
	t.stopTimer()
	s.log.Info("task ended", "task_id", t.ID, "to", status, "code", t.Code)
	if s.closed {
		return
	}
	done := Finished{t.ID, t.RequestID, t.APIKeyID, status, t.Model, t.Submitted, t.Scheduled, now}
	if s.cfg.OnFinish != nil {
		s.work.Go(func() { s.cfg.OnFinish(done) })
	}
	if s.cfg.Push.URL != "" {
		s.work.Go(func() { s.push(done) })
	}
}

// tidy drops what nobody can ask for any more. The caller holds mu.
func (s *Server) tidy(now time.Time) {
	if now.Sub(s.tidied) < time.Minute {
		return
	}
	s.tidied = now
	for len(s.order) > 0 && !s.alive(s.order[0], now) && !s.order[0].open() {
		delete(s.tasks, s.order[0].ID)
		s.order = s.order[1:]
	}
	for name, f := range s.films {
		if f.Expires.IsZero() || now.Before(f.Expires) {
			continue
		}
		s.blobs.remove(name)
		if s.tasks[f.TaskID] == nil { // until then the task still names its dead link
			delete(s.films, name)
		}
	}
	for key, u := range s.uploads {
		if now.Sub(u.Created) >= s.cfg.UploadLife {
			delete(s.uploads, key)
			s.blobs.remove(u.Blob)
		}
	}
	for dir, p := range s.policies {
		if now.Sub(p.Created) >= s.cfg.UploadLife {
			delete(s.policies, dir)
		}
	}
}
