package poll_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// givenUp has a job whose create call was never found, queued again and not posted
// since.
func givenUp(r *rig, id string) job.Job {
	j := r.posting(id)
	j = r.to(j, job.Submitting, func(j *job.Job) {
		in := *j.Intent
		in.Revoked = time.Now().UTC()
		j.Intent = &in
	})
	require.NoError(r.t, r.s.LearnKey(r.t.Context(), "ours"))
	return r.to(j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
}

// postedAgain has the next create call of a job be under way, in a window of its own.
func (r *rig) postedAgain(j job.Job) job.Job {
	again, err := r.s.Admit(r.t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{
		At: time.Now(), VendorAt: time.Now().Add(time.Hour), Until: time.Now().Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1"}})
	require.NoError(r.t, err)
	return again
}

// second has a job be posted again, and answered with a task of that name.
func (r *rig) second(j job.Job) {
	r.to(r.postedAgain(j), job.Submitted, func(j *job.Job) {
		j.Due, j.Task = time.Now(), &job.Task{ID: "second", BaseURL: "https://vendor.test", Status: job.TaskPending, Submitted: time.Now().UTC().Truncate(time.Millisecond)}
	})
}

// minutes lets poll tick for a while.
func (r *rig) minutes(n int) {
	for range n {
		require.NoError(r.t, r.tick())
		time.Sleep(time.Minute)
	}
}

func (r *rig) stray(j job.Job) error {
	_, err := r.s.Stray(r.t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
	return err
}

func ready(a *job.Answer) { a.VideoURL, a.Seconds, a.Ratio = "https://films/late", 10, job.Square }

func TestATaskThatShowsUpAfterAllIsGivenBackToItsWaitingJob(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		rows := r.vendor.rows
		r.vendor.rows = nil
		j := givenUp(r, "anna")
		r.minutes(4)
		require.Equal(t, job.Queued, r.job("anna").State)
		r.vendor.rows = rows
		r.vendor.says(job.TaskRunning)
		r.minutes(10)
		got := r.job("anna")
		require.Equal(t, job.Running, got.State)
		require.Equal(t, "late", got.Task.ID)
		require.True(t, got.Task.Adopted)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAFilmThatComesAfterItsJobHasFailedIsKept(t *testing.T) {
	for name, end := range map[string]func(r *rig) job.Job{
		"the job failed": func(r *rig) job.Job {
			r.vendor.listed("late", "ours", time.Second)
			return r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		},
		"its task was taken for lost": func(r *rig) job.Job {
			return r.to(r.submitted("anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := end(r)
				r.vendor.says(job.TaskRunning)
				r.minutes(5)
				require.Equal(t, j.State, r.job("anna").State, "it is not there yet")
				r.vendor.says(job.TaskSucceeded, ready)
				r.minutes(5)
				got := r.job("anna")
				require.Equal(t, job.Storing, got.State)
				require.Nil(t, got.Fault)
				require.Equal(t, "https://films/late", got.Result.URL.Reveal())
				require.Equal(t, job.EMO().Price(job.Square, 10), got.Billed)
				require.Contains(t, r.films, "anna")
				require.ErrorIs(t, r.stray(j), job.ErrNotFound)
			})
		})
	}
}

func TestATaskThatNobodyNeedsAnyMoreIsCanceledWhileThatIsFreeAndElseReported(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := givenUp(r, "anna")
		r.second(j)
		r.vendor.says(job.TaskPending)
		r.minutes(5)
		require.Contains(t, r.vendor.canceled, "late")
		require.NotContains(t, r.vendor.canceled, "second")

		r.vendor.task = func(id string) (job.Answer, error) {
			a := job.Answer{TaskID: id, Status: job.TaskRunning}
			if id == "late" {
				a.Status = job.TaskSucceeded
				ready(&a)
			}
			return a, nil
		}
		r.minutes(2)
		got := r.job("anna")
		require.Equal(t, "second", got.Task.ID)
		require.Equal(t, job.EMO().Price(job.Square, 10), got.Wasted)
		require.Contains(t, r.told, "orphan-late")
		owner, err := r.s.Owner(t.Context(), "late")
		require.NoError(t, err)
		require.Equal(t, "anna", owner)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		r.minutes(5)
		require.Equal(t, job.EMO().Price(job.Square, 10), r.job("anna").Wasted, "once")
	})
}

func TestATaskThatCameToNothingIsForgotten(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Canceled, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeReplaced} })
		r.vendor.says(job.TaskFailed)
		r.minutes(5)
		require.Equal(t, job.Canceled, r.job("anna").State)
		require.Zero(t, r.job("anna").Wasted)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAStrayIsLookedForUntilTheVendorForgetsAndNotOften(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		for range 27 * 6 {
			require.NoError(t, r.tick())
			time.Sleep(10 * time.Minute)
		}
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		require.Empty(t, r.orphans(), "nothing was charged")
		require.Less(t, r.vendor.lists, 40)
		require.Greater(t, r.vendor.lists, 20)
	})
}

