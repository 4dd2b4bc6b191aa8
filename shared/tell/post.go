package tell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"emodrop/shared/job"
)

const (
	// postFor is how long at least a webhook is tried, and maxPostWait the longest wait
	// between two tries: some sixteen tries in a day.
	postFor     = 24 * time.Hour
	maxPostWait = 4 * time.Hour
	// restFor is how long a receiver that does not answer is left alone, by all
	// messages of this process: it must not hold up whoever comes after.
	restFor = time.Minute
)

var errResting = errors.New("it did not answer just now, and is left alone for a minute")

// rest is until when the receiver is left alone. Safe for concurrent use; the zero
// value is not at rest.
type rest struct {
	mu    sync.Mutex
	until time.Time
}

func (r *rest) begin(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.until = now.Add(restFor)
}

func (r *rest) at(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.until)
}

// postDue is when a message's post is to be tried.
func postDue(p job.Post, now time.Time) time.Time {
	if p.Due.IsZero() {
		return now
	}
	return p.Due
}

// postWait is how long to wait after that many failures in a row before this one; not
// ok when it has been tried long enough.
func postWait(first time.Duration, tries int) (wait time.Duration, ok bool) {
	wait = first
	for since := time.Duration(0); tries > 0; tries-- {
		if since += wait; since >= postFor {
			return 0, false
		}
		wait = min(2*wait, maxPostWait)
	}
	return wait, true
}

// post sends a message to the webhook if it is time, and writes down what came of it.
func (t *Teller) post(ctx context.Context, m job.Message) error {
	if m.Post.Due.After(time.Now()) {
		return nil
	}
	left := m
	left.Unsent = slices.DeleteFunc(slices.Clone(m.Unsent), func(c job.Channel) bool { return c == job.Webhook })
	err := errResting
	if !t.rest.at(time.Now()) {
		err = t.send(ctx, job.Webhook, m)
	}
	d := job.DeliveryOf(err)
	if d.Busy {
		t.rest.begin(time.Now())
	}
	wait, again := postWait(t.Backoff, m.Post.Tries)
	switch {
	case err == nil:
		t.Log.InfoContext(ctx, "told", "message_id", m.ID, "job_id", m.Job, "channel", job.Webhook)
	case d.Gone:
		t.Log.WarnContext(ctx, "webhook given up", "message_id", m.ID, "job_id", m.Job, "tries", m.Post.Tries+1, "code", "gone")
	case !again && !errors.Is(err, errResting):
		t.Log.WarnContext(ctx, "webhook given up", "message_id", m.ID, "job_id", m.Job, "tries", m.Post.Tries+1, "code", "tried_a_day", "err", err)
	default:
		left.Unsent = append(left.Unsent, job.Webhook)
		left.Post.Tries++
		if !again { // the last try is one that is made
			wait, left.Post.Tries = maxPostWait, m.Post.Tries
		}
		left.Post.Due = time.Now().Add(max(wait, d.After)).UTC().Truncate(time.Millisecond)
		if len(left.Unsent) == 1 {
			left.Due = left.Post.Due
		}
		err = fmt.Errorf("tell %s by %s: %w", m.ID, job.Webhook, err)
		return errors.Join(err, t.keep(ctx, m, left))
	}
	return t.keep(ctx, m, left)
}
