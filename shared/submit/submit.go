package submit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"emodrop/shared/job"
)

// Vendor is what submit asks of the model's service.
type Vendor interface {
	Detect(ctx context.Context, r job.DetectRequest) (job.Face, error)
	// Create posts a paid task, at most once whatever happens; the verdict of
	// its error tells a clear refusal from one that nobody can tell.
	Create(ctx context.Context, r job.CreateRequest) (job.Created, error)
	// Clock is the vendor's time, from a call that costs nothing and shows that
	// key and permission are in order.
	Clock(ctx context.Context) (time.Time, error)
	BaseURL() string
	// List is a page of the account's tasks, which costs nothing.
	List(ctx context.Context, q job.ListQuery) (job.ListPage, error)
	// Upload puts a file into the vendor's temporary storage, for calls of that model
	// alone, and returns its link.
	Upload(ctx context.Context, model, name, contentType string, size int64, body io.Reader) (string, error)
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Move(ctx context.Context, from, to job.Job) (job.Job, error)
	// Queue lists the ids of queued jobs in their order; it may lag.
	Queue(ctx context.Context, limit int) ([]string, error)
	// Stray is a task that a job went on without, or job.ErrNotFound.
	Stray(ctx context.Context, id string) (job.Stray, error)
}

// Gate admits jobs to the vendor.
type Gate interface {
	Gate(ctx context.Context) (job.Gate, error)
	Admit(ctx context.Context, from job.Job, a job.Admission) (job.Job, error)
	CloseGate(ctx context.Context, c job.Closure, probe time.Time) (bool, error)
	// CloseBudget closes it because a budget is reached; the message to be told is the
	// zero value when that has been told before.
	CloseBudget(ctx context.Context, by job.Shortage) (m job.Message, closed bool, err error)
	Throttle(ctx context.Context, until time.Time) error
	// Trial notes that a job is about to try links to S3 again; job.ErrConflict when it
	// is not to.
	Trial(ctx context.Context, g job.Gate, id string) error
	// Fetched notes whether the vendor has fetched what was in S3.
	Fetched(ctx context.Context, f job.Fetch) error
}

// Faces remembers what detect said of a picture's content.
type Faces interface {
	Face(ctx context.Context, sha256 string, r job.Ratio) (job.Face, error)
	PutFace(ctx context.Context, sha256 string, r job.Ratio, f job.Face) error
	// Turns gives the next times at which the stack may do what that name stands for,
	// as seldom as every: at most n of them, and those that lie within that time.
	Turns(ctx context.Context, name string, every, within time.Duration, n int) ([]time.Time, error)
	// Rest lets nobody have a turn before that time.
	Rest(ctx context.Context, name string, until time.Time) error
}

// Shares gives out places in the queue.
type Shares interface {
	// Share is the virtual start of a folder's next film.
	Share(ctx context.Context, sh job.Share) (start int64, err error)
}

