package console

import (
	"fmt"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/words"
)

// preloaded is how many films of a page are looked into before anybody plays them.
// Browsers allow a page a limited number of players and six connections.
const preloaded = 12

// boardView is what the template "board" shows.
type boardView struct {
	Stale     bool
	Closed    *closureView
	Throttled string // until when; empty when not
	Budget    []string
	InFlight  int
	Queued    int
	Jobs      []jobView
	Cut       int // how many are shown of more; 0 when all are
	Older     string
	Larger    string // the same with more jobs, when there are
	Past      bool   // not the newest days
	Find      string // what is looked for
	Looked    int    // among so many jobs
	Messages  []messageView
}

type closureView struct {
	What, Fix, Since string
	ByHand           bool
}

type messageView struct {
	When                moment
	Kind, Subject, Text string
}

// moment is a time for a <time> element.
type moment struct{ Machine, Shown string }

// jobView is one job as a person reads it.
type jobView struct {
	ID string
	// Version is the same while there is nothing else to show, clocks aside.
	Version   int64
	Dir, Stem string
	State     string
	// Tone is how the state is coloured: wait, work, good, bad, off.
	Tone  string
	Steps []stepView
	// Expected is its place in the queue and when it may be done; empty when nothing is.
	Expected string
	// Cancel: it may be taken back. Retry: it may be tried again, for a charge that a
	// person has to accept first if Charge.
	Cancel, Retry, Charge bool
	Held                  *heldView // nil where nobody has to decide, or nobody can here
	// Since is when counting began, in Unix milliseconds, while it goes on; else 0.
	Since    int64
	Elapsed  string
	Received moment
	Length   string
	Price    *priceView
	Lost     string
	Attempt  int // 0 for the first
	Fault    *faultView
	Film     *filmView
}

type stepView struct{ Label, Mark string } // Mark: done, now, stop or nothing

type priceView struct{ Label, Amount string }

type faultView struct{ What, Fix, Vendor string }

type filmView struct {
	URL, Name     string
	Width, Height int
	Preload       string
}

func (h *console) boardView(l *look, lang words.Lang, now time.Time) boardView {
	v := boardView{Stale: l.stale, Find: l.find, Looked: l.looked, InFlight: len(l.gate.Slots), Queued: len(l.queue)}
	if c := l.gate.Closed; c != nil {
		what, fix := words.Explain(job.Fault{Code: c.Code, Detail: c.Detail}, job.Name{}, lang)
		v.Closed = &closureView{What: what, Fix: fix, Since: clockTime(c.Since, now), ByHand: c.ByHand}
	}
	for _, p := range job.Periods() {
		if left := words.Budget(l.gate, p, now, lang); left != "" {
			v.Budget = append(v.Budget, left)
		}
	}
	if l.gate.NotBefore.After(now) {
		v.Throttled = clockTime(l.gate.NotBefore, now)
	}
	if l.cut && l.find == "" {
		v.Cut = len(l.jobs)
	}
	if !l.older.IsZero() {
		v.Older = "/" + span{l.older, max(shown, l.size), l.find}.query().suffix()
	}
	if l.cut && l.size < most {
		v.Larger = "/" + span{l.before, most, ""}.query().suffix()
	}
	v.Past = !l.newest
	films := 0
	outlooks := l.forecast(h.Profile, now)
	for _, j := range l.jobs {
		one := h.jobView(j, lang, now)
		one.Expected, _ = expected(outlooks[j.ID], lang, now) // a phrase that is not there: the tests find it
		if one.Film != nil {
			if films++; films <= preloaded {
				one.Film.Preload = "metadata"
			}
		}
		v.Jobs = append(v.Jobs, one)
	}
	for i := len(l.messages) - 1; i >= 0; i-- {
		m := l.messages[i]
		v.Messages = append(v.Messages, messageView{momentOf(m.Time, now), m.Kind, cut(m.Subject, 300), cut(m.Text, 4000)})
	}
	return v
}

