package job

import "time"

// Verb is what a control object asks for.
type Verb string

// The verbs: each is the extension of its objects.
const (
	ToCancel Verb = "cancel"
	ToRetry  Verb = "retry"
)

// Control is an object of the inbox by which a person who has nothing but the bucket
// asks for something: <name>.cancel or <name>.retry. It concerns the newest job of the
// name, and each writing of it counts once.
type Control struct {
	Key  string
	Verb Verb
	Name Name
	ETag string
	// Written is the bucket's time of it, in whole seconds.
	Written time.Time
	// Charge says that its writer accepts that the film may be paid for once more.
	Charge bool
}

// Heeded is the writing of a control object that counted last. Its Rev is 0 when none
// has.
type Heeded struct {
	Rev     int64     `json:"rev"`
	ETag    string    `json:"etag"`
	Written time.Time `json:"written"`
	// Job is the job that it concerned, Refused the code of why nothing was done.
	Job     string `json:"job,omitempty"`
	Refused string `json:"refused,omitempty"`
}

// Counts reports whether an object with that time and ETag is another writing than the
// last that counted, and no older one. The time is taken in whole seconds, as S3 gives
// it when asked for one object: two empty writings in one second are one.
func (h Heeded) Counts(written time.Time, etag string) bool {
	written = written.Truncate(time.Second)
	return h.Rev == 0 || written.After(h.Written) || written.Equal(h.Written) && etag != h.ETag
}

// Order is a control object as it is to be carried out.
type Order struct {
	Control
	// Seen is what was known of the object, Stem how its name stood: what is done for
	// it is done only while both are so.
	Seen Heeded
	Stem Stem
	// Near are the closest names, for who has written one that nothing has.
	Near string
}

// Heed is what is to be noted of an order: refused is empty when it was carried out.
func (o Order) Heed(refused string) Heeded {
	return Heeded{Rev: o.Seen.Rev + 1, ETag: o.ETag, Written: o.Written, Job: o.Stem.Job, Refused: refused}
}

// wholeSecond is by how much an object may be younger than S3 says.
const wholeSecond = time.Second

// Before reports whether the order was surely given before a time of our own clock.
func (o Order) Before(t time.Time) bool { return o.Written.Add(wholeSecond).Before(t) }

// Outdated reports whether what the newest job was made of, files or a row of a
// manifest, came after the order: it was given for an earlier one. Both times are the
// bucket's.
func (o Order) Outdated() bool {
	written := o.Written.Truncate(time.Second)
	return o.Stem.NewerThan(written) || o.Stem.Row != nil && o.Stem.Row.Written.After(written)
}
