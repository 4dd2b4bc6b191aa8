package job

import (
	"strconv"
	"time"
)

// Stray is a task of the vendor's that may be there although its job has gone on
// without it: a create call that was given up after the quiet period, or a task that
// the vendor did not know any more. It is looked for until the vendor forgets it:
// found, it is kept if the job can still use it, and reported with its cost if not.
type Stray struct {
	Job string `json:"job"`
	// Post is the number of the job's intent.
	Post int `json:"post"`
	// Attempt the task was to be of.
	Attempt int `json:"attempt"`
	// Intent of the create call.
	Intent Intent `json:"intent"`
	// TaskID of the task; empty until it is found.
	TaskID string `json:"task_id,omitempty"`
	// Among are the tasks of which it is one, if nobody can tell which: TaskID stands for
	// them, to be reported and not to be used.
	Among []string `json:"among,omitempty"`
	// Cost of the film, once it is known to have been charged.
	Cost Money `json:"cost,omitempty"`
	// Counted is what the job's record says of it already, as wasted: the vendor had told
	// that the task was charged before it did not know it any more.
	Counted Money `json:"counted,omitempty"`
	// Live: when it was last asked for it was open, or had its film. A job that waits and
	// has not been posted since gets it back from poll, and is not to pay for another.
	Live bool `json:"live,omitempty"`
	// Doubt is what the budget counts for it, until it is settled.
	Doubt Doubt `json:"doubt,omitzero"`
	// Tries counts looks.
	Tries int       `json:"tries,omitempty"`
	Rev   int64     `json:"rev"`
	Due   time.Time `json:"-"`
}

// ID tells strays apart: a job's intent has at most one.
func (s Stray) ID() string { return s.Job + "-" + strconv.Itoa(s.Post) }

// firstLook is when a stray is first looked for: the vendor's list has just been
// asked.
const firstLook = 2 * time.Minute

// StrayOf is what a move leaves behind to be looked for; false when it leaves
// nothing.
func StrayOf(from, to Job) (Stray, bool) {
	s := Stray{Job: from.ID, Post: from.Posts, Attempt: from.Attempt, Due: time.Now().Add(firstLook)}
	switch {
	case from.State == Submitting && (to.State == Queued || to.State == Failed) && from.Intent != nil && !from.Intent.Revoked.IsZero():
		s.Intent = *from.Intent
	case from.State == Held && (to.State == Queued || to.State == Canceled) && from.Intent != nil && from.Fault != nil && from.Fault.Code == CodeAmbiguous:
		// A person could not wait until it was clear; it may still become so.
		s.Intent = *from.Intent
	case from.State.AtVendor() && to.State == Expired && to.Fault != nil && to.Fault.Code == CodeVendorLost && from.Task != nil:
		s.TaskID, s.Counted = from.Task.ID, from.Billed
		s.Intent = Intent{At: from.Task.Submitted, VendorAt: from.Task.Created, BaseURL: from.Task.BaseURL}
	default:
		return Stray{}, false
	}
	return s, true
}

// OrphanMessage tells of a task that was charged and that no job can use.
func OrphanMessage(j Job, taskID string, cost Money, at time.Time) Message {
	m := Message{
		ID: "orphan-" + taskID, Job: j.ID, Attempt: j.Attempt, Name: j.Name, Image: j.Image.Key, Audio: j.Audio.Key,
		Fault: &Fault{Code: CodeTaskOrphaned}, Wasted: cost, Ratio: j.Ratio, TaskID: taskID, Seconds: j.Audio.Seconds,
		Labels: j.Labels, Received: j.Received, At: at, Row: j.Row,
		// No record: the job's own says how it ended.
		Unsent: []Channel{Topic, Bus, Webhook}, Due: at.Add(senderFirst),
	}
	if j.Row != "" {
		m.Unsent = Channels() // but a row's results say what it has cost
	}
	return m
}
