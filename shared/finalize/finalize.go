package finalize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"emodrop/shared/job"
)

// Vendor is asked again only when a film's link fails.
type Vendor interface {
	Task(ctx context.Context, baseURL, id string) (job.Answer, error)
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Move(ctx context.Context, from, to job.Job) (job.Job, error)
}

// HandIns says which job is the newest of its name.
type HandIns interface {
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
}

// Links downloads what a link leads to, at most limit bytes, into a file; its
// errors say by job.LinkTroubleOf what they mean.
type Links interface {
	Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) error
}

// Outbox takes verified films.
type Outbox interface {
	// Film tells what stands under a key, or job.ErrNotFound.
	Film(ctx context.Context, key string) (job.Stored, error)
	// CopyFilm copies a film to another key, as it was seen: job.ErrConflict when it
	// has changed since, job.ErrNotFound when it is gone.
	CopyFilm(ctx context.Context, seen job.Stored, to string) error
	// PutFilm puts a film under its key, over what had that ETag or, when that is
	// empty, over nothing: job.ErrConflict or job.ErrNotFound when something else
	// stands there now.
	PutFilm(ctx context.Context, j job.Job, f job.Film, file *os.File, over string) (etag string, err error)
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Config is what a Handler needs; every field without "zero" is required.
type Config struct {
	Vendor  Vendor
	Jobs    Jobs
	HandIns HandIns
	Links   Links
	Outbox  Outbox
	Tell    Teller
	Profile job.Profile
	// Dir is where a film is kept while it is verified; zero: the system's.
	Dir string
	// Lease is how long one invocation may be busy with a film before another
	// may take it: longer than the function's limit. Zero: 6 min.
	Lease time.Duration
	// Backoff is the first wait after a failed copy; see job.Backoff. Zero: 15 s.
	Backoff time.Duration
	Log     *slog.Logger
}

// Handler takes the finalize function's events. Safe for concurrent use.
type Handler struct {
	Config
}

// New returns a handler, or an error that lists all that is missing.
func New(c Config) (*Handler, error) {
	if c.Lease == 0 {
		c.Lease = 6 * time.Minute
	}
	if c.Backoff == 0 {
		c.Backoff = 15 * time.Second
	}
	var errs []error
	for what, missing := range map[string]bool{
		"Vendor": c.Vendor == nil, "Jobs": c.Jobs == nil, "HandIns": c.HandIns == nil, "Links": c.Links == nil,
		"Outbox": c.Outbox == nil, "Tell": c.Tell == nil, "Log": c.Log == nil, "Profile": c.Profile.Model == "",
	} {
		if missing {
			errs = append(errs, fmt.Errorf("finalize: %s is required", what))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Handler{c}, nil
}

// Handle takes one invocation: {"job_id":"…"}. A job that is not STORING, or that
// somebody else has, is left alone.
func (h *Handler) Handle(ctx context.Context, raw json.RawMessage) error {
	var ev job.Finalization
	if err := json.Unmarshal(raw, &ev); err != nil || ev.JobID == "" {
		return errors.New(`no event that finalize takes: want {"job_id":"…"}`)
	}
	j, err := h.Jobs.Job(ctx, ev.JobID)
	if err != nil {
		return fmt.Errorf("job %s: %w", ev.JobID, err)
	}
	if j.State != job.Storing || j.Result == nil {
		return nil
	}
	if time.Now().Before(j.Busy) {
		return nil // somebody has it; when that one is dead, poll hands it over again
	}
	// The lease: whoever writes this first has the film to himself until then.
	leased := j
	leased.Busy = h.until(ctx)
	leased.Tries = j.Tries + 1
	j, err = h.Jobs.Move(ctx, j, leased)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.bring(ctx, j)
}

// deathMargin is how long after its limit an invocation may still be at work.
const deathMargin = 10 * time.Second

// until is when this invocation is dead for certain.
func (h *Handler) until(ctx context.Context) time.Time {
	until := time.Now().Add(h.Lease)
	if d, ok := ctx.Deadline(); ok && d.Add(deathMargin).After(until) {
		until = d.Add(deathMargin)
	}
	return until.UTC().Truncate(time.Millisecond)
}

// bring downloads, verifies and stores one film.
func (h *Handler) bring(ctx context.Context, j job.Job) error {
	file, err := os.CreateTemp(h.Dir, "film-*.mp4")
	if err != nil {
		return fmt.Errorf("bring a film home: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	j, err = h.download(ctx, j, file)
	var film job.Film
	if err == nil {
		film, err = verify(file)
	}
	if why := unwhole(err); why != "" && !j.Accepted && j.Tries > lastTries && time.Until(j.Result.URLEnds) < lastHours {
		// It is paid for, and may be whole to who knows more of films: better a person
		// sees it than nobody ever does.
		return h.hold(ctx, j, film, file, why)
	}
	if err != nil {
		return h.later(ctx, j, err)
	}
	if why := misfit(j, film, h.Profile); why != "" && !j.Accepted {
		return h.hold(ctx, j, film, file, why)
	}
	if said := j.Result.Seconds; said > 0 && math.Abs(said-film.Seconds) > job.Leeway(film.Seconds) {
		// The film is what was ordered, and the bill goes by the vendor's word: that is for
		// whoever reads bills, and keeps no film from anybody.
		h.Log.WarnContext(ctx, "billed for another length than the film has", "job_id", j.ID, "film_s", film.Seconds, "billed_s", said)
	}
	film, err = h.place(ctx, j, film, file, false)
	if err != nil {
		return h.later(ctx, j, err)
	}
	next := j
	next.State, next.Film, next.Fault = job.Succeeded, &film, nil
	// The link is a credential and of no more use.
	result := *j.Result
	result.URL, result.URLEnds = "", time.Time{}
	next.Result = &result
	return h.end(ctx, j, next)
}

// end makes the last move and tells of it.
func (h *Handler) end(ctx context.Context, from, to job.Job) error {
	to.Busy = time.Time{}
	moved, err := h.Jobs.Move(ctx, from, to)
	if errors.Is(err, job.ErrConflict) {
		return nil // somebody else brought the same film home
	}
	if err != nil {
		return err
	}
	code := ""
	if moved.Fault != nil {
		code = moved.Fault.Code
	}
	h.Log.InfoContext(ctx, "job", "job_id", moved.ID, "from", from.State, "to", moved.State,
		"attempt", moved.Attempt, "code", code)
	if err := h.Tell.Tell(ctx, job.OutcomeMessage(moved).ID); err != nil {
		h.Log.WarnContext(ctx, "message stays due", "job_id", moved.ID, "err", err)
	}
	return nil
}

// hold leaves a film that does not fit its request, or is not whole, to a person. It
// may have been paid for, so it is brought home all the same, under the job's own name.
func (h *Handler) hold(ctx context.Context, j job.Job, film job.Film, file *os.File, why string) error {
	film, err := h.place(ctx, j, film, file, true)
	if err != nil {
		return h.later(ctx, j, err)
	}
	next := j
	next.Film = &film
	next.State, next.Due = job.Held, time.Time{}
	next.Fault = &job.Fault{Code: job.CodeFilmMisfit, Detail: why}
	return h.end(ctx, j, next)
}

// later leaves the film where it is and says when to try again. Only when its
// link can no longer work is the film lost.
func (h *Handler) later(ctx context.Context, j job.Job, cause error) error {
	h.Log.WarnContext(ctx, "film not home yet", "job_id", j.ID, "tries", j.Tries, "err", cause)
	next := j
	gone := job.LinkTroubleOf(cause) == job.LinkGone
	// URLEnds is reckoned from the task's making: one that took the vendor as long
	// as it may has a link that lives by so much longer.
	over := time.Since(j.Result.URLEnds)
	if j.Accepted && j.Film != nil && (gone || over > h.Profile.LinkLife || unwhole(cause) != "") {
		// A person took it as it was brought home when it did not fit.
		next.State, next.Fault = job.Succeeded, nil
		result := *j.Result
		result.URL = ""
		next.Result = &result
		return h.end(ctx, j, next)
	}
	if gone && over > h.Profile.ServerTimeout || over > h.Profile.LinkLife {
		next.State = job.Expired
		next.Fault = &job.Fault{Code: job.CodeLinkEnded}
		next.Wasted, next.Billed = j.Wasted+j.Billed, 0
		result := *j.Result
		result.URL = ""
		next.Result = &result
		return h.end(ctx, j, next)
	}
	next.Busy = time.Time{}
	next.Due = time.Now().Add(job.Backoff(h.Backoff, j.Tries-1))
	_, err := h.Jobs.Move(ctx, j, next)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}
