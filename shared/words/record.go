package words

import (
	"bytes"
	"encoding/json"
	"time"

	"emodrop/shared/job"
)

// Schema names the form of records and events. A change that readers could notice
// gets a new number; new fields are no such change.
const Schema = "emodrop/outcome/1"

// outcome is the form of records and events.
type outcome struct {
	Schema  string    `json:"schema"`
	ID      string    `json:"id"`
	Job     string    `json:"job,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	State   job.State `json:"state,omitempty"`
	Name    string    `json:"name"`
	Inputs  inputs    `json:"inputs,omitzero"`
	// Code is the fault's, ours; File the key at fault, Detail the fact in English.
	Code   string        `json:"code,omitempty"`
	File   string        `json:"file,omitempty"`
	Detail string        `json:"detail,omitempty"`
	Text   map[Lang]said `json:"text"`
	Vendor *vendor       `json:"vendor,omitempty"`
	Film   *film         `json:"film,omitempty"`
	// Charged is whether money is known to have been spent; Charge is "yes", "no"
	// or "unknown". Amounts are in CNY; of what is unknown none is given.
	Charged   bool              `json:"charged"`
	Charge    string            `json:"charge"`
	CostCNY   string            `json:"cost_cny"`
	WastedCNY string            `json:"wasted_cny,omitempty"`
	QuoteCNY  string            `json:"quote_cny,omitempty"` // of a dry run
	Budget    *budget           `json:"budget,omitempty"`
	Received  *time.Time        `json:"received,omitempty"`
	At        time.Time         `json:"at"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	// Batch is about a manifest as a whole.
	Batch *batch `json:"batch,omitempty"`
	// MetadataOmitted tells that an event was too small for the metadata; the
	// record has it.
	MetadataOmitted bool `json:"metadata_omitted,omitempty"`
}

type inputs struct {
	Bucket string `json:"bucket,omitempty"`
	Image  string `json:"image,omitempty"`
	Audio  string `json:"audio,omitempty"`
}

type said struct {
	What  string `json:"what"`
	Fix   string `json:"fix,omitempty"`
	Money string `json:"money"`
	// Retry says what happens by itself, where something is wrong.
	Retry string `json:"retry,omitempty"`
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
		Text: map[Lang]said{}, Charged: charge(m) == "yes", Charge: charge(m),
		CostCNY: m.Billed.Decimal(), At: encodable(m.At), Metadata: m.Said.Metadata, Tags: m.Said.Tags}
	if m.Image != "" || m.Audio != "" {
		o.Inputs = inputs{p.InboxBucket, m.Image, m.Audio}
	}
	o.Batch = batchOf(m, p)
	if m.State == job.Checked || m.Batch != nil && m.Quoted > 0 {
		o.QuoteCNY = m.Quoted.Decimal()
	}
	if m.Short != nil {
		o.Budget = budgetOf(*m.Short, m.At)
	}
	if m.Wasted > 0 {
		o.WastedCNY = m.Wasted.Decimal()
	}
	if !m.Received.IsZero() {
		at := encodable(m.Received)
		o.Received = &at
	}
	v := vendor{TaskID: m.TaskID}
	if f := m.Fault; f != nil {
		o.Code, o.File, o.Detail = f.Code, f.File, unlinked(f.Detail)
		v.Code, v.RequestID = clipped(f.VendorCode, maxVendorCode), clipped(f.RequestID, maxVendorCode)
		v.Message = clipped(unlinked(f.VendorMessage), maxVendorMessage)
	}
	if v != (vendor{}) {
		o.Vendor = &v
	}
	if f := m.Film; f != nil {
		o.Film = &film{Bucket: p.Bucket, Key: f.Key, Seconds: finite(f.Seconds), Width: f.Width, Height: f.Height, Size: f.Size,
			SHA256: f.SHA256, Ratio: m.Ratio}
	}
	for _, lang := range Languages() {
		what, fix := headline(m, lang)
		o.Text[lang] = said{what, fix, Charged(m, lang), retried(m, lang)}
	}
	return o
}

// Record is the JSON file of an outcome, for people and programs.
func Record(m job.Message, p Place) []byte { return encode(outcomeOf(m, p), "  ") }

// maxMetadata bounds what an event carries of the metadata, in bytes of JSON: a
// topic sends the event in several forms, all of them in 256 KB.
const maxMetadata = 8 << 10

// Event is the same for machines, on one line: the JSON of the topic and the
// detail on the bus. Metadata too large for them is left out.
func Event(m job.Message, p Place) []byte { return bytes.TrimSpace(encode(eventOf(m, p), "")) }

func eventOf(m job.Message, p Place) outcome {
	o := outcomeOf(m, p)
	if b, err := json.Marshal(o.Metadata); err != nil || len(b) > maxMetadata {
		o.Metadata, o.MetadataOmitted = nil, true
	}
	return o
}

// SchemaURI names the JSON Schema of records and events, docs/message.schema.json.
const SchemaURI = "urn:emodrop:outcome:1"

// cloudEvent is an event in the form of CloudEvents, with its attributes beside it.
// Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	DataSchema      string    `json:"dataschema"`
	Data            outcome   `json:"data"`
}

// CloudEvent is the event as a CloudEvent of that type, on one line. Its source is the
// inbox: with the id it is unique, whoever else has a stack.
func CloudEvent(m job.Message, kind string, p Place) []byte {
	o := eventOf(m, p)
	return bytes.TrimSpace(encode(cloudEvent{SpecVersion: "1.0", ID: m.ID, Source: "s3://" + p.InboxBucket, Type: kind,
		Subject: o.Name, Time: o.At, DataContentType: "application/json", DataSchema: SchemaURI, Data: o}, ""))
}

func encode(o any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	// Numbers are finite, times have a form, and the rest is text: it cannot fail.
	_ = e.Encode(o)
	return b.Bytes()
}

// encodable is the time in UTC, or the zero time where JSON has no form for it.
func encodable(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
