package finalize_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

const plainKey = "videos/shop/anna.mp4"

// twice has a job with its film at home and a newer one of the same name whose film
// is to be brought home.
func twice(r *rig) (old, newer job.Job) {
	old = r.storing("anna")
	require.NoError(r.t, r.handle("anna"))
	newer = r.storing("anna2", func(j *job.Job) { j.Name = old.Name })
	r.newest(old.Name, newer.ID)
	return r.job(old.ID), newer
}

func TestAnOlderFilmMakesRoomAndIsFoundWhereItStandsNow(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		old, newer := twice(r)
		require.NoError(t, r.handle(newer.ID))
		require.Equal(t, plainKey, r.job(newer.ID).Film.Key)
		aside := job.VideoKey(old, false)
		require.Equal(t, aside, r.job(old.ID).Film.Key)
		require.Equal(t, old.ID, r.films[aside].Job)
		require.Equal(t, newer.ID, r.films[plainKey].Job)
	})
}

func TestAPlaceIsTakenOnlyOnceTheOlderJobSaysWhereItsFilmIs(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		old, newer := twice(r)
		r.jobs = failing{r.s, func(from job.Job) error {
			if from.ID == old.ID {
				return errCut
			}
			return nil
		}}
		require.NoError(t, r.handle(newer.ID))
		require.Equal(t, job.Storing, r.job(newer.ID).State, "it comes again")
		require.Equal(t, old.ID, r.films[plainKey].Job)
		require.Equal(t, plainKey, r.job(old.ID).Film.Key)
		r.jobs = r.s
		time.Sleep(time.Minute)
		require.NoError(t, r.handle(newer.ID))
		require.Equal(t, newer.ID, r.films[plainKey].Job)
		require.Equal(t, job.VideoKey(old, false), r.job(old.ID).Film.Key)
	})
}

func TestAFilmThatIsPutAsideBeforeItsJobHasEndedIsFoundThere(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		old := r.storing("anna")
		newer := r.storing("anna2", func(j *job.Job) { j.Name = old.Name })
		r.newest(old.Name, old.ID)
		r.jobs = failing{r.s, func(from job.Job) error {
			if r.films[plainKey].Job != old.ID || from.ID != old.ID || r.job(newer.ID).State != job.Storing {
				return nil
			}
			// Between the older film's writing and its job's last move the newer one is
			// brought home.
			r.newest(old.Name, newer.ID)
			r.jobs = r.s
			require.NoError(t, r.handle(newer.ID))
			return nil
		}}
		require.NoError(t, r.handle(old.ID))
		require.Equal(t, job.Storing, r.job(old.ID).State, "its move came too late")
		require.Equal(t, newer.ID, r.films[plainKey].Job)
		time.Sleep(time.Minute)
		require.NoError(t, r.handle(old.ID))
		require.Equal(t, job.Succeeded, r.job(old.ID).State)
		require.Equal(t, job.VideoKey(old, false), r.job(old.ID).Film.Key)
		require.Equal(t, 2, r.etags, "the film that was put aside was not sent again")
	})
}

func TestASlowOlderJobDoesNotTakeANewerFilmsPlace(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		old := r.storing("anna")
		newer := r.storing("anna2", func(j *job.Job) { j.Name = old.Name })
		r.newest(old.Name, old.ID)
		first := true
		r.put = func() error {
			if first {
				first = false
				r.newest(old.Name, newer.ID)
				require.NoError(t, r.handle(newer.ID))
			}
			return nil
		}
		require.NoError(t, r.handle(old.ID))
		require.Equal(t, newer.ID, r.films[plainKey].Job)
		require.Equal(t, plainKey, r.job(newer.ID).Film.Key)
		require.Equal(t, job.VideoKey(old, false), r.job(old.ID).Film.Key)
		require.Len(t, r.films, 2)
	})
}

func TestAPlaceThatNeverHoldsStillIsTriedAgainLater(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.storing("anna")
		n := 0
		r.put = func() error {
			n++
			r.films[plainKey] = job.Stored{Key: plainKey, ETag: "theirs-" + string(rune('0'+n))}
			return nil
		}
		require.NoError(t, r.handle("anna"))
		require.Equal(t, 5, n)
		require.Equal(t, job.Storing, r.job("anna").State)
		require.Empty(t, r.puts, "nothing of somebody else's was overwritten unseen")
		r.put = nil
		time.Sleep(time.Minute)
		require.NoError(t, r.handle("anna"))
		require.Equal(t, job.Succeeded, r.job("anna").State)
	})
}
