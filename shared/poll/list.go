package poll

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Board is where people who have nothing but the bucket see how things stand.
type Board interface {
	// Show writes how a job stands, if its file does not say so already.
	Show(ctx context.Context, id string, o job.Outlook) error
	// Index reads the list of all that is under way; PutIndex writes it over the version
	// that was read, job.ErrConflict when another one stands there.
	Index(ctx context.Context) (x words.Index, etag string, err error)
	PutIndex(ctx context.Context, x words.Index, over string) (etag string, err error)
}

const (
	// listed is how many jobs the list names, and how many entries of the queue's index a
	// tick reads for it at most: one page of a query, however many wait.
	listed = 1000
	// ahead is how far due times of open jobs can lie ahead.
	ahead = 24 * time.Hour
	// listTime is how long the list may keep a tick from its looks.
	listTime = 10 * time.Second
)

// board is the list as this process read or wrote it last.
type board struct {
	index words.Index
	etag  string
}

// list writes how things stand, once a tick: the file of each job whose state is not
// what the list says, and then the list, if it says anything new. The list is the
// memory: who dies between the two finds the same to do again, and what waits is read
// once, when it is first listed. A tick with nothing to do, and nothing listed, is over
// without a call. What trouble there is keeps nothing else waiting.
func (s *Step) list(ctx context.Context, r *round) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	if err := s.listAll(ctx, r); err != nil {
		s.board.Store(nil)
		s.Log.WarnContext(ctx, "status not written", "err", err)
	}
}

func (s *Step) listAll(ctx context.Context, r *round) error {
	b := s.board.Load()
	if b == nil {
		x, etag, err := s.Board.Index(ctx)
		if err != nil {
			return err
		}
		b = &board{x, etag}
		s.board.Store(b)
	}
	if !r.busy && r.gate.Closed == nil && len(b.index.Jobs) == 0 && (b.index.Schema == "" || b.index.Sending.Open) {
		return nil
	}
	g := r.gate
	o, err := s.open(ctx, r, g, b.index)
	if err != nil {
		return err
	}
	now := time.Now()
	all, last := g.Forecast(o.jobs, o.queue, s.MaxInFlight, s.Profile, now)
	next := words.Index{Schema: words.IndexSchema, At: now.UTC().Truncate(time.Second), Open: map[job.State]int{}, Sending: words.Sends(g, now), Jobs: []words.Listed{}}
	if next.Unlisted, next.More = o.unlisted, o.more; !last.IsZero() && !o.more {
		at := last.UTC().Truncate(time.Second)
		next.Finish = &at
	}
	if o.unlisted > 0 {
		next.Open[job.Queued] = o.unlisted
	}
	before := map[string]words.Listed{}
	for _, l := range b.index.Jobs {
		before[l.Job] = l
	}
	shown := make([]bool, len(o.entries))
	var errs round
	few(&errs, o.entries, func(i int, l words.Listed) error {
		if shown[i] = l.Same(before[l.Job]); shown[i] {
			return nil
		}
		err := s.Board.Show(ctx, l.Job, all[l.Job])
		shown[i] = err == nil
		return err
	})
	for i, l := range o.entries {
		if !shown[i] {
			// It stays as it was said to be, so that the next tick shows it.
			if l = before[l.Job]; l.Job == "" {
				continue
			}
		}
		if l.State.Final() {
			continue
		}
		next.Open[l.State]++
		next.Jobs = append(next.Jobs, l.Expect(all[l.Job]))
	}
	if same(b.index, next) {
		return errors.Join(errs.errs...)
	}
	etag, err := s.Board.PutIndex(ctx, next, b.etag)
	if err == nil {
		s.board.Store(&board{next, etag})
	}
	return errors.Join(append(errs.errs, err)...)
}

// opened is all that is under way, and what has ended since it was listed.
type opened struct {
	entries  []words.Listed
	jobs     []job.Job // those that the forecast knows
	queue    []string
	unlisted int
	// more wait behind those of queue, or may.
	more bool
}

// open finds what is under way: what is at the vendor first, then what waits in its
// turn, then the rest. What waits, and was listed so, is not read again.
func (s *Step) open(ctx context.Context, r *round, g job.Gate, last words.Index) (opened, error) {
	var o opened
	var err error
	if o.queue, err = s.Agenda.Queue(ctx, listed); err != nil {
		return o, err
	}
	o.more = len(o.queue) == listed
	due, err := s.Agenda.Due(ctx, time.Now().Add(ahead), listed)
	if err != nil {
		return o, err
	}
	waiting := map[string]bool{}
	for _, id := range o.queue {
		waiting[id] = true
	}
	var ids []string
	seen := map[string]bool{}
	add := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.Slots)) {
		add(id)
	}
	others := len(ids)
	for _, d := range due {
		if d.Kind == job.DueJob && !waiting[d.ID] {
			add(d.ID)
		}
	}
	before := map[string]words.Listed{}
	passed := 0
	for _, l := range last.Jobs {
		before[l.Job] = l
		if n := len(ids); !waiting[l.Job] {
			add(l.Job) // it has ended, waits for a person, or others came before it
			if o.more && l.State == job.Queued {
				passed += len(ids) - n // and it takes no room any more
			}
		}
	}
	rest := slices.Clone(ids[others:])
	ids = ids[:others]
	for _, id := range o.queue {
		add(id)
	}
	room := max(0, listed-others-len(rest)+passed)
	if n := len(ids) - others; n > room {
		o.unlisted = n - room
		ids = ids[:others+room]
	}
	ids = append(ids, rest...)
	jobs := make([]job.Job, len(ids))
	var reads round
	few(&reads, ids, func(i int, id string) error {
		if l, ok := before[id]; ok && waiting[id] && l.State == job.Queued {
			jobs[i] = job.Job{ID: id, State: job.Queued, Audio: job.Input{Seconds: l.Seconds}}
			return nil
		}
		if j, ok := r.holding[id]; ok {
			jobs[i] = j
			return nil
		}
		j, err := s.Jobs.Job(ctx, id)
		if errors.Is(err, job.ErrNotFound) {
			return nil
		}
		jobs[i] = j
		return err
	})
	for i, j := range jobs {
		switch l, known := before[ids[i]]; {
		case j.ID == "":
			continue
		case j.Name == (job.Name{}) && known:
			o.entries = append(o.entries, l)
		case j.State.Final() && !known:
			continue // the index is behind; its own message shows it
		case j.State == job.Queued && !waiting[j.ID] && o.more:
			continue // too far back by now; else it would be read in every tick
		default:
			o.entries = append(o.entries, words.List(j))
		}
		if !j.State.Final() {
			o.jobs = append(o.jobs, j)
		}
	}
	return o, errors.Join(reads.errs...)
}

// same reports whether two lists say the same, whatever is expected of it.
func same(a, b words.Index) bool {
	return a.Schema == b.Schema && a.More == b.More && a.Unlisted == b.Unlisted && a.Sending.Open == b.Sending.Open && a.Sending.Code == b.Sending.Code &&
		maps.Equal(a.Open, b.Open) && slices.EqualFunc(a.Jobs, b.Jobs, words.Listed.Same)
}
