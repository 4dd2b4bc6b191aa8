package submit_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/submit"
)

// wait puts a film of ten seconds of that folder into the queue.
func (r *rig) wait(s *submit.Step, id, dir string, p job.Priority) job.Job {
	now := time.Now().UTC()
	_, err := r.s.Create(r.t.Context(), job.Job{ID: id, State: job.Received, Name: job.Name{Dir: dir, Stem: id}, Received: now, Due: now.Add(time.Minute),
		Options: job.Options{Priority: p},
		Image:   job.Input{Key: id + ".png", ETag: "e1", SHA256: "sha", Format: "png", Width: 480, Height: 640},
		Audio:   job.Input{Key: id + ".wav", ETag: "e2", SHA256: "snd-" + id, Format: "wav", Seconds: 10}})
	require.NoError(r.t, err)
	require.NoError(r.t, s.Prepare(r.t.Context(), id))
	return r.job(id)
}

// ends takes a job back, for that reason.
func (r *rig) ends(j job.Job, code string) {
	next := j
	next.State, next.Fault = job.Canceled, &job.Fault{Code: code}
	_, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
}

// ahead is how many films are to be made before this one.
func (r *rig) ahead(id string) int {
	ids, err := r.s.Queue(r.t.Context(), 1000)
	require.NoError(r.t, err)
	at := slices.Index(ids, id)
	require.NotEqual(r.t, -1, at, "it is in the queue")
	return at
}

func TestAFilmThatGetsAnotherPriorityStandsAmongThoseAsANewOneWould(t *testing.T) {
	for name, c := range map[string]struct{ was, is job.Priority }{
		"lower":  {job.First, ""},
		"higher": {job.Later, ""},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				s := r.step()
				r.wait(s, "begins", "b", c.is)
				time.Sleep(24 * time.Hour) // the clock stands while nothing is sent, and that of another priority begins later
				j := r.wait(s, "mine", "a", c.was)
				for i := range 5 {
					r.wait(s, fmt.Sprintf("before%d", i), "b", c.is)
				}
				next := j
				next.Options.Priority = c.is
				var err error
				next.Rank, err = s.Place(t.Context(), next)
				require.NoError(t, err)
				_, err = r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				for i := range 300 {
					r.wait(s, fmt.Sprintf("after%d", i), "b", c.is)
				}
				require.Equal(t, 1, r.ahead("mine"), "behind the first of the other folder's")
				_, had, _ := job.StartOf(j.Rank)
				_, has, _ := job.StartOf(r.wait(s, "next", "a", c.was).Rank)
				require.Equal(t, had, has, "the turn that it had is another's")
			})
		})
	}
}

func TestWhatIsTakenBackCostsItsFolderNoTurns(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		// A manifest with a wrong style, corrected at once.
		for i := range 500 {
			r.ends(r.wait(s, fmt.Sprintf("wrong%03d", i), "a", ""), job.CodeReplaced)
		}
		r.wait(s, "mine", "a", "")
		for i := range 300 {
			r.wait(s, fmt.Sprintf("other%03d", i), "b", "")
		}
		require.LessOrEqual(t, r.ahead("mine"), 1)
	})
}

func TestRowsThatAreReplacedOneAfterTheOtherKeepTheirPlaces(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		var old []job.Job
		for i := range 100 {
			old = append(old, r.wait(s, fmt.Sprintf("old%03d", i), "a", ""))
		}
		for i := range 100 {
			r.wait(s, fmt.Sprintf("other%03d", i), "b", "")
		}
		for i, j := range old {
			r.ends(j, job.CodeReplaced)
			r.wait(s, fmt.Sprintf("new%03d", i), "a", "")
		}
		for i := range old {
			require.InDelta(t, 2*i, r.ahead(fmt.Sprintf("new%03d", i)), 1, "%d", i)
		}
	})
}

func TestAFilmThatWasSentHasHadItsTurn(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		j := r.wait(s, "sent", "a", "")
		require.NoError(t, s.Dispatch(t.Context()))
		j = r.job(j.ID)
		require.Equal(t, job.Submitted, j.State)
		next := j
		next.State, next.Due = job.Queued, time.Time{} // it failed there, and goes again
		j, err := r.s.Move(t.Context(), j, next)
		require.NoError(t, err)
		r.wait(s, "other", "b", "")
		r.ends(j, job.CodeCanceled)
		r.wait(s, "next", "a", "")
		require.Equal(t, 1, r.ahead("next"), "behind the other folder's")
	})
}

func TestAFilmThatIsToBeMadeAgainAndIsTakenBackCostsNoTurnEither(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		for _, id := range []string{"x", "y"} {
			r.wait(s, id, "a", "")
		}
		require.NoError(t, s.Dispatch(t.Context()))
		y := r.job("y")
		require.Equal(t, job.Submitted, y.State)
		for i := range 10 {
			r.wait(s, fmt.Sprintf("waits%d", i), "a", "")
		}
		r.ends(y, job.CodeCanceled)
		again := r.job("y")
		next := again
		next.State, next.Attempt, next.Intent, next.Task, next.Fault, next.Due = job.Received, 2, nil, nil, nil, time.Now()
		_, err := r.s.Move(t.Context(), again, next)
		require.NoError(t, err)
		require.NoError(t, s.Prepare(t.Context(), "y"))
		require.Equal(t, 10, r.ahead("y"), "its second turn comes after those that wait by then")
		r.ends(r.job("y"), job.CodeCanceled)
		next1, next2 := r.wait(s, "next1", "a", ""), r.wait(s, "next2", "a", "")
		require.Equal(t, 10, r.ahead(next1.ID))
		require.Equal(t, 11, r.ahead(next2.ID))
		_, start, _ := job.StartOf(next1.Rank)
		_, before, _ := job.StartOf(again.Rank)
		require.Equal(t, int64(11*10_000), start-before, "as if it had never been there")
	})
}
