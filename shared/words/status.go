package words

import (
	"time"

	"emodrop/shared/job"
)

// StatusSchema and IndexSchema name the forms of the status files. A change that
// readers could notice gets a new number; new fields are no such change.
const (
	StatusSchema = "emodrop/status/1"
	IndexSchema  = "emodrop/status-index/1"
)

// status is how one job stands.
type status struct {
	Schema  string    `json:"schema"`
	Name    string    `json:"name"`
	Job     string    `json:"job"`
	Attempt int       `json:"attempt"`
	State   job.State `json:"state"`
	Code    string    `json:"code,omitempty"`
	Since   time.Time `json:"since"`
	// Place in the queue and the expected finish are as of Written.
	Place     int                 `json:"place,omitempty"`
	Expected  *time.Time          `json:"expected,omitempty"`
	Written   time.Time           `json:"written"`
	Text      map[Lang]statusText `json:"text"`
	Film      *filmPlace          `json:"film,omitempty"`
	CostCNY   string              `json:"cost_cny"`
	QuoteCNY  string              `json:"quote_cny,omitempty"`
	WastedCNY string              `json:"wasted_cny,omitempty"`
}

type statusText struct {
	What string `json:"what"`
	Fix  string `json:"fix,omitempty"`
}

type filmPlace struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

// Status is the file about how a job stands, and what is expected of it.
func Status(j job.Job, o job.Outlook, p Place, now time.Time) []byte {
	s := status{Schema: StatusSchema, Name: j.Name.String(), Job: j.ID, Attempt: j.Attempt, State: j.State, Since: encodable(j.Updated),
		Written: encodable(now.Truncate(time.Second)), Place: o.Place, Expected: moment(o.Done), Text: map[Lang]statusText{}, CostCNY: j.Billed.Decimal()}
	m := job.OutcomeMessage(j)
	if j.State.Final() {
		s.Since = encodable(j.Ended)
	} else if j.Quoted > 0 {
		s.QuoteCNY = j.Quoted.Decimal()
	}
	if j.State == job.Checked {
		s.QuoteCNY = j.Quoted.Decimal()
	}
	if !j.State.Told() || j.State == job.Succeeded {
		m.Fault = nil // trouble on the way is no outcome
	}
	if m.Fault != nil {
		s.Code = m.Fault.Code
	}
	if j.Wasted > 0 {
		s.WastedCNY = j.Wasted.Decimal()
	}
	if j.State == job.Succeeded && j.Film != nil {
		s.Film = &filmPlace{p.Bucket, j.Film.Key}
	}
	for _, lang := range Languages() {
		what, fix := headline(m, lang)
		s.Text[lang] = statusText{what, fix}
	}
	return encode(s, "  ")
}

// Index is all that is under way.
type Index struct {
	Schema string    `json:"schema"`
	At     time.Time `json:"at"`
	// Open counts the jobs that are under way, by state; More says that so many more
	// wait that nobody has counted them.
	Open map[job.State]int `json:"open"`
	More bool              `json:"more,omitempty"`
	// Unlisted is how many of them are not in Jobs.
	Unlisted int  `json:"unlisted,omitempty"`
	Sending  Gate `json:"sending"`
	// Finish is when all that waits may be done.
	Finish *time.Time `json:"finish,omitempty"`
	Jobs   []Listed   `json:"jobs"`
}

// Gate is whether films are sent, and why not.
type Gate struct {
	Open  bool                `json:"open"`
	Code  string              `json:"code,omitempty"`
	Since *time.Time          `json:"since,omitempty"`
	Until *time.Time          `json:"until,omitempty"`
	Text  map[Lang]statusText `json:"text,omitempty"`
}

// Listed is a job of an index.
type Listed struct {
	Job      string     `json:"job"`
	Name     string     `json:"name"`
	State    job.State  `json:"state"`
	Attempt  int        `json:"attempt"`
	Code     string     `json:"code,omitempty"`
	Seconds  float64    `json:"seconds"`
	Since    time.Time  `json:"since"`
	Place    int        `json:"place,omitempty"`
	Expected *time.Time `json:"expected,omitempty"`
}

// List is a job as an index has it.
func List(j job.Job) Listed {
	l := Listed{Job: j.ID, Name: j.Name.String(), State: j.State, Attempt: j.Attempt, Seconds: finite(j.Seconds()), Since: encodable(j.Updated)}
	if j.State.Told() && j.Fault != nil {
		l.Code = j.Fault.Code
	}
	return l
}

// Same reports whether two entries say the same of a job, whatever is expected of it.
func (l Listed) Same(o Listed) bool {
	return l.Job == o.Job && l.State == o.State && l.Attempt == o.Attempt && l.Code == o.Code
}

// Expect is an entry with what is expected of its job.
func (l Listed) Expect(o job.Outlook) Listed {
	l.Place, l.Expected = o.Place, moment(o.Done)
	return l
}

// Sends says of a gate whether it lets films be sent.
func Sends(g job.Gate, now time.Time) Gate {
	if g.Closed == nil {
		out := Gate{Open: true}
		if g.NotBefore.After(now) {
			out.Until = moment(g.NotBefore)
		}
		return out
	}
	out := Gate{Code: g.Closed.Code, Since: moment(g.Closed.Since), Text: map[Lang]statusText{}}
	for _, lang := range Languages() {
		what, fix := Explain(job.Fault{Code: g.Closed.Code}, job.Name{}, lang)
		out.Text[lang] = statusText{what, fix}
	}
	return out
}

// Encode is the file of an index.
func (x Index) Encode() []byte { return encode(x, " ") }

// moment is a time for people to read, in whole seconds; nil for none.
func moment(t time.Time) *time.Time {
	if t = encodable(t.Truncate(time.Second)); t.IsZero() {
		return nil
	}
	return &t
}
