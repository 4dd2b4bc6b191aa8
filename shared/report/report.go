// Package report is the step that writes what came of a manifest's rows: the results,
// a line for each row, and the messages about the manifest as a whole.
//
// It makes no job and moves none. Its one invariant: what is written was read from the
// jobs, so that it may be killed anywhere, run again, and come late, and at the end the
// results say what the jobs say.
package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Manifests are the records of batch manifests.
type Manifests interface {
	// Manifest reads one by its id; its Rev is 0 when there is none.
	Manifest(ctx context.Context, id string) (job.Manifest, error)
	PutManifest(ctx context.Context, from, to job.Manifest) (job.Manifest, error)
	AddNotice(ctx context.Context, m job.Message) (bool, error)
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
}

// Lines are objects of JSON lines in the outbox.
type Lines interface {
	Lines(ctx context.Context, key string) ([]byte, error)
	PutLines(ctx context.Context, key string, lines []byte) error
	// PutLinesOver writes over what has that ETag, or, when that is empty, over nothing:
	// job.ErrConflict when something else stands there.
	PutLinesOver(ctx context.Context, key string, lines []byte, over string) (etag string, err error)
	// ETag is that of an object, or job.ErrNotFound.
	ETag(ctx context.Context, key string) (string, error)
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Config is what a Step needs; every field is required.
type Config struct {
	Manifests Manifests
	Jobs      Jobs
	Lines     Lines
	Tell      Teller
	Log       *slog.Logger
}

// Step writes results. Safe for concurrent use.
type Step struct{ Config }

// New returns a step, or an error that lists all that is missing.
func New(c Config) (*Step, error) {
	var errs []error
	for what, missing := range map[string]bool{"Manifests": c.Manifests == nil, "Jobs": c.Jobs == nil, "Lines": c.Lines == nil,
		"Tell": c.Tell == nil, "Log": c.Log == nil} {
		if missing {
			errs = append(errs, fmt.Errorf("report: %s is required", what))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Step{c}, nil
}

const (
	// lookEvery is the time after which the jobs of all open rows are looked at, whatever
	// was said of them: a hint may have been lost, and not every state is told.
	lookEvery = time.Hour
	// priceWithin is how long the message that a manifest was taken in waits for the
	// last of its prices.
	priceWithin = 15 * time.Minute
	// portionsAtOnce is how many portions are read at once, jobsAtOnce how many jobs of
	// each of them.
	portionsAtOnce, jobsAtOnce = 4, 8
	// races bounds how often the record is written again after losing a race.
	races = 8
)

// whole is what a look at all portions of a manifest brought.
type whole struct {
	parts   [][]byte
	fresh   []bool // the parts that are not as they were kept
	news    job.BatchNews
	money   job.Message
	open    int
	changed bool
}

// Report brings the results of a manifest up to date when its time has come: it reads
// the jobs of those portions of which a row has moved, once an hour those of all open
// rows, and writes the whole. open says that the manifest has rows that nobody has taken
// in yet.
//
// A manifest whose results cannot be written steps back, so that it keeps poll from no
// other work. A portion that is gone is taken from the results; when they do not have it,
// the manifest is told of, once, and closed.
func (s *Step) Report(ctx context.Context, id string) (open bool, err error) {
	open, err = s.settle(ctx, id)
	if errors.Is(err, errGone) {
		if err = s.restore(ctx, id); err == nil {
			open, err = s.settle(ctx, id)
		}
	}
	switch {
	case err == nil || ctx.Err() != nil:
		return open, err
	case errors.Is(err, errGone):
		return false, s.lose(ctx, id)
	}
	return open, errors.Join(err, s.stepBack(ctx, id))
}

// settle is Report, over what others write at the same time.
func (s *Step) settle(ctx context.Context, id string) (open bool, err error) {
	open, err = s.report(ctx, id, nil)
	for n := 0; n < races && errors.Is(err, job.ErrConflict); n++ {
		// Somebody has written them since, or died before noting that they had: what stands
		// there is looked up before the jobs are, so that only newer news replaces it.
		m, err := s.Manifests.Manifest(ctx, id)
		if err != nil || m.Rev == 0 {
			return false, err
		}
		over, err := s.Lines.ETag(ctx, job.ResultsKey(m.Name))
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return false, err
		}
		if open, err = s.report(ctx, id, &over); !errors.Is(err, job.ErrConflict) {
			return open, err
		}
	}
	return open, err
}

// report is Report once, over the results that have that ETag; nil: those that the record
// names.
func (s *Step) report(ctx context.Context, id string, over *string) (open bool, err error) {
	m, err := s.Manifests.Manifest(ctx, id)
	if err != nil || !isDue(m) {
		return false, err
	}
	if !m.Expanded() {
		return true, nil
	}
	now := time.Now().UTC()
	// Rows that wait for their price are looked at until the message can say it.
	full := now.Sub(m.Looked) >= lookEvery || !m.Taken
	w, err := s.gather(ctx, m, full)
	if err != nil {
		return false, fmt.Errorf("results of a manifest: %w", err)
	}
	if over == nil {
		over = &m.Results
	}
	results, err := s.write(ctx, m, w, *over)
	if err != nil {
		return false, err
	}
	var told []string
	say := func(phase job.BatchPhase) error {
		news := w.news
		news.Phase = phase
		msg := job.BatchMessage(m, news, now)
		msg.Quoted, msg.Billed, msg.Wasted = w.money.Quoted, w.money.Billed, w.money.Wasted
		if _, err := s.Manifests.AddNotice(ctx, msg); err != nil {
			return err
		}
		told = append(told, msg.ID)
		return nil
	}
	taken := m.Taken || w.news.Unpriced == 0 || now.Sub(m.Began) >= priceWithin
	if taken && !m.Taken {
		if err := say(job.BatchTaken); err != nil {
			return false, err
		}
	}
	if w.open == 0 && !m.Ended {
		if err := say(job.BatchFinished); err != nil {
			return false, err
		}
	}
	if err := s.note(ctx, m, w, results, full, taken, now); err != nil {
		return false, err
	}
	for _, msg := range told {
		if err := s.Tell.Tell(ctx, msg); err != nil {
			s.Log.WarnContext(ctx, "message stays due", "err", err)
		}
	}
	return false, nil
}

// write writes the results, and then keeps the portions that have changed: whoever dies
// between finds them changed again, and writes the results once more.
func (s *Step) write(ctx context.Context, m job.Manifest, w whole, over string) (etag string, err error) {
	if !w.changed && !m.Written.IsZero() {
		return m.Results, nil
	}
	if etag, err = s.Lines.PutLinesOver(ctx, job.ResultsKey(m.Name), bytes.Join(w.parts, nil), over); err != nil {
		if errors.Is(err, job.ErrNotFound) {
			err = job.ErrConflict // somebody has deleted them
		}
		return "", err
	}
	errs := make([]error, len(w.parts))
	few(len(w.parts), portionsAtOnce, func(p int) {
		if w.fresh[p] {
			errs[p] = s.Lines.PutLines(ctx, job.PortionKey(m, p), w.parts[p])
		}
	})
	return etag, errors.Join(errs...)
}

// note writes down what has been done, beside what has been said of rows meanwhile.
func (s *Step) note(ctx context.Context, seen job.Manifest, w whole, results string, full, taken bool, now time.Time) error {
	for range races {
		m, err := s.Manifests.Manifest(ctx, seen.ID())
		if err != nil || m.Version() != seen.Version() {
			return err // another one has taken its place
		}
		next := m
		next.Dirty = m.Dirty.Without(seen.Dirty)
		next.Tries = 0
		if next.Taken = taken; full {
			next.Looked = now
		}
		if w.changed || m.Written.IsZero() {
			next.Written, next.Results = now, results
		}
		next.Closed = time.Time{}
		switch {
		case !taken, next.Dirty.Any():
			next.Due = now.Add(m.Every())
		case w.open > 0:
			next.Due = next.Looked.Add(lookEvery)
		default:
			next.Due, next.Closed = time.Time{}, now
		}
		if next.Ended = w.open == 0; next.Ended && !seen.Ended {
			next.Ends = seen.Ends + 1
		}
		if _, err = s.Manifests.PutManifest(ctx, m, next); !errors.Is(err, job.ErrConflict) {
			if err == nil && next.Ended && !seen.Ended {
				s.Log.InfoContext(ctx, "manifest", "manifest", m.ID(), "rows", m.Rows, "made", w.news.Made)
			}
			return err
		}
	}
	return job.ErrConflict
}

// gather reads all portions, and the jobs of those of which it may not be true any more.
func (s *Step) gather(ctx context.Context, m job.Manifest, full bool) (whole, error) {
	w, elsewhere, err := s.read(ctx, m, full, false)
	if err == nil && elsewhere {
		// Its job may still name the portion in which the row stood in another version.
		w, _, err = s.read(ctx, m, full, true)
	}
	return w, err
}

// read is gather once. all reads the jobs of all rows. elsewhere says that of a portion it
// was said that a row has moved, and none has.
func (s *Step) read(ctx context.Context, m job.Manifest, full, all bool) (w whole, elsewhere bool, err error) {
	parts := make([][]byte, m.Portions())
	totals := make([]whole, m.Portions())
	errs := make([]error, m.Portions())
	still := make([]bool, m.Portions())
	few(m.Portions(), portionsAtOnce, func(p int) {
		dirty := m.Dirty.Has(p)
		parts[p], totals[p], errs[p] = s.portion(ctx, m, p, dirty || all, full)
		still[p] = dirty && !totals[p].changed
	})
	if err := errors.Join(errs...); err != nil {
		return whole{}, false, err
	}
	out := whole{parts: parts, fresh: make([]bool, len(parts)), news: job.BatchNews{Rows: m.Rows, Results: job.ResultsKey(m.Name)}}
	for p, t := range totals {
		out.open += t.open
		out.fresh[p] = t.changed
		out.changed = out.changed || t.changed
		out.news.Made, out.news.Checked = out.news.Made+t.news.Made, out.news.Checked+t.news.Checked
		out.news.NotMade, out.news.Unpriced = out.news.NotMade+t.news.NotMade, out.news.Unpriced+t.news.Unpriced
		out.money.Quoted, out.money.Billed = out.money.Quoted+t.money.Quoted, out.money.Billed+t.money.Billed
		out.money.Wasted += t.money.Wasted
	}
	return out, slices.Contains(still, true), nil
}

// portion is the lines of a portion as they are now: read anew of all its jobs when one of them has
// moved, of those that had not ended when all are looked at.
func (s *Step) portion(ctx context.Context, m job.Manifest, p int, dirty, full bool) (lines []byte, t whole, err error) {
	key := job.PortionKey(m, p)
	before, err := s.Lines.Lines(ctx, key)
	if errors.Is(err, job.ErrNotFound) {
		err = errGone
	}
	if err != nil {
		return nil, whole{}, fmt.Errorf("portion %d: %w", p, err)
	}
	var rows []words.Result
	for line := range bytes.Lines(before) {
		var r words.Result
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, whole{}, fmt.Errorf("portion %d: %w", p, err)
		}
		rows = append(rows, r)
	}
	errs := make([]error, len(rows))
	few(len(rows), jobsAtOnce, func(i int) {
		if !dirty && rows[i].State != "" && !(full && !rows[i].State.Final()) {
			return
		}
		j, err := s.Jobs.Job(ctx, rows[i].Job)
		switch {
		case errors.Is(err, job.ErrNotFound): // deleted by time, long after its end
		case err != nil:
			errs[i] = err
		default:
			rows[i] = words.ResultOf(rows[i].Row, j)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return nil, whole{}, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			return nil, whole{}, err
		}
		r.Count(&t.news, &t.money)
		if !r.State.Final() {
			t.open++
		}
	}
	t.changed = !bytes.Equal(before, b.Bytes())
	return b.Bytes(), t, nil
}

func isDue(m job.Manifest) bool { return m.Rev > 0 && !m.Due.IsZero() && !m.Due.After(time.Now()) }

// again is the first wait after results that could not be written.
const again = 15 * time.Second

// stepBack has a manifest's results written later, after one more failure.
func (s *Step) stepBack(ctx context.Context, id string) error {
	m, err := s.Manifests.Manifest(ctx, id)
	if err != nil || !isDue(m) {
		return err
	}
	next := m
	next.Tries, next.Due = m.Tries+1, time.Now().Add(job.Backoff(again, m.Tries))
	if _, err = s.Manifests.PutManifest(ctx, m, next); errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// few does something n times, a few at once.
func few(n, atOnce int, do func(i int)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i := range n {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			do(i)
		})
	}
	wg.Wait()
}
