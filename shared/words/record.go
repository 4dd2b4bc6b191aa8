package words

import (
	"bytes"
	"encoding/json"
	"time"

	"emodrop/shared/job"
)

// Schema names the form of records and events. A change that readers could notice
// gets a new number.
const Schema = "emodrop/outcome/1"

type outcome struct {
	Schema    string            `json:"schema"`
	ID        string            `json:"id"`
	Job       string            `json:"job,omitempty"`
	Attempt   int               `json:"attempt,omitempty"`
	State     job.State         `json:"state,omitempty"`
	Name      string            `json:"name"`
	Image     string            `json:"image,omitempty"`
	Audio     string            `json:"audio,omitempty"`
	Code      string            `json:"code,omitempty"`
	File      string            `json:"file,omitempty"`
	Text      map[Lang]said     `json:"text"`
	Vendor    *vendor           `json:"vendor,omitempty"`
	Film      *film             `json:"film,omitempty"`
	Charged   bool              `json:"charged"`
	CostCNY   string            `json:"cost_cny"`
	WastedCNY string            `json:"wasted_cny,omitempty"`
	Received  *time.Time        `json:"received,omitempty"`
	At        time.Time         `json:"at"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

type said struct {
	What  string `json:"what"`
	Fix   string `json:"fix,omitempty"`
	Money string `json:"money"`
}

type vendor struct {
	TaskID    string `json:"task_id,omitempty"`
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

type film struct {
	Bucket  string    `json:"bucket"`
	Key     string    `json:"key"`
	Seconds float64   `json:"seconds"`
	Width   int       `json:"width"`
	Height  int       `json:"height"`
	Size    int64     `json:"size"`
	SHA256  string    `json:"sha256"`
	Ratio   job.Ratio `json:"ratio,omitempty"`
}

func outcomeOf(m job.Message, p Place) outcome {
	o := outcome{Schema: Schema, ID: m.ID, Job: m.Job, Attempt: m.Attempt, State: m.State, Name: m.Name.String(),
		Image: m.Image, Audio: m.Audio, Text: map[Lang]said{}, Charged: m.Billed > 0 || m.Wasted > 0,
		CostCNY: m.Billed.Decimal(), At: m.At.UTC(), Metadata: m.Options.Metadata}
	if m.Wasted > 0 {
		o.WastedCNY = m.Wasted.Decimal()
	}
	if !m.Received.IsZero() {
		at := m.Received.UTC()
		o.Received = &at
	}
	v := vendor{TaskID: m.TaskID}
	if f := m.Fault; f != nil {
		o.Code, o.File = f.Code, f.File
		v.Code, v.Message, v.RequestID = f.VendorCode, f.VendorMessage, f.RequestID
	}
	if v != (vendor{}) {
		o.Vendor = &v
	}
	if f := m.Film; f != nil {
		o.Film = &film{Bucket: p.Bucket, Key: f.Key, Seconds: f.Seconds, Width: f.Width, Height: f.Height, Size: f.Size,
			SHA256: f.SHA256, Ratio: m.Ratio}
	}
	for _, lang := range []Lang{English, Chinese} {
		s := said{Money: Charged(m, lang)}
		if m.Fault != nil {
			s.What, s.Fix = Explain(*m.Fault, m.Name, lang)
		} else {
			s.What = m.Name.String() + ": " + State(m.State, lang)
		}
		o.Text[lang] = s
	}
	return o
}

// Record is the JSON file of an outcome, for people and programs.
func Record(m job.Message, p Place) []byte { return encode(outcomeOf(m, p), "  ") }

// Event is the same for machines, on one line.
func Event(m job.Message, p Place) []byte { return bytes.TrimSpace(encode(outcomeOf(m, p), "")) }

func encode(o outcome, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	// It holds nothing that cannot be encoded.
	_ = e.Encode(o)
	return b.Bytes()
}
