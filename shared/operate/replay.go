package operate

import (
	"context"
	"errors"
	"slices"
	"time"

	"emodrop/shared/job"
)

// Messages are the records of what is to be told.
type Messages interface {
	// AddNotice writes one, once: false when it is waiting to be sent already.
	AddNotice(ctx context.Context, m job.Message) (bool, error)
	Message(ctx context.Context, id string) (job.Message, error)
	PutMessage(ctx context.Context, from, to job.Message) error
}

// Replay tells a job's last outcome once more by those channels, all of them when none
// is named: under the id it had, so that who had it drops it. One that is still waiting
// for a channel is tried again now, however long it has been told to wait. A channel
// that the stack does not use stays silent.
func (s *Step) Replay(ctx context.Context, id string, by ...job.Channel) (job.Job, error) {
	j, err := s.Jobs.Job(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	if !j.State.Told() {
		return job.Job{}, refuse(NotTold, j)
	}
	if len(by) == 0 {
		by = job.Channels()
	}
	m := job.Replayed(j, by, time.Now())
	// A message that goes away just now is written anew, and one that was added just now
	// is joined.
	for range 3 {
		added, err := s.Messages.AddNotice(ctx, m)
		if err != nil {
			return job.Job{}, err
		}
		if !added {
			err = s.hasten(ctx, m)
		}
		switch {
		case errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound):
			continue
		case err != nil:
			return job.Job{}, err
		}
		s.Log.InfoContext(ctx, "replayed", "message_id", m.ID, "job_id", j.ID, "by", job.Operator)
		if err := s.Tell.Tell(ctx, m.ID); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "job_id", j.ID, "err", err)
		}
		return j, nil
	}
	return job.Job{}, refuse(Moved, j)
}

// hasten adds channels to a message that is waiting, and has it tried now.
func (s *Step) hasten(ctx context.Context, m job.Message) error {
	waiting, err := s.Messages.Message(ctx, m.ID)
	if err != nil {
		return err
	}
	now := waiting
	now.Unsent = slices.DeleteFunc(job.Channels(), func(c job.Channel) bool {
		return !slices.Contains(waiting.Unsent, c) && !slices.Contains(m.Unsent, c)
	})
	now.Tries, now.Post, now.Due = 0, job.Post{}, m.Due
	return s.Messages.PutMessage(ctx, waiting, now)
}
