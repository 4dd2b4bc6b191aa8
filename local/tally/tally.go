// Package tally adds up what hand-ins have cost, for the page and for the command line:
// by the day of the hand-in, by ratio or by tag.
//
// It shows nothing and keeps nothing. Its one invariant: each hand-in counts once in the
// total, whatever else it counts under.
package tally

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"emodrop/local/lookup"
	"emodrop/shared/job"
)

// By is what is added up by.
type By string

// What can be added up by.
const (
	Day   By = "day"   // of the hand-in, as 2006-01-02 of UTC
	Ratio By = "ratio" // of the film
	Tag   By = "tag"   // each of a hand-in's; empty for those without
)

// All are the ways to add up, the usual one first.
func All() []By { return []By{Day, Ratio, Tag} }

// Unknown is the ratio of a hand-in that was refused before it had one.
const Unknown = "unknown"

// Jobs is the table, as far as it is read.
type Jobs interface {
	lookup.Jobs
	// Page lists the ids of jobs received before a time (zero: all) and not before the
	// day of since, newest first: limit of them, or a few more. next is where the page
	// after it begins; zero at the end.
	Page(ctx context.Context, before, since time.Time, limit int) (ids []string, next time.Time, err error)
}

// Labels are the tags of hand-ins.
type Labels interface {
	// Labels returns job.ErrNotFound when there are none of that id.
	Labels(ctx context.Context, id string) (job.Labels, error)
}

// Row is what the hand-ins of one day, ratio or tag cost.
type Row struct {
	Key string
	job.Spent
}

// Sum is what hand-ins cost.
type Sum struct {
	// Rows by their keys; days with the newest first. Those of which there is no hand-in
	// have none.
	Rows  []Row
	Total job.Spent
	// Cut tells that there are more hand-ins than were counted.
	Cut bool
}

// page is how many jobs are listed at a time.
const page = 500

// Count reads the records of the hand-ins received since the day (UTC) of that time, the
// newest first, and stops when it has counted most of them or a page more; zero: it
// counts all. Labels that many share are read once, and only to add up by tag.
func Count(ctx context.Context, from Jobs, labels Labels, since time.Time, by By, most int) (Sum, error) {
	var s Sum
	rows, tags := map[string]*Row{}, map[string][]string{}
	counted := 0
	var next time.Time
	for first := true; first || !next.IsZero(); first = false {
		ids, after, err := from.Page(ctx, next, since, page)
		if err != nil {
			return Sum{}, fmt.Errorf("list the jobs: %w", err)
		}
		jobs, err := lookup.Read(ctx, from, ids)
		if err != nil {
			return Sum{}, err
		}
		for _, j := range jobs {
			keys, err := keysOf(ctx, labels, j, by, tags)
			if err != nil {
				return Sum{}, err
			}
			for _, k := range keys {
				if rows[k] == nil {
					rows[k] = &Row{Key: k}
				}
				rows[k].Add(j)
			}
			s.Total.Add(j)
		}
		next = after
		if counted += len(ids); most > 0 && counted >= most && !next.IsZero() {
			s.Cut = true
			break
		}
	}
	keys := slices.Sorted(maps.Keys(rows))
	if by == Day {
		slices.Reverse(keys)
	}
	for _, k := range keys {
		s.Rows = append(s.Rows, *rows[k])
	}
	return s, nil
}

// keysOf is what a job counts under; tags are those that are known.
func keysOf(ctx context.Context, labels Labels, j job.Job, by By, tags map[string][]string) ([]string, error) {
	switch {
	case by == Day:
		return []string{j.Received.UTC().Format(time.DateOnly)}, nil
	case by == Ratio && j.Ratio == "":
		return []string{Unknown}, nil
	case by == Ratio:
		return []string{string(j.Ratio)}, nil
	}
	if _, known := tags[j.Labels]; !known && j.Labels != "" {
		l, err := labels.Labels(ctx, j.Labels)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return nil, fmt.Errorf("read the tags of job %s: %w", j.ID, err)
		}
		tags[j.Labels] = slices.Compact(slices.Sorted(slices.Values(l.Tags)))
	}
	if all := tags[j.Labels]; len(all) > 0 {
		return all, nil
	}
	return []string{""}, nil
}
