package submit

import (
	"context"
	"slices"
	"sync"

	"emodrop/shared/job"
)

// showing is how many status files are written at once.
const showing = 8

// showFar writes the files of those jobs that this process has queued and that are not
// in the front of a long queue: poll's list, which shows all others within the minute, may
// not reach so far. Who dies before has a job shown when it comes nearer, and trouble with
// it is nobody else's.
func (s *Step) showFar(ctx context.Context) {
	s.mu.Lock()
	ids := s.unshown
	s.unshown = nil
	s.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	front, err := s.Jobs.Queue(ctx, job.ListedFront)
	if err != nil {
		s.Log.WarnContext(ctx, "status not written", "err", err)
		return
	}
	if len(front) < job.ListedFront {
		return
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, showing)
	for _, id := range ids {
		if slices.Contains(front, id) {
			continue
		}
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			if err := s.Board.Show(ctx, id, job.Outlook{}); err != nil {
				s.Log.WarnContext(ctx, "status not written", "job_id", id, "err", err)
			}
		})
	}
	wg.Wait()
}
