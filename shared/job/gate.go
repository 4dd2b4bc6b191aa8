package job

import (
	"errors"
	"slices"
	"time"
)

// Normal outcomes of reading and writing records. They live here because the
// steps meet them and know no adapter.
var (
	// ErrConflict: somebody else was first. Normal life: look again.
	ErrConflict = errors.New("record changed meanwhile")
	// ErrNotFound: there is no such record or object.
	ErrNotFound = errors.New("not found")
)

// Gate is the one record that admits jobs to the vendor.
type Gate struct {
	// Slots are the jobs that count against MaxInFlight, by job id: a set, so
	// taking and freeing are idempotent and cannot leak the way counters do.
	Slots map[string]Slot `json:"slots"`
	// Fence is the last fencing number given out.
	Fence int64 `json:"fence"`
	// Lease is who may post; at most one create is in flight per stack.
	Lease *PostLease `json:"lease,omitempty"`
	// Posted is when the posting lease was last given back: the end of the last
	// create call that was answered.
	Posted time.Time `json:"posted,omitzero"`
	// Closed stops all posting; nil while open.
	Closed *Closure `json:"closed,omitempty"`
	// Past is the last closure that a probe ended, and PastEnd when: the same one
	// again soon after was never over.
	Past    *Closure  `json:"past,omitempty"`
	PastEnd time.Time `json:"past_end,omitzero"`
	// NotBefore holds posting back after the vendor throttled it.
	NotBefore time.Time `json:"not_before,omitzero"`
	// Speeds are the last measured milliseconds of work per second of film.
	Speeds []int64 `json:"speeds,omitempty"`
	// Clock is how far the queue has got, by class of priority: the start of the job that
	// was sent last.
	Clock map[string]int64 `json:"clock,omitempty"`
	// Route is what was seen of the vendor's way to our S3; nil when nothing speaks
	// against it.
	Route *Route `json:"route,omitempty"`
	// KeyID is the vendor's id of our API key, learned from a task we know.
	KeyID string `json:"key_id,omitempty"`
	// Spent is what films have cost, by the keys of Day and Month; what may have been
	// charged is in it, what the slots reserve is not. Only days and months that may
	// still matter are kept.
	Spent map[string]Money `json:"-"`
	// Budget is the one that the functions keep, for people who look.
	Budget Budget `json:"budget,omitzero"`
	// Told is the Shortage of each period that was told last, by its key.
	Told map[Period]string `json:"told,omitempty"`
	// Installed is when this stack first ran: older files are not its business.
	Installed time.Time `json:"installed"`
	// Due is when a closed gate is probed.
	Due time.Time `json:"-"`
}

// Slot is a place at the vendor.
type Slot struct {
	// Seconds of film, for what is ahead of a newcomer.
	Seconds float64 `json:"s"`
	// Reserved is the most that its task can cost the budget.
	Reserved Money `json:"r,omitempty"`
}

// PostLease is the right to make the one create call.
type PostLease struct {
	Job   string    `json:"job"`
	Fence int64     `json:"fence"`
	Until time.Time `json:"until"`
}

// Closure is why and until when nothing is posted.
type Closure struct {
	// Code is ours: key_refused, account_overdue, budget_reached, paused …
	Code string `json:"code"`
	// Detail is the vendor's word for it.
	Detail string    `json:"detail,omitempty"`
	Since  time.Time `json:"since"`
	// ByHand closures are not probed; a person reopens them.
	ByHand bool `json:"by_hand,omitempty"`
	// Probes made so far.
	Probes int `json:"probes,omitempty"`
	// Need is what a budget that is reached leaves too little for.
	Need Money `json:"need,omitempty"`
}

// Wait is why a job is not admitted now. The zero value admits it.
type Wait string

// The reasons, in the order in which they are looked at.
const (
	Go        Wait = ""
	Closed    Wait = "gate closed"
	Throttle  Wait = "vendor asked to wait"
	Posting   Wait = "another create is in flight"
	Full      Wait = "all slots taken"
	TooLong   Wait = "what is ahead would outlive a link or an id"
	keepSpeed      = 15
)

// Admits says whether a job of that many seconds may be posted now, its inputs'
// links ending at urlsEnd. When nothing is in flight one job is always admitted:
// a wrong notion of the vendor's speed must not stop the stack.
func (g Gate) Admits(now time.Time, id string, seconds float64, limit int, urlsEnd time.Time, p Profile) Wait {
	switch {
	case g.Closed != nil:
		return Closed
	case now.Before(g.NotBefore):
		return Throttle
	case g.Lease != nil && now.Before(g.Lease.Until):
		return Posting
	}
	if _, mine := g.Slots[id]; mine {
		return Go
	}
	if len(g.Slots) >= limit {
		return Full
	}
	if len(g.Slots) == 0 {
		return Go
	}
	ahead := seconds
	for _, s := range g.Slots {
		ahead += s.Seconds
	}
	work := ahead * g.Speed(p).Seconds()
	finish := now.Add(time.Duration(work / units(limit, work/float64(len(g.Slots)+1)) * float64(time.Second)))
	if finish.After(urlsEnd) || finish.After(now.Add(min(p.IDLife/2, p.ServerTimeout/2))) {
		return TooLong
	}
	return Go
}

// turn is how long a place at the vendor may stand empty if nothing waits there: until
// a batch has come to the task that ended, and the next one is posted.
const turn = 30 * time.Second

// units is how many tasks the vendor works on at once, as the limit tells, for tasks of
// that many seconds of work. A dedicated deployment's limit is its units and what ends
// within a turn, two at least; one unit of the shared model has three.
func units(limit int, work float64) float64 {
	l := float64(limit)
	return max(1, min(l-2, l*work/(work+turn.Seconds())))
}

