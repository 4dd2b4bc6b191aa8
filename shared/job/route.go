package job

import "time"

// Transfer is how a job's inputs get to the vendor. The zero value is TransferAuto.
type Transfer string

// The transfers. The vendor's own storage is slower, lives for 48 hours, cannot be
// cleared by us, and is not meant for many files at once; but the vendor can always
// read it. Source: https://help.aliyun.com/zh/model-studio/get-temporary-file-url (2026)
const (
	// Auto signs links to S3, and goes over to the vendor's storage where those cannot
	// be fetched.
	TransferAuto Transfer = "auto"
	// Presign signs links to S3 whatever happens.
	TransferPresign Transfer = "presign"
	// Temp uploads to the vendor's storage always.
	TransferTemp Transfer = "temp"
)

// Route is what a stack has seen of the vendor's way to its S3. The zero value is a way
// that nothing is known against.
type Route struct {
	// Failed is how many tasks and create calls in a row have failed because an input
	// could not be fetched, Portraits how many detect calls have. They are counted apart:
	// a portrait that was fetched shows nothing for a recording, which is larger.
	Failed    int `json:"failed,omitempty"`
	Portraits int `json:"portraits,omitempty"`
	// Until is when S3 is tried again; zero while it is used.
	Until time.Time `json:"until,omitzero"`
	// Trials is how many jobs have tried it again in vain, Trier the one that does now.
	Trials int    `json:"trials,omitempty"`
	Trier  string `json:"trier,omitempty"`
}

// Fetch is what became of links to S3 that the vendor was given.
type Fetch struct {
	// Job whose inputs they were.
	Job string
	// Portrait: the picture alone, for detect. Else all of a task's inputs.
	Portrait bool
	// OK: they were fetched.
	OK bool
}

const (
	// failures is how many fetches in a row may fail before the stack stops trying.
	failures = 3
	// trialWait is the first wait before S3 is tried again; it doubles up to trialMax.
	// It is also how long one trial keeps the others from trying too.
	trialWait = 30 * time.Minute
	trialMax  = 8 * time.Hour
)

// Transfer is how a job's inputs are to be sent now; portrait: the picture alone, for
// detect. trial says that the job would be the one that finds out whether the vendor can
// fetch from S3 by now: nobody else is to, and so it has to be noted first.
func (g Gate) Transfer(mode Transfer, j Job, portrait bool, now time.Time) (t Transfer, trial bool) {
	switch {
	case mode == TransferPresign, mode == TransferTemp:
		return mode, false
	case j.Via == TransferTemp:
		return TransferTemp, false // it was sent, or was not fetched, otherwise before
	case g.Route == nil || g.Route.Until.IsZero():
		return TransferPresign, false
	case now.Before(g.Route.Until), portrait && g.Route.Failed > 0:
		return TransferTemp, false
	}
	if _, under := g.Slots[g.Route.Trier]; under && g.Route.Trier != j.ID {
		return TransferTemp, false // its task waits behind others': it will tell
	}
	return TransferPresign, true
}

// Trial notes that a job is about to try S3 again.
func (g *Gate) Trial(id string, now time.Time) {
	r := *g.Route
	r.Until, r.Trier = stamp(now.Add(trialWait)), id
	g.Route = &r
}

// Fetched notes whether the vendor has fetched what was in S3. While S3 is given up only
// the one that tries it has something to say: the others were sent before that.
func (g *Gate) Fetched(f Fetch, now time.Time) {
	var r Route
	if g.Route != nil {
		r = *g.Route
	}
	closed := !r.Until.IsZero()
	switch {
	case closed && r.Trier != f.Job:
		return
	case f.OK && f.Portrait && r.Failed > 0:
		r.Portraits = 0
	case f.OK:
		g.Route = nil
		return
	case f.Portrait:
		r.Portraits++
	default:
		r.Failed++
	}
	if closed && !f.OK {
		r.Trier = ""
		r.Trials++
	}
	if !f.OK && (closed || r.Failed+r.Portraits >= failures) {
		r.Until = stamp(now.Add(min(trialWait<<min(r.Trials, 8), trialMax)))
	}
	g.Route = &r
}

// InputLife is how long links to staged inputs live at least.
const InputLife = 40 * time.Minute

// stamp is a time as records keep it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
