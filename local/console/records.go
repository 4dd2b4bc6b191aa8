package console

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"emodrop/local/lookup"
	"emodrop/shared/job"
)

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
	fresh, err := lookup.Read(ctx, b.jobs, unsure)
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
