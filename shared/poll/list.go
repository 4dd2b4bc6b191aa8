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
	// listTime is how long the list may keep a tick from its looks. Of that, putTime is
	// kept for the list itself, and showTime before it for the files: what is not read
	// or shown by then is left for the next tick.
	listTime = 10 * time.Second
	showTime = 4 * time.Second
	putTime  = 2 * time.Second
)

// board is the list as this process read or wrote it last. It is that no more once
// another process has had a tick, which may have written it.
type board struct {
	index words.Index
	etag  string
	// by is the tick, as the owner of the lease, in which it was so last; read is when it
	// was last seen in the bucket.
	by   string
	read time.Time
	// held wait for a person, and a list that was lost may have had them.
	held []string
}

// trusted is how long a process goes by what it knows of the list: people and lifecycle
// rules may take it away, of which nothing else would tell.
const trusted = 15 * time.Minute

// list writes how things stand, once a tick: the file of each job whose state is not
// what the list says, and then the list, if it says anything new. The list is the
// memory: who dies between the two finds the same to do again, and what waits is read
// once, when it is first listed. A tick with nothing to do, and nothing listed, is over
// without a call, but for a look four times an hour. What trouble there is keeps nothing
// else waiting.
func (s *Step) list(ctx context.Context, r *round, owner string) {
	ctx, cancel := context.WithTimeout(ctx, listTime)
	defer cancel()
	if err := s.listAll(ctx, r, owner); err != nil {
		s.board.Store(nil)
		s.Log.WarnContext(ctx, "status not written", "err", err)
	}
}

func (s *Step) listAll(ctx context.Context, r *round, owner string) error {
	b, err := s.onBoard(ctx, owner)
	if err != nil {
		return err
	}
	s.board.Store(b)
	if !r.busy && r.gate.Closed == nil && len(b.index.Jobs)+len(b.held) == 0 && (b.index.Schema == "" || b.index.Sending.Open) {
		return nil
	}
	end, _ := ctx.Deadline()
	reading, cancel := context.WithDeadline(ctx, end.Add(-putTime-showTime))
	defer cancel()
	g := r.gate
	o, err := s.open(reading, r, g, *b)
	if err != nil {
		return err
	}
	now := time.Now()
	all, last := g.Forecast(o.jobs, o.queue, s.MaxInFlight, s.Profile, now)
	next := words.Index{Schema: words.IndexSchema, At: now.UTC().Truncate(time.Second), Open: map[job.State]int{}, Sending: words.Sends(g, now), Jobs: []words.Listed{}}
	if next.Unlisted, next.More = o.unlisted, o.more || o.left; !last.IsZero() && !next.More {
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
	showing, cancel := context.WithDeadline(ctx, end.Add(-putTime))
	defer cancel()
	shown := make([]bool, len(o.entries))
	errs := round{errs: o.errs}
	few(&errs, o.entries, func(i int, l words.Listed) error {
		if shown[i] = l.Same(before[l.Job]) || slices.Contains(b.held, l.Job); shown[i] {
			return nil // what is held was shown with its message
		}
		return inTime(showing, func() error {
			err := s.Board.Show(showing, l.Job, all[l.Job])
			shown[i] = err == nil
			return err
		})
	})
	for i, l := range o.entries {
		if !shown[i] {
			// It stays as it was said to be, so that the next tick shows it.
			was, known := before[l.Job]
			if !known {
				if !l.State.Final() {
					next.Open[l.State]++
					next.Unlisted++
				}
				continue
			}
			l = was
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
		s.board.Store(&board{index: next, etag: etag, by: owner, read: now})
	}
	return errors.Join(append(errs.errs, err)...)
}

// onBoard is the list as it stands: as this process knows it, else as it is read.
func (s *Step) onBoard(ctx context.Context, owner string) (*board, error) {
	if b := s.board.Load(); b != nil && time.Since(b.read) <= trusted {
		return &board{b.index, b.etag, owner, b.read, b.held}, nil
	}
	x, etag, err := s.Board.Index(ctx)
	if err != nil {
		return nil, err
	}
	b := &board{index: x, etag: etag, by: owner, read: time.Now()}
	if x.Schema == "" {
		// What waits for a person is neither due nor in the queue.
		b.held, err = s.Agenda.Held(ctx, listed)
	}
	return b, err
}

// inTime does something unless its time is over, or it runs out over it: then it is left
// for another time, which is no error.
func inTime(ctx context.Context, do func() error) error {
	if ctx.Err() != nil {
		return nil
	}
	if err := do(); ctx.Err() == nil {
		return err
	}
	return nil
}

// opened is all that is under way, and what has ended since it was listed.
type opened struct {
	entries  []words.Listed
	jobs     []job.Job // those that the forecast knows
	queue    []string
	unlisted int
	// more wait behind those of queue, or may; left: some of what is due found no room
	// beside the front of the queue.
	more, left bool
	// errs is what kept jobs from being read.
	errs []error
}

// open finds what is under way: what is at the vendor first, then what waits in its
// turn, then the rest. What waits, and was listed so, is not read again; what cannot be
// read now stands as it was listed, or is left out once more.
func (s *Step) open(ctx context.Context, r *round, g job.Gate, b board) (opened, error) {
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
	for _, id := range b.held {
		add(id)
	}
	others := len(ids)
	before := map[string]words.Listed{}
	passed := 0
	for _, l := range b.index.Jobs {
		before[l.Job] = l
		if n := len(ids); !waiting[l.Job] {
			add(l.Job) // it has ended, waits for a person, or others came before it
			if o.more && l.State == job.Queued {
				passed += len(ids) - n // and it takes no room any more
			}
		}
	}
	for _, d := range due {
		switch {
		case d.Kind != job.DueJob || waiting[d.ID] || seen[d.ID]:
		case len(ids)-others-passed < listed-job.ListedFront:
			add(d.ID)
		default:
			o.left = true
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
	unread := make([]bool, len(ids))
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
		unread[i] = true
		return inTime(ctx, func() error {
			j, err := s.Jobs.Job(ctx, id)
			unread[i] = err != nil && !errors.Is(err, job.ErrNotFound)
			if !unread[i] {
				jobs[i] = j
				return nil
			}
			return err
		})
	})
	o.errs = reads.errs
	for i, id := range ids {
		if !unread[i] {
			continue
		}
		if slices.Contains(b.held, id) {
			return o, errors.Join(append(o.errs, errHeld)...)
		}
		if l, known := before[id]; known {
			jobs[i] = job.Job{ID: id, State: l.State, Audio: job.Input{Seconds: l.Seconds}}
		} else if waiting[id] {
			o.unlisted++
		}
	}
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
	return o, nil
}

// errHeld: no list is better than one without them, which would be believed.
var errHeld = errors.New("what waits for a person cannot be read now")

// same reports whether two lists say the same, whatever is expected of it.
func same(a, b words.Index) bool {
	return a.Schema == b.Schema && a.More == b.More && a.Unlisted == b.Unlisted && a.Sending.Open == b.Sending.Open && a.Sending.Code == b.Sending.Code &&
		maps.Equal(a.Open, b.Open) && slices.EqualFunc(a.Jobs, b.Jobs, words.Listed.Same)
}
