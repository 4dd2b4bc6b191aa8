package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// labelsLife is how long labels stay after they were last handed in: as long as a job
// that takes a while, and its record after that.
const labelsLife = 2 * Retention

// labelled is the form of a record of labels: one text, as what people call their
// metadata is nothing that a table should have to know.
type labelled struct {
	Said string `json:"said"`
}

// PutLabels keeps labels under their own name: hand-ins that say the same share a
// record, and writing it again only makes it last.
func (s *Store) PutLabels(ctx context.Context, l job.Labels) error {
	said, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode labels: %w", err)
	}
	it, err := encode(labelled{string(said)})
	if err != nil {
		return err
	}
	placeTTL(it, time.Now().Add(labelsLife))
	return s.t.write(ctx, change(labelsKey(l.ID()), nil, it))
}

// Labels reads labels by their name, or job.ErrNotFound.
func (s *Store) Labels(ctx context.Context, id string) (job.Labels, error) {
	var rec labelled
	if _, err := s.read(ctx, labelsKey(id), &rec); err != nil {
		return job.Labels{}, err
	}
	var l job.Labels
	if err := json.Unmarshal([]byte(rec.Said), &l); err != nil {
		return job.Labels{}, fmt.Errorf("decode labels: %w", err)
	}
	return l, nil
}
