package console

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"emodrop/local/lookup"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

const (
	// shown is how many jobs a page lists, most how many it lists when asked for more,
	// and how many a search looks through.
	shown, most = 100, 500
	// settled is how long the record of a job that has ended counts as now: only a
	// person's retry changes it. The same for one that still stands in the queue.
	settled = 10 * time.Second
	// patience bounds one look at the table.
	patience = 5 * time.Second
	// keepLooks and keepJobs bound what is remembered.
	keepLooks = 4
	keepJobs  = 2000
	// keepMessages is how many messages a page shows.
	keepMessages = 20
	// window is how many days one page looks through at most.
	window = 7
	// horizon is how far back pages go: the table forgets ended jobs after 90 days.
	horizon = 90 * 24 * time.Hour
	// deep is how far into the queue a job's place is looked for.
	deep = 1000
)

// span is which jobs a page lists: size of those received before a time, or of the
// newest where that is zero; of them only what a person looks for, where that is said.
type span struct {
	before time.Time
	size   int
	find   string
}

// board reads the table on behalf of all open pages: what one of them reads serves
// every other for as long as it is fresh.
type board struct {
	jobs     Jobs
	handIns  HandIns
	profile  job.Profile
	messages func() []Message
	fresh    time.Duration
	log      *slog.Logger

	turn  chan struct{} // one place: who has it reads
	looks map[span]*look
	known map[string]read
}

// read is a job's record and when it was read.
type read struct {
	job job.Job
	at  time.Time
}

// look is what was to be seen at one time. Nothing in it changes but the renderings.
type look struct {
	span
	taken time.Time
	// jobs, newest first; of a search those that were found, among so many that were
	// looked through, and before them what has just that name or id, however old.
	jobs   []job.Job
	looked int
	gate   job.Gate
	// queue is the ids of those that wait, next one first; as far as deep.
	queue []string
	// newest tells that nothing is newer than these.
	newest bool
	// cut tells that the page was full; older is where the next one begins, zero at
	// the end of what is kept.
	cut      bool
	older    time.Time
	messages []Message
	// stale tells that the table could not be read: this is what was seen before.
	stale bool
	// mark differs between looks at which there is something else to see, clocks and
	// places in the queue aside.
	mark string

	mu    sync.Mutex
	drawn map[words.Lang]*drawing
}

func newBoard(c Config) *board {
	return &board{jobs: c.Jobs, handIns: c.HandIns, profile: c.Profile, messages: c.Messages, fresh: c.Every, log: c.Log,
		turn: make(chan struct{}, 1), looks: map[span]*look{}, known: map[string]read{}}
}

