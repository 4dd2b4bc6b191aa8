package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// jobLine is a job as programs are told of it. Amounts are in CNY, times in UTC.
type jobLine struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	State    job.State `json:"state"`
	Attempt  int       `json:"attempt"`
	Seconds  float64   `json:"seconds,omitempty"`
	Received time.Time `json:"received"`
	Updated  time.Time `json:"updated"`
	Ended    time.Time `json:"ended,omitzero"`
	// Place in the queue, from 1; 0 when it is not in it, or too far back.
	Place int `json:"place,omitempty"`
	// Expected is when its film may be there; zero when nobody can tell, or it has ended.
	Expected  time.Time `json:"expected,omitzero"`
	TaskID    string    `json:"task_id,omitempty"`
	QuotedCNY string    `json:"quoted_cny,omitempty"`
	BilledCNY string    `json:"billed_cny,omitempty"`
	WastedCNY string    `json:"wasted_cny,omitempty"`
	Film      *filmLine `json:"film,omitempty"`
	// Problem is what went wrong and what to do.
	Problem    *problem `json:"problem,omitempty"`
	Candidates []string `json:"candidates,omitempty"`
}

type filmLine struct {
	Key     string  `json:"key"`
	Size    int64   `json:"size"`
	SHA256  string  `json:"sha256"`
	Seconds float64 `json:"seconds"`
	Width   int     `json:"width"`
	Height  int     `json:"height"`
}

func (p *program) jobLine(j job.Job) jobLine {
	l := jobLine{ID: j.ID, Name: j.Name.String(), State: j.State, Attempt: j.Attempt, Seconds: j.Seconds(),
		Received: j.Received, Updated: j.Updated, Ended: j.Ended, Candidates: j.Candidates,
		QuotedCNY: amount(j.Quoted), BilledCNY: amount(j.Billed), WastedCNY: amount(j.Wasted)}
	if j.Task != nil {
		l.TaskID = j.Task.ID
	}
	if f := j.Film; f != nil {
		l.Film = &filmLine{f.Key, f.Size, f.SHA256, f.Seconds, f.Width, f.Height}
	}
	if j.Fault != nil && j.State != job.Succeeded {
		l.Problem = p.failed(j)
	}
	return l
}

func amount(m job.Money) string {
	if m == 0 {
		return ""
	}
	return m.Decimal()
}

// state is a job's state in words, in its colour.
func (p *program) state(s job.State, colour bool) string {
	return paint(colour, tone(s), words.State(s, p.lang))
}

const (
	plain  = ""
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
)

// well says whether a job has ended as its hand-in wished.
func well(s job.State) bool { return s == job.Succeeded || s == job.Checked }

func tone(s job.State) string {
	switch s {
	case job.Succeeded, job.Checked:
		return green
	case job.Failed, job.Rejected, job.Expired, job.Held:
		return red
	case job.Canceled:
		return yellow
	case job.Received, job.Queued:
		return plain
	}
	return blue
}

func paint(colour bool, tone, s string) string {
	if !colour || tone == plain {
		return s
	}
	return "\x1b[" + tone + "m" + s + "\x1b[0m"
}

// price is what a job costs or is expected to.
func price(j job.Job) string {
	switch {
	case j.Billed > 0:
		return j.Billed.String()
	case j.State.Final() && j.State != job.Checked || j.Quoted == 0:
		return ""
	}
	return "~" + j.Quoted.String()
}

// table writes rows in columns; the first row is the head. On a terminal they are
// aligned, elsewhere separated by tabs, without the head.
func (p *program) table(rows [][]string) {
	if !p.live(p.stdout) {
		for _, r := range rows[1:] {
			p.print("%s\n", strings.Join(r, "\t"))
		}
		return
	}
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, c := range r {
			widths[i] = max(widths[i], columns(c))
		}
	}
	for n, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-columns(c)+2))
			}
		}
		line := strings.TrimRight(b.String(), " ")
		if n == 0 {
			line = paint(p.colour(p.stdout), bold, line)
		}
		p.print("%s\n", line)
	}
}

// columns is how wide a text is on a terminal: colours take no room, wide letters
// two columns.
// Source: https://www.unicode.org/reports/tr11/
func columns(s string) int {
	n, escaped := 0, false
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case r == '\x1b':
			escaped = true
		case escaped:
			escaped = r != 'm'
		case unicode.Is(unicode.Mn, r):
		case k == width.EastAsianWide || k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// cut makes a text fit into that many columns.
func cut(s string, most int) string {
	if columns(s) <= most {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n += columns(string(r)); n > most-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// oneLine keeps a name or a message of somebody else's from moving the cursor or
// faking a line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clock is a length of time as a clock shows it.
func clock(d time.Duration) string {
	s := max(0, int64(d.Round(time.Second)/time.Second))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// moment is a time for people in this machine's zone.
func moment(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func length(seconds float64) string {
	if seconds <= 0 {
		return ""
	}
	return fmt.Sprintf("%.2f s", seconds)
}

// short is enough of a job's id to tell it from others.
func short(id string) string { return id[:min(8, len(id))] }
