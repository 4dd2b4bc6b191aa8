package job

import (
	"fmt"
	"slices"
	"time"
)

// Channel is a way by which an outcome is told.
type Channel string

// The channels.
const (
	// Record is the JSON file in the outbox: beside the film, or under failed/.
	Record Channel = "record"
	// Topic is the SNS topic: mail for people, JSON for machines.
	Topic Channel = "topic"
	// Bus is EventBridge.
	Bus Channel = "bus"
	// Webhook is an address of somebody else's: JSON, signed. It comes last and keeps
	// times of its own, so that a stranger's server holds nothing else up.
	Webhook Channel = "webhook"
)

// Channels are all of them, in the order in which they are tried.
func Channels() []Channel { return []Channel{Record, Topic, Bus, Webhook} }

// Message is an outcome to be told. It is written in the transaction that ends
// the job (or finds a file that cannot become one) and stays until every channel
// has it, so a crash repeats a message rather than loses it. It says all that its
// text needs: the job may have moved on when it is sent.
type Message struct {
	// ID is the same however often the message is sent: receivers drop repeats
	// by it.
	ID      string `json:"id"`
	Job     string `json:"job,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	State   State  `json:"state,omitempty"`
	Name    Name   `json:"name"`
	Image   string `json:"image,omitempty"`
	Audio   string `json:"audio,omitempty"`
	Fault   *Fault `json:"fault,omitempty"`
	Film    *Film  `json:"film,omitempty"`
	Billed  Money  `json:"billed,omitempty"`
	Wasted  Money  `json:"wasted,omitempty"`
	Ratio   Ratio  `json:"ratio,omitempty"`
	TaskID  string `json:"task_id,omitempty"`
	// Seconds is how long the film is or was to be; 0 when that is not known.
	Seconds float64 `json:"seconds,omitempty"`
	// Quoted is what the film of a dry run would cost.
	Quoted Money `json:"quoted,omitempty"`
	// Short is the limit that is reached, in a message that tells so; else nil.
	Short *Shortage `json:"short,omitempty"`
	// Labels names what is carried along; Said is what that is, once it has been
	// looked up to be told.
	Labels string `json:"labels,omitempty"`
	Said   Labels `json:"-"`
	// Row is the job's, when it is a row of a manifest; Batch is what is said of a
	// manifest as a whole, nil in every other message.
	Row   string     `json:"row,omitempty"`
	Batch *BatchNews `json:"batch,omitempty"`
	// Received and At are when the hand-in was complete and when this outcome
	// came.
	Received time.Time `json:"received,omitzero"`
	At       time.Time `json:"at"`

	Unsent []Channel `json:"unsent"`
	Rev    int64     `json:"rev"`
	// Tries counts those of all channels but the webhook; Post is the webhook's.
	Tries int       `json:"tries,omitempty"`
	Post  Post      `json:"post,omitzero"`
	Due   time.Time `json:"-"`
}

// Post is how far the webhook of a message has got. The zero value is at its first
// try, now.
type Post struct {
	Tries int       `json:"tries"`
	Due   time.Time `json:"due"`
}

// senderFirst is how long whoever wrote a message has to send it before poll does:
// mail has no id by which people could drop a second one.
const senderFirst = 30 * time.Second

// OutcomeMessage is the message of a job in a state that is told. The revision at
// which it entered that state is part of its id: a job may enter a state twice in
// one attempt (HELD for its create, then for its film), and receivers drop what they
// take for a repeat.
func OutcomeMessage(j Job) Message {
	entered := j.Told
	if entered == 0 { // a record of before the field was there
		entered = j.Rev
	}
	m := Message{
		ID:  fmt.Sprintf("%s-%d-%s-%d", j.ID, j.Attempt, j.State, entered),
		Job: j.ID, Attempt: j.Attempt, State: j.State, Name: j.Name,
		Image: j.Image.Key, Audio: j.Audio.Key,
		Fault: j.Fault, Film: j.Film, Billed: j.Billed, Wasted: j.Wasted,
		Ratio: j.Ratio, Seconds: j.Seconds(), Labels: j.Labels, Row: j.Row,
		Received: j.Received, At: j.Updated,
		Unsent: Channels(), Due: j.Updated.Add(senderFirst),
	}
	if j.Task != nil {
		m.TaskID = j.Task.ID
	}
	if j.State == Checked {
		m.Quoted = j.Quoted
	}
	return m
}

// MovedMessage has the record of a film written anew that has made room for a newer
// one; the outcome itself was told when it came.
func MovedMessage(j Job) Message {
	m := OutcomeMessage(j)
	m.ID = fmt.Sprintf("%s-%d-moved-%d", j.ID, j.Attempt, j.Rev)
	m.Unsent = []Channel{Record}
	return m
}

// Replayed tells a job's last outcome once more by those channels, under the id that
// it had, as soon as somebody looks: what was dropped as a repeat stays dropped.
func Replayed(j Job, by []Channel, now time.Time) Message {
	m := OutcomeMessage(j)
	if !j.Ended.IsZero() {
		m.At = j.Ended // the record may have been written to since
	}
	m.Unsent, m.Due = slices.Clone(by), now
	return m
}

// AgainMessage has the record of a job that has ended, or waits for a person, written anew
// whose hand-in has come back as the newest of its name; the outcome itself was told when
// it came.
func AgainMessage(j Job) Message {
	m := OutcomeMessage(j)
	m.ID = fmt.Sprintf("%s-%d-again-%d", j.ID, j.Attempt, j.Rev)
	m.Unsent = []Channel{Record}
	m.Due = time.Now().Add(senderFirst)
	return m
}

// Notice is a message about files that are no job: half a pair, a file nobody
// knows what to do with. About is what makes it one notice and not two.
func Notice(n Name, about string, f Fault, at time.Time) Message {
	return Message{
		ID:   "notice-" + Identity(n, about, f.Code, Options{}),
		Name: n, Fault: &f, At: at, Unsent: Channels(), Due: at.Add(senderFirst),
	}
}