func TestATaskThatIsADayOldIsLookedForALittleLonger(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.vendor.says(job.TaskSucceeded, ready)
		time.Sleep(job.EMO().IDLife)
		require.NoError(t, r.tick())
		require.Equal(t, job.Storing, r.job("anna").State)
	})
}

func TestAStrayIsNotTakenFromStrangers(t *testing.T) {
	for name, before := range map[string]func(r *rig){
		"whose key may be ours": func(*rig) {},
		"whose key is provably not": func(r *rig) {
			r.submitted("earlier")
			r.vendor.listed("task-earlier", "ours", 0)
			r.vendor.listed("c", "others", -20*time.Minute)
			time.Sleep(5 * time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				before(r)
				r.vendor.listed("theirs", "others", time.Second)
				r.vendor.rows[len(r.vendor.rows)-1].Status = job.TaskSucceeded
				j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
				r.vendor.says(job.TaskRunning)
				r.minutes(30)
				require.Equal(t, job.Failed, r.job("anna").State)
				require.NotContains(t, r.vendor.asked, "theirs")
				require.NoError(t, r.stray(j), "it goes on being looked for")
			})
		})
	}
}

func TestWhatAnotherProcessHasPutOffIsNotLookedForBeforeItsTime(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.broken["Stray"] = errAWS
		time.Sleep(3 * time.Minute)
		require.ErrorIs(t, r.tick(), errAWS)
		delete(r.broken, "Stray")
		r.change = func(c *poll.Config) { c.Strays = postponed{c.Strays} }
		require.NoError(t, r.tick())
		require.Zero(t, r.vendor.lists)
		r.change = nil
		r.vendor.says(job.TaskSucceeded, ready)
		require.NoError(t, r.tick())
		require.Equal(t, job.Storing, r.job("anna").State, "found and taken in one look")
		require.Equal(t, []string{"anna"}, r.films, "and handed on")
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

// postponed are strays that have been put off since the index showed them.
type postponed struct{ poll.Strays }

func (p postponed) Stray(ctx context.Context, id string) (job.Stray, error) {
	st, err := p.Strays.Stray(ctx, id)
	st.Due = time.Now().Add(time.Minute)
	return st, err
}

func TestOnlyAVendorThatAsksToWaitEndsTheSearchForTheOthers(t *testing.T) {
	for outcome, all := range map[job.Outcome]bool{job.Throttled: false, job.Retry: true} {
		t.Run(string(outcome), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				const n = 12 // more than are looked for at once
				for i := range n {
					r.to(givenUp(r, fmt.Sprint("job-", i)), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
				}
				r.vendor.pace = rate.NewLimiter(17, 1)
				r.vendor.page = func(job.ListQuery) (job.ListPage, error) { return job.ListPage{}, said{Outcome: outcome} }
				time.Sleep(3 * time.Minute)
				require.NoError(t, r.tick())
				require.Equal(t, all, r.vendor.lists == n, "%d of %d", r.vendor.lists, n)
			})
		})
	}
}

func TestAStrayWithoutAJobIsForgotten(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := givenUp(r, "anna")
		r.change = func(c *poll.Config) { c.Jobs = forgetful{c.Jobs, "anna"} }
		time.Sleep(3 * time.Minute)
		require.NoError(t, r.tick())
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAFilmThatItsJobHasIsNotReportedThoughItsStrayIsOld(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.vendor.says(job.TaskSucceeded) // charged, and no link yet
		r.minutes(5)
		r.vendor.says(job.TaskSucceeded, ready)
		r.broken["DropStray"] = errAWS // whoever gives it back dies
		for range 3 {
			_ = r.tick()
			time.Sleep(time.Minute)
		}
		require.Equal(t, job.Storing, r.job("anna").State)
		require.NoError(t, r.stray(j))
		delete(r.broken, "DropStray")
		time.Sleep(25 * time.Hour)
		require.NoError(t, r.tick())
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
		require.Empty(t, r.orphans())
		require.Zero(t, r.job("anna").Wasted)
	})
}

