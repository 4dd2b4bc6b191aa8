package submit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/submit"
)

func TestDispatchPostsTheQueueInItsOrder(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for _, id := range []string{"first", "second", "third", "fourth"} {
			r.queued(id)
			time.Sleep(time.Second)
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 3, "MaxInFlight is 3")
		for i, id := range []string{"first", "second", "third"} {
			require.Regexp(t, "^https://outbox.test/staging/"+id+"/1-[a-z0-9]{8}/image.png$", r.vendor.creates[i].ImageURL.Reveal())
			require.Equal(t, job.Submitted, r.job(id).State)
			require.Equal(t, fmt.Sprint("task-", i+1), r.job(id).Task.ID)
		}
		require.Equal(t, job.Queued, r.job("fourth").State)
		require.Nil(t, r.theGate().Lease)
		require.Len(t, r.theGate().Slots, 3)
	})
}

func TestNothingIsPostedWhileTheGateSaysNo(t *testing.T) {
	for name, shut := range map[string]func(t *testing.T, r *rig){
		"it is closed": func(t *testing.T, r *rig) {
			_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodeKeyRefused}, time.Now().Add(time.Minute))
			require.NoError(t, err)
		},
		"the vendor asked to wait": func(t *testing.T, r *rig) {
			require.NoError(t, r.s.Throttle(t.Context(), time.Now().Add(time.Minute)))
		},
		"another create is in flight": func(t *testing.T, r *rig) {
			other := r.queued("other")
			_, err := r.s.Admit(t.Context(), other, job.Admission{Gate: r.theGate(), Limit: 3, Intent: job.Intent{Until: time.Now().Add(time.Minute)}})
			require.NoError(t, err)
		},
		"all slots are taken": func(t *testing.T, r *rig) { r.change = func(c *submit.Config) { c.MaxInFlight = 1 }; r.busy("a") },
		"what is ahead would outlive the links": func(t *testing.T, r *rig) {
			r.busy("a")
			r.files.life = 11 * time.Minute // ten of them are the vendor's time to fetch
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				shut(t, r)
				j := r.queued("anna")
				before := len(r.vendor.creates)
				require.NoError(t, r.step().Dispatch(t.Context()))
				require.Len(t, r.vendor.creates, before)
				require.Equal(t, j.Rev, r.job("anna").Rev)
			})
		})
	}
}

// busy has a task at the vendor.
func (r *rig) busy(id string) {
	j := r.queued(id)
	j, err := r.s.Admit(r.t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 9, Intent: job.Intent{Until: time.Now().Add(time.Minute)}})
	require.NoError(r.t, err)
	next := j
	next.State, next.Due, next.Task = job.Submitted, time.Now(), &job.Task{ID: "task-of-" + id}
	_, err = r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
}

func TestOneJobIsAdmittedToAnIdleVendorHoweverShortItsLinksAre(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.files.life = time.Minute
		r.queued("anna")
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1)
	})
}

func TestNothingIsPostedWithoutTimeForTheCreateCall(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		ctx, cancel := context.WithTimeout(t.Context(), 39*time.Second)
		defer cancel()
		require.NoError(t, r.step().Dispatch(ctx))
		require.Empty(t, r.files.keys, "not even begun")
	})
}

func TestNoIntentIsWrittenWhenTheCopiesTookTheTimeOfTheCreateCall(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		j := r.queued("anna")
		r.files.stage = func(context.Context, string, string) error { time.Sleep(20 * time.Second); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), 70*time.Second)
		defer cancel()
		require.NoError(t, r.step().Dispatch(ctx))
		require.Empty(t, r.vendor.creates)
		require.Equal(t, j.Rev, r.job("anna").Rev, "it would have to be searched for a quarter of an hour")
	})
}

// slow is a gate whose admission takes its time.
type slow struct {
	*store.Store
	wait time.Duration
}

func (g slow) Admit(ctx context.Context, from job.Job, a job.Admission) (job.Job, error) {
	j, err := g.Store.Admit(ctx, from, a)
	time.Sleep(g.wait)
	return j, err
}

func TestAnInvocationThatSleptAfterItsIntentHasLostTheRightToPost(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.gate = slow{r.s, 61 * time.Second}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Empty(t, r.vendor.creates)
		require.Equal(t, job.Submitting, r.job("anna").State, "poll settles it")
	})
}

