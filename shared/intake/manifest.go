package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
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
	// PutRow notes where the row of a job stands now, whatever else becomes of the job.
	PutRow(ctx context.Context, jobID, row string) error
}

// Portions takes the rows of manifests that have become jobs, and what is wrong with those
// that are refused, as lines of JSON.
type Portions interface {
	PutLines(ctx context.Context, key string, lines []byte) error
}

const (
	// rowsTried is how often in a row a portion may fail before a file of it that cannot
	// be read is taken for unreadable: it must not hold up the rows after it.
	rowsTried = 5
	// rowsAgain is the first wait after a portion that failed.
	rowsAgain = 15 * time.Second
	// maxDeaths is how many invocations in a row may end over a manifest without a word:
	// more than an hour of them.
	maxDeaths = 20
)

// takeManifest takes the event of a manifest: a new one is read, and its rows become
// jobs, as many as the invocation has time for; poll has it go on.
func (h *Handler) takeManifest(ctx context.Context, n job.Name, key string) error {
	m, err := h.manifest(ctx, n)
	if err != nil {
		return err
	}
	for range races {
		half, err := h.Inbox.Head(ctx, key)
		if errors.Is(err, job.ErrNotFound) {
			if m.File.Key != key {
				return nil
			}
			return h.abandon(ctx, m)
		}
		if err != nil {
			return err
		}
		if !m.Replaces(half) {
			break
		}
		next, err := h.Manifests.PutManifest(ctx, m, m.Anew(half, time.Now(), time.Now().Add(h.Settle+grace)))
		if err == nil {
			return h.expand(ctx, next)
		}
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
		if m, err = h.manifest(ctx, n); err != nil {
			return err
		}
	}
	if m.Due.After(time.Now()) {
		return nil // somebody is at work, or it waits for its time
	}
	return h.goOn(ctx, m)
}

func (h *Handler) manifest(ctx context.Context, n job.Name) (job.Manifest, error) {
	m, err := h.Manifests.Manifest(ctx, job.ManifestID(n))
	if m.Rev == 0 {
		m.Name = n
	}
	return m, err
}

// driveManifest goes on with a manifest that poll found past its time.
func (h *Handler) driveManifest(ctx context.Context, id string) error {
	m, err := h.Manifests.Manifest(ctx, id)
	if err != nil || m.Rev == 0 || m.Due.IsZero() || m.Due.After(time.Now()) {
		return err
	}
	return h.takeManifest(ctx, m.Name, m.File.Key)
}

// goOn takes in the rows that are left, if there are any.
func (h *Handler) goOn(ctx context.Context, m job.Manifest) error {
	if m.Refused || m.Expanded() || m.File.Key == "" || !m.Closed.IsZero() {
		return nil
	}
	if m.Deaths >= maxDeaths {
		return h.stuck(ctx, m)
	}
	next := m
	next.Due = time.Now().Add(h.Settle + grace) // poll leaves it alone meanwhile
	next.Deaths++                               // until there is some progress, or an error
	m, err := h.keep(ctx, m, next)
	if err != nil || m.Rev == 0 {
		return err
	}
	return h.expand(ctx, m)
}

// expand reads a manifest and has its rows become jobs, portion by portion. It is
// called by whoever has just written the manifest's record.
func (h *Handler) expand(ctx context.Context, m job.Manifest) error {
	rs, err := h.settledRows(ctx, m)
	switch {
	case changed(err):
		// The event of the newer one follows; if it is lost, the due time comes here.
		return h.stepBack(ctx, m, 0)
	case err != nil:
		return errors.Join(err, h.stepBack(ctx, m, 1))
	case rs == nil:
		return nil // no time to settle; the due time drives it
	case rs.faults != nil:
		return h.refuse(ctx, m, rs)
	}
	if m.Rows == 0 {
		next := m
		next.Rows = len(rs.all)
		if m, err = h.keep(ctx, m, next); err != nil || m.Rev == 0 {
			return err
		}
		h.Log.InfoContext(ctx, "manifest", "manifest", m.ID(), "rows", m.Rows)
	}
	files := h.newShelf(rs.all, m.Tries >= rowsTried)
	for m.Next < len(rs.all) {
		portion := rs.all[m.Next:min(m.Next+job.PortionRows, len(rs.all))]
		if err := h.takeRows(ctx, m, portion, files); errors.Is(err, errOvertaken) {
			return h.stepBack(ctx, m, 1) // in vain, as the record is the newer one's
		} else if err != nil {
			return errors.Join(err, h.stepBack(ctx, m, 1))
		}
		next := m
		next.Next, next.Tries, next.Deaths = m.Next+len(portion), 0, 0
		d, ok := ctx.Deadline()
		stop := ok && time.Until(d) < lastPage
		switch {
		case next.Expanded():
			next.Began, next.Due, stop = time.Now().UTC(), time.Now(), true
		case stop:
			next.Due = time.Now()
		default:
			next.Due = later(ctx, m.Due, time.Now().Add(grace))
		}
		if m, err = h.keep(ctx, m, next); err != nil || m.Rev == 0 || stop {
			return err
		}
	}
	return nil
}

// keep writes how far a manifest has got; the zero value when somebody else has it now.
func (h *Handler) keep(ctx context.Context, m, next job.Manifest) (job.Manifest, error) {
	kept, err := h.Manifests.PutManifest(ctx, m, next)
	if errors.Is(err, job.ErrConflict) {
		return job.Manifest{}, nil
	}
	return kept, err
}