// Staging makes the vendor's copies of the inputs.
type Staging interface {
	// Stage copies an input, as it stood when it had that ETag, to a key of the
	// outbox: job.ErrConflict when it has changed since, job.ErrNotFound when it
	// is gone.
	Stage(ctx context.Context, key, etag, to, contentType string) error
	// Sign makes links to staged copies that work until end at the earliest,
	// with credentials that were fetched for the purpose.
	Sign(ctx context.Context, keys ...string) (urls []job.Secret, end time.Time, err error)
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Board is where people who have nothing but the bucket see how things stand.
type Board interface {
	// Show writes how a job stands, if its file does not say so already.
	Show(ctx context.Context, id string, o job.Outlook) error
}

// Config is what a Step needs; every field without "zero" is required.
type Config struct {
	Vendor  Vendor
	Jobs    Jobs
	Gate    Gate
	Faces   Faces
	Shares  Shares
	Staging Staging
	Inbox   Inbox
	Tell    Teller
	Board   Board
	Profile job.Profile
	// Model is the name to create tasks with, DetectModel the one to detect
	// with; zero: the profile's. Dedicated deployments have names of their own.
	Model, DetectModel string
	// Transfer is how inputs go to the vendor; zero: job.TransferAuto.
	Transfer job.Transfer
	// MaxInFlight is how many tasks may be at the vendor at once; at least 1.
	MaxInFlight int
	// Budget is what films may cost; zero: no limit.
	Budget job.Budget
	// Style and Ratio are used where a hand-in asks for nothing else.
	Style job.Style
	Ratio job.Ratio
	// PostLease is how long the right to post is taken for; zero: 90 s. At least
	// twice CreateWithin.
	PostLease time.Duration
	// CreateWithin bounds the create call; zero: 30 s.
	CreateWithin time.Duration
	// Backoff is the first wait after a failure that may pass; see job.Backoff.
	// Zero: 15 s.
	Backoff time.Duration
	Log     *slog.Logger
}

// Step prepares and dispatches jobs. Safe for concurrent use.
type Step struct {
	Config
	mu sync.Mutex
	// answered is when the vendor last had an answer to a detect call of this process.
	answered time.Time
	// fresh are jobs that this process has queued and the index may not show yet.
	fresh []string
	// unshown are jobs that this process has queued since it last looked whose files it
	// is to write.
	unshown []string
	uploads uploads
	turns   turns
	// placing lets one at a time ask for a place in the queue, so that those of one
	// process do not race each other for it.
	placing chan struct{}
}

// New returns a step, or an error that lists all that is wrong.
func New(c Config) (*Step, error) {
	if c.PostLease == 0 {
		c.PostLease = 90 * time.Second
	}
	if c.CreateWithin == 0 {
		c.CreateWithin = 30 * time.Second
	}
	if c.Backoff == 0 {
		c.Backoff = 15 * time.Second
	}
	if c.Transfer == "" {
		c.Transfer = job.TransferAuto
	}
	if c.Model == "" {
		c.Model = c.Profile.Model
	}
	if c.DetectModel == "" {
		c.DetectModel = c.Profile.DetectModel
	}
	var errs []error
	for what, missing := range map[string]bool{
		"Vendor": c.Vendor == nil, "Jobs": c.Jobs == nil, "Gate": c.Gate == nil, "Faces": c.Faces == nil, "Shares": c.Shares == nil,
		"Staging": c.Staging == nil, "Inbox": c.Inbox == nil, "Tell": c.Tell == nil, "Board": c.Board == nil, "Log": c.Log == nil, "Profile": c.Profile.Model == "",
		"Style": c.Style == "", "Ratio": c.Ratio == "",
	} {
		if missing {
			errs = append(errs, fmt.Errorf("submit: %s is required", what))
		}
	}
	if c.MaxInFlight < 1 {
		errs = append(errs, errors.New("submit: MaxInFlight must be at least 1"))
	}
	if c.PostLease < 2*c.CreateWithin {
		errs = append(errs, errors.New("submit: PostLease must be at least twice CreateWithin"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Step{Config: c, turns: turns{asking: make(chan struct{}, 1)}, placing: make(chan struct{}, 1)}, nil
}

// after is when to try again what has failed that many times in a row.
func (s *Step) after(tries int, asked time.Duration) time.Time {
	return time.Now().Add(max(job.Backoff(s.Backoff, tries), asked))
}

// move makes a move and leaves its line in the log: the audit trail.
func (s *Step) move(ctx context.Context, from, to job.Job) (job.Job, error) {
	moved, err := s.Jobs.Move(ctx, from, to)
	if err != nil {
		return job.Job{}, err
	}
	code := ""
	if moved.Fault != nil {
		code = moved.Fault.Code
	}
	s.Log.InfoContext(ctx, "job", "job_id", moved.ID, "from", from.State, "to", moved.State,
		"attempt", moved.Attempt, "code", code)
	if moved.State != from.State && moved.State.Told() {
		if err := s.Tell.Tell(ctx, job.OutcomeMessage(moved).ID); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "job_id", moved.ID, "err", err)
		}
	}
	return moved, nil
}

// close stops the stack for what would fail every job.
func (s *Step) close(ctx context.Context, v job.Verdict) error {
	c := job.ClosureOf(v, time.Now())
	closed, err := s.Gate.CloseGate(ctx, c, time.Now().Add(job.ProbeWait(0)))
	if err == nil && closed {
		s.Log.ErrorContext(ctx, "gate closed", "code", c.Code, "vendor_code", v.Code, "request_id", v.RequestID)
	}
	return err
}
