package poll_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"emodrop/local/race"
	"emodrop/shared/job"
)

func TestAnUnchangedLookWritesNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		require.NoError(t, r.tick())
		require.Len(t, r.vendor.asked, 1)
		require.NotContains(t, r.reads, "Move")
		r.vendor.says(job.TaskRunning)
		require.NoError(t, r.tick())
		require.Equal(t, job.Running, r.job("anna").State)
		rev := r.job("anna").Rev
		require.NoError(t, r.tick())
		require.Equal(t, rev, r.job("anna").Rev)
		require.Len(t, r.vendor.asked, 3)
	})
}

func TestAnythingButADocumentedEndGoesOn(t *testing.T) {
	for _, status := range []job.TaskStatus{job.TaskPending, "SUSPENDED", "running", ""} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				r.vendor.says(job.TaskRunning)
				require.NoError(t, r.tick())
				rev := r.job("anna").Rev
				r.vendor.says(status) // backwards, or nothing we know
				require.NoError(t, r.tick())
				require.Equal(t, rev, r.job("anna").Rev)
			})
		})
	}
}

func TestASuccessWithoutALinkIsAskedForAgainAndItsCostNoted(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskSucceeded)
		require.NoError(t, r.tick())
		j := r.job("anna")
		require.Equal(t, job.Submitted, j.State)
		require.Equal(t, job.Money(800_000), j.Billed)
		require.NoError(t, r.tick())
		require.Equal(t, j.Rev, r.job("anna").Rev, "once")
		r.vendor.says(job.TaskSucceeded, func(a *job.Answer) { a.VideoURL = "https://films/1" })
		require.NoError(t, r.tick())
		require.Equal(t, job.Storing, r.job("anna").State)
		require.Equal(t, job.Money(800_000), r.job("anna").Billed)
	})
}

func TestATaskThatHadSucceededWhenItWasAdoptedIsChargedWithoutALink(t *testing.T) {
	for name, adopt := range map[string]func(r *rig){
		"by reconcile": func(r *rig) { r.posting("anna") },
		"as a stray":   func(r *rig) { givenUp(r, "anna") },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				adopt(r)
				r.vendor.listed("lost", "ours", time.Second)
				r.vendor.rows[0].Status = job.TaskSucceeded
				r.vendor.says(job.TaskSucceeded)
				r.minutes(10)
				cost := job.EMO().Price(job.Square, 10)
				require.Equal(t, "lost", r.job("anna").Task.ID)
				require.Equal(t, cost, r.job("anna").Billed)
				require.Equal(t, cost, r.theGate().Spent[job.Day.Key(time.Now())])
				time.Sleep(job.EMO().IDLife)
				r.until("anna", time.Hour, job.Expired)
				require.Equal(t, cost, r.job("anna").Wasted, "nobody ever gave the link")
			})
		})
	}
}

func TestAFinishedTaskIsPricedByTheVendorsWordAndHandedOn(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*job.Answer)
		billed job.Money
	}{
		"it says length and ratio": {func(a *job.Answer) { a.Seconds, a.Ratio = 9.5, job.Portrait }, 1_520_000},
		"it says nothing":          {func(*job.Answer) {}, 800_000},
		"it says nonsense":         {func(a *job.Answer) { a.Seconds, a.Ratio = 12, "square" }, 960_000},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				r.vendor.says(job.TaskSucceeded, c.change, func(a *job.Answer) {
					a.VideoURL, a.Ended = "https://films/1", time.Now()
					a.Started = a.Ended.Add(-100 * time.Second)
				})
				require.NoError(t, r.tick())
				j := r.job("anna")
				require.Equal(t, job.Storing, j.State)
				require.Equal(t, c.billed, j.Billed)
				require.Equal(t, []string{"anna"}, r.films)
				require.Empty(t, r.theGate().Slots)
				require.Len(t, r.theGate().Speeds, 1)
				require.Equal(t, j.Task.Submitted.Add(24*time.Hour), j.Result.URLEnds)
				require.False(t, j.Due.IsZero(), "if nobody takes it, poll hands it on again")
			})
		})
	}
}

func TestAFilmThatNobodyTookIsHandedOnAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskSucceeded, func(a *job.Answer) { a.VideoURL = "https://films/1" })
		r.broken["finalize"] = errAWS
		require.Error(t, r.tick())
		require.Equal(t, job.Storing, r.job("anna").State)
		delete(r.broken, "finalize")
		for range 30 {
			require.NoError(t, r.tick())
			time.Sleep(15 * time.Second)
		}
		require.NotEmpty(t, r.films)
		require.LessOrEqual(t, len(r.films), 8, "with a pause between")
		require.Len(t, r.vendor.asked, 1)
	})
}

