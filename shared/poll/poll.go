package poll

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"emodrop/shared/job"
)

// Vendor is what poll asks of the model's service; all of it is free.
type Vendor interface {
	Task(ctx context.Context, baseURL, id string) (job.Answer, error)
	List(ctx context.Context, q job.ListQuery) (job.ListPage, error)
	CancelAt(ctx context.Context, baseURL, id string) error
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Move(ctx context.Context, from, to job.Job) (job.Job, error)
	// Owner tells whose a task of the vendor is, or job.ErrNotFound.
	Owner(ctx context.Context, taskID string) (string, error)
}

// Agenda says what is due. Its reads may lag.
type Agenda interface {
	Due(ctx context.Context, upTo time.Time, limit int) ([]job.Due, error)
	Queue(ctx context.Context, limit int) ([]string, error)
	// Held are the jobs that wait for a person.
	Held(ctx context.Context, limit int) ([]string, error)
}

// Leases keep two ticks from doing the same work.
type Leases interface {
	Lease(ctx context.Context, name, owner string, until time.Time) error
	// LeaseAfter is Lease if nobody has had it since last had; job.ErrConflict otherwise.
	LeaseAfter(ctx context.Context, name, last, owner string, until time.Time) error
	EndLease(ctx context.Context, name, owner string) error
}

// Gate admits jobs to the vendor.
type Gate interface {
	Gate(ctx context.Context) (job.Gate, error)
	CloseGate(ctx context.Context, c job.Closure, probe time.Time) (bool, error)
	NextProbe(ctx context.Context, probes int, next time.Time) error
	// NoteBudget shows there which budget is kept.
	NoteBudget(ctx context.Context, b job.Budget) error
	// Reopen opens it unless it was closed since, for another reason or by a person.
	Reopen(ctx context.Context, over job.Closure) error
}

// Slots repairs and teaches the gate.
type Slots interface {
	FreeSlot(ctx context.Context, id string, fence int64) error
	TakeSlot(ctx context.Context, j job.Job) error
	// LearnKey keeps by which id the vendor's list knows our key.
	LearnKey(ctx context.Context, id string) error
	// Fetched notes whether the vendor has fetched what was in S3.
	Fetched(ctx context.Context, f job.Fetch) error
}

// Strays are the tasks that jobs went on without.
type Strays interface {
	Stray(ctx context.Context, id string) (job.Stray, error)
	PutStray(ctx context.Context, from, to job.Stray) error
	DropStray(ctx context.Context, s job.Stray) error
	// Orphan settles one that was charged and is of no use.
	Orphan(ctx context.Context, s job.Stray, j job.Job, cost job.Money) (job.Message, error)
}

// Functions invokes the other functions, asynchronously.
type Functions interface {
	Submit(ctx context.Context, w job.Work) error
	Finalize(ctx context.Context, jobID string) error
}

// Staging takes the inputs of an unclear create call back.
type Staging interface {
	Remove(ctx context.Context, keys ...string) error
}

// Inbox is the bucket that the sweep goes through.
type Inbox interface {
	// Page gives the objects of the whole bucket in the order of their keys,
	// those after a key, at most limit; none means the end.
	Page(ctx context.Context, after string, limit int) ([]job.Half, error)
}

// Register says which files of the inbox have been taken in.
type Register interface {
	Knows(ctx context.Context, o job.Half) (bool, error)
}

// Sweeps is the record of the sweep.
type Sweeps interface {
	// Sweep reads it; its Rev is 0 when there has been none.
	Sweep(ctx context.Context) (job.Sweep, error)
	PutSweep(ctx context.Context, from, to job.Sweep) (job.Sweep, error)
}

