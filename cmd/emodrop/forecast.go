package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

// sampled is how many of those that wait are read, to know how long films are: what the
// forecast does not know counts as long as the average, so that it costs a fixed number
// of reads.
const sampled = 50

// standing is how all that is under way stands.
type standing struct {
	gate job.Gate
	// there are the jobs at the video service, queue the ids of those that wait, in their
	// turn, as far as deep.
	there []job.Job
	queue []string
	// expected says when jobs may be done, those that are asked for among them, and last
	// when all of them may be; zero when nobody can tell, or nothing waits.
	expected map[string]job.Outlook
	last     time.Time
}

// stand reads how all that is under way stands, for jobs that were read already and for
// the whole.
func stand(ctx context.Context, st *reach.Stack, jobs ...job.Job) (s standing, err error) {
	if s.gate, err = st.Jobs.Gate(ctx); err != nil {
		return s, err
	}
	if s.queue, err = st.Jobs.Queue(ctx, deep); err != nil {
		return s, err
	}
	if s.there, err = records(ctx, st, slices.Sorted(maps.Keys(s.gate.Slots))); err != nil {
		return s, err
	}
	waiting, err := records(ctx, st, s.queue[:min(len(s.queue), sampled)])
	if err != nil {
		return s, err
	}
	known := map[string]job.Job{}
	for _, some := range [][]job.Job{jobs, waiting, s.there} { // what was read last counts
		for _, j := range some {
			known[j.ID] = j
		}
	}
	all := make([]job.Job, 0, len(known))
	for _, id := range slices.Sorted(maps.Keys(known)) {
		all = append(all, known[id])
	}
	s.expected, s.last = s.gate.Forecast(all, s.queue, 0, job.EMO(), time.Now())
	return s, nil
}

// minute is a time that is only expected, in this machine's zone.
func minute(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
