package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// Controls are the records of what control objects have brought about.
type Controls interface {
	Heeded(ctx context.Context, key string) (job.Heeded, error)
	// Heed notes that an order is settled, with the message that says why nothing was
	// done, if so; job.ErrConflict when its object has been heeded meanwhile.
	Heed(ctx context.Context, o job.Order, refusal *job.Message) error
	// Obey is Jobs.Move that notes the order in the same transaction, and only while
	// its name's record is as the order has it.
	Obey(ctx context.Context, from, to job.Job, o job.Order) (job.Job, error)
}

const (
	// sendings is how often a job that is being sent is looked at again before a cancel
	// is refused for that, and sending how long between: most create calls take a second.
	sendings = 5
	sending  = 2 * time.Second
)

// refusals are what a refused order is told as. What is not here may be another thing
// in a minute, and is tried again.
var refusals = map[job.Verb]map[string]string{
	job.ToCancel: {BeingSent: job.CodeCancelSending, BeingMade: job.CodeCancelLate, AlreadyMade: job.CodeCancelLate,
		IsHeld: job.CodeCancelHeld, HasEnded: job.CodeCancelEnded},
	job.ToRetry: {NotEnded: job.CodeRetryOpen, ChargeNotAccepted: job.CodeRetryCharge, FilesRefused: job.CodeRetryFiles, NeverRead: job.CodeRetryUnread},
}

// Obey carries out what a control object asks for, once for each writing of it, and
// tells once why it cannot be done. What it does and that it has been done are written
// in one transaction, so it may be killed anywhere and called again.
//
// job.ErrConflict says that the name has gone on meanwhile: the order is to be read
// again. Any other error is trouble that may pass, and leaves the order as it was.
func (s *Step) Obey(ctx context.Context, o job.Order) error {
	seen, err := s.Controls.Heeded(ctx, o.Key)
	if err != nil || !seen.Counts(o.Written, o.ETag) {
		return err
	}
	o.Seen = seen
	j, noted, refused, err := s.carryOut(ctx, o)
	var r *Refusal
	switch {
	case errors.As(err, &r) && refusals[o.Verb][r.Code] != "":
		refused = refusals[o.Verb][r.Code]
	case errors.As(err, &r) && r.Code == Moved:
		return fmt.Errorf("%s: %w", o.Verb, job.ErrConflict)
	case err != nil:
		return err
	}
	if noted {
		return nil
	}
	if refused == "" {
		return s.Controls.Heed(ctx, o, nil)
	}
	m := notDone(o, refused, time.Now().UTC())
	m.Labels = j.Labels
	if err := s.Controls.Heed(ctx, o, &m); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "notice", "message_id", m.ID, "code", refused)
	if err := s.Tell.Tell(ctx, m.ID); err != nil {
		s.Log.WarnContext(ctx, "message stays due", "message_id", m.ID, "err", err)
	}
	return nil
}

// carryOut does what an order says. j is the job that it concerns, as it was before, if
// there is one. noted says that it was noted with what was done; refused is the code of
// why it is not to be done.
func (s *Step) carryOut(ctx context.Context, o job.Order) (j job.Job, noted bool, refused string, err error) {
	if o.Stem.Job == "" {
		return j, false, job.CodeControlAlone, nil
	}
	j, err = s.Jobs.Job(ctx, o.Stem.Job)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return job.Job{}, false, job.CodeControlAlone, nil // its record was deleted by time
	case err != nil:
		return job.Job{}, false, "", err
	case o.Outdated() || o.Before(j.Retried):
		return j, false, job.CodeControlOld, nil
	}
	by := func(ctx context.Context, from, to job.Job) (job.Job, error) {
		moved, err := s.Controls.Obey(ctx, from, to, o)
		noted = noted || err == nil
		return moved, err
	}
	if o.Verb == job.ToRetry {
		switch {
		case j.State == job.Succeeded:
			return j, false, job.CodeRetryFilm, nil
		case o.Before(j.Ended):
			// The answer that it would have had in time: an order means what its writer
			// could know.
			return j, false, job.CodeRetryOpen, nil
		}
		_, err = s.retry(ctx, j, o.Charge, by)
		return j, noted, "", err
	}
	if j.State == job.Canceled {
		return j, false, "", nil // as was wanted
	}
	for range sendings {
		_, err = s.cancel(ctx, j.ID, by)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != BeingSent {
			break
		}
		if err := job.Pause(ctx, sending); err != nil {
			return j, false, "", err
		}
	}
	return j, noted, "", err
}

// notDone is the message of an order that is not carried out. Its record has a name of
// its own, beside that of the job's.
func notDone(o job.Order, code string, now time.Time) job.Message {
	n := o.Name
	n.Stem += "." + string(o.Verb)
	f := job.Fault{Code: code, File: o.Key}
	if code == job.CodeControlAlone {
		f.Detail = o.Near
	}
	return job.Notice(n, fmt.Sprint(o.ETag, o.Written.Unix()), f, now)
}