func TestTheCreateCallEndsWithThePostingLeaseAtTheLatest(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.vendor.create = func(ctx context.Context, _ job.CreateRequest) (job.Created, error) {
			end, ok := ctx.Deadline()
			require.True(t, ok)
			require.LessOrEqual(t, time.Until(end), 30*time.Second)
			<-ctx.Done()
			return job.Created{}, ctx.Err()
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		j := r.job("anna")
		require.Equal(t, job.Submitting, j.State)
		require.True(t, time.Now().Before(j.Intent.Until))
		require.Equal(t, j.Intent.Until.UnixMilli(), j.Due.UnixMilli())
		require.Equal(t, j.Intent.Until, r.vendor.creates[0].Before.Add(30*time.Second).UTC(), "what is sent later could not be answered in time")
	})
}

func TestTheVendorsTimeIsReadRightBeforeTheIntent(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.change = func(c *submit.Config) { c.Staging = slowSigner{r.files} }
		r.vendor.create = func(context.Context, job.CreateRequest) (job.Created, error) {
			in := r.job("anna").Intent
			require.Less(t, in.At.Sub(in.VendorAt), 2*time.Second, "the window in which a lost task is looked for begins there")
			return job.Created{TaskID: "task-1"}, nil
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Equal(t, job.Submitted, r.job("anna").State)
	})
}

type slowSigner struct{ *files }

func (f slowSigner) Sign(ctx context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	time.Sleep(25 * time.Second)
	return f.files.Sign(ctx, keys...)
}

// raced is a gate that loses its first admissions to somebody else's.
type raced struct {
	*store.Store
	losses int
}

func (g *raced) Admit(ctx context.Context, from job.Job, a job.Admission) (job.Job, error) {
	if g.losses--; g.losses >= 0 {
		return job.Job{}, job.ErrConflict
	}
	return g.Store.Admit(ctx, from, a)
}

func TestALostRaceForTheGateCostsAJobNotItsPlace(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("first")
		time.Sleep(time.Second)
		r.queued("second")
		r.gate = &raced{r.s, 2}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Equal(t, "task-1", r.job("first").Task.ID)
		require.Equal(t, "task-2", r.job("second").Task.ID)
	})
}

func TestAGateThatIsAlwaysContendedDoesNotKeepAnInvocationForEver(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("first")
		r.gate = &raced{r.s, 1000}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Empty(t, r.vendor.creates)
		require.Equal(t, job.Queued, r.job("first").State)
	})
}

func TestWhatARefusedCreateMeansForTheJob(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict job.Verdict
		state   job.State
		code    string
		waits   bool // with a due time of its own
		closed  string
		held    bool // all posting is held back
	}{
		{"nobody can tell", job.Verdict{Outcome: job.Unknown}, job.Submitting, "", true, "", false},
		{"the vendor's own trouble", job.Verdict{Outcome: job.Retry, Status: 500}, job.Submitting, "", true, "", false},
		{"too many requests", job.Verdict{Outcome: job.Throttled, Status: 429}, job.Queued, "", false, "", true},
		{"never sent", job.Verdict{Outcome: job.NotSent}, job.Queued, "", false, "", true},
		{"key refused", job.Verdict{Outcome: job.OperatorNeeded, Status: 401}, job.Queued, "", false, job.CodeKeyRefused, false},
		{"no money", job.Verdict{Outcome: job.OperatorNeeded, Status: 400, Code: "Arrearage"}, job.Queued, "", false, job.CodeNoMoney, false},
		{"files unusable", job.Verdict{Outcome: job.BadInput}, job.Rejected, job.CodeInputRefused, false, "", false},
		{"refused for good", job.Verdict{Outcome: job.Refused}, job.Failed, job.CodeVendorRefused, false, "", false},
		{"its link had ended", job.Verdict{Outcome: job.FreshURL}, job.Queued, "", true, "", false},
		{"it could not download from S3", job.Verdict{Outcome: job.OtherTransport}, job.Queued, "", false, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.queued("anna")
				r.vendor.create = refusing(c.verdict)
				require.NoError(t, r.step().Dispatch(t.Context()))
				require.Len(t, r.vendor.creates, 1, "posted once, whatever came of it")
				j, g := r.job("anna"), r.theGate()
				require.Equal(t, c.state, j.State)
				require.Equal(t, c.waits, !j.Due.IsZero())
				require.Equal(t, c.state == job.Submitting, j.Intent != nil && g.Lease != nil && len(g.Slots) == 1, "slot and lease are kept only while it is unclear")
				if c.state != job.Submitting {
					require.Empty(t, g.Slots)
					require.Nil(t, g.Lease)
				}
				if c.code != "" {
					require.Equal(t, c.code, j.Fault.Code)
					require.Len(t, r.told, 1)
				} else {
					require.Nil(t, j.Fault)
					require.Empty(t, r.told)
				}
				if c.closed != "" {
					require.Equal(t, c.closed, g.Closed.Code)
				} else {
					require.Nil(t, g.Closed)
				}
				require.Equal(t, c.held, g.NotBefore.After(time.Now()))
			})
		})
	}
}