func TestWhatAFailedTaskMeans(t *testing.T) {
	for _, c := range []struct {
		outcome job.Outcome
		state   job.State
		code    string
	}{
		{job.BadInput, job.Rejected, job.CodeInputRefused},
		{job.Refused, job.Failed, job.CodeVendorRefused},
		{job.Lost, job.Failed, job.CodeVendorRefused},
		{job.Retry, job.Queued, ""},
		{job.Unknown, job.Queued, ""},
		{job.Throttled, job.Queued, ""},
		{job.FreshURL, job.Queued, ""},
		{job.OtherTransport, job.Queued, ""},
		{job.OperatorNeeded, job.Queued, ""},
	} {
		t.Run(string(c.outcome), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: c.outcome, Status: 200, Code: "X"} })
				require.NoError(t, r.tick())
				j := r.job("anna")
				require.Equal(t, c.state, j.State)
				require.Empty(t, r.theGate().Slots)
				require.Zero(t, j.Billed)
				require.Equal(t, c.outcome == job.OperatorNeeded, r.theGate().Closed != nil)
				if c.code == "" {
					require.Equal(t, 2, j.Attempt)
					require.Nil(t, j.Intent)
					wait := 30 * time.Second
					if c.outcome == job.OtherTransport {
						wait = 0 // it goes another way
						require.Equal(t, job.TransferTemp, j.Via)
						require.Equal(t, 1, j.Series, "S3's trouble is no attempt of the job's")
						require.Equal(t, 1, r.theGate().Route.Failed)
					}
					require.Equal(t, wait, time.Until(j.Due).Round(time.Second))
					require.Empty(t, r.told)
					return
				}
				require.Equal(t, c.code, j.Fault.Code)
				require.Equal(t, "X", j.Fault.VendorCode)
				require.Len(t, r.told, 1)
			})
		})
	}
}

func TestATaskThatKeepsFailingEndsItsJobAfterThreeAttempts(t *testing.T) {
	for outcome, code := range map[job.Outcome]string{job.Retry: job.CodeVendorFailed, job.OtherTransport: job.CodeCannotDownload} {
		t.Run(string(outcome), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.submitted("anna")
				r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: outcome} })
				last := 3
				if outcome == job.OtherTransport {
					last++ // the first is S3's fault
				}
				for n := 2; n <= last; n++ {
					require.NoError(t, r.tick())
					j = r.job("anna")
					require.Equal(t, n, j.Attempt)
					time.Sleep(time.Until(j.Due))
					require.NoError(t, r.tick())
					require.True(t, r.job("anna").Due.IsZero(), "back in the queue")
					r.again("anna")
				}
				require.NoError(t, r.tick())
				require.Equal(t, job.Failed, r.job("anna").State)
				require.Equal(t, code, r.job("anna").Fault.Code)
			})
		})
	}
}

func TestAFilmWhoseInputsCameFromS3ShowsThatS3CanBeReached(t *testing.T) {
	for via, left := range map[job.Transfer]bool{"": false, job.TransferTemp: true} {
		t.Run(string(via), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				for range 2 {
					require.NoError(t, r.s.Fetched(t.Context(), job.Fetch{}))
				}
				j := r.submitted("anna")
				next := j
				next.Via = via
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				r.vendor.says(job.TaskSucceeded, func(a *job.Answer) {
					a.VideoURL, a.Started, a.Ended = "https://films/1", time.Now().Add(-time.Minute), time.Now()
				})
				require.NoError(t, r.tick())
				require.Equal(t, job.Storing, r.job("anna").State)
				require.Equal(t, left, r.theGate().Route != nil)
			})
		})
	}
}

func TestATaskOverTheVendorsStorageThatFailsAfterASearchIsAnAttempt(t *testing.T) {
	for via, attempt := range map[job.Transfer]int{"": 1, job.TransferTemp: 2} {
		t.Run(string(via), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.submitted("anna")
				next := j
				next.Via, next.Intent = via, &job.Intent{Revoked: time.Now()}
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: job.Retry} })
				require.NoError(t, r.tick())
				require.Equal(t, attempt, r.job("anna").Attempt, "only what stood in our bucket was taken away")
			})
		})
	}
}

// again posts a queued job once more.
func (r *rig) again(id string) {
	j, err := r.s.Admit(r.t.Context(), r.job(id), job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{Until: time.Now().Add(time.Minute)}})
	require.NoError(r.t, err)
	r.to(j, job.Submitted, func(j *job.Job) {
		j.Due, j.Task = time.Now(), &job.Task{ID: id + "-again-" + j.Intent.Until.String(), Submitted: time.Now().Add(-15 * time.Second)}
	})
}

