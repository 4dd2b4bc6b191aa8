package console

import (
	"cmp"
	"slices"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// outlook is what is expected of a job that is under way.
type outlook struct {
	// place in the queue, from 1; 0 when it does not wait, or too far back.
	place int
	// done is when its film is likely to be there; zero when nobody can tell.
	done time.Time
}

// bringing is what a film takes from its end at the vendor until it is here.
const bringing = 5 * time.Second

// forecast says when jobs may be done: one film after the other, as the shared model
// works, by the speed that the gate has measured. A job that the page does not show
// counts as long as the average of those it does.
func (l *look) forecast(p job.Profile, now time.Time) map[string]outlook {
	all := make(map[string]outlook)
	perSecond := l.gate.Speed(p)
	work := func(seconds float64) time.Duration { return time.Duration(seconds * float64(perSecond)) }
	byID := make(map[string]job.Job, len(l.jobs))
	var there []job.Job
	sum, n := 0.0, 0
	for _, j := range l.jobs {
		byID[j.ID] = j
		if s := j.Seconds(); s > 0 {
			sum, n = sum+s, n+1
		}
		if j.State == job.Submitting || j.State.AtVendor() {
			there = append(there, j)
		}
		if j.State == job.Storing {
			all[j.ID] = outlook{done: now.Add(bringing)}
		}
	}
	average := p.MaxAudio.Seconds() / 2
	if n > 0 {
		average = sum / float64(n)
	}
	slices.SortStableFunc(there, func(a, b job.Job) int { return cmp.Or(started(a).Compare(started(b)), a.Received.Compare(b.Received)) })
	free := now // when the vendor is free again
	for _, j := range there {
		left := work(j.Seconds())
		if t := j.Task; t != nil && j.State == job.Running && !t.Started.IsZero() {
			left = max(0, left-now.Sub(t.Started))
		}
		free = free.Add(left)
		all[j.ID] = outlook{done: free.Add(bringing)}
	}
	for id, s := range l.gate.Slots {
		if _, ok := byID[id]; !ok {
			free = free.Add(work(s.Seconds))
		}
	}
	for i, id := range l.queue {
		j, ok := byID[id]
		seconds := average
		if ok && j.Seconds() > 0 {
			seconds = j.Seconds()
		}
		free = free.Add(work(seconds))
		if !ok || j.State != job.Queued {
			continue
		}
		o := outlook{place: i + 1}
		if l.gate.Closed == nil {
			o.done = free.Add(bringing)
		}
		all[id] = o
	}
	return all
}

// started orders what is at the vendor: what runs goes before what waits there.
func started(j job.Job) time.Time {
	switch {
	case j.Task == nil:
		return j.Updated
	case j.State == job.Running:
		return time.Time{}
	}
	return j.Task.Submitted
}

// expected is an outlook in words. It changes with the minute, not with the second.
func expected(o outlook, lang words.Lang, now time.Time) (string, error) {
	text, err := "", error(nil)
	switch left := o.done.Sub(now); {
	case o.done.IsZero():
	case left < time.Minute:
		text, err = say(lang, "ready_soon")
	default:
		text, err = say(lang, "ready_about", clockTime(o.done.Add(30*time.Second), now))
	}
	if err != nil || o.place == 0 {
		return text, err
	}
	place, err := say(lang, "place", o.place)
	if text != "" {
		place += " · " + text
	}
	return place, err
}
