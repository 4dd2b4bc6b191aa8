package stack

import (
	"context"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// Await waits until the newest job of a name has been told, and returns it.
func (s *Stack) Await(ctx context.Context, n job.Name) (job.Job, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := s.Jobs.Stem(ctx, n)
		if err == nil && st.Job != "" {
			j, err := s.Jobs.Job(ctx, st.Job)
			if err == nil && j.State.Told() {
				return j, nil
			}
		}
		select {
		case <-ctx.Done():
			return job.Job{}, fmt.Errorf("wait for %s: %w", n, ctx.Err())
		case err := <-s.failed:
			return job.Job{}, err
		case <-tick.C:
		}
	}
}
