package store

import (
	"context"
	"errors"

	"emodrop/shared/job"
)

// Stem reads what was handed in under a name; its Rev is 0 when nothing was.
func (s *Store) Stem(ctx context.Context, n job.Name) (job.Stem, error) {
	var st job.Stem
	it, err := s.read(ctx, stemKey(n), &st)
	if errors.Is(err, job.ErrNotFound) {
		return job.Stem{Name: n}, nil
	}
	if err != nil {
		return job.Stem{}, err
	}
	st.Due = fromMillis(it[dueIndex.rang])
	return st, nil
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
	var f job.Folder
	it, err := s.read(ctx, folderKey(dir), &f)
	if errors.Is(err, job.ErrNotFound) {
		return job.Folder{Dir: dir}, nil
	}
	if err != nil {
		return job.Folder{}, err
	}
	f.Due = fromMillis(it[dueIndex.rang])
	return f, nil
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
	var sw job.Sweep
	it, err := s.read(ctx, sweepKey, &sw)
	if errors.Is(err, job.ErrNotFound) {
		return job.Sweep{}, nil
	}
	if err != nil {
		return job.Sweep{}, err
	}
	sw.Due = fromMillis(it[dueIndex.rang])
	return sw, nil
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
