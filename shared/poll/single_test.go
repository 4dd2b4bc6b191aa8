package poll_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

func (r *rig) single(change ...func(*poll.SingleConfig)) *poll.Single {
	db := &counted{Store: r.s, r: r}
	c := poll.SingleConfig{Vendor: r.vendor, Jobs: db, Slots: db, Functions: r, Profile: job.EMO(), Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&c)
	}
	s, err := poll.NewSingle(c)
	require.NoError(r.t, err)
	return s
}

// later moves the job's next look on.
func (r *rig) later(id string, by time.Duration) job.Job {
	j := r.job(id)
	return r.to(j, j.State, func(j *job.Job) { j.Due = time.Now().Add(by) })
}

func film(a *job.Answer) { a.VideoURL, a.Seconds, a.Ratio = "https://films/1", 9.5, job.Square }

func TestALookOutsideABatchStoresAFilmAsABatchDoes(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.submitted("bert")
		r.later("anna", 10*time.Second)
		r.vendor.says(job.TaskSucceeded, film)
		require.NoError(t, r.single().Look(t.Context(), "task-anna"))
		require.Equal(t, []string{"task-anna"}, r.vendor.asked)
		require.Equal(t, []string{"anna"}, r.films)

		require.NoError(t, r.tick())
		require.Equal(t, []string{"task-anna", "task-bert"}, r.vendor.asked, "the batch leaves it alone")
		a, b := r.job("anna"), r.job("bert")
		require.Equal(t, job.Storing, a.State)
		require.Equal(t, b.Billed, a.Billed)
		require.Equal(t, b.Result, a.Result)
		time.Sleep(2 * time.Minute)
		require.NoError(t, r.tick())
		require.Contains(t, r.films[1:], "anna", "if nobody takes it, poll hands it on again")
		require.Empty(t, r.theGate().Slots)
	})
}

func TestALookOutsideABatchThatIsRepeatedAsksNobody(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskSucceeded, film)
		s := r.single()
		for range 5 {
			require.NoError(t, s.Look(t.Context(), "task-anna"))
		}
		require.Len(t, r.vendor.asked, 1)
		require.Len(t, r.films, 1)
	})
}

func TestAnyOtherEndIsLeftToTheNextBatchAndDueAtOnce(t *testing.T) {
	for name, says := range map[string]func(*vendor){
		"failed":        func(v *vendor) { v.says(job.TaskFailed) },
		"canceled":      func(v *vendor) { v.says(job.TaskCanceled) },
		"unknown":       func(v *vendor) { v.says(job.TaskUnknown) },
		"still running": func(v *vendor) { v.says(job.TaskRunning) },
		"without a link": func(v *vendor) {
			v.says(job.TaskSucceeded, func(a *job.Answer) { a.Seconds = 10 })
		},
		"the vendor has trouble": func(v *vendor) {
			v.task = func(string) (job.Answer, error) { return job.Answer{}, said{Outcome: job.Throttled} }
		},
		"the key is refused": func(v *vendor) {
			v.task = func(string) (job.Answer, error) {
				return job.Answer{}, said{Outcome: job.OperatorNeeded, Code: "InvalidApiKey"}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				before := r.later("anna", 10*time.Second)
				says(r.vendor)
				err := r.single().Look(t.Context(), "task-anna")
				require.Equal(t, strings.HasPrefix(name, "the "), err != nil, "trouble has the push repeated")
				j := r.job("anna")
				require.Equal(t, before.State, j.State)
				require.Equal(t, before.Task, j.Task)
				require.Equal(t, before.Attempt, j.Attempt)
				require.False(t, j.Due.After(time.Now()))
				require.Nil(t, r.theGate().Closed)
				require.Empty(t, r.told)
				require.Empty(t, r.films)
				require.Len(t, r.vendor.asked, 1)
				require.Zero(t, r.vendor.lists, "one question is all")
			})
		})
	}
}

func TestATaskThatIsNoJobsIsSaidToBeAndNothingIsWritten(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		require.ErrorIs(t, r.single().Look(t.Context(), "another"), job.ErrNotFound)
		require.Empty(t, r.vendor.asked)
		require.NotContains(t, r.reads, "Move")
	})
}

func TestAJobThatIsPastATaskIsLeftAlone(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.submitted("anna")
		r.to(j, job.Queued, func(j *job.Job) { j.Attempt++ })
		require.NoError(t, r.single().Look(t.Context(), "task-anna"))
		require.Empty(t, r.vendor.asked, "the task of an attempt that is over")
		require.Equal(t, job.Queued, r.job("anna").State)
	})
}

func TestAJobThatIsDueAlreadyIsNotWrittenForIt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		require.NoError(t, r.single().Look(t.Context(), "task-anna"))
		require.NotContains(t, r.reads, "Move")
		require.Len(t, r.vendor.asked, 1)
	})
}

func TestABatchThatWritesBetweenDoesNotLoseTheFilm(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.task = func(id string) (job.Answer, error) {
			// While this answer is on its way, a batch stores an older one.
			r.to(r.job("anna"), job.Running, func(j *job.Job) { j.Due = time.Now().Add(10 * time.Second) })
			a := job.Answer{TaskID: id, Status: job.TaskSucceeded}
			film(&a)
			return a, nil
		}
		require.NoError(t, r.single().Look(t.Context(), "task-anna"))
		require.Equal(t, job.Storing, r.job("anna").State)
		require.Equal(t, []string{"anna"}, r.films)
		require.Len(t, r.vendor.asked, 1, "without another question")
	})
}

func TestTroubleOfALookIsToldAndPollPicksUpWhatIsLeft(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.later("anna", 10*time.Second)
		r.vendor.says(job.TaskSucceeded, film)
		r.broken["Move"] = errAWS
		require.ErrorIs(t, r.single().Look(t.Context(), "task-anna"), errAWS)
		require.Empty(t, r.vendor.asked, "no question whose answer could not be stored")
		delete(r.broken, "Move")
		r.broken["finalize"] = errAWS
		require.ErrorIs(t, r.single().Look(t.Context(), "task-anna"), errAWS)
		require.Equal(t, job.Storing, r.job("anna").State)
		delete(r.broken, "finalize")
		time.Sleep(2 * time.Minute)
		require.NoError(t, r.tick())
		require.Equal(t, []string{"anna"}, r.films)
		require.Len(t, r.vendor.asked, 1)
	})
}

func TestASingleIsNotMadeWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	_, err := poll.NewSingle(poll.SingleConfig{})
	for _, what := range []string{"Vendor", "Jobs", "Slots", "Functions", "Profile", "Log"} {
		require.ErrorContains(t, err, what)
	}
}