// at returns what is to be seen of a span. It fails only when ctx ends.
func (b *board) at(ctx context.Context, s span) (*look, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := time.Now()
	last := b.looks[s]
	if last != nil && now.Sub(last.taken) < b.fresh {
		return last, nil
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next, err := b.read(bounded, s, now)
	if ctx.Err() != nil {
		return nil, ctx.Err() // its reader left; who waits reads for himself
	}
	if err != nil {
		if last == nil || !last.stale {
			b.log.Warn("the jobs could not be read", "err", err)
		}
		next = &look{stale: true}
		if last != nil {
			next.jobs, next.looked, next.gate, next.queue, next.cut, next.older = last.jobs, last.looked, last.gate, last.queue, last.cut, last.older
		}
	}
	next.span, next.newest = s, s.before.IsZero()
	next.messages = tail(b.messages(), keepMessages)
	next.mark = next.fingerprint()
	next.taken, next.drawn = now, map[words.Lang]*drawing{}
	if last != nil && last.mark == next.mark {
		next.drawn = last.take()
	}
	b.keep(s, next)
	return next, nil
}

// forget has a job read anew, for a person has just changed it.
func (b *board) forget(ctx context.Context, id string) {
	select {
	case b.turn <- struct{}{}:
		delete(b.known, id)
		clear(b.looks)
		<-b.turn
	case <-ctx.Done():
	}
}

// keep remembers a look and forgets the oldest.
func (b *board) keep(s span, l *look) {
	b.looks[s] = l
	for len(b.looks) > keepLooks {
		oldest := s
		for k, v := range b.looks {
			if v.taken.Before(b.looks[oldest].taken) {
				oldest = k
			}
		}
		delete(b.looks, oldest)
	}
}

// read looks at the table: the gate, a page of the newest jobs, their records, and
// the queue if one of them waits. What it costs does not grow with the table.
func (b *board) read(ctx context.Context, s span, now time.Time) (*look, error) {
	l := &look{}
	var err error
	if l.gate, err = b.jobs.Gate(ctx); err != nil {
		return nil, fmt.Errorf("read the gate: %w", err)
	}
	from := now
	if !s.before.IsZero() {
		from = s.before.Add(-time.Millisecond)
	}
	since := from.AddDate(0, 0, 1-window).UTC().Truncate(24 * time.Hour)
	if !l.gate.Installed.IsZero() && since.Before(l.gate.Installed) {
		since = l.gate.Installed
	}
	ids, next, err := b.jobs.Page(ctx, s.before, since, s.size)
	if err != nil {
		return nil, fmt.Errorf("list the jobs: %w", err)
	}
	l.older, l.cut = next, !next.IsZero()
	if next.IsZero() && now.Sub(since) < horizon && since.After(l.gate.Installed) {
		l.older = since
	}
	if s.find != "" {
		if ids, err = b.meant(ctx, s, ids); err != nil {
			return nil, err
		}
		l.looked = len(ids)
	}
	waits := slices.ContainsFunc(ids, func(id string) bool { return b.known[id].job.State == job.Queued })
	if waits {
		if l.queue, err = b.jobs.Queue(ctx, deep); err != nil {
			return nil, fmt.Errorf("list the queue: %w", err)
		}
	}
	if l.jobs, err = b.records(ctx, ids, l.queue, now); err != nil {
		return nil, err
	}
	if s.find != "" {
		text := lookup.Fold(s.find)
		l.jobs = slices.DeleteFunc(l.jobs, func(j job.Job) bool { return !lookup.Fits(j, text) && lookup.Name(s.find) != j.Name })
	}
	if !waits && slices.ContainsFunc(l.jobs, func(j job.Job) bool { return j.State == job.Queued }) {
		if l.queue, err = b.jobs.Queue(ctx, deep); err != nil {
			return nil, fmt.Errorf("list the queue: %w", err)
		}
	}
	return l, nil
}

// meant puts in front of the newest jobs the one that has the very id or name that a
// person looks for: it may be older than any that is looked through.
func (b *board) meant(ctx context.Context, s span, ids []string) ([]string, error) {
	if !s.before.IsZero() {
		return ids, nil // the first page has shown it
	}
	var direct []string
	if jobID(s.find) {
		direct = append(direct, s.find)
	}
	st, err := b.handIns.Stem(ctx, lookup.Name(s.find))
	if err != nil {
		return nil, fmt.Errorf("look a name up: %w", err)
	}
	if st.Job != "" {
		direct = append(direct, st.Job)
	}
	direct = slices.DeleteFunc(direct, func(id string) bool { return slices.Contains(ids, id) })
	return append(direct, ids...), nil
}

// fingerprint is the same for two looks that show the same, clocks and places aside.
func (l *look) fingerprint() string {
	var f traits
	for _, j := range l.jobs {
		f.add("%s %d|", j.ID, j.Rev)
	}
	f.add("%d %d %d %d %v %v %d|", l.looked, len(l.gate.Slots), len(l.queue), l.gate.NotBefore.Unix(), l.cut, l.stale, l.older.Unix())
	for _, p := range job.Periods() {
		left, _ := l.gate.Left(p, l.taken)
		f.add("%d %d|", l.gate.Budget.Of(p), left)
	}
	if c := l.gate.Closed; c != nil {
		f.add("%s %s %d|", c.Code, c.Detail, c.Since.Unix())
	}
	for _, m := range l.messages {
		f.add("%d %q %q|", m.Time.UnixNano(), m.Kind, m.Subject)
	}
	return f.sum()
}

func tail[T any](s []T, n int) []T {
	return s[max(0, len(s)-n):]
}
