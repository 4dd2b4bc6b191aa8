// Package operate is what a person may do to a job or to the whole stack: taking a
// job back, the ways out of HELD, trying again, having an outcome told again, pausing
// and resuming.
//
// It calls the vendor only to look, and to cancel. Its one invariant: nothing here
// pays by itself; what may lead to a second charge is done only when the person has
// said so, and what may have been paid for is never thrown away.
package operate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"emodrop/shared/job"
)

// Vendor is asked how a task stands before it is adopted or taken back.
type Vendor interface {
	Task(ctx context.Context, baseURL, id string) (job.Answer, error)
	// CancelAt takes a task back where it was created, which works only while it is PENDING: the verdict
	// of its error is Refused otherwise.
	CancelAt(ctx context.Context, baseURL, id string) error
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Move(ctx context.Context, from, to job.Job) (job.Job, error)
	Owner(ctx context.Context, taskID string) (string, error)
	// Touch notes that the job of a manifest's row is under way again.
	Touch(ctx context.Context, row string) error
}

// Gate admits jobs to the vendor.
type Gate interface {
	CloseGate(ctx context.Context, c job.Closure, probe time.Time) (bool, error)
	OpenGate(ctx context.Context) error
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Config is what a Step needs; every field is required.
type Config struct {
	Vendor Vendor
	Jobs   Jobs
	Gate   Gate
	// Messages of the jobs.
	Messages Messages
	// Controls are what control objects have brought about.
	Controls Controls
	Tell     Teller
	Log      *slog.Logger
}

// Step does what a person asks for. Safe for concurrent use.
type Step struct {
	Config
}

// New returns a step, or an error that lists all that is missing.
func New(c Config) (*Step, error) {
	var errs []error
	for what, missing := range map[string]bool{
		"Vendor": c.Vendor == nil, "Jobs": c.Jobs == nil, "Gate": c.Gate == nil, "Messages": c.Messages == nil, "Controls": c.Controls == nil, "Tell": c.Tell == nil, "Log": c.Log == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("operate: %s is required", what))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Step{c}, nil
}

// Adopt gives a HELD job the vendor's task that it is to have. The task must be
// known to the vendor and owned by no other job.
func (s *Step) Adopt(ctx context.Context, id, taskID string) (job.Job, error) {
	j, err := s.held(ctx, id, job.CodeAmbiguous)
	if err != nil {
		return job.Job{}, err
	}
	if owner, err := s.Jobs.Owner(ctx, taskID); err == nil && owner != id {
		return job.Job{}, refuse(TaskOwned, j, taskID, owner)
	} else if err != nil && !errors.Is(err, job.ErrNotFound) {
		return job.Job{}, err
	}
	base := ""
	at := time.Now().UTC()
	if j.Intent != nil {
		base, at = j.Intent.BaseURL, j.Intent.At
	}
	a, err := s.Vendor.Task(ctx, base, taskID)
	if err != nil {
		return job.Job{}, err
	}
	if a.Status == job.TaskUnknown {
		return job.Job{}, refuse(TaskUnknown, j, taskID, strings.Join(j.Candidates, ", "))
	}
	next := j
	next.State, next.Due, next.Fault, next.Candidates = job.Submitted, time.Now(), nil, nil
	next.Task = &job.Task{ID: taskID, BaseURL: base, Status: a.Status, Submitted: at.Truncate(time.Millisecond), Adopted: true}
	return s.move(ctx, j, next)
}

// Repost sends a HELD job to the queue again. charge says that the person accepts
// that the film may be paid for twice.
func (s *Step) Repost(ctx context.Context, id string, charge bool) (job.Job, error) {
	j, err := s.held(ctx, id, "")
	if err != nil {
		return job.Job{}, err
	}
	if !charge {
		return job.Job{}, refuse(ChargeNotAccepted, j)
	}
	next := again(j, job.Queued)
	next.Due = time.Time{}
	return s.move(ctx, j, next)
}

// Accept takes a film that did not fit its request as it is.
func (s *Step) Accept(ctx context.Context, id string) (job.Job, error) {
	j, err := s.held(ctx, id, job.CodeFilmMisfit)
	if err != nil {
		return job.Job{}, err
	}
	next := j
	// A moment ahead: a due time that is over says that the film is in hand.
	next.State, next.Due, next.Fault, next.Accepted, next.Busy = job.Storing, time.Now().Add(time.Second), nil, true, time.Time{}
	return s.move(ctx, j, next)
}

// GiveUp ends a HELD job without a film. What it may have cost stays with it.
func (s *Step) GiveUp(ctx context.Context, id string) (job.Job, error) {
	j, err := s.held(ctx, id, "")
	if err != nil {
		return job.Job{}, err
	}
	next := j
	next.State, next.Wasted, next.Billed = job.Canceled, j.Wasted+j.Billed, 0
	next.Fault = &job.Fault{Code: job.CodeGivenUp}
	return s.move(ctx, j, next)
}

// Retry makes a new attempt of a job that has ended. charge is needed where the
// attempt before was paid for, or may have been.
func (s *Step) Retry(ctx context.Context, id string, charge bool) (job.Job, error) {
	j, err := s.Jobs.Job(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	return s.retry(ctx, j, charge, s.Jobs.Move)
}

func (s *Step) retry(ctx context.Context, j job.Job, charge bool, by mover) (job.Job, error) {
	if !j.State.Final() {
		return job.Job{}, refuse(NotEnded, j)
	}
	if MaybePaid(j) && !charge {
		return job.Job{}, refuse(ChargeNotAccepted, j)
	}
	if j.Unread() {
		return job.Job{}, refuse(NeverRead, j)
	}
	if j.Unusable() {
		return job.Job{}, refuse(FilesRefused, j)
	}
	next := again(j, job.Received)
	// Its turn comes after those that wait by now.
	next.Due, next.Rank = time.Now(), ""
	moved, err := s.moveBy(ctx, by, j, next)
	if err == nil && moved.Row != "" {
		if err := s.Jobs.Touch(ctx, moved.Row); err != nil { // a hint: the new end says so again
			s.Log.WarnContext(ctx, "results not touched", "job_id", moved.ID, "err", err)
		}
	}
	return moved, err
}

// MaybePaid says whether anything of a job was charged, or may have been without
// anybody knowing: then a person has to accept the charge before it is tried again.
func MaybePaid(j job.Job) bool {
	return j.State == job.Succeeded || j.State == job.Expired || j.Billed+j.Wasted > 0 ||
		j.Fault != nil && j.Fault.Code == job.CodeGivenUp
}

// again is a job on its way to a new attempt.
func again(j job.Job, to job.State) job.Job {
	next := j
	next.State, next.Attempt = to, j.Attempt+1
	next.Intent, next.Task, next.Result, next.Film, next.Fault = nil, nil, nil, nil, nil
	next.Candidates, next.Refusals, next.Accepted, next.Series, next.Via, next.Silent = nil, 0, false, j.Attempt, "", 0
	next.Retried = time.Now().UTC().Truncate(time.Millisecond)
	next.Wasted, next.Billed = j.Wasted+j.Billed, 0
	return next
}

// Pause stops all posting until Resume. What is at the vendor goes on.
func (s *Step) Pause(ctx context.Context, why string) error {
	_, err := s.Gate.CloseGate(ctx, job.Closure{Code: job.CodePaused, Detail: why, Since: time.Now().UTC().Truncate(time.Millisecond),
		ByHand: true}, time.Time{})
	if err == nil {
		s.Log.InfoContext(ctx, "gate closed", "code", job.CodePaused)
	}
	return err
}

// Resume opens the gate, whatever closed it: what still is the matter closes it
// again before anything is paid.
func (s *Step) Resume(ctx context.Context) error {
	err := s.Gate.OpenGate(ctx)
	if err == nil {
		s.Log.InfoContext(ctx, "gate open", "code", job.CodePaused)
	}
	return err
}

// held reads a job that must be HELD, for that reason if one is named.
func (s *Step) held(ctx context.Context, id, code string) (job.Job, error) {
	j, err := s.Jobs.Job(ctx, id)
	if err != nil {
		return job.Job{}, err
	}
	if j.State != job.Held {
		return job.Job{}, refuse(NotHeld, j)
	}
	if code != "" && (j.Fault == nil || j.Fault.Code != code) {
		return job.Job{}, refuse(OtherReason, j, faultOf(j))
	}
	return j, nil
}

func faultOf(j job.Job) string {
	if j.Fault == nil {
		return "unknown"
	}
	return j.Fault.Code
}

// mover writes a move; job.ErrConflict when what it was decided on has changed.
type mover func(ctx context.Context, from, to job.Job) (job.Job, error)

func (s *Step) move(ctx context.Context, from, to job.Job) (job.Job, error) {
	return s.moveBy(ctx, s.Jobs.Move, from, to)
}

func (s *Step) moveBy(ctx context.Context, by mover, from, to job.Job) (job.Job, error) {
	moved, err := by(ctx, from, to)
	if errors.Is(err, job.ErrConflict) {
		return job.Job{}, refuse(Moved, from)
	}
	if err != nil {
		return job.Job{}, err
	}
	s.Log.InfoContext(ctx, "job", "job_id", moved.ID, "from", from.State, "to", moved.State, "attempt", moved.Attempt, "by", job.Operator)
	if moved.State.Told() {
		if err := s.Tell.Tell(ctx, job.OutcomeMessage(moved).ID); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "job_id", moved.ID, "err", err)
		}
	}
	return moved, nil
}
