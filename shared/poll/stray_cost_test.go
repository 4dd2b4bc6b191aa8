package poll_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

// orphans are the films that were told of because no job can use them.
func (r *rig) orphans() (ids []string) {
	for _, id := range r.told {
		if strings.HasPrefix(id, "orphan-") && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func TestAFilmThatComesAfterAllWasChargedOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.submitted("anna")
		cost := job.EMO().Price(job.Square, 10)
		r.vendor.says(job.TaskSucceeded, func(a *job.Answer) { a.Seconds, a.Ratio = 10, job.Square })
		require.NoError(t, r.tick())
		require.Equal(t, cost, r.job("anna").Billed, "charged, and no link is there yet")
		r.to(r.job("anna"), job.Expired, func(j *job.Job) {
			j.Fault, j.Wasted, j.Billed = &job.Fault{Code: job.CodeVendorLost}, j.Billed, 0
		})
		require.Equal(t, cost, r.theGate().Spent[job.Day.Key(time.Now())])
		r.vendor.says(job.TaskSucceeded, ready)
		r.minutes(5)
		got := r.job("anna")
		require.Equal(t, job.Storing, got.State)
		require.Equal(t, cost, got.Billed)
		require.Zero(t, got.Wasted, "one task, one charge")
		require.Equal(t, cost, r.theGate().Spent[job.Day.Key(time.Now())])
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestATaskThatIsGivenBackToARetryIsChargedOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		cost := job.EMO().Price(job.Square, 10)
		r.vendor.says(job.TaskSucceeded)
		require.NoError(t, r.tick())
		got := r.to(r.job("anna"), job.Expired, func(j *job.Job) {
			j.Fault, j.Wasted, j.Billed = &job.Fault{Code: job.CodeVendorLost}, j.Billed, 0
		})
		got = r.to(got, job.Received, func(j *job.Job) { // operate.Retry
			j.Attempt, j.Intent, j.Task, j.Fault, j.Series, j.Due = j.Attempt+1, nil, nil, nil, j.Attempt, time.Now().Add(time.Hour)
		})
		r.to(got, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		r.vendor.says(job.TaskSucceeded, ready)
		r.minutes(5)
		got = r.job("anna")
		require.Equal(t, job.Storing, got.State)
		require.Equal(t, cost, got.Billed)
		require.Zero(t, got.Wasted)
		require.Equal(t, cost, r.theGate().Spent[job.Day.Key(time.Now())])
	})
}

func TestWhatMayHaveBeenChargedStaysCountedForATaskThatWasThere(t *testing.T) {
	for name, c := range map[string]struct {
		lose    func(r *rig) job.Job
		counted bool
	}{
		"a task that the vendor lost": {func(r *rig) job.Job {
			return r.to(r.submitted("anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		}, true},
		"a create call that left none": {func(r *rig) job.Job {
			return r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.vendor.says(job.TaskUnknown)
				began := job.Day.Key(time.Now())
				j := c.lose(r)
				require.Positive(t, r.theGate().Spent[began], "while it is looked for")
				time.Sleep(25 * time.Hour)
				require.NoError(t, r.tick())
				require.ErrorIs(t, r.stray(j), job.ErrNotFound)
				require.Equal(t, c.counted, r.theGate().Spent[began] > 0)
			})
		})
	}
}

func TestAFilmThatCouldNotBeReportedStaysToBe(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := givenUp(r, "anna")
		r.second(j)
		r.vendor.task = func(id string) (job.Answer, error) {
			a := job.Answer{TaskID: id, Status: job.TaskRunning}
			if id == "late" {
				a.Status = job.TaskSucceeded
				ready(&a)
			}
			return a, nil
		}
		r.broken["Orphan"] = errAWS
		time.Sleep(3 * time.Minute)
		require.ErrorIs(t, r.tick(), errAWS)
		require.NoError(t, r.stray(j))
		require.Empty(t, r.orphans())
		delete(r.broken, "Orphan")
		require.NoError(t, r.tick())
		require.Equal(t, []string{"orphan-late"}, r.orphans(), "at once")
	})
}

