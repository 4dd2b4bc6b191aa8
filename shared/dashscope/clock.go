package dashscope

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

var errBadID = errors.New("this cannot be the id of a task")

// moment is what the vendor's clock said and when we heard it.
type moment struct{ said, heard time.Time }

// clockLife is how long a reading of the vendor's clock is carried on by ours.
const clockLife = 5 * time.Minute

// Clock gives the vendor's time, good to about a second and the answer's way: as
// the last good answer of the past five minutes had it in its Date header, else
// by a free call. Either way the key was good when that answer came: a refusal
// of the operator's kind makes the next Clock ask again.
func (c *Client) Clock(ctx context.Context) (time.Time, error) {
	if t, ok := c.carried(); ok {
		return t, nil
	}
	const op = "clock"
	page, e := c.list(ctx, op, job.ListQuery{Page: 1, PageSize: 1})
	if e != nil {
		return time.Time{}, e
	}
	if page.At.IsZero() {
		return time.Time{}, &Error{Op: op, Status: 200, Err: errors.New("the answer does not say its date")}
	}
	return page.At, nil
}

// carried is the vendor's clock by its last word and our own clock since.
func (c *Client) carried() (time.Time, bool) {
	c.mu.Lock()
	m := c.said
	c.mu.Unlock()
	if m.said.IsZero() {
		return time.Time{}, false
	}
	now := time.Now()
	since := now.Sub(m.heard) // monotonic
	// A machine that slept, or whose clock was set, tells two different stories.
	wall := now.Round(0).Sub(m.heard.Round(0))
	if since < 0 || since > clockLife || (wall-since).Abs() > 2*time.Second {
		return time.Time{}, false
	}
	return m.said.Add(since), true
}

// heard notes the date of a good answer.
func (c *Client) heard(at time.Time) {
	if at.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = moment{said: at, heard: time.Now()}
}

// unheard forgets it.
func (c *Client) unheard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = moment{}
}
