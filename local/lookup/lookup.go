// Package lookup finds jobs for a person, on the page and at the command line: what a
// person writes becomes the name of a hand-in, and ids become records.
//
// It decides nothing and writes nothing. Its one invariant: it reads what it is asked
// for and no more, whatever the table holds.
package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// Readers is how many records are read at a time.
const Readers = 8

// Jobs is the table, as far as records are read.
type Jobs interface {
	// Job returns job.ErrNotFound when there is none.
	Job(ctx context.Context, id string) (job.Job, error)
}

// Read reads jobs, several at a time, in their order. Those that are gone are left
// out: what lists them lags.
func Read(ctx context.Context, from Jobs, ids []string) ([]job.Job, error) {
	type slot struct {
		job job.Job
		err error
	}
	slots := make([]slot, len(ids))
	var wg sync.WaitGroup
	places := make(chan struct{}, Readers)
	for i, id := range ids {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			slots[i].job, slots[i].err = from.Job(ctx, id)
		})
	}
	wg.Wait()
	jobs := make([]job.Job, 0, len(ids))
	for i, s := range slots {
		if s.err != nil && !errors.Is(s.err, job.ErrNotFound) {
			return nil, fmt.Errorf("read job %s: %w", ids[i], s.err)
		}
		if s.err == nil {
			jobs = append(jobs, s.job)
		}
	}
	return jobs, nil
}

// Name is a hand-in's name as a person writes it: with or without an extension, as the
// inbox reads it.
func Name(arg string) job.Name {
	// A key that begins with a slash, as "s3://inbox//anna.jpg" has it, makes a name that is
	// shown with two of them: that one is found as it is shown.
	if !strings.HasPrefix(arg, "//") {
		arg = strings.Trim(arg, "/")
	}
	switch kind, n := intake.Classify(arg); kind {
	case intake.Picture, intake.Recording, intake.Shared:
		return n
	}
	n := job.Name{Stem: strings.TrimSpace(norm.NFC.String(arg))}
	if i := strings.LastIndexByte(n.Stem, '/'); i >= 0 {
		n.Dir, n.Stem = n.Stem[:i], strings.TrimSpace(n.Stem[i+1:])
	}
	return n
}

// Fits says whether a person who looks for text means this job: it stands somewhere in
// its folder and name, in any letter case, or its id begins with it. Text is as Fold
// makes it.
func Fits(j job.Job, text string) bool {
	return strings.HasPrefix(j.ID, text) || strings.Contains(Fold(j.Name.String()), text)
}

// Fold is a text without its differences in letter case and Unicode form.
func Fold(s string) string {
	return strings.ToLower(strings.TrimSpace(norm.NFC.String(s)))
}