func TestRefusalsThatMayPassEndTheJobAfterFive(t *testing.T) {
	for outcome, code := range map[job.Outcome]string{job.FreshURL: job.CodeVendorRefused, job.OtherTransport: job.CodeCannotDownload} {
		t.Run(string(outcome), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.queued("anna")
				r.vendor.create = refusing(job.Verdict{Outcome: outcome})
				s := r.step()
				var waits []time.Duration
				for r.job("anna").State == job.Queued {
					require.NoError(t, s.Dispatch(t.Context()))
					if j := r.job("anna"); !j.Due.IsZero() {
						waits = append(waits, time.Until(j.Due).Round(time.Second))
						next := j
						next.Due = time.Time{}
						_, err := r.s.Move(t.Context(), j, next)
						require.NoError(t, err)
					}
				}
				require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}, waits)
				tried := 5
				if outcome == job.OtherTransport {
					tried++ // the one that S3 was to blame for
				}
				require.Len(t, r.vendor.creates, tried)
				require.Equal(t, job.Failed, r.job("anna").State)
				require.Equal(t, code, r.job("anna").Fault.Code)
			})
		})
	}
}

func TestCallsThatWereNeverSentSayNothingAboutTheJob(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		s := r.step()
		r.vendor.create = refusing(job.Verdict{Outcome: job.NotSent})
		for range 20 {
			require.NoError(t, s.Dispatch(t.Context()))
			require.Equal(t, job.Queued, r.job("anna").State)
			time.Sleep(time.Hour)
		}
		require.Len(t, r.vendor.creates, 20)
		r.vendor.create = refusing(job.Verdict{Outcome: job.OtherTransport})
		require.NoError(t, s.Dispatch(t.Context()))
		require.Equal(t, job.Queued, r.job("anna").State, "its first refusal is not its last")
	})
}

func TestTheWaitTheVendorAsksForIsKept(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.vendor.create = refusing(job.Verdict{Outcome: job.Throttled, Status: 429, RetryAfter: 7 * time.Minute})
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Equal(t, 7*time.Minute, time.Until(r.theGate().NotBefore).Round(time.Second))
	})
}

func TestTroubleWithTheFreeCallWritesNoIntent(t *testing.T) {
	for name, c := range map[string]struct {
		verdict job.Verdict
		closed  bool
	}{
		"key refused":       {job.Verdict{Outcome: job.OperatorNeeded, Status: 401}, true},
		"too many requests": {job.Verdict{Outcome: job.Throttled}, false},
		"no connection":     {job.Verdict{Outcome: job.NotSent}, false},
		"no date":           {job.Verdict{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.queued("anna")
				r.vendor.clock = func(context.Context) (time.Time, error) { return time.Time{}, said(c.verdict) }
				require.NoError(t, r.step().Dispatch(t.Context()))
				require.Empty(t, r.vendor.creates)
				require.Equal(t, j.Rev, r.job("anna").Rev)
				g := r.theGate()
				require.Equal(t, c.closed, g.Closed != nil)
				require.Equal(t, !c.closed, g.NotBefore.After(time.Now()), "posting waits; no storm")
			})
		})
	}
}

func TestAFileThatChangedOrWentEndsItsJobBeforeAnythingIsPaid(t *testing.T) {
	for name, c := range map[string]struct {
		key   string
		cause error
		state job.State
		code  string
	}{
		"the picture is gone":    {"anna.png", job.ErrNotFound, job.Rejected, job.CodeFileGone},
		"the recording is gone":  {"anna.wav", job.ErrNotFound, job.Rejected, job.CodeFileGone},
		"the picture is another": {"anna.png", job.ErrConflict, job.Canceled, job.CodeReplaced},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.queued("anna")
				time.Sleep(time.Second)
				r.queued("bert")
				r.files.stage = func(_ context.Context, key, _ string) error {
					if key == c.key {
						return c.cause
					}
					return nil
				}
				require.NoError(t, r.step().Dispatch(t.Context()))
				j := r.job("anna")
				require.Equal(t, c.state, j.State)
				require.Equal(t, &job.Fault{Code: c.code, File: c.key}, j.Fault)
				require.Len(t, r.told, 1)
				require.Equal(t, job.Submitted, r.job("bert").State, "the others go on")
			})
		})
	}
}