// PostWait is how long the next create call has to wait after the last one. What a
// clock of another machine's says counts no longer than that.
func (g Gate) PostWait(now time.Time, p Profile) time.Duration {
	return min(max(0, g.Posted.Add(p.CreateEvery).Sub(now)), p.CreateEvery)
}

// Speed is the vendor's work for one second of film: the clamped median of what
// was measured, or the profile's figure until something was.
func (g Gate) Speed(p Profile) time.Duration {
	if len(g.Speeds) == 0 {
		return p.WorkPerSecond
	}
	s := slices.Clone(g.Speeds)
	slices.Sort(s)
	return min(max(time.Duration(s[len(s)/2])*time.Millisecond, p.WorkMin), p.WorkMax)
}

const (
	// surely is how many measured films tell how far the vendor's speeds lie apart;
	// until then each may be doubt away from the speed, in parts of it.
	surely, doubt = 5, .25
	// narrow is the least that a film's speed is taken to differ from the others', near
	// the most that it is taken to lie beside all of them.
	narrow, near = .03, .02
)

// Work bounds the vendor's work for one second of film: what was measured lies between,
// with a little beside it. One film that took far longer than the others says nothing of
// the next, so neither bound is further than a quarter from Speed.
func (g Gate) Work(p Profile) (least, most time.Duration) {
	speed := g.Speed(p)
	part := func(f float64) time.Duration { return time.Duration(f * float64(speed)) }
	least, most = part(1-doubt), part(1+doubt)
	if len(g.Speeds) < surely {
		return least, most
	}
	low, high := time.Duration(slices.Min(g.Speeds))*time.Millisecond, time.Duration(slices.Max(g.Speeds))*time.Millisecond
	beside := min((high-low)/8, part(near))
	return max(least, min(low-beside, part(1-narrow))), min(most, max(high+beside, part(1+narrow)))
}

// oneOf is how many films there are for one that is measured, once enough are.
const oneOf = 8

// Taught is the gate after a move by which a job leaves the vendor: what a finished film
// shows of the vendor's speed, and that its inputs could be fetched from S3. It is g after
// any other move.
func (g Gate) Taught(from, to Job, now time.Time) Gate {
	if !from.State.HoldsSlot() || to.State != Storing || to.Task == nil {
		return g
	}
	if !to.Task.Started.IsZero() { // else the vendor has not said how long it took
		g.Speeds = slices.Clone(g.Speeds)
		g.Learn(to.Task.Ended.Sub(to.Task.Started), to.Seconds())
	}
	if from.Via != TransferTemp {
		g.Fetched(Fetch{Job: to.ID, OK: true}, now)
	}
	return g
}

// Learn adds a measured speed and forgets the oldest. When as many are known as are
// kept, one film in eight is enough: the others teach nothing.
func (g *Gate) Learn(work time.Duration, seconds float64) {
	if work <= 0 || seconds <= 0 || len(g.Speeds) >= keepSpeed && g.Fence%oneOf != 0 {
		return
	}
	g.Speeds = append(g.Speeds, int64(work.Seconds()*1000/seconds))
	g.Speeds = g.Speeds[max(0, len(g.Speeds)-keepSpeed):]
}

// Due is one thing that is past its time.
type Due struct {
	Kind DueKind
	// ID of a job, a message or a manifest, name of a stem, folder; empty for the gate.
	ID string
	At time.Time
}

// DueKind is what kind of thing is due.
type DueKind string

// The kinds.
const (
	DueJob     DueKind = "job"
	DueStem    DueKind = "stem"
	DueFolder  DueKind = "folder"
	DueMessage DueKind = "message"
	DueGate    DueKind = "gate"
	DueSweep   DueKind = "sweep"
	DueStray   DueKind = "stray"
	// DueManifest is one with rows to be taken in, or results to be written.
	DueManifest DueKind = "manifest"
)

// Admission is what the transaction that admits a job is decided on.
type Admission struct {
	// Gate as read just before.
	Gate Gate
	// Limit is MaxInFlight.
	Limit int
	// Intent to be written; its Fence is given by the store.
	Intent Intent
	// Trial: the job is the one that tries links to S3 again.
	Trial bool
	// Budget that the most of the job's film must fit into.
	Budget Budget
}

// relapse is how soon after its end a closure of the same code counts as the same.
const relapse = 30 * time.Minute

// Relapsed carries on the closure that c repeats: what a free probe cannot see (an
// account that may look but not buy) would else open and close the gate for ever, a
// minute at a time.
func (g Gate) Relapsed(c Closure, now time.Time) (Closure, bool) {
	if c.ByHand || g.Past == nil || g.Past.Code != c.Code || now.Sub(g.PastEnd) > relapse {
		return c, false
	}
	c.Since, c.Probes = g.Past.Since, g.Past.Probes+1
	return c, true
}

// ProbeWait is how long a closed gate waits after that many probes in vain.
func ProbeWait(probes int) time.Duration {
	return Backoff(time.Minute, probes)
}

// ClosureOf makes a closure of an error that would fail every job.
func ClosureOf(v Verdict, now time.Time) Closure {
	c := Closure{Code: CodeNoAccess, Detail: v.Code, Since: now.UTC().Truncate(time.Millisecond)}
	switch {
	case v.Status == 401:
		c.Code = CodeKeyRefused
	case v.Code == "Arrearage" || v.Code == "PrepaidBillOverdue" || v.Code == "PostpaidBillOverdue" ||
		v.Code == "CommodityNotPurchased" || v.Code == "AllocationQuota.FreeTierOnly" ||
		v.Code == "Throttling.AllocationQuota":
		c.Code = CodeNoMoney
	}
	return c
}
