package poll_test

import (
	"context"
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

func film(a *job.Answer) { a.VideoURL, a.Seconds, a.Ratio = "https://films/1", 9.5, job.Square }

func TestALookOutsideABatchStoresAFilmAsABatchDoes(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.submitted("bert")
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

func TestAnEndWithoutAFilmIsNotedAndTheNextBatchDecides(t *testing.T) {
	for status, end := range map[job.TaskStatus]job.State{job.TaskFailed: job.Failed, job.TaskCanceled: job.Canceled} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				// The first of three is at work, and the vendor says so: the others are not
				// looked at for a minute.
				for _, id := range []string{"anna", "bert", "carl"} {
					r.submitted(id)
				}
				r.vendor.task = func(id string) (job.Answer, error) {
					if id == "task-anna" {
						return job.Answer{TaskID: id, Status: job.TaskRunning, Started: time.Now()}, nil
					}
					return job.Answer{TaskID: id, Status: job.TaskPending}, nil
				}
				s := r.step()
				one := func() {
					ctx, cancel := context.WithTimeout(t.Context(), 14*time.Second)
					defer cancel()
					require.NoError(t, s.Run(ctx))
				}
				one()
				time.Sleep(15 * time.Second)
				one()
				time.Sleep(time.Second)
				before := r.job("carl")
				usual := r.vendor.task
				r.vendor.task = func(id string) (job.Answer, error) {
					if id == "task-carl" {
						return job.Answer{TaskID: id, Status: status, Fault: job.Verdict{Outcome: job.Refused}}, nil
					}
					return usual(id)
				}
				single := r.single()
				r.vendor.asked = nil
				for range 3 {
					require.NoError(t, single.Look(t.Context(), "task-carl"))
				}
				require.Equal(t, status, r.job("carl").Task.Status)
				require.Equal(t, before.State, r.job("carl").State)
				require.Equal(t, before.Rev+1, r.job("carl").Rev, "noted once, however often it is pushed")
				require.Empty(t, r.told)
				one()
				require.Equal(t, end, r.job("carl").State)
			})
		})
	}
}

func TestATaskThatIsNotOverAfterAllIsNotAskedForOverAndOver(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskFailed)
		require.NoError(t, r.single().Look(t.Context(), "task-anna"))
		r.vendor.says(job.TaskRunning)
		r.vendor.asked = nil
		s := r.step()
		began := time.Now()
		require.NoError(t, s.Run(t.Context()))
		require.LessOrEqual(t, len(r.vendor.asked), 2+3*int(time.Since(began)/(15*time.Second)))
		require.Equal(t, job.Running, r.job("anna").State)
	})
}

func TestWhatIsNoEndChangesNothing(t *testing.T) {
	for name, says := range map[string]func(*vendor){
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
				before := r.submitted("anna")
				says(r.vendor)
				err := r.single().Look(t.Context(), "task-anna")
				require.Equal(t, strings.HasPrefix(name, "the "), err != nil, "trouble has the push repeated")
				require.Equal(t, before, r.job("anna"))
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
		r.vendor.says(job.TaskSucceeded, film)
		r.broken["Move"] = errAWS
		require.ErrorIs(t, r.single().Look(t.Context(), "task-anna"), errAWS)
		delete(r.broken, "Move")
		r.broken["finalize"] = errAWS
		require.ErrorIs(t, r.single().Look(t.Context(), "task-anna"), errAWS)
		require.Equal(t, job.Storing, r.job("anna").State)
		delete(r.broken, "finalize")
		time.Sleep(2 * time.Minute)
		require.NoError(t, r.tick())
		require.Equal(t, []string{"anna"}, r.films)
	})
}

func TestASingleIsNotMadeWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()
	_, err := poll.NewSingle(poll.SingleConfig{})
	for _, what := range []string{"Vendor", "Jobs", "Slots", "Functions", "Profile", "Log"} {
		require.ErrorContains(t, err, what)
	}
}

func TestAPushThatIsRepeatedHandsOnAFilmThatCouldNotBeHandedOn(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskSucceeded, film)
		r.broken["finalize"] = errAWS
		s := r.single()
		require.ErrorIs(t, s.Look(t.Context(), "task-anna"), errAWS)
		delete(r.broken, "finalize")
		time.Sleep(10 * time.Second)
		require.NoError(t, s.Look(t.Context(), "task-anna"))
		require.Equal(t, []string{"anna"}, r.films)
		require.Len(t, r.vendor.asked, 1, "the answer is there")
		r.to(r.job("anna"), job.Storing, func(j *job.Job) { j.Busy = time.Now().Add(time.Minute) })
		require.NoError(t, s.Look(t.Context(), "task-anna"))
		require.Len(t, r.films, 1, "somebody has it")
	})
}

func TestATaskThatFailsCountsOnceAgainstS3(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		failed := job.Answer{TaskID: "task-anna", Status: job.TaskFailed, Fault: job.Verdict{Outcome: job.OtherTransport, Status: 200, Code: "InvalidURL.Timeout"}}
		pushed := false
		r.vendor.task = func(string) (job.Answer, error) {
			if !pushed {
				pushed = true // while this answer is on its way, the push is noted
				r.vendor.mu.Unlock()
				defer r.vendor.mu.Lock()
				require.NoError(t, r.single().Look(t.Context(), "task-anna"))
			}
			return failed, nil
		}
		require.NoError(t, r.tick())
		time.Sleep(15 * time.Second)
		require.NoError(t, r.tick())
		require.Equal(t, job.Queued, r.job("anna").State)
		require.Equal(t, 1, r.theGate().Route.Failed)
	})
}

func TestAPushThatIsNotedWhileABatchAsksHoldsNothingUp(t *testing.T) {
	for status, end := range map[job.TaskStatus]job.State{job.TaskFailed: job.Failed, job.TaskCanceled: job.Canceled} {
		t.Run(string(status), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				pushed := false
				r.vendor.task = func(id string) (job.Answer, error) {
					if !pushed {
						pushed = true // while this answer is on its way
						r.vendor.mu.Unlock()
						defer r.vendor.mu.Lock()
						require.NoError(t, r.single().Look(t.Context(), "task-anna"))
					}
					return job.Answer{TaskID: id, Status: status, Fault: job.Verdict{Outcome: job.Refused}}, nil
				}
				require.NoError(t, r.tick())
				require.Equal(t, end, r.job("anna").State)
				require.Len(t, r.vendor.asked, 2, "without another question")
			})
		})
	}
}

func TestAPushThatIsRepeatedDoesNotHurryAFilmThatWaitsForItsNextTry(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskSucceeded, film)
		s := r.single()
		require.NoError(t, s.Look(t.Context(), "task-anna"))
		// Finalize could not copy it, and waits: each try makes the next wait longer.
		r.to(r.job("anna"), job.Storing, func(j *job.Job) { j.Tries, j.Due = 1, time.Now().Add(time.Minute) })
		for range 5 {
			time.Sleep(10 * time.Second)
			require.NoError(t, s.Look(t.Context(), "task-anna"))
		}
		require.Equal(t, []string{"anna"}, r.films)
		time.Sleep(15 * time.Second)
		require.NoError(t, r.tick())
		require.Equal(t, []string{"anna", "anna"}, r.films)
		require.Len(t, r.vendor.asked, 1)
	})
}