// stepBack has poll hand a manifest over again later, after so many more failures.
func (h *Handler) stepBack(ctx context.Context, m job.Manifest, failures int) error {
	if ctx.Err() != nil {
		return nil // the invocation ended; the due time that stands drives it
	}
	next := m
	next.Tries, next.Deaths = m.Tries+failures, 0
	next.Due = time.Now().Add(job.Backoff(rowsAgain, m.Tries))
	_, err := h.keep(ctx, m, next)
	return err
}

// stuck tells that a manifest cannot be taken in, and ends it: something in it kills
// whoever tries.
func (h *Handler) stuck(ctx context.Context, m job.Manifest) error {
	f := job.Fault{Code: job.CodeManifestStuck, File: m.File.Key}
	if m.Next > 0 {
		f.Detail = strconv.Itoa(m.Next)
	}
	if err := h.notice(ctx, m.About(), m.Version(), f); err != nil {
		return err
	}
	return h.abandon(ctx, m)
}

// abandon ends a manifest of which no more is to be taken in: the rows that have become jobs go on.
func (h *Handler) abandon(ctx context.Context, m job.Manifest) error {
	if m.Refused || m.Expanded() || !m.Closed.IsZero() {
		return nil
	}
	next := m
	next.Rows, next.Due = m.Next, time.Now()
	if m.Next == 0 {
		next.Due, next.Closed = time.Time{}, time.Now().UTC()
	} else {
		next.Began = time.Now().UTC()
	}
	_, err := h.keep(ctx, m, next)
	return err
}

// settledRows reads a manifest once it has been left alone for the settling time; nil
// when the invocation has no time to wait.
func (h *Handler) settledRows(ctx context.Context, m job.Manifest) (*rows, error) {
	if wait := min(time.Until(m.File.Modified.Add(wholeSecond+h.Settle)), h.Settle); wait > 0 && m.Rows == 0 {
		if d, ok := ctx.Deadline(); ok && time.Until(d) < wait+5*time.Second {
			return nil, nil
		}
		if err := job.Pause(ctx, wait); err != nil {
			return nil, err
		}
	}
	if m.File.Size > maxManifest {
		return &rows{faults: []job.RowFault{{Text: tooLarge}}}, nil
	}
	body, err := h.Inbox.Open(ctx, m.File.Key, m.File.ETag)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return readRows(m.File.Key, body)
}

// refuse tells what is wrong with a manifest: the first lines in the message, and all of
// them in an object that is there before the message names it. Nothing of it is made.
func (h *Handler) refuse(ctx context.Context, m job.Manifest, rs *rows) error {
	now := time.Now().UTC()
	news := job.BatchNews{Phase: job.BatchRefused, Faults: rs.faults, More: rs.more}
	if len(rs.faults) > toldFaults {
		news.Faults, news.More, news.FaultsFile = rs.faults[:toldFaults], rs.more+len(rs.faults)-toldFaults, job.FaultsKey(m)
		if err := h.Portions.PutLines(ctx, news.FaultsFile, words.FaultLines(rs.faults)); err != nil {
			return err
		}
	}
	msg := job.BatchMessage(m, news, now)
	if _, err := h.Jobs.AddNotice(ctx, msg); err != nil {
		return err
	}
	next := m
	next.Refused, next.Due, next.Closed = true, time.Time{}, now
	if m, err := h.keep(ctx, m, next); err != nil || m.Rev == 0 {
		return err
	}
	h.Log.InfoContext(ctx, "notice", "code", job.CodeManifestRefused)
	h.tell(ctx, msg.ID)
	return nil
}

// takeRows makes the jobs of a portion, notes them, and has them looked at by the
// vendor. What fails after a job has been made is the job's own trouble.
func (h *Handler) takeRows(ctx context.Context, m job.Manifest, portion []row, files *shelf) error {
	var mu sync.Mutex
	var errs []error
	all := make([]placed, len(portion))
	each(places(len(portion)), func(i int) {
		j, a, err := h.rowJob(ctx, m, m.Next, portion[i], files)
		if err == nil {
			all[i], err = h.place(ctx, m, j, a)
		}
		all[i].Number, all[i].Line, all[i].Name = m.Next+i+1, portion[i].line, portion[i].name
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, fmt.Errorf("row %d: %w", all[i].Number, err))
		}
	})
	if errs != nil {
		return errors.Join(errs[:min(len(errs), maxErrors)]...)
	}
	var lines bytes.Buffer
	for _, p := range all {
		line, err := json.Marshal(p.Row)
		if err != nil {
			return err
		}
		lines.Write(append(line, '\n'))
	}
	if err := h.Portions.PutLines(ctx, job.PortionKey(m, m.Next/job.PortionRows), lines.Bytes()); err != nil {
		return err
	}
	h.prepareRows(ctx, all)
	return nil
}

func places(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// prepareRows takes new jobs to the queue: for each picture one first, so that the
// vendor is asked for its face once.
func (h *Handler) prepareRows(ctx context.Context, all []placed) {
	var first, rest []job.Job
	seen := map[string]bool{}
	for _, p := range all {
		if p.made == nil {
			continue
		}
		face := p.made.Image.SHA256 + string(p.made.Options.Ratio)
		if seen[face] {
			rest = append(rest, *p.made)
			continue
		}
		seen[face] = true
		first = append(first, *p.made)
	}
	for _, some := range [][]job.Job{first, rest} {
		each(some, func(j job.Job) {
			if err := h.prepareWanted(ctx, j); err != nil {
				// Its due time drives it.
				h.Log.WarnContext(ctx, "row not prepared", "job_id", j.ID, "err", err)
			}
		})
	}
}