func TestALateAnswerDoesNotTakeAJobThatPollHasSettled(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.vendor.create = func(ctx context.Context, _ job.CreateRequest) (job.Created, error) {
			j := r.job("anna")
			next := j
			next.State, next.Due, next.Task = job.Submitted, time.Now(), &job.Task{ID: "the-task", Adopted: true}
			_, err := r.s.Move(ctx, j, next)
			require.NoError(t, err)
			return job.Created{TaskID: "the-task"}, nil
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.True(t, r.job("anna").Task.Adopted)
		require.Len(t, r.vendor.creates, 1)
	})
}

func TestAnAnswerIsWrittenOverWhatWasOnlyNotedMeanwhile(t *testing.T) {
	for name, revoked := range map[string]bool{"its inputs were taken back": true, "anything else": false} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.queued("anna")
				next := j
				next.Silent = 1
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				r.vendor.create = func(ctx context.Context, _ job.CreateRequest) (job.Created, error) {
					j := r.job("anna")
					next, in := j, *j.Intent
					if next.Tries++; revoked {
						in.Revoked = time.Now().UTC()
					}
					next.Intent = &in
					_, err := r.s.Move(ctx, j, next)
					require.NoError(t, err)
					return job.Created{TaskID: "the-task"}, nil
				}
				require.NoError(t, r.step().Dispatch(t.Context()))
				j = r.job("anna")
				require.Equal(t, job.Submitted, j.State)
				require.Equal(t, "the-task", j.Task.ID)
				require.Zero(t, j.Silent, "it was answered")
				require.Equal(t, revoked, j.Intent != nil, "what the task will fail by is remembered, and nothing else")
			})
		})
	}
}

// unwritable is a store that takes no answer.
type unwritable struct{ submit.Jobs }

func (u unwritable) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	if to.State == job.Submitted {
		return job.Job{}, errStore
	}
	return u.Jobs.Move(ctx, from, to)
}

func TestAnAnswerThatCannotBeWrittenLeavesTheJobToPoll(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.queued("anna")
		r.jobs = unwritable{r.s}
		require.True(t, errors.Is(r.step().Dispatch(t.Context()), errStore))
		require.Equal(t, job.Submitting, r.job("anna").State)
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 1, "never posted again blindly")
	})
}

// TestAJobWhoseTaskHasShownUpIsNotPostedBesideIt has a job end while its create call is
// looked for, and tried again.
func TestAJobWhoseTaskHasShownUpIsNotPostedBesideIt(t *testing.T) {
	for _, live := range []bool{true, false} {
		t.Run(fmt.Sprint(live), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.queued("anna")
				r.vendor.create = refusing(job.Verdict{Outcome: job.Unknown})
				require.NoError(t, r.step().Dispatch(t.Context()))
				j := r.job("anna")
				next := j
				intent := *j.Intent
				intent.Revoked = time.Now().UTC()
				next.Intent = &intent
				j, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				next = j
				next.State, next.Due, next.Intent = job.Queued, time.Time{}, nil
				j, err = r.s.Move(t.Context(), j, next) // poll has not found it
				require.NoError(t, err)
				st, err := r.s.Stray(t.Context(), job.Stray{Job: "anna", Post: 1}.ID())
				require.NoError(t, err)
				seen := st
				seen.TaskID, seen.Live = "late", live
				require.NoError(t, r.s.PutStray(t.Context(), st, seen))

				r.vendor.create, r.vendor.creates = nil, nil
				time.Sleep(2 * time.Minute)
				r.queued("bert")
				require.NoError(t, r.step().Dispatch(t.Context()))
				require.Equal(t, job.Submitted, r.job("bert").State, "it keeps nobody else")
				require.Equal(t, live, r.job("anna").State == job.Queued)
				require.Equal(t, j.Attempt, r.job("anna").Attempt)
			})
		})
	}
}
