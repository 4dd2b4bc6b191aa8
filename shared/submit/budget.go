package submit

import (
	"context"
	"time"

	"emodrop/shared/job"
)

// overBudget is why a film can never be made within the budget; nil when it can.
func (s *Step) overBudget(j job.Job) *job.Fault {
	wait, by := job.Gate{}.Affords(s.Budget, j.Most(), time.Now())
	if wait != job.Dear {
		return nil
	}
	return &job.Fault{Code: job.CodeOverBudget, Detail: "at most CNY " + by.Need.Decimal() + " of " + by.Fact()}
}

// afford says whether the budget has room for the job that is next. If not, it does what
// that means: a film that no day has room for is refused, and another may follow; a
// budget that is reached closes the gate and is told; where what is at the vendor may
// still leave enough, all wait for that. Nobody overtakes the job: smaller films that
// always fit would keep a long one waiting for ever.
func (s *Step) afford(ctx context.Context, g job.Gate, j job.Job) (ok, goOn bool, err error) {
	wait, by := g.Affords(s.Budget, j.Most(), time.Now())
	switch wait {
	case job.Go:
		return true, true, nil
	case job.Dear:
		next := j
		next.State, next.Fault = job.Rejected, s.overBudget(j)
		_, err := s.move(ctx, j, next)
		return false, err == nil, conflict(err)
	case job.Reached:
		m, closed, err := s.Gate.CloseBudget(ctx, by)
		if err != nil || !closed {
			return false, false, err
		}
		s.Log.WarnContext(ctx, "budget reached", "code", job.CodeBudget, "detail", by.Fact(), "next_cny", by.Need.Decimal())
		if m.ID != "" {
			if err := s.Tell.Tell(ctx, m.ID); err != nil {
				s.Log.WarnContext(ctx, "message stays due", "message_id", m.ID, "err", err)
			}
		}
	}
	return false, false, nil
}
