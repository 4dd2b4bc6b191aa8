package poll

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// reopen opens a gate that a budget has closed as soon as the budget has room for the
// job that is next: in a new day or month, when it has been raised, when what may have
// been charged was not, or when that job is another one. It returns the gate as it is
// then. A budget that has changed is noted there first.
func (s *Step) reopen(ctx context.Context, g job.Gate) (job.Gate, error) {
	if g.Budget != s.Budget {
		if err := s.Gate.NoteBudget(ctx, s.Budget); err != nil {
			return g, err
		}
		g.Budget = s.Budget
	}
	if g.Closed == nil || g.Closed.Code != job.CodeBudget {
		return g, nil
	}
	need, err := s.need(ctx, g.Closed.Need)
	if err != nil {
		return g, err
	}
	if wait, _ := g.Affords(s.Budget, need, time.Now()); wait == job.Reached {
		return g, nil
	}
	over := *g.Closed
	if err := s.Gate.Reopen(ctx, over); err != nil {
		return g, err
	}
	s.Log.InfoContext(ctx, "gate open", "code", over.Code)
	g.Closed = nil
	return g, nil
}

// need is the most that the next film can cost; otherwise where the queue shows none,
// which it may be late to do.
func (s *Step) need(ctx context.Context, otherwise job.Money) (job.Money, error) {
	queue, err := s.Agenda.Queue(ctx, 1)
	if err != nil || len(queue) == 0 {
		return otherwise, err
	}
	j, err := s.Jobs.Job(ctx, queue[0])
	if errors.Is(err, job.ErrNotFound) || err == nil && j.State != job.Queued {
		return otherwise, nil
	}
	return j.Most(), err
}

// tight says whether the next film has to wait for money that is at the vendor: then
// there is nothing to dispatch.
func (s *Step) tight(ctx context.Context, g job.Gate) (bool, error) {
	if !s.Budget.Set() || len(g.Slots) == 0 {
		return false, nil
	}
	need, err := s.need(ctx, 0)
	if err != nil {
		return false, err
	}
	wait, _ := g.Affords(s.Budget, need, time.Now())
	return wait == job.Tight, nil
}