func TestATaskWhoseInputsWeTookBackFailsForNoFaultOfItsJob(t *testing.T) {
	for _, outcome := range []job.Outcome{job.BadInput, job.Refused, job.OtherTransport, job.FreshURL, job.Lost} {
		t.Run(string(outcome), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.posting("anna")
				in := *j.Intent
				in.Revoked = time.Now()
				j = r.to(j, job.Submitting, func(j *job.Job) { j.Intent, j.Attempt = &in, 1 })
				r.to(j, job.Submitted, func(j *job.Job) {
					j.Due, j.Task = time.Now(), &job.Task{ID: "found", Submitted: time.Now(), Adopted: true}
				})
				r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: outcome, Message: "cannot be opened"} })
				require.NoError(t, r.tick())
				require.Equal(t, job.Queued, r.job("anna").State)
				require.Equal(t, 1, r.job("anna").Attempt)
				require.Nil(t, r.job("anna").Intent)
			})
		})
	}
}

func TestOperatorsTroubleInTasksNeverEndsAJobHoweverOften(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		j := r.queued("anna")
		j = r.to(j, job.Queued, func(j *job.Job) { j.Attempt = 1 })
		r.again("anna")
		for range 70 {
			r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: job.OperatorNeeded, Code: "Arrearage"} })
			require.NoError(t, r.tick())
			j = r.job("anna")
			require.Equal(t, job.Queued, j.State)
			require.True(t, j.Due.After(time.Now().Add(29*time.Second)), "the wait grows to an hour and stays there")
			require.False(t, j.Due.After(time.Now().Add(time.Hour)))
			time.Sleep(time.Until(j.Due))
			require.NoError(t, r.s.OpenGate(t.Context()))
			require.NoError(t, r.tick())
			r.again("anna")
		}
	})
}

func TestATaskCanceledAtTheVendorIsSaidSo(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskCanceled)
		require.NoError(t, r.tick())
		require.Equal(t, job.Canceled, r.job("anna").State)
		require.Equal(t, job.CodeVendorCanceled, r.job("anna").Fault.Code)
		require.Len(t, r.told, 1)
	})
}

func TestATaskTheVendorDoesNotKnowIsLostOnlyWhenTheListHasHadItsTime(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskUnknown)
		took := r.until("anna", 30*time.Minute, job.Expired)
		require.GreaterOrEqual(t, took, 16*time.Minute, "new tasks may be unknown for a while, and missing in the list")
		require.Equal(t, job.CodeVendorLost, r.job("anna").Fault.Code)
		require.Less(t, len(r.reads), 1000)
		moves := 0
		for _, what := range r.reads {
			if what == "Move" {
				moves++
			}
		}
		require.LessOrEqual(t, moves, 5, "waiting writes nothing")
	})
}

func TestATaskThatIsListedIsNotLostHoweverOftenItIsUnknown(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.listed("task-anna", "k1", 0)
		r.vendor.says(job.TaskUnknown)
		for range 300 {
			require.NoError(t, r.tick())
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, job.Submitted, r.job("anna").State)
		r.vendor.says(job.TaskRunning)
		require.NoError(t, r.tick())
		require.Zero(t, r.job("anna").Task.Missing)
	})
}

func TestATaskPastItsLifeEndsTheJobAndSaysWhatItCost(t *testing.T) {
	for name, c := range map[string]struct {
		after  time.Duration
		answer func(v *vendor)
		code   string
		wasted job.Money
	}{
		"unknown after a day": {24 * time.Hour, func(v *vendor) { v.says(job.TaskUnknown) }, job.CodeTaskExpired, 0},
		"still running":       {24*time.Hour + 11*time.Minute, func(v *vendor) { v.says(job.TaskRunning) }, job.CodeTaskExpired, 0},
		"never to be asked": {24*time.Hour + 11*time.Minute, func(v *vendor) {
			v.task = func(string) (job.Answer, error) { return job.Answer{}, said(job.Verdict{Outcome: job.Retry}) }
		}, job.CodeTaskExpired, 0},
		"succeeded, but never with a link": {24 * time.Hour, func(v *vendor) { v.says(job.TaskUnknown) }, job.CodeTaskExpired, 800_000},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				r.vendor.says(job.TaskRunning)
				require.NoError(t, r.tick())
				if c.wasted > 0 {
					r.vendor.says(job.TaskSucceeded)
					require.NoError(t, r.tick())
				}
				time.Sleep(c.after)
				c.answer(r.vendor)
				require.NoError(t, r.tick())
				j := r.job("anna")
				require.Equal(t, job.Expired, j.State)
				require.Equal(t, c.code, j.Fault.Code)
				require.Equal(t, c.wasted, j.Wasted)
				require.Empty(t, r.theGate().Slots)
			})
		})
	}
}

