// Package show keeps the files in the outbox that say how things stand, for people who
// have nothing but the bucket: status/<name>.json for the newest job of each name, and
// status/index.json for all that is under way.
//
// It decides nothing and keeps nothing of its own. Its one invariant: no file ever says
// what was the case before what it said last. Each is looked at first, then the
// records are read, and then it is written on the condition that it is as it was.
package show

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// Records are the jobs, and which is the newest of its name.
type Records interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
}

// Outbox holds the files.
type Outbox interface {
	// Status tells which version of a file stands there, and its mark; job.ErrNotFound
	// when there is none.
	Status(ctx context.Context, key string) (etag, mark string, err error)
	// ReadStatus is Status with the content.
	ReadStatus(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutStatus writes one over the version that is named, or, for "", where there is
	// none; job.ErrConflict when another one stands there.
	PutStatus(ctx context.Context, key string, body []byte, mark, over string) (etag string, err error)
}

// Config is what a Step needs; every field is required.
type Config struct {
	Records Records
	Outbox  Outbox
	Place   words.Place
}

// Step writes status files. Safe for concurrent use.
type Step struct {
	Config
}

// New returns a step, or an error that lists all that is missing.
func New(c Config) (*Step, error) {
	var errs []error
	if c.Records == nil {
		errs = append(errs, errors.New("show: Records is required"))
	}
	if c.Outbox == nil {
		errs = append(errs, errors.New("show: Outbox is required"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Step{c}, nil
}

// races bounds how often a file is looked at again that others write to.
const races = 5

// Show writes how a job stands now, if it is the newest of its name and its file does
// not say so already. o is what is expected of it. job.ErrConflict when others keep
// writing to the same file.
func (s *Step) Show(ctx context.Context, id string, o job.Outlook) error {
	j, err := s.Records.Job(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	key := job.StatusKey(j.Name)
	for range races {
		over, stands, err := s.Outbox.Status(ctx, key)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return err
		}
		if j, err = s.Records.Job(ctx, id); err != nil {
			return err
		}
		st, err := s.Records.Stem(ctx, j.Name)
		if err != nil || st.Job != id || stands == mark(j) {
			return err
		}
		if j.State != job.Queued {
			o.Place = 0
		}
		if j.State.Told() {
			o = job.Outlook{}
		}
		if _, err = s.Outbox.PutStatus(ctx, key, words.Status(j, o, s.Place, time.Now()), mark(j), over); !changed(err) {
			return err
		}
	}
	return fmt.Errorf("%s: %w", key, job.ErrConflict)
}

// mark is what a status file says, in short: a job that has only been written to says
// the same as before.
func mark(j job.Job) string {
	parts := []string{j.ID, fmt.Sprint(j.Attempt), string(j.State)}
	if j.State.Told() && j.Fault != nil {
		parts = append(parts, j.Fault.Code)
	}
	if j.State == job.Succeeded && j.Film != nil {
		parts = append(parts, j.Film.SHA256[:min(8, len(j.Film.SHA256))])
	}
	return strings.Join(parts, " ")
}

func changed(err error) bool {
	return errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

// Index reads the list of all that is under way, and which version of it stands there;
// an empty one, and no version, when there is none. One that cannot be read is written
// anew.
func (s *Step) Index(ctx context.Context) (x words.Index, etag string, err error) {
	body, etag, err := s.Outbox.ReadStatus(ctx, job.IndexKey)
	if errors.Is(err, job.ErrNotFound) {
		return words.Index{}, "", nil
	}
	if err != nil {
		return words.Index{}, "", err
	}
	if json.Unmarshal(body, &x) != nil || x.Schema != words.IndexSchema {
		return words.Index{}, etag, nil
	}
	return x, etag, nil
}

// PutIndex writes the list over the version that was read; job.ErrConflict when another
// one stands there.
func (s *Step) PutIndex(ctx context.Context, x words.Index, over string) (etag string, err error) {
	etag, err = s.Outbox.PutStatus(ctx, job.IndexKey, x.Encode(), "", over)
	if changed(err) {
		return "", fmt.Errorf("%s: %w", job.IndexKey, job.ErrConflict)
	}
	return etag, err
}
