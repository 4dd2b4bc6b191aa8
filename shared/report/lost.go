package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// errGone: a portion has been deleted. Nobody but a person does that.
var errGone = errors.New("the portion is gone")

// restore puts portions that somebody has deleted back, from the results: those hold what
// each portion held when they were last written. It is errGone when what stands there is
// not what the record knows of, and so perhaps another version's.
func (s *Step) restore(ctx context.Context, id string) error {
	m, err := s.Manifests.Manifest(ctx, id)
	if err != nil || !isDue(m) {
		return err
	}
	// Whoever writes them after this look is a report of this version, or of a newer one,
	// which reads no portion of this one.
	etag, err := s.Lines.ETag(ctx, job.ResultsKey(m.Name))
	if errors.Is(err, job.ErrNotFound) || err == nil && (etag != m.Results || m.Written.IsZero()) {
		return errGone
	}
	if err != nil {
		return err
	}
	results, err := s.Lines.Lines(ctx, job.ResultsKey(m.Name))
	if errors.Is(err, job.ErrNotFound) {
		return errGone
	}
	if err != nil {
		return err
	}
	parts := make([][]byte, m.Portions())
	n := 0
	for line := range bytes.Lines(results) {
		var r job.Row
		if json.Unmarshal(line, &r) != nil || r.Number != n+1 || n == m.Rows {
			return errGone
		}
		parts[n/job.PortionRows] = append(parts[n/job.PortionRows], line...)
		n++
	}
	if n != m.Rows {
		return errGone
	}
	errs := make([]error, len(parts))
	few(len(parts), portionsAtOnce, func(p int) {
		// Over nothing: those that are there may be newer.
		if _, err := s.Lines.PutLinesOver(ctx, job.PortionKey(m, p), parts[p], ""); !errors.Is(err, job.ErrConflict) {
			errs[p] = err
		}
	})
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("put portions back: %w", err)
	}
	s.Log.WarnContext(ctx, "portions put back", "manifest", id)
	return nil
}

// lose ends the results of a manifest that cannot be put together any more.
func (s *Step) lose(ctx context.Context, id string) error {
	m, err := s.Manifests.Manifest(ctx, id)
	if err != nil || !isDue(m) {
		return err
	}
	now := time.Now().UTC()
	msg := job.Notice(m.About(), m.Version(), job.Fault{Code: job.CodeResultsLost, File: m.File.Key}, now)
	if _, err := s.Manifests.AddNotice(ctx, msg); err != nil {
		return err
	}
	next := m
	next.Lost, next.Dirty, next.Due, next.Closed = true, "", time.Time{}, now
	if _, err := s.Manifests.PutManifest(ctx, m, next); err != nil {
		return err
	}
	s.Log.ErrorContext(ctx, "manifest", "manifest", id, "code", job.CodeResultsLost)
	if err := s.Tell.Tell(ctx, msg.ID); err != nil {
		s.Log.WarnContext(ctx, "message stays due", "err", err)
	}
	return nil
}
