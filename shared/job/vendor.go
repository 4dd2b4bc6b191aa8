package job

import "time"

// TaskStatus is the vendor's word for where a task stands.
// Source: https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks (2026).
type TaskStatus string

// The documented statuses. Any other word means "not ended yet".
const (
	TaskPending   TaskStatus = "PENDING"
	TaskRunning   TaskStatus = "RUNNING"
	TaskSucceeded TaskStatus = "SUCCEEDED"
	TaskFailed    TaskStatus = "FAILED"
	TaskCanceled  TaskStatus = "CANCELED"
	TaskUnknown   TaskStatus = "UNKNOWN"
)

// Ended says whether it is the vendor's last word on a task.
func (s TaskStatus) Ended() bool {
	return s == TaskSucceeded || s == TaskFailed || s == TaskCanceled
}

// Box is a rectangle in pixels of the picture: left, top, right, bottom.
// The zero value is no box.
type Box [4]int

// DetectRequest asks whether a portrait can be animated.
type DetectRequest struct {
	ImageURL Secret
	Ratio    Ratio
	// Model overrides the profile's detect model; empty keeps it.
	Model string
}

// Face is what detect found. When Pass is false the boxes are empty and Code
// and Message say why, as far as the vendor did.
type Face struct {
	Pass    bool   `json:"pass"`
	Box     Box    `json:"box,omitzero"`
	Ext     Box    `json:"ext,omitzero"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// CreateRequest asks for a film: a paid task.
type CreateRequest struct {
	Model    string
	ImageURL Secret
	AudioURL Secret
	Face     Box
	Ext      Box
	Style    Style
	// Before is when it must not be written to a connection any more, by the wall clock;
	// zero: never.
	Before time.Time
}

// Created is the vendor's receipt for a task.
type Created struct {
	TaskID    string
	RequestID string
	// Status is PENDING unless the vendor says otherwise.
	Status TaskStatus
	// At is the vendor's clock when it answered (its Date header); zero when
	// it did not say.
	At time.Time
}

// Answer is what the vendor says of a task.
type Answer struct {
	TaskID    string
	RequestID string
	Status    TaskStatus
	// Submitted, Started and Ended are the vendor's own times; zero when it did
	// not say. Never used for logic.
	Submitted, Started, Ended time.Time
	// VideoURL is where the film can be fetched for 24 h, only when SUCCEEDED.
	VideoURL Secret
	// Seconds is the billed length of the film; Ratio as the vendor bills it.
	Seconds float64
	Ratio   Ratio
	// Fault says why a task FAILED; its Outcome is classified like every other
	// error. The zero value on all other statuses.
	Fault Verdict
}

// Listed is one row of the vendor's task list.
type Listed struct {
	TaskID    string
	RequestID string // of the call that created it
	KeyID     string // the vendor's id of the API key that created it
	Model     string
	Status    TaskStatus
	Created   time.Time
}

// ListQuery asks for the tasks created between From and To (the vendor's
// clock). The span may not exceed 24 h.
type ListQuery struct {
	From, To time.Time
	Model    string
	Page     int // from 1
	PageSize int
}

// ListPage is one page of the vendor's list.
type ListPage struct {
	Tasks []Listed
	Page  int
	Pages int
	// At is the vendor's clock when it answered; zero when it did not say.
	At time.Time
}
