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
	// Failed is how many fetches in a row have failed.
	Failed int `json:"failed,omitempty"`
	// Until is when S3 is tried again; zero while it is used.
	Until time.Time `json:"until,omitzero"`
	// Trials is how many jobs have tried it again in vain, Trying that one does now.
	Trials int  `json:"trials,omitempty"`
	Trying bool `json:"trying,omitempty"`
}

const (
	// failures is how many fetches in a row may fail before the stack stops trying.
	failures = 3
	// trialWait is the first wait before S3 is tried again; it doubles up to trialMax.
	// It is also how long one trial keeps the others from trying too.
	trialWait = 30 * time.Minute
	trialMax  = 8 * time.Hour
)

// Transfer is how a job's inputs are to be sent now. trial says that the job would be
// the one that finds out whether the vendor can fetch from S3 by now: nobody else is to,
// and so it has to be noted first.
func (g Gate) Transfer(mode Transfer, j Job, now time.Time) (t Transfer, trial bool) {
	switch {
	case mode == TransferPresign, mode == TransferTemp:
		return mode, false
	case j.Via == TransferTemp:
		return TransferTemp, false // it was sent, or was not fetched, otherwise before
	case g.Route == nil || g.Route.Until.IsZero():
		return TransferPresign, false
	case now.Before(g.Route.Until):
		return TransferTemp, false
	}
	return TransferPresign, true
}

// Trial notes that a job is about to try S3 again.
func (g *Gate) Trial(now time.Time) {
	r := *g.Route
	r.Until, r.Trying = stamp(now.Add(trialWait)), true
	g.Route = &r
}

// Fetched notes whether the vendor has fetched an input from S3.
func (g *Gate) Fetched(ok bool, now time.Time) {
	if ok {
		g.Route = nil
		return
	}
	var r Route
	if g.Route != nil {
		r = *g.Route
	}
	switch {
	case r.Trying:
		r.Trying = false
		r.Trials++
	case !r.Until.IsZero():
		return // it was sent before S3 was given up, and shows nothing new
	default:
		if r.Failed++; r.Failed < failures {
			g.Route = &r
			return
		}
	}
	r.Until = stamp(now.Add(min(trialWait<<min(r.Trials, 8), trialMax)))
	g.Route = &r
}

// stamp is a time as records keep it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