func TestTheFirstTaskOfAKeyNobodyKnowsIsNotForgottenOnceItHasAFilm(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.posting("anna")
		j = r.to(j, job.Submitting, func(j *job.Job) {
			in := *j.Intent
			in.Revoked = time.Now().UTC()
			j.Intent = &in
		})
		r.to(r.to(j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil }), job.Canceled, func(j *job.Job) {
			j.Fault = &job.Fault{Code: job.CodeReplaced}
		})
		r.vendor.listed("late", "unknown", time.Second)
		r.vendor.rows[0].Status = job.TaskPending
		r.vendor.says(job.TaskPending)
		r.minutes(10)
		require.Empty(t, r.vendor.canceled, "it may be another's")

		r.vendor.rows[0].Status = job.TaskSucceeded
		r.vendor.says(job.TaskSucceeded, ready)
		r.minutes(10)
		got := r.job("anna")
		require.Equal(t, job.Storing, got.State, "it was paid for, and has nobody else")
		require.Equal(t, job.EMO().Price(job.Square, 10), got.Billed)
		require.ErrorIs(t, r.stray(j), job.ErrNotFound)
	})
}

func TestAStrayDoesNotSpoilACreateThatIsUnderWay(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := givenUp(r, "anna")
		again, err := r.s.Admit(t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{
			At: time.Now().Add(2 * time.Minute), VendorAt: time.Now().Add(time.Hour), Until: time.Now().Add(5 * time.Minute), BaseURL: "https://vendor.test", Model: "emo-v1"}})
		require.NoError(t, err)
		time.Sleep(3 * time.Minute)
		r.vendor.says(job.TaskSucceeded, ready)
		require.NoError(t, r.tick())
		// the create call is answered now
		next := again
		next.State, next.Due = job.Submitted, time.Now()
		next.Task = &job.Task{ID: "second", BaseURL: "https://vendor.test", Submitted: time.Now()}
		_, err = r.s.Move(t.Context(), again, next)
		require.NoError(t, err, "the paid task's answer is recorded")
	})
}

func TestARetryOfALostJobWaitsForATaskOfItsOwn(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.to(r.submitted("anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		r.vendor.says(job.TaskUnknown)
		got := r.job("anna")
		got = r.to(got, job.Received, func(j *job.Job) { // operate.Retry
			j.Attempt, j.Intent, j.Task, j.Result, j.Fault, j.Series, j.Due = j.Attempt+1, nil, nil, nil, nil, j.Attempt, time.Now().Add(time.Hour)
		})
		r.to(got, job.Queued, func(j *job.Job) { j.Due = time.Time{} }) // submit.Prepare
		r.minutes(5)
		require.Equal(t, job.Queued, r.job("anna").State, "it waits for its own new task")
	})
}

func TestARetryOfALostJobDoesNotEndByItsOldTask(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.to(r.submitted("anna"), job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorLost} })
		r.vendor.says(job.TaskUnknown)
		time.Sleep(20 * time.Minute)
		got := r.job("anna")
		got = r.to(got, job.Received, func(j *job.Job) {
			j.Attempt, j.Intent, j.Task, j.Result, j.Fault, j.Series, j.Due = j.Attempt+1, nil, nil, nil, nil, j.Attempt, time.Now().Add(time.Hour)
		})
		r.to(got, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		r.minutes(40)
		got = r.job("anna")
		require.NotEqual(t, job.Expired, got.State, "attempt %d, posts %d", got.Attempt, got.Posts)
	})
}

func TestWhatAHeldJobMayHavePaidForIsLookedForAfterAPersonsWord(t *testing.T) {
	for name, to := range map[string]job.State{"repost": job.Queued, "give up": job.Canceled} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.posting("anna")
				require.NoError(t, r.s.LearnKey(r.t.Context(), "ours"))
				r.vendor.listed("one", "new", time.Second) // not provably ours
				r.vendor.rows[0].Status = job.TaskSucceeded
				r.until("anna", time.Hour, job.Held)
				held := r.job("anna")
				r.to(held, to, func(j *job.Job) {
					j.Due, j.Fault, j.Intent, j.Candidates = time.Time{}, &job.Fault{Code: job.CodeGivenUp}, nil, nil
				})
				r.vendor.listed("late", "ours", 2*time.Second-time.Since(j.Intent.At))
				r.vendor.says(job.TaskSucceeded, ready)
				r.minutes(90)
				require.Contains(t, r.vendor.asked, "late", "our own task shows up in the list and nobody looks")
			})
		})
	}
}