func TestAChargedStrayIsNeverForgottenInSilence(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := givenUp(r, "anna")
		again := r.postedAgain(j)
		r.to(again, job.Held, func(j *job.Job) {
			j.Due, j.Fault, j.Candidates = time.Time{}, &job.Fault{Code: job.CodeAmbiguous}, []string{"a", "b"}
		})
		r.vendor.says(job.TaskSucceeded, ready)
		for range 26 * 30 {
			require.NoError(t, r.tick())
			time.Sleep(2 * time.Minute)
		}
		require.Contains(t, r.vendor.asked, "late", "it was found, and seen to have succeeded")
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		require.Contains(t, r.told, "orphan-late", "charged and not reported")
	})
}

func TestOfSeveralTasksThatMayBeAStrayOneIsToldOfAndNoneIsGivenToAJob(t *testing.T) {
	cost := job.EMO().Price(job.Square, 10)
	for name, c := range map[string]struct {
		statuses []job.TaskStatus
		told     []string
	}{
		"both were charged": {[]job.TaskStatus{job.TaskSucceeded, job.TaskSucceeded}, []string{"orphan-two"}},
		"one was":           {[]job.TaskStatus{job.TaskFailed, job.TaskSucceeded}, []string{"orphan-two"}},
		"neither was":       {[]job.TaskStatus{job.TaskFailed, job.TaskCanceled}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.vendor.listed("one", "ours", time.Second)
				r.vendor.listed("two", "ours", 2*time.Second)
				ended := false
				r.vendor.task = func(id string) (job.Answer, error) {
					a := job.Answer{TaskID: id, Status: job.TaskRunning}
					if i := slices.Index([]string{"one", "two"}, id); ended && i >= 0 {
						if a.Status = c.statuses[i]; a.Status == job.TaskSucceeded {
							ready(&a)
						}
					}
					return a, nil
				}
				j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
				r.minutes(10)
				require.Empty(t, r.orphans(), "they may yet come to nothing")
				require.NoError(t, r.stray(j))

				ended = true
				for i, status := range c.statuses {
					r.vendor.rows[i].Status = status
				}
				r.minutes(70)
				require.Equal(t, c.told, r.orphans())
				for _, id := range c.told {
					m, err := r.s.Message(t.Context(), id)
					require.NoError(t, err)
					require.Equal(t, "two, one", m.Fault.Detail, "for whoever asks for the money")
				}
				require.Equal(t, cost*job.Money(len(c.told)), r.job("anna").Wasted)
				require.Equal(t, cost*job.Money(len(c.told)), r.theGate().Spent[job.Day.Key(time.Now())], "of what may have been charged")
				require.Equal(t, job.Failed, r.job("anna").State, "the film may be another's")
				require.Empty(t, r.vendor.canceled)
				require.ErrorIs(t, r.stray(j), job.ErrNotFound)
			})
		})
	}
}

// TestATaskThatIsAliveIsSaidToBe is for submit: a job that is tried again meanwhile does
// not pay for a second one.
func TestATaskThatIsAliveIsSaidToBe(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		live := func() bool {
			st, err := r.s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
			require.NoError(t, err)
			return st.Live
		}
		require.False(t, live(), "nobody has seen it")
		for _, c := range []struct {
			status job.TaskStatus
			live   bool
		}{{job.TaskPending, true}, {job.TaskUnknown, false}, {job.TaskRunning, true}, {"", false}, {job.TaskSucceeded, true}} {
			r.vendor.says(c.status)
			r.minutes(3)
			require.Equal(t, c.live, live(), c.status)
		}
		for _, c := range []struct {
			outcome job.Outcome
			live    bool
		}{{job.Retry, true}, {job.Throttled, true}, {job.OperatorNeeded, false}} {
			r.vendor.task = func(string) (job.Answer, error) { return job.Answer{}, said{Outcome: c.outcome} }
			r.minutes(3)
			require.Equal(t, c.live, live(), c.outcome)
		}
		r.vendor.says(job.TaskRunning)
		got := r.to(r.job("anna"), job.Received, func(j *job.Job) { j.Due, j.Fault = time.Now().Add(time.Hour), nil })
		r.to(got, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		r.minutes(2)
		require.True(t, r.job("anna").State.AtVendor())
		require.Equal(t, "late", r.job("anna").Task.ID)
	})
}
