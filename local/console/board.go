package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

const (
	// shown is how many jobs one page lists at most.
	shown = 200
	// readers is how many jobs are read at a time.
	readers = 8
	// fresh is how long what was read counts as now.
	fresh = time.Second
	// settled is how long an ended job's record counts as now: only a person's
	// retry changes it.
	settled = 10 * time.Second
	// patience bounds one look at the table.
	patience = 5 * time.Second
	// keepDays and keepJobs bound what is remembered.
	keepDays = 4
	keepJobs = 1000
	// keepMessages is how many messages a page shows.
	keepMessages = 20
	// horizon is how far back days are offered: the table forgets ended jobs after
	// 90 days.
	horizon = 90
)

// board reads the table on behalf of all open pages: what one of them reads serves
// every other for a second.
type board struct {
	jobs     Jobs
	messages func() []Message
	log      *slog.Logger

	turn  chan struct{} // one place: who has it reads
	looks map[string]*look
	ended map[string]read
}

// read is a job's record and when it was read.
type read struct {
	job job.Job
	at  time.Time
}

// look is what was to be seen at one time. Nothing in it changes but the renderings.
type look struct {
	taken time.Time
	// jobs of two days, newest first.
	jobs []job.Job
	gate job.Gate
	// cut tells that the days had more than is shown.
	cut bool
	// newest tells that these are today's and yesterday's.
	newest bool
	// older is the next day to show; zero at the end of what is kept.
	older    time.Time
	messages []Message
	// stale tells that the table could not be read: this is what was seen before.
	stale bool
	// mark differs between looks at which there is something else to see.
	mark string

	mu       sync.Mutex
	rendered map[words.Lang][]byte
}

func newBoard(jobs Jobs, messages func() []Message, log *slog.Logger) *board {
	return &board{jobs: jobs, messages: messages, log: log, turn: make(chan struct{}, 1),
		looks: map[string]*look{}, ended: map[string]read{}}
}

// at returns what is to be seen of a day and the one before; a zero day is today
// (UTC). It fails only when ctx ends.
func (b *board) at(ctx context.Context, day time.Time) (*look, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := time.Now()
	if day.IsZero() {
		day = now
	}
	day = day.UTC().Truncate(24 * time.Hour)
	key := day.Format(time.DateOnly)
	last := b.looks[key]
	if last != nil && now.Sub(last.taken) < fresh {
		return last, nil
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	next, err := b.read(bounded, day, now)
	if ctx.Err() != nil {
		return nil, ctx.Err() // its reader left; who waits reads for himself
	}
	if err != nil {
		if last == nil || !last.stale {
			b.log.Warn("the jobs could not be read", "err", err)
		}
		next = &look{stale: true}
		if last != nil {
			next.jobs, next.gate, next.cut, next.older = last.jobs, last.gate, last.cut, last.older
		}
	}
	next.newest = key == now.UTC().Format(time.DateOnly)
	next.messages = tail(b.messages(), keepMessages)
	next.mark = next.fingerprint()
	next.taken, next.rendered = now, map[words.Lang][]byte{}
	if last != nil && last.mark == next.mark {
		next.rendered = last.take()
	}
	b.keep(key, next)
	return next, nil
}

// keep remembers a look and forgets the oldest.
func (b *board) keep(key string, l *look) {
	b.looks[key] = l
	for len(b.looks) > keepDays {
		oldest := key
		for k, v := range b.looks {
			if v.taken.Before(b.looks[oldest].taken) {
				oldest = k
			}
		}
		delete(b.looks, oldest)
	}
}

// read looks at the table.
func (b *board) read(ctx context.Context, day, now time.Time) (*look, error) {
	l := &look{}
	var err error
	if l.gate, err = b.jobs.Gate(ctx); err != nil {
		return nil, fmt.Errorf("read the gate: %w", err)
	}
	var ids []string
	for _, d := range []time.Time{day, day.AddDate(0, 0, -1)} {
		room := shown - len(ids)
		if room == 0 {
			break
		}
		some, err := b.jobs.Recent(ctx, d, room+1)
		if err != nil {
			return nil, fmt.Errorf("list the jobs of a day: %w", err)
		}
		l.older = d.AddDate(0, 0, -1)
		if len(some) > room {
			some, l.cut = some[:room], true
			if d != day {
				l.older = d // its rest is shown when it comes first
			}
		}
		ids = append(ids, some...)
	}
	beforeAll := !l.gate.Installed.IsZero() && l.older.Format(time.DateOnly) < l.gate.Installed.UTC().Format(time.DateOnly)
	if beforeAll || now.Sub(l.older) > horizon*24*time.Hour {
		l.older = time.Time{}
	}
	l.jobs, err = b.records(ctx, ids, now)
	return l, err
}

// records reads the jobs, several at a time, in their order. Those that are gone are
// left out: the list of a day lags.
func (b *board) records(ctx context.Context, ids []string, now time.Time) ([]job.Job, error) {
	type slot struct {
		job job.Job
		err error
	}
	slots := make([]slot, len(ids))
	var wg sync.WaitGroup
	places := make(chan struct{}, readers)
	for i, id := range ids {
		if known, ok := b.ended[id]; ok && now.Sub(known.at) < settled {
			slots[i].job = known.job
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			slots[i].job, slots[i].err = b.jobs.Job(ctx, id)
		})
	}
	wg.Wait()
	if len(b.ended) > keepJobs {
		clear(b.ended)
	}
	jobs := make([]job.Job, 0, len(ids))
	for i, s := range slots {
		switch {
		case errors.Is(s.err, job.ErrNotFound):
			continue
		case s.err != nil:
			return nil, fmt.Errorf("read a job: %w", s.err)
		}
		if known, ok := b.ended[ids[i]]; !s.job.State.Final() {
			delete(b.ended, ids[i])
		} else if !ok || now.Sub(known.at) >= settled {
			b.ended[ids[i]] = read{s.job, now}
		}
		jobs = append(jobs, s.job)
	}
	return jobs, nil
}

// fingerprint is the same for two looks that show the same, clocks aside.
func (l *look) fingerprint() string {
	var b bytes.Buffer
	for _, j := range l.jobs {
		fmt.Fprintf(&b, "%s %d|", j.ID, j.Rev)
	}
	fmt.Fprintf(&b, "%d %d %v %v %d|", len(l.gate.Slots), l.gate.NotBefore.Unix(), l.cut, l.stale, l.older.Unix())
	if c := l.gate.Closed; c != nil {
		fmt.Fprintf(&b, "%s %s %d|", c.Code, c.Detail, c.Since.Unix())
	}
	for _, m := range l.messages {
		fmt.Fprintf(&b, "%d %q %q|", m.Time.UnixNano(), m.Kind, m.Subject)
	}
	h := fnv.New64a()
	_, _ = h.Write(b.Bytes()) // a hash takes everything
	return fmt.Sprintf("%016x", h.Sum64())
}

// render returns what draw makes of this look, made once for each language.
func (l *look) render(lang words.Lang, draw func() ([]byte, error)) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.rendered[lang]; ok {
		return b, nil
	}
	b, err := draw()
	if err == nil {
		l.rendered[lang] = b
	}
	return b, err
}

// take copies the renderings for a later look that shows the same.
func (l *look) take() map[words.Lang][]byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[words.Lang][]byte, len(l.rendered))
	for k, v := range l.rendered {
		out[k] = v
	}
	return out
}

func tail[T any](s []T, n int) []T {
	return s[max(0, len(s)-n):]
}
