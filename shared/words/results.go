package words

import (
	"math"
	"strconv"

	"emodrop/shared/job"
)

// Result is what came of a row of a manifest: a line of its results. Amounts are in CNY.
type Result struct {
	job.Row
	// State is empty until the job has been looked at.
	State   job.State       `json:"state"`
	Code    string          `json:"code,omitempty"`
	File    string          `json:"file,omitempty"`
	Text    map[Lang]string `json:"text,omitempty"`
	Film    string          `json:"film,omitempty"`
	Seconds float64         `json:"seconds,omitempty"`
	// Quote is the price expected, of what is open and of dry runs.
	Quote  string `json:"quote_cny,omitempty"`
	Billed string `json:"billed_cny"`
	Wasted string `json:"wasted_cny,omitempty"`
}

// ResultOf says how the job of a row stands.
func ResultOf(r job.Row, j job.Job) Result {
	out := Result{Row: r, State: j.State, Text: map[Lang]string{}, Seconds: finite(j.Seconds()), Billed: j.Billed.Decimal()}
	if j.Quoted > 0 && (!j.State.Final() || j.State == job.Checked) {
		out.Quote = j.Quoted.Decimal()
	}
	if j.Wasted > 0 {
		out.Wasted = j.Wasted.Decimal()
	}
	if j.Film != nil {
		out.Film = j.Film.Key
	}
	m := job.OutcomeMessage(j)
	if !j.State.Told() || j.State == job.Succeeded {
		m.Fault = nil // what has passed
	}
	if m.Fault != nil {
		out.Code, out.File = m.Fault.Code, m.Fault.File
	}
	for _, lang := range Languages() {
		what, fix := headline(m, lang)
		if r.Late {
			late, _ := Explain(job.Fault{Code: job.CodeOptionsLate}, j.Name, lang)
			what += pick(lang, " ", "") + late
		}
		if fix != "" {
			what += pick(lang, " ", "") + fix
		}
		out.Text[lang] = what
	}
	if r.Late && out.Code == "" {
		out.Code = job.CodeOptionsLate
	}
	return out
}

// Count adds a row to what is said of its manifest, and its money to the message's.
func (r Result) Count(b *job.BatchNews, m *job.Message) {
	switch {
	case r.State == job.Succeeded:
		b.Made++
	case r.State == job.Checked:
		b.Checked++
	case r.State.Final():
		b.NotMade++
	case r.Quote == "":
		b.Unpriced++
	}
	m.Quoted, m.Billed, m.Wasted = m.Quoted+amount(r.Quote), m.Billed+amount(r.Billed), m.Wasted+amount(r.Wasted)
}

// amount reads what Money.Decimal wrote.
func amount(decimal string) job.Money {
	f, err := strconv.ParseFloat(decimal, 64)
	if err != nil {
		return 0
	}
	return job.Money(math.Round(f * float64(job.Yuan)))
}