func TestAPendingStrayOfAJobThatWasTakenBackIsCanceled(t *testing.T) {
	for _, code := range []string{job.CodeReplaced, job.CodeCanceled} {
		t.Run(code, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.vendor.listed("late", "ours", time.Second)
				r.to(givenUp(r, "anna"), job.Canceled, func(j *job.Job) { j.Fault = &job.Fault{Code: code} })
				r.vendor.says(job.TaskPending)
				r.minutes(30)
				require.Contains(t, r.vendor.canceled, "late")
			})
		})
	}
}

func TestAStrayDoesNotCancelAnotherJobsTask(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		r.vendor.rows[0].Status = job.TaskPending
		r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.vendor.says(job.TaskPending)
		r.minutes(4) // found, waited for
		require.Contains(t, r.vendor.asked, "late")
		// bob is held and the person adopts "late" for it
		b := r.posting("bob")
		b = r.to(b, job.Held, func(j *job.Job) { j.Due, j.Fault = time.Time{}, &job.Fault{Code: job.CodeAmbiguous} })
		r.to(b, job.Submitted, func(j *job.Job) {
			j.Due, j.Task = time.Now(), &job.Task{ID: "late", BaseURL: "https://vendor.test", Submitted: time.Now()}
		})
		// anna is tried again and posted
		a := r.job("anna")
		a = r.to(a, job.Received, func(j *job.Job) { j.Attempt++; j.Due = time.Now().Add(time.Hour); j.Fault = nil })
		a = r.to(a, job.Queued, func(j *job.Job) { j.Due = time.Time{} })
		a = r.postedAgain(a)
		r.to(a, job.Submitted, func(j *job.Job) {
			j.Due, j.Task = time.Now(), &job.Task{ID: "second", BaseURL: "https://vendor.test", Submitted: time.Now()}
		})
		r.minutes(4)
		require.NotContains(t, r.vendor.canceled, "late", "bob's task")
	})
}

func TestAStrayThatAPersonGaveToAnotherJobIsDropped(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.vendor.listed("late", "ours", time.Second)
		j := r.to(givenUp(r, "anna"), job.Failed, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeVendorFailed} })
		r.vendor.says(job.TaskRunning)
		r.minutes(4)
		b := r.posting("bob")
		b = r.to(b, job.Held, func(j *job.Job) { j.Due, j.Fault = time.Time{}, &job.Fault{Code: job.CodeAmbiguous} })
		r.to(b, job.Submitted, func(j *job.Job) {
			j.Due, j.Task = time.Now(), &job.Task{ID: "late", BaseURL: "https://vendor.test", Submitted: time.Now()}
		})
		r.vendor.says(job.TaskSucceeded, ready)
		r.minutes(120)
		n := 0
		for _, id := range r.vendor.asked {
			if id == "late" {
				n++
			}
		}
		require.ErrorIs(t, r.stray(j), job.ErrNotFound, "asked %d times", n)
	})
}

// TestAPersonsChoiceOfATaskThatIsSearchedForIsTheJobsOwn has the task that is looked for
// become the job's present one by a person's word, before the list shows it.
func TestAPersonsChoiceOfATaskThatIsSearchedForIsTheJobsOwn(t *testing.T) {
	for _, status := range []job.TaskStatus{job.TaskPending, job.TaskSucceeded} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.vendor.listed("late", "ours", time.Second)
				rows := r.vendor.rows
				r.vendor.rows = nil
				j := givenUp(r, "anna")
				again := r.postedAgain(j)
				held := r.to(again, job.Held, func(j *job.Job) { j.Due, j.Fault = time.Time{}, &job.Fault{Code: job.CodeAmbiguous} })
				r.to(held, job.Submitted, func(j *job.Job) {
					j.Due, j.Task, j.Fault = time.Now(), &job.Task{ID: "late", BaseURL: "https://vendor.test", Status: job.TaskPending, Submitted: time.Now(), Adopted: true}, nil
				})
				r.vendor.says(status, func(a *job.Answer) {
					if status == job.TaskSucceeded {
						ready(a)
					}
				})
				r.vendor.rows = rows
				r.minutes(5)
				require.Empty(t, r.vendor.canceled)
				require.NotContains(t, r.told, "orphan-late")
				require.Zero(t, r.job("anna").Wasted)
				require.ErrorIs(t, r.stray(j), job.ErrNotFound)
			})
		})
	}
}