// Manifests are the batch manifests that are under way.
type Manifests interface {
	// Report brings a manifest's results up to date, or says that it has rows that
	// nobody has taken in.
	Report(ctx context.Context, id string) (open bool, err error)
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Config is what a Step needs; every field without "zero" is required.
type Config struct {
	Vendor    Vendor
	Jobs      Jobs
	Agenda    Agenda
	Leases    Leases
	Gate      Gate
	Slots     Slots
	Strays    Strays
	Functions Functions
	Staging   Staging
	Inbox     Inbox
	Register  Register
	Sweeps    Sweeps
	Manifests Manifests
	Tell      Teller
	Board     Board
	Profile   job.Profile
	// Transfer is how inputs go to the vendor; zero: job.TransferAuto.
	Transfer job.Transfer
	// MaxInFlight is how many tasks may be at the vendor at once.
	MaxInFlight int
	// Budget is what films may cost; zero: no limit.
	Budget job.Budget
	// Interval is the time from batch to batch; zero: 15 s. Period is how long
	// one invocation keeps batching; zero: 1 min.
	Interval, Period time.Duration
	// MaxAttempts is how many tasks of the vendor one hand-in may get; zero: 3.
	MaxAttempts int
	// AskFirst is how long an unclear create is only looked for before its
	// staged inputs are taken back; zero: 1 min. Quiet is how long it is looked
	// for after that before the job is posted again; zero: 15 min.
	AskFirst, Quiet time.Duration
	// SweepEvery is the time between two rounds through the inbox; zero: 15 min.
	// Horizon is how old a file may be that a round hands in, far shorter than
	// the records of jobs live; zero: 7 days.
	SweepEvery, Horizon time.Duration
	// Backoff is the first wait before a new attempt; it doubles. Zero: 30 s.
	Backoff time.Duration
	Log     *slog.Logger
}

// Step polls. Safe for concurrent use: a lease lets one tick work at a time.
type Step struct {
	Config
	// planned is set once the sweep is known to be planned.
	planned atomic.Bool
	// asked is how many questions the vendor was asked; mute is until when it wants no
	// more of them, in milliseconds of the epoch, as far as this process was told.
	asked, mute atomic.Int64
	// looks is the plan that the last tick left behind; nil while one is at work.
	looks atomic.Pointer[plan]
	// board is the list of all that is under way, as this process knows it; nil when it
	// does not.
	board atomic.Pointer[board]
}

// New returns a step, or an error that lists all that is wrong.
func New(c Config) (*Step, error) {
	for field, zero := range map[*time.Duration]time.Duration{
		&c.Interval: 15 * time.Second, &c.Period: time.Minute, &c.AskFirst: time.Minute, &c.Quiet: 15 * time.Minute,
		&c.Backoff: 30 * time.Second, &c.SweepEvery: 15 * time.Minute, &c.Horizon: 7 * 24 * time.Hour,
	} {
		if *field == 0 {
			*field = zero
		}
	}
	if c.Transfer == "" {
		c.Transfer = job.TransferAuto
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 3
	}
	var errs []error
	for what, missing := range map[string]bool{
		"Vendor": c.Vendor == nil, "Jobs": c.Jobs == nil, "Agenda": c.Agenda == nil, "Leases": c.Leases == nil,
		"Gate": c.Gate == nil, "Slots": c.Slots == nil, "Strays": c.Strays == nil, "Functions": c.Functions == nil, "Staging": c.Staging == nil,
		"Inbox": c.Inbox == nil, "Register": c.Register == nil, "Sweeps": c.Sweeps == nil, "Manifests": c.Manifests == nil,
		"Tell": c.Tell == nil, "Board": c.Board == nil, "Log": c.Log == nil, "Profile": c.Profile.Model == "",
	} {
		if missing {
			errs = append(errs, fmt.Errorf("poll: %s is required", what))
		}
	}
	if c.MaxInFlight < 1 || c.MaxAttempts < 1 {
		errs = append(errs, errors.New("poll: MaxInFlight and MaxAttempts must be at least 1"))
	}
	if c.Interval < 0 || c.Period < c.Interval {
		errs = append(errs, errors.New("poll: Interval must be positive and no longer than Period"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Step{Config: c}
	s.Vendor = counting{c.Vendor, s}
	return s, nil
}

const (
	leaseName = "poll"
	// batchLimit bounds how many due things one batch takes on.
	batchLimit = 500
	// batchTime is how long a batch may take before the next tick may take its
	// lease for abandoned.
	batchTime = 45 * time.Second
	// spare is what an invocation keeps in hand before its deadline.
	spare = 5 * time.Second
	// knock is how often a tick that found another one at work looks again.
	knock = time.Second
)

// Run is one tick: batches at +0, +Interval, … inside Period while there is
// anything to do, and the looks between them that the plan wants; none that could not
// end before the deadline.
func (s *Step) Run(ctx context.Context) error {
	owner := rand.Text()
	start := time.Now()
	if ok, err := s.enter(ctx, owner, start); err != nil || !ok {
		return err
	}
	defer func() {
		// The lease goes back even when the invocation's time is up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if err := s.Leases.EndLease(ctx, leaseName, owner); err != nil {
			s.Log.WarnContext(ctx, "poll's lease not given back", "err", err)
		}
	}()
	if err := s.plan(ctx); err != nil {
		s.Log.WarnContext(ctx, "sweep not planned", "err", err)
	}
	p := s.looks.Swap(nil)
	if p == nil {
		p = newPlan(s.Interval)
	}
	defer s.looks.Store(p)
	first := time.Now()
	// The next tick finds this one gone, and takes on what falls due from its beginning.
	leave, relief := start.Add(s.Period-min(2*knock, s.Interval/8)), start.Add(s.Period-time.Millisecond)
	for n := 1; ; n++ {
		next, later := first.Add(time.Duration(n)*s.Interval), time.Time{}
		last := next.Sub(start) >= s.Period
		if last {
			later = relief
		}
		before := s.asked.Load()
		p.asked = func() int { return int(s.asked.Load() - before) }
		r, err := s.batch(ctx, p, next, later)
		if err != nil {
			// One bad batch is no reason to miss the next.
			s.Log.ErrorContext(ctx, "batch", "err", err)
		}
		if n == 1 && r != nil {
			s.list(ctx, r, owner)
		}
		if err == nil && !r.busy {
			return nil
		}
		switch {
		case r == nil:
		case !last:
			s.watch(ctx, r, p, next, next)
		case s.Interval < s.Period:
			s.watch(ctx, r, p, leave, relief)
		}
		if last || !s.fits(ctx, next) {
			return err
		}
		if err := job.Pause(ctx, time.Until(next)); err != nil {
			return nil
		}
		err = s.Leases.Lease(ctx, leaseName, owner, time.Now().Add(s.Interval+batchTime))
		if errors.Is(err, job.ErrConflict) {
			return nil // this tick was too slow and another one has taken over
		}
		if err != nil {
			return err
		}
	}
}

// enter takes the lease. While an earlier tick is still in its last batch, this
// one waits for it, so that no gap comes of the change. Another process's tick may have
// written the list: then this one forgets what it knows of it.
func (s *Step) enter(ctx context.Context, owner string, start time.Time) (bool, error) {
	if b := s.board.Load(); b != nil {
		err := s.Leases.LeaseAfter(ctx, leaseName, b.by, owner, time.Now().Add(s.Interval+batchTime))
		if !errors.Is(err, job.ErrConflict) {
			return err == nil, err
		}
		s.board.Store(nil)
	}
	for {
		err := s.Leases.Lease(ctx, leaseName, owner, time.Now().Add(s.Interval+batchTime))
		if !errors.Is(err, job.ErrConflict) {
			return err == nil, err
		}
		if time.Since(start) >= s.Interval || !s.fits(ctx, time.Now().Add(knock)) {
			return false, nil
		}
		if err := job.Pause(ctx, knock); err != nil {
			return false, nil
		}
	}
}

// fits says whether a batch that begins then can end before the deadline.
func (s *Step) fits(ctx context.Context, begin time.Time) bool {
	d, ok := ctx.Deadline()
	return !ok || begin.Add(spare).Before(d)
}

// move makes a move and leaves its line in the log: the audit trail. A move lost
// to somebody else is no error.
func (s *Step) move(ctx context.Context, from, to job.Job) (moved job.Job, ok bool, err error) {
	moved, err = s.Jobs.Move(ctx, from, to)
	if errors.Is(err, job.ErrConflict) {
		return job.Job{}, false, nil
	}
	if err != nil {
		return job.Job{}, false, err
	}
	if moved.State != from.State {
		code := ""
		if moved.Fault != nil {
			code = moved.Fault.Code
		}
		s.Log.InfoContext(ctx, "job", "job_id", moved.ID, "from", from.State, "to", moved.State,
			"attempt", moved.Attempt, "code", code)
		if moved.State.Told() {
			s.tell(ctx, job.OutcomeMessage(moved).ID)
		}
	}
	return moved, true, nil
}

func (s *Step) tell(ctx context.Context, id string) {
	if err := s.Tell.Tell(ctx, id); err != nil {
		s.Log.WarnContext(ctx, "message stays due", "err", err)
	}
}
