package store

import (
	"context"
	"time"

	"emodrop/shared/job"
)

// Stem reads what was handed in under a name; its Rev is 0 when nothing was.
func (s *Store) Stem(ctx context.Context, n job.Name) (job.Stem, error) {
	return noted(ctx, s, stemKey(n), job.Stem{Name: n}, func(st *job.Stem) *time.Time { return &st.Due })
}

// PutStem replaces one reading of a stem by another; job.ErrConflict when it has
// changed since.
func (s *Store) PutStem(ctx context.Context, from, to job.Stem) (job.Stem, error) {
	to.Name, to.Rev = from.Name, from.Rev+1
	a, err := encode(from)
	if err != nil {
		return job.Stem{}, err
	}
	b, err := encode(to)
	if err != nil {
		return job.Stem{}, err
	}
	if err := s.revised(ctx, stemKey(from.Name), from.Rev, indexed(a, from.Due), indexed(b, to.Due)); err != nil {
		return job.Stem{}, err
	}
	return to, nil
}

// Folder reads what a folder's recordings share; its Rev is 0 when there is
// nothing yet.
func (s *Store) Folder(ctx context.Context, dir string) (job.Folder, error) {
	return noted(ctx, s, folderKey(dir), job.Folder{Dir: dir}, func(f *job.Folder) *time.Time { return &f.Due })
}

// PutFolder replaces one reading of a folder by another; job.ErrConflict when it
// has changed since.
func (s *Store) PutFolder(ctx context.Context, from, to job.Folder) (job.Folder, error) {
	to.Dir, to.Rev = from.Dir, from.Rev+1
	a, err := encode(from)
	if err != nil {
		return job.Folder{}, err
	}
	b, err := encode(to)
	if err != nil {
		return job.Folder{}, err
	}
	if err := s.revised(ctx, folderKey(from.Dir), from.Rev, indexed(a, from.Due), indexed(b, to.Due)); err != nil {
		return job.Folder{}, err
	}
	return to, nil
}

// Sweep reads how far the sweep has got; its Rev is 0 when there has been none.
func (s *Store) Sweep(ctx context.Context) (job.Sweep, error) {
	return noted(ctx, s, sweepKey, job.Sweep{}, func(sw *job.Sweep) *time.Time { return &sw.Due })
}

// PutSweep replaces one reading of the sweep's record by another; job.ErrConflict
// when it has changed since.
func (s *Store) PutSweep(ctx context.Context, from, to job.Sweep) (job.Sweep, error) {
	to.Rev = from.Rev + 1
	a, err := encode(from)
	if err != nil {
		return job.Sweep{}, err
	}
	b, err := encode(to)
	if err != nil {
		return job.Sweep{}, err
	}
	if err := s.revised(ctx, sweepKey, from.Rev, indexed(a, from.Due), indexed(b, to.Due)); err != nil {
		return job.Sweep{}, err
	}
	return to, nil
}
