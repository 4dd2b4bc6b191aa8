package job

import (
	"cmp"
	"slices"
	"time"
)

// Outlook is what is expected of a job that is under way. The zero value expects
// nothing.
type Outlook struct {
	// Place in the queue, from 1; 0 when it does not wait, or is too far back.
	Place int
	// Done is when its film is likely to be there; zero when nobody can tell.
	Done time.Time
}

// ListedFront is how many of those that wait in the queue the list of all that is under
// way has room for at least, from the front. Who queues a job behind that shows how it
// stands.
const ListedFront = 500

// bringing is what a film takes from its end at the vendor until it is here.
const bringing = 5 * time.Second

// Forecast says when jobs may be done, by the speed that the gate has measured, and
// when all that waits may be; zero when nobody can tell, or nothing waits. jobs are
// those that are known, queue the ids of those that wait, in their turn: one that is
// not known counts as long as the average of those that are. limit is MaxInFlight;
// zero: that of the shared model, which makes one film after the other.
func (g Gate) Forecast(jobs []Job, queue []string, limit int, p Profile, now time.Time) (all map[string]Outlook, last time.Time) {
	all = make(map[string]Outlook)
	byID := make(map[string]Job, len(jobs))
	var there []Job
	sum, n := 0.0, 0
	for _, j := range jobs {
		byID[j.ID] = j
		if s := j.Seconds(); s > 0 {
			sum, n = sum+s, n+1
		}
		if j.State == Submitting || j.State.AtVendor() {
			there = append(there, j)
		}
		if j.State == Storing {
			all[j.ID] = Outlook{Done: now.Add(bringing)}
		}
	}
	average := p.MaxAudio.Seconds() / 2
	if n > 0 {
		average = sum / float64(n)
	}
	speed := float64(g.Speed(p))
	atOnce := units(limit, average*speed/float64(time.Second))
	work := func(seconds float64) time.Duration { return time.Duration(seconds * speed) }
	share := func(d time.Duration) time.Duration { return time.Duration(float64(d) / atOnce) }
	slices.SortStableFunc(there, func(a, b Job) int { return cmp.Or(started(a).Compare(started(b)), a.Received.Compare(b.Received)) })
	free := now // when the vendor is free again
	for _, j := range there {
		left := work(j.Seconds())
		if t := j.Task; t != nil && j.State == Running && !t.Started.IsZero() {
			left = max(0, left-now.Sub(t.Started))
		}
		free = free.Add(share(left))
		done := free
		if alone := now.Add(left); alone.After(done) {
			done = alone
		}
		all[j.ID] = Outlook{Done: done.Add(bringing)}
	}
	for id, s := range g.Slots {
		if _, ok := byID[id]; !ok {
			free = free.Add(share(work(s.Seconds)))
		}
	}
	for i, id := range queue {
		j, ok := byID[id]
		seconds := average
		if ok && j.Seconds() > 0 {
			seconds = j.Seconds()
		}
		done := free.Add(work(seconds) + bringing)
		free = free.Add(share(work(seconds)))
		if g.Closed == nil {
			last = done
		} else {
			done = time.Time{}
		}
		if ok && j.State == Queued {
			all[id] = Outlook{Place: i + 1, Done: done}
		}
	}
	return all, last
}

// started orders what is at the vendor: what runs goes before what waits there.
func started(j Job) time.Time {
	switch {
	case j.Task == nil:
		return j.Updated
	case j.State == Running:
		return time.Time{}
	}
	return j.Task.Submitted
}
