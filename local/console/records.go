package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"emodrop/shared/job"
)

// readAll reads jobs, several at a time, in their order. Those that are gone are left
// out: what lists them lags.
func readAll(ctx context.Context, from Jobs, ids []string) ([]job.Job, error) {
	type slot struct {
		job job.Job
		err error
	}
	slots := make([]slot, len(ids))
	var wg sync.WaitGroup
	places := make(chan struct{}, readers)
	for i, id := range ids {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			slots[i].job, slots[i].err = from.Job(ctx, id)
		})
	}
	wg.Wait()
	jobs := make([]job.Job, 0, len(ids))
	for _, s := range slots {
		if s.err != nil && !errors.Is(s.err, job.ErrNotFound) {
			return nil, fmt.Errorf("read a job: %w", s.err)
		}
		if s.err == nil {
			jobs = append(jobs, s.job)
		}
	}
	return jobs, nil
}

// records are the jobs of a page. What cannot have changed is not read every time: what
// has ended, and what still stands in the queue, however many wait there.
func (b *board) records(ctx context.Context, ids, queue []string, now time.Time) ([]job.Job, error) {
	queued := make(map[string]bool, len(queue))
	for _, id := range queue {
		queued[id] = true
	}
	var unsure []string
	for _, id := range ids {
		known, ok := b.known[id]
		quiet := known.job.State.Final() || known.job.State == job.Queued && queued[id]
		if !ok || !quiet || now.Sub(known.at) >= settled {
			unsure = append(unsure, id)
		}
	}
	fresh, err := readAll(ctx, b.jobs, unsure)
	if err != nil {
		return nil, err
	}
	for _, id := range unsure {
		delete(b.known, id)
	}
	for _, j := range fresh {
		b.known[j.ID] = read{j, now}
	}
	jobs := make([]job.Job, 0, len(ids))
	for _, id := range ids {
		if known, ok := b.known[id]; ok {
			jobs = append(jobs, known.job)
		}
	}
	if len(b.known) > keepJobs {
		clear(b.known)
	}
	return jobs, nil
}

// traits is a fingerprint that grows. The zero value is ready.
type traits struct{ b bytes.Buffer }

func (p *traits) add(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

func (p *traits) sum() string {
	h := fnv.New64a()
	_, _ = h.Write(p.b.Bytes()) // a hash takes everything
	return fmt.Sprintf("%016x", h.Sum64())
}
