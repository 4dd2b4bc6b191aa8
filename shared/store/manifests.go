package store

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// Manifest reads how far a manifest has got, by its id; its Rev is 0 when there is none.
func (s *Store) Manifest(ctx context.Context, id string) (job.Manifest, error) {
	return noted(ctx, s, manifestKey(id), job.Manifest{}, func(m *job.Manifest) *time.Time { return &m.Due })
}

// PutManifest replaces one reading of a manifest's record by another; job.ErrConflict
// when it has changed since. One that is closed is deleted some time after.
func (s *Store) PutManifest(ctx context.Context, from, to job.Manifest) (job.Manifest, error) {
	to.Name, to.Rev = from.Name, from.Rev+1
	a, err := encodeManifest(from)
	if err != nil {
		return job.Manifest{}, err
	}
	b, err := encodeManifest(to)
	if err != nil {
		return job.Manifest{}, err
	}
	if err := s.revised(ctx, manifestKey(from.ID()), from.Rev, a, b); err != nil {
		return job.Manifest{}, err
	}
	return to, nil
}

func encodeManifest(m job.Manifest) (item, error) {
	it, err := encode(m)
	if err != nil {
		return nil, err
	}
	if !m.Closed.IsZero() {
		placeTTL(it, m.Closed.Add(Retention))
	}
	return indexed(it, m.Due), nil
}

// PutRow notes where the row of a job stands now. It changes nothing else of the job,
// and is none of its revisions: a move that is under way comes through. A job that is
// gone is no error.
func (s *Store) PutRow(ctx context.Context, jobID, row string) error {
	// No mark: that of a move whose answer was lost must stay.
	err := s.t.write(ctx, write{key: jobKey(jobID), set: []assign{{at("row"), row}}, conds: []cond{exists(keyAttr)}})
	if lost(err) {
		return nil
	}
	return err
}

// touches bounds how often a row that has ended is noted again after losing a race.
const touches = 16

// Touch notes that the job of a row has ended, or needs a person, so that the results
// of its manifest are brought up to date. A manifest that is gone is no error.
func (s *Store) Touch(ctx context.Context, row string) error {
	id, portion, ok := job.ParseRow(row)
	if !ok {
		return nil
	}
	for range touches {
		m, err := s.Manifest(ctx, id)
		if err != nil || m.Rev == 0 {
			return err
		}
		next, news := m.Touched(portion, time.Now())
		if !news {
			return nil
		}
		if _, err := s.PutManifest(ctx, m, next); !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return job.ErrConflict
}
