package poll

import (
	"context"
	"time"

	"emodrop/shared/job"
)

// gauges are what a batch saw of work that takes long, for the log line that
// template.yaml makes metrics and alarms of. They cost no read: they are taken of
// the jobs that a batch reads anyway.
type gauges struct {
	jobs            int
	oldest, unclear time.Duration
	linkLeft        time.Duration
	hasLink         bool
}

// measure notes how long a job has been under way. Waiting in the queue does not
// count: a long queue is no trouble.
func (r *round) measure(j job.Job) {
	now := time.Now()
	since := now
	switch {
	case j.State == job.Received && j.Attempt == 1:
		since = j.Received
	case j.State == job.Submitting && j.Intent != nil:
		since = j.Intent.At
	case (j.State.AtVendor() || j.State == job.Storing) && j.Task != nil:
		since = j.Task.Submitted
	}
	r.set(func(r *round) {
		g := &r.gauges
		g.jobs++
		g.oldest = max(g.oldest, now.Sub(since))
		if j.State == job.Submitting && j.Intent != nil {
			g.unclear = max(g.unclear, now.Sub(j.Intent.Until))
		}
		if j.State == job.Storing && j.Result != nil {
			left := max(0, j.Result.URLEnds.Sub(now))
			if !g.hasLink || left < g.linkLeft {
				g.linkLeft, g.hasLink = left, true
			}
		}
	})
}

// report logs the gauges of a batch; one that saw nothing says nothing. before is
// the gate as it stood when the batch began.
//
// oldest_s is the time since the oldest job was received or posted, unclear_s the
// time since the lease of the oldest create call without an answer ended,
// link_left_s what is left of the film link that ends first (-1: there is none).
// stands_still is 1 where a job waits, the gate admits, and nothing is at the
// vendor: right for one batch, wrong for a quarter of an hour. over_budget is 1 while a
// budget that is reached keeps the gate closed.
func (s *Step) report(ctx context.Context, r *round, before job.Gate) {
	g := r.gauges
	reached := before.Closed != nil && before.Closed.Code == job.CodeBudget
	if g.jobs == 0 && !r.waiting && !reached {
		return
	}
	left, still, over := int64(-1), 0, 0
	if reached {
		over = 1
	}
	if g.hasLink {
		left = int64(g.linkLeft.Seconds())
	}
	if r.waiting && len(before.Slots) == 0 {
		still = 1
	}
	s.Log.InfoContext(ctx, "gauges", "jobs", g.jobs, "oldest_s", int64(g.oldest.Seconds()),
		"unclear_s", int64(g.unclear.Seconds()), "link_left_s", left, "stands_still", still, "over_budget", over)
}
