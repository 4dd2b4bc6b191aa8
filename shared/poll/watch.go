package poll

import (
	"context"
	"errors"
	"sync"
	"time"

	"emodrop/shared/job"
)

// counting is a vendor whose questions are counted.
type counting struct {
	Vendor
	step *Step
}

func (c counting) Task(ctx context.Context, baseURL, id string) (job.Answer, error) {
	c.step.asked.Add(1)
	return c.Vendor.Task(ctx, baseURL, id)
}

func (c counting) List(ctx context.Context, q job.ListQuery) (job.ListPage, error) {
	c.step.asked.Add(1)
	return c.Vendor.List(ctx, q)
}

// turn is the time from one look to the next: the vendor takes 20 questions a second,
// https://help.aliyun.com/zh/model-studio/manage-asynchronous-tasks (2026). The client
// keeps to that; but a look that waited there would be made after a refusal too.
const turn = time.Second / 20

// lookAt looks at jobs, unless the vendor wants no more questions.
func (s *Step) lookAt(ctx context.Context, r *round, p *plan, jobs []job.Job) {
	var mu sync.Mutex
	began := map[string]time.Time{}
	start := time.Now()
	few(r, jobs, func(i int, j job.Job) error {
		if job.Pause(ctx, time.Until(start.Add(time.Duration(i)*turn))) != nil {
			return nil
		}
		if r.stopped() {
			return overtaken(r, j, s.unasked(ctx, r, j))
		}
		mu.Lock()
		began[j.ID] = time.Now()
		mu.Unlock()
		return overtaken(r, j, s.look(ctx, r, j))
	})
	r.set(func(r *round) {
		p.looked(began, r.holding, r.pending)
		r.pending = false
	})
}

// overtaken takes a lost race for what it is: somebody else's word counts, which a batch will
// read.
func overtaken(r *round, j job.Job, err error) error {
	if !errors.Is(err, job.ErrConflict) {
		return err
	}
	r.now(j.ID, job.Job{})
	return nil
}

// watch makes the looks between two batches that are planned before a time; a last one
// just then takes what would fall due until later. What has ended goes on at once, and a
// slot that is free is offered.
func (s *Step) watch(ctx context.Context, r *round, p *plan, until, later time.Time) {
	for !r.stopped() {
		now := time.Now()
		if !now.Before(later) {
			return
		}
		soon := now
		if !now.Before(until) {
			soon = later
		}
		jobs, next := p.due(now, soon, soon)
		if len(jobs) > 0 {
			s.lookAt(ctx, r, p, jobs)
			s.bring(ctx, r)
			if r.ended {
				r.note(s.hand(ctx, r))
			}
			for _, err := range r.errs {
				s.Log.ErrorContext(ctx, "looks", "err", err)
			}
			r.errs = nil
			continue
		}
		if next.IsZero() || !next.Before(later) || !now.Before(until) {
			return
		}
		if next.After(until) {
			next = until
		}
		if !s.fits(ctx, next) || job.Pause(ctx, time.Until(next)) != nil {
			return
		}
	}
}
