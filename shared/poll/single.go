package poll

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"emodrop/shared/job"
)

// SingleConfig is what a Single needs; every field without "zero" is required. It
// is less than a Step needs, so that who looks at one task may do no more.
type SingleConfig struct {
	Vendor    Vendor
	Jobs      Jobs
	Slots     Slots
	Functions Functions
	Profile   job.Profile
	Log       *slog.Logger
}

// Single looks at one task outside of the batches, because somebody says that it
// has ended. Safe for concurrent use, also beside a Step.
type Single struct{ step Step }

// NewSingle returns a Single, or an error that lists all that is wrong.
func NewSingle(c SingleConfig) (*Single, error) {
	var errs []error
	for what, missing := range map[string]bool{
		"Vendor": c.Vendor == nil, "Jobs": c.Jobs == nil, "Slots": c.Slots == nil, "Functions": c.Functions == nil,
		"Profile": c.Profile.Model == "", "Log": c.Log == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("poll: %s is required", what))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Single{step: Step{Config: Config{Vendor: c.Vendor, Jobs: c.Jobs, Slots: c.Slots, Functions: c.Functions,
		Profile: c.Profile, Log: c.Log}}}, nil
}

// turns is how often a write is tried that is lost to somebody else's.
const turns = 3

var errTurns = errors.New("others kept writing the job at the same moment")

// Look asks the vendor once how a task stands. A film is stored and handed to
// finalize as a batch would; that it has ended without one is noted on the task, and
// makes it due for the next batch, which decides what comes of it. Nothing happens when
// the job is past this task.
//
// It returns job.ErrNotFound when the task is no job's, else trouble that may pass.
func (s *Single) Look(ctx context.Context, taskID string) error {
	id, err := s.step.Jobs.Owner(ctx, taskID)
	if err != nil {
		return fmt.Errorf("find the task's job: %w", err)
	}
	j, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	if !awaits(j, taskID) {
		return s.handOn(ctx, j, taskID)
	}
	a, err := s.step.Vendor.Task(ctx, j.Task.BaseURL, taskID)
	if err != nil {
		return fmt.Errorf("ask for the task: %w", err)
	}
	switch a.Status {
	case job.TaskSucceeded:
		if a.VideoURL != "" {
			return s.store(ctx, j, a)
		}
	case job.TaskFailed, job.TaskCanceled:
		return s.note(ctx, j, a)
	}
	return nil
}

// handOnAfter is how long after its answer was stored a film that is pushed once more
// counts as one that could not be handed to finalize.
const handOnAfter = 5 * time.Second

// handOn invokes finalize for a film that is stored and that it has never begun with: the
// push may be repeated because it could not be invoked. One that has had a try in vain waits
// for its time, which is poll's to see. Finalize's own lease makes one invocation more
// harmless.
func (s *Single) handOn(ctx context.Context, j job.Job, taskID string) error {
	now := time.Now()
	if j.State != job.Storing || j.Task == nil || j.Task.ID != taskID || j.Tries > 0 || now.Before(j.Busy) || now.Sub(j.Updated) < handOnAfter {
		return nil
	}
	return s.step.Functions.Finalize(ctx, j.ID)
}

func (s *Single) read(ctx context.Context, id string) (job.Job, error) {
	j, err := s.step.Jobs.Job(ctx, id)
	if err != nil {
		return job.Job{}, fmt.Errorf("read the task's job: %w", err)
	}
	return j, nil
}

// note notes that a task has ended.
func (s *Single) note(ctx context.Context, j job.Job, a job.Answer) error {
	for range turns {
		if j.Task.Status == a.Status {
			return nil
		}
		_, ok, err := s.step.move(ctx, j, with(j, func(t *job.Task) { t.Status = a.Status }))
		if err != nil || ok {
			return err
		}
		now, err := s.read(ctx, j.ID)
		if err != nil || !awaits(now, j.Task.ID) {
			return err
		}
		j = now
	}
	return errTurns
}

// store stores a film's answer. It may be lost to a batch that looked at the same
// moment and got an older answer: then it is stored over that.
func (s *Single) store(ctx context.Context, j job.Job, a job.Answer) error {
	for range turns {
		r := &round{}
		err := s.step.succeeded(ctx, r, j, a)
		if err == nil {
			s.step.bring(ctx, r)
			return errors.Join(r.errs...)
		}
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
		now, err := s.read(ctx, j.ID)
		if err != nil || !awaits(now, j.Task.ID) {
			return err
		}
		j = now
	}
	return errTurns
}

// awaits reports whether the job waits for the end of this task.
func awaits(j job.Job, taskID string) bool {
	return j.State.AtVendor() && j.Task != nil && j.Task.ID == taskID
}