func TestATaskWithoutARightOfItsOwnDoesNotKeepTheOthersFromBeingLookedAt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		time.Sleep(time.Second)
		r.submitted("bert")
		r.vendor.pace = rate.NewLimiter(17, 1)
		r.vendor.task = func(id string) (job.Answer, error) {
			if id == "task-anna" {
				return job.Answer{}, said(job.Verdict{Outcome: job.OperatorNeeded, Status: 403})
			}
			return job.Answer{TaskID: id, Status: job.TaskRunning}, nil
		}
		require.NoError(t, r.tick())
		require.Equal(t, job.Running, r.job("bert").State)
		require.Equal(t, job.Submitted, r.job("anna").State)
	})
}

func TestAThrottledQuestionIsTheLastOfItsBatch(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for _, id := range []string{"a", "b", "c", "d"} {
			r.submitted(id)
			time.Sleep(time.Second)
		}
		r.vendor.pace = rate.NewLimiter(17, 1)
		r.vendor.task = func(string) (job.Answer, error) {
			return job.Answer{}, said(job.Verdict{Outcome: job.Throttled, Status: 429})
		}
		require.NoError(t, r.tick())
		require.Less(t, len(r.vendor.asked), 4)
		require.Equal(t, job.Submitted, r.job("a").State)
	})
}

func TestAVendorThatAsksToBeLeftAloneIsAskedNothingMeanwhile(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.task = func(string) (job.Answer, error) {
			return job.Answer{}, said(job.Verdict{Outcome: job.Throttled, Status: 429, RetryAfter: 3 * time.Minute})
		}
		s, began := r.step(), time.Now()
		tick := func() {
			ctx, cancel := context.WithTimeout(t.Context(), 14*time.Second)
			defer cancel()
			require.NoError(t, s.Run(ctx))
		}
		r.posting("bert") // whose create call is to be looked for after its lease
		for tick(); len(r.vendor.asked) == 1; tick() {
			require.Zero(t, r.vendor.lists)
			time.Sleep(15 * time.Second)
		}
		require.InDelta(t, 3*time.Minute, time.Since(began), float64(20*time.Second))
		r.vendor.says(job.TaskRunning)
		time.Sleep(3 * time.Minute)
		tick()
		require.Equal(t, job.Running, r.job("anna").State)
	})
}

func TestTasksThatFailForWantOfMoneyAreNoAttempts(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		for n := range 4 {
			v := job.Verdict{Outcome: job.OperatorNeeded, Status: 400, Code: "Arrearage"}
			if n == 3 {
				v = job.Verdict{Outcome: job.Retry, Code: "InternalError"}
			}
			r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = v })
			r.until("anna", 10*time.Minute, job.Queued, job.Failed)
			if n == 3 {
				break
			}
			require.NoError(t, r.s.OpenGate(t.Context()))
			j := r.to(r.job("anna"), job.Queued, func(j *job.Job) { j.Due = time.Time{} })
			j, err := r.s.Admit(t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{At: time.Now(), VendorAt: time.Now(), Until: time.Now().Add(90 * time.Second)}})
			require.NoError(t, err)
			r.to(j, job.Submitted, func(j *job.Job) {
				j.Due, j.Task = time.Now(), &job.Task{ID: "t" + string(rune('0'+n)), Submitted: time.Now()}
			})
		}
		require.Equal(t, job.Queued, r.job("anna").State, "its first real failure: attempt %d", r.job("anna").Attempt)
	})
}

func TestS3IsNotBlamedForLinksThatHadEnded(t *testing.T) {
	for name, c := range map[string]struct {
		took   time.Duration
		blamed bool
	}{"in time": {30 * time.Minute, true}, "too late": {50 * time.Minute, false}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.submitted("anna")
				next := j
				task := *j.Task
				task.Created = j.Task.Submitted.Add(8 * time.Hour) // another clock
				next.Task = &task
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				r.vendor.says(job.TaskFailed, func(a *job.Answer) {
					a.Fault, a.Ended = job.Verdict{Outcome: job.OtherTransport}, task.Created.Add(c.took)
				})
				require.NoError(t, r.tick())
				require.Equal(t, job.Queued, r.job("anna").State)
				require.Equal(t, job.TransferTemp, r.job("anna").Via, "the other way works in any case")
				require.Equal(t, c.blamed, r.theGate().Route != nil)
			})
		})
	}
}
