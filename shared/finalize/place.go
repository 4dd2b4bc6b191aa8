package finalize

import (
	"context"
	"errors"
	"os"
	"time"

	"emodrop/shared/job"
)

// looks bounds how often a place is looked at again because it did not hold still.
const looks = 5

// place puts a verified film where it belongs and says where that is: under the plain
// key of its name when its job is the newest of that name, else, or when it does not
// fit its request (apart), under a key of its own. What stands there is replaced only
// as it was seen, and another job's film is put aside first: it was paid for. A film
// of the same content that is there already is left as it is.
func (h *Handler) place(ctx context.Context, j job.Job, film job.Film, file *os.File, apart bool) (job.Film, error) {
	for range looks {
		newest := false
		if !apart {
			var err error
			if newest, err = h.newest(ctx, j); err != nil {
				return film, err
			}
		}
		film.Key = job.VideoKey(j, newest)
		seen, err := h.Outbox.Film(ctx, film.Key)
		switch {
		case err != nil && !errors.Is(err, job.ErrNotFound):
			return film, err
		case err == nil && seen.Job == j.ID && seen.SHA256 == film.SHA256:
			film.ETag = seen.ETag
			return film, nil
		case err == nil && seen.Job != "" && seen.Job != j.ID:
			// Looked at once more: a job that was slow must not put a newer one's
			// film aside.
			if newest, err = h.newest(ctx, j); err != nil {
				return film, err
			} else if !newest {
				continue
			}
			if err := h.putAside(ctx, j.Name, seen); changed(err) {
				continue
			} else if err != nil {
				return film, err
			}
		}
		film.ETag, err = h.Outbox.PutFilm(ctx, j, film, file, seen.ETag)
		if !changed(err) {
			return film, err
		}
	}
	return film, job.ErrConflict
}

// changed: something came, went or was written over since it was looked at.
func changed(err error) bool {
	return errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

// newest says whether a job is the newest of its name.
func (h *Handler) newest(ctx context.Context, j job.Job) (bool, error) {
	st, err := h.HandIns.Stem(ctx, j.Name)
	return st.Job == j.ID, err
}

// putAside copies an older job's film to a key of its own and has the job say so,
// before its place is taken: whoever dies in between leaves a film too many, never
// one too few or a record that leads to somebody else's.
func (h *Handler) putAside(ctx context.Context, n job.Name, seen job.Stored) error {
	to := job.VideoKey(job.Job{ID: seen.Job, Name: n}, false)
	there, err := h.Outbox.Film(ctx, to)
	if err != nil && !errors.Is(err, job.ErrNotFound) {
		return err
	}
	if err != nil || there.Job != seen.Job || there.SHA256 != seen.SHA256 {
		if err := h.Outbox.CopyFilm(ctx, seen, to); err != nil {
			return err
		}
	}
	old, err := h.Jobs.Job(ctx, seen.Job)
	if errors.Is(err, job.ErrNotFound) {
		return nil // its record's time was over
	}
	if err != nil {
		return err
	}
	next := old
	switch {
	case old.Film != nil && old.Film.Key == seen.Key:
		film := *old.Film
		film.Key = to
		next.Film = &film
	case old.State == job.Storing:
		// Its finalizer has put the film and not said so yet. The one that writes this
		// makes that move fail, and the next look finds the film's new place.
		next.Busy, next.Due = time.Time{}, time.Now().Add(h.Backoff)
	default:
		return nil
	}
	_, err = h.Jobs.Move(ctx, old, next)
	return err
}
