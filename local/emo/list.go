package emo

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// listRow is one task in a list: its status, never its film.
type listRow struct {
	APIKeyID       string `json:"api_key_id"`
	CallerParentID string `json:"caller_parent_id"`
	CallerUID      string `json:"caller_uid"`
	Created        int64  `json:"gmt_create"` // epoch milliseconds, as all three
	Start          int64  `json:"start_time,omitempty"`
	End            int64  `json:"end_time,omitempty"`
	Model          string `json:"model_name"`
	Region         string `json:"region"`
	RequestID      string `json:"request_id"` // of the create call
	Status         string `json:"status"`
	TaskID         string `json:"task_id"`
	UniqueKey      string `json:"user_api_unique_key"`
}

type listAnswer struct {
	Total     int       `json:"total"`
	TotalPage int       `json:"total_page"`
	PageNo    int       `json:"page_no"`
	PageSize  int       `json:"page_size"`
	RequestID string    `json:"request_id"`
	Data      []listRow `json:"data"`
}

// accountID is the one emulated account, where the real service shows a number of the customer's.
const accountID = "1000000000000001"

type listFilter struct {
	from, to                                time.Time // of creation; to is the end of the last second that belongs to it
	taskID, model, status, apiKeyID, region string
	pageNo, pageSize                        int
}

// list serves the batch query (https://www.alibabacloud.com/help/en/model-studio/manage-asynchronous-tasks).
func (c *call) list() answer {
	f, p := listFilterOf(c.r.URL.Query(), c.s.says(c.began))
	if p != nil {
		return c.refuse(*p)
	}
	s := c.s
	var rows []listRow
	s.mu.Lock()
	for _, t := range slices.Backward(s.order) { // newest first: ASSUMED
		if c.began.Sub(t.Submitted) >= s.cfg.ListLag && s.alive(t, c.began) && f.takes(t, s.says(t.Submitted)) {
			rows = append(rows, s.row(t))
		}
	}
	s.mu.Unlock()
	a := listAnswer{Total: len(rows), TotalPage: (len(rows) + f.pageSize - 1) / f.pageSize, PageNo: f.pageNo, PageSize: f.pageSize, RequestID: c.requestID, Data: []listRow{}}
	if first := (f.pageNo - 1) * f.pageSize; f.pageNo <= a.TotalPage {
		a.Data = rows[first:min(first+f.pageSize, len(rows))]
	}
	return ok(a)
}

func (s *Server) row(t *task) listRow {
	return listRow{
		APIKeyID: t.APIKeyID, CallerParentID: accountID, CallerUID: accountID, Created: millis(s.says(t.Submitted)),
		Start: millis(s.says(t.Scheduled)), End: millis(s.says(t.Ended)), Model: t.Model, Region: region, RequestID: t.RequestID,
		Status: t.Status, TaskID: t.ID, UniqueKey: UniqueKey(t.Model),
	}
}

// UniqueKey is the user_api_unique_key of a film model's tasks, in lists and completion events.
func UniqueKey(model string) string { return "apikey:v1:aigc:image2video:video-synthesis:" + model }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// takes says whether a task that was made then, to the millisecond, belongs to the list.
func (f listFilter) takes(t *task, made time.Time) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return !made.Before(f.from) && made.Before(f.to) && is(f.taskID, t.ID) && is(f.model, t.Model) &&
		is(f.status, t.Status) && is(f.apiKeyID, t.APIKeyID) && is(f.region, region)
}

// listFilterOf reads the query. start_time and end_time are read as UTC+8, like every time string of the service
// (ASSUMED: no document names their zone). Unknown parameters are ignored.
func listFilterOf(q url.Values, now time.Time) (listFilter, *Problem) {
	f := listFilter{
		taskID: q.Get("task_id"), model: q.Get("model_name"), status: q.Get("status"),
		apiKeyID: q.Get("api_key_id"), region: q.Get("region"),
	}
	states := []string{"", statusPending, statusRunning, statusSucceeded, statusFailed, statusCanceled, statusUnknown}
	var ok1, ok2, ok3, ok4 bool
	f.from, ok1 = compactTime(q.Get("start_time"))
	f.to, ok2 = compactTime(q.Get("end_time"))
	f.pageNo, ok3 = positive(q.Get("page_no"), 1)
	f.pageSize, ok4 = positive(q.Get("page_size"), 10)
	if !ok1 || !ok2 || !ok3 || !ok4 || !slices.Contains(states, f.status) {
		return f, &errBody
	}
	const day = 24 * time.Hour
	switch {
	case f.from.IsZero() && f.to.IsZero():
		f.from, f.to = now.Add(-day), now.Add(time.Second)
	case f.from.IsZero():
		f.to = f.to.Add(time.Second)
		f.from = f.to.Add(-day - time.Second)
	case f.to.IsZero():
		f.to = f.from.Add(day + time.Second)
	default:
		if f.to.Before(f.from) || f.to.Sub(f.from) > day {
			return f, &errBody
		}
		f.to = f.to.Add(time.Second)
	}
	return f, nil
}

func compactTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.ParseInLocation("20060102150405", s, cst)
	return t, err == nil
}

// positive reads a page number or size; a million bounds the arithmetic.
func positive(s string, fallback int) (int, bool) {
	if s == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 1_000_000
}