func (h *console) jobView(j job.Job, lang words.Lang, now time.Time) jobView {
	v := jobView{ID: j.ID, Version: j.Rev, Dir: j.Name.Dir, Stem: j.Name.Stem,
		State: words.State(j.State, lang), Tone: tone(j.State), Steps: stepsOf(j),
		Received: momentOf(j.Received, now)}
	end := j.Ended
	if !j.State.Final() || end.IsZero() {
		end = now
	}
	if !j.State.Final() {
		v.Since = j.Received.UnixMilli()
	}
	v.Elapsed = clock(end.Sub(j.Received))
	if s := j.Seconds(); s > 0 {
		v.Length = clock(time.Duration(s * float64(time.Second)).Round(time.Second))
	}
	v.Price = h.price(j)
	if j.Wasted > 0 {
		v.Lost = j.Wasted.String()
	}
	if j.Attempt > 1 {
		v.Attempt = j.Attempt
	}
	if j.Fault != nil && j.State != job.Succeeded {
		v.Fault = faultOf(j, lang)
	}
	if h.Operate != nil {
		v.Cancel = operate.Cancelable(j.State)
		v.Retry, v.Charge = j.State.Final(), operate.MaybePaid(j)
	}
	if h.Held != nil && j.State == job.Held {
		v.Held = heldOf(j)
	}
	// A person looks at a film before deciding on it.
	if j.Film != nil && (j.State == job.Succeeded || v.Held != nil) {
		v.Film = &filmView{URL: "/film/" + j.ID, Name: fileName(j), Width: j.Film.Width, Height: j.Film.Height, Preload: "none"}
	}
	return v
}

// price is what a job is expected to cost until it has, and nothing once it never
// will.
func (h *console) price(j job.Job) *priceView {
	p := priceView{"price_charged", j.Billed.String()}
	switch {
	case j.Billed > 0:
	case j.State.Final() && j.State != job.Checked || j.Quoted <= 0:
		return nil
	default:
		p = priceView{"price_expected", j.Quoted.String()}
	}
	if h.Simulated {
		p.Label = "price_simulated"
	}
	return &p
}

func faultOf(j job.Job, lang words.Lang) *faultView {
	f := *j.Fault
	v := &faultView{}
	v.What, v.Fix = words.Explain(f, j.Name, lang)
	switch {
	case f.VendorCode != "" && f.VendorMessage != "":
		v.Vendor = f.VendorCode + ": " + f.VendorMessage
	default:
		v.Vendor = f.VendorCode + f.VendorMessage
	}
	v.Vendor = cut(v.Vendor, 500)
	return v
}

func tone(s job.State) string {
	switch s {
	case job.Received, job.Queued:
		return "wait"
	case job.Succeeded, job.Checked:
		return "good"
	case job.Failed, job.Rejected, job.Expired, job.Held:
		return "bad"
	case job.Canceled:
		return "off"
	}
	return "work"
}

// stepsOf shows how far a job has come, in five steps.
func stepsOf(j job.Job) []stepView {
	done, mark := 0, "now"
	switch j.State {
	case job.Received:
		done = 1
	case job.Queued, job.Submitting:
		done = 2
	case job.Submitted, job.Running:
		done = 3
	case job.Storing:
		done = 4
	case job.Succeeded:
		done = 5
	case job.Checked:
		done, mark = 2, ""
	default:
		mark = "stop"
		switch {
		case j.Result != nil:
			done = 4
		case j.Task != nil:
			done = 3
		case j.Rank != "": // it was queued once
			done = 2
		default:
			done = 1
		}
	}
	steps := make([]stepView, 5)
	for i := range steps {
		steps[i].Label = fmt.Sprintf("step_%d", i+1)
		switch {
		case i < done:
			steps[i].Mark = "done"
		case i == done:
			steps[i].Mark = mark
		}
	}
	return steps
}

// clock is a length of time as a clock shows it: 0:07, 12:05, 1:03:20. It reads the
// same in every language.
func clock(d time.Duration) string {
	s := max(0, int64(d/time.Second))
	if s < 3600 {
		return fmt.Sprintf("%d:%02d", s/60, s%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
}

// clockTime is a time of day in this machine's zone, with its date when that is not
// today's.
func clockTime(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

func momentOf(t, now time.Time) moment {
	return moment{Machine: t.UTC().Format(time.RFC3339), Shown: clockTime(t, now)}
}

// cut bounds a text of somebody else's, in characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
