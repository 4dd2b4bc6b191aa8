package poll_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/poll"
)

func TestALostCreateIsAdoptedOnceItsLeaseIsOver(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		r.vendor.listed("lost", "k1", time.Second)
		require.NoError(t, r.tick())
		require.Equal(t, job.Submitting, r.job("anna").State, "its own invocation may still be at it")
		require.Zero(t, r.vendor.lists)
		took := r.until("anna", 2*time.Minute, job.Submitted, job.Running)
		require.Less(t, took, 2*time.Minute)
		j := r.job("anna")
		require.Equal(t, "lost", j.Task.ID)
		require.True(t, j.Task.Adopted)
		require.Nil(t, r.theGate().Lease)
		require.Empty(t, r.removed)
	})
}

func TestALostCreateThatLeftNothingIsPostedAgainAfterItsInputsAreGoneAndTheQuietPeriod(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		revoked := time.Duration(0)
		began := time.Now()
		for r.job("anna").State == job.Submitting {
			require.NoError(t, r.tick())
			if len(r.removed) > 0 && revoked == 0 {
				revoked = time.Since(began)
			}
			if r.job("anna").State == job.Submitting {
				require.Contains(t, r.theGate().Slots, "anna", "it may be there: its slot is taken")
			}
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, job.Queued, r.job("anna").State)
		require.Equal(t, []string{"staging/anna/image", "staging/anna/audio"}, r.removed)
		require.GreaterOrEqual(t, revoked, 150*time.Second, "a lease and a minute")
		require.GreaterOrEqual(t, time.Since(began)-revoked, 15*time.Minute)
		require.Less(t, time.Since(began)-revoked, 15*time.Minute+30*time.Second, "and no longer than that")
		require.Nil(t, r.job("anna").Intent)
		require.Empty(t, r.theGate().Slots)
	})
}

// TestWhatTheListShowsDecidesAboutALostCreate puts rows into the vendor's list
// around an intent and says what is right.
func TestWhatTheListShowsDecidesAboutALostCreate(t *testing.T) {
	const minute = time.Minute
	type row struct {
		id, key string
		at      time.Duration
	}
	known := func(r *rig) { require.NoError(r.t, r.s.LearnKey(r.t.Context(), "k1")) }
	// mine has an earlier task of ours in the list, made by that key.
	mine := func(key string) func(r *rig) {
		return func(r *rig) {
			r.submitted("earlier")
			r.vendor.listed("task-earlier", key, 0)
			time.Sleep(5 * minute)
		}
	}
	for _, c := range []struct {
		name   string
		before func(r *rig)
		rows   []row
		want   job.State
		task   string
		ids    []string
	}{
		{"one row of a key nobody has seen", nil, []row{{"a", "k1", time.Second}}, job.Submitted, "a", nil},
		{"one row of our key", known, []row{{"a", "k1", time.Second}}, job.Submitted, "a", nil},
		{"one of ours, one of a key that was at work while we used ours", mine("k1"),
			[]row{{"a", "k1", time.Second}, {"b", "k2", 2 * time.Second}, {"c", "k2", -20 * minute}}, job.Submitted, "a", nil},
		{"one of ours, one of a key that came only after our last task", mine("k1"),
			[]row{{"a", "k1", time.Second}, {"b", "k2", 2 * time.Second}, {"c", "k2", -2 * minute}}, job.Held, "", []string{"a", "b"}},
		{"one of our key, with which somebody else was at work since", mine("k1"),
			[]row{{"a", "k1", time.Second}, {"c", "k1", -2 * minute}}, job.Submitted, "a", nil},
		{"one of ours, one of a key that came when the old one may still have been used", mine("k1"),
			[]row{{"a", "k1", time.Second}, {"b", "k2", 2 * time.Second}, {"c", "k2", -12 * minute}}, job.Held, "", []string{"a", "b"}},
		{"only a stranger's, at work while we used ours", mine("k1"),
			[]row{{"b", "k2", 2 * time.Second}, {"c", "k2", -20 * minute}}, job.Queued, "", nil},
		{"only a stranger's, on the first day of a stack", nil,
			[]row{{"b", "k2", 2 * time.Second}, {"c", "k2", -10 * minute}}, job.Held, "", []string{"b"}},
		{"one of a key that is new: ours may have been exchanged", known, []row{{"a", "k2", time.Second}}, job.Held, "", []string{"a"}},
		{"two creates lost after the key was exchanged", mine("k1"),
			[]row{{"a", "k2", time.Second}, {"other", "k2", -3 * minute}}, job.Held, "", []string{"a"}},
		{"two creates lost on the first day", nil,
			[]row{{"a", "k1", time.Second}, {"other", "k1", 95 * time.Second}}, job.Submitted, "a", nil},
		{"the key was exchanged, and a later task of ours tells", func(r *rig) { known(r); mine("k2")(r) },
			[]row{{"a", "k2", time.Second}}, job.Submitted, "a", nil},
		{"two of our key", known, []row{{"a", "k1", time.Second}, {"b", "k1", 3 * time.Second}}, job.Held, "", []string{"a", "b"}},
		{"two keys, none of them known", nil, []row{{"a", "k1", time.Second}, {"b", "k2", time.Second}}, job.Held, "", []string{"a", "b"}},
		{"made in the second of the call, as its Date has it", known, []row{{"a", "k1", -1500 * time.Millisecond}}, job.Submitted, "a", nil},
		{"made before the call", known, []row{{"a", "k1", -5 * time.Second}}, job.Queued, "", nil},
		{"made when the next create may have been at it", known, []row{{"a", "k1", 90*time.Second + 500*time.Millisecond}}, job.Queued, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				if c.before != nil {
					c.before(r)
				}
				r.posting("anna")
				for _, row := range c.rows {
					r.vendor.listed(row.id, row.key, row.at)
				}
				r.until("anna", 20*minute, job.Queued, job.Held, job.Submitted, job.Running)
				j := r.job("anna")
				require.Equal(t, c.want, j.State)
				if c.task != "" {
					require.Equal(t, c.task, j.Task.ID)
				}
				slices.Sort(j.Candidates)
				require.Equal(t, c.ids, j.Candidates)
				if c.want == job.Held {
					require.Equal(t, job.CodeAmbiguous, j.Fault.Code)
					require.NotContains(t, r.theGate().Slots, "anna")
					require.Len(t, r.told, 1)
				}
			})
		})
	}
}

func TestAnAdoptedTaskProvesNothingOfTheKeyThatMadeIt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		r.vendor.listed("a", "k9", time.Second)
		r.until("anna", 3*time.Minute, job.Submitted, job.Running)
		require.Empty(t, r.theGate().KeyID, "it may be a stranger's after all")
	})
}

func TestTheKeyIsLearnedFromATaskWhoseCreateWasAnswered(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("earlier")
		r.vendor.listed("task-earlier", "k1", 0)
		time.Sleep(5 * time.Minute)
		r.posting("anna")
		r.vendor.listed("a", "k1", time.Second)
		time.Sleep(91 * time.Second)
		require.NoError(t, r.tick())
		require.Equal(t, job.Submitted, r.job("anna").State, "at the first look")
		require.Equal(t, "k1", r.theGate().KeyID)
	})
}

func TestATaskOfAnotherJobIsNoCandidate(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		time.Sleep(91 * time.Second)
		r.submitted("bert")
		r.vendor.listed("task-bert", "k1", -30*time.Second)
		r.until("anna", 20*time.Minute, job.Queued)
	})
}

func TestAListThatCannotBeHadSettlesNothingAndKeepsNobodyWaiting(t *testing.T) {
	for name, v := range map[string]job.Verdict{
		"trouble of the vendor's": {Outcome: job.Retry, Status: 500},
		"no right to list":        {Outcome: job.OperatorNeeded, Status: 403},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.posting("anna")
				time.Sleep(91 * time.Second)
				r.submitted("bert")
				r.vendor.pace = rate.NewLimiter(17, 1)
				r.vendor.page = func(job.ListQuery) (job.ListPage, error) { return job.ListPage{}, said(v) }
				r.vendor.says(job.TaskRunning)
				for range 100 {
					_ = r.tick()
					time.Sleep(15 * time.Second)
				}
				require.Equal(t, job.Submitting, r.job("anna").State, "an hour does not make it safe")
				require.Empty(t, r.removed)
				require.Equal(t, job.Running, r.job("bert").State, "the others are looked at all the same")
			})
		})
	}
}

func TestAListThatDoesNotEndSettlesNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		time.Sleep(91 * time.Second)
		r.vendor.page = func(q job.ListQuery) (job.ListPage, error) {
			return job.ListPage{Page: q.Page, Pages: 1 << 20, Tasks: []job.Listed{{TaskID: "x", KeyID: "k"}}}, nil
		}
		require.ErrorContains(t, r.tick(), "does not end")
		require.Equal(t, 200, r.vendor.lists, "and is not followed for ever")
		require.Equal(t, job.Submitting, r.job("anna").State)
	})
}

func TestEveryPageOfTheListIsLookedAt(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		made := time.Now().Add(time.Second)
		r.vendor.page = func(q job.ListQuery) (job.ListPage, error) {
			p := job.ListPage{Page: q.Page, Pages: 3, Tasks: []job.Listed{{TaskID: "old", KeyID: "k", Created: made.Add(-time.Hour)}}}
			if q.Page == 3 {
				p.Tasks[0] = job.Listed{TaskID: "lost", KeyID: "k0", Created: made}
			}
			require.LessOrEqual(t, q.To.Sub(q.From), 24*time.Hour, "the vendor allows a day")
			return p, nil
		}
		require.NoError(t, r.s.LearnKey(t.Context(), "k0"))
		r.until("anna", 3*time.Minute, job.Submitted, job.Running)
		require.Equal(t, "lost", r.job("anna").Task.ID)
	})
}

func TestInputsThatCannotBeTakenBackKeepTheJobFromBeingPostedAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.posting("anna")
		r.broken["remove"] = errAWS
		for range 100 {
			_ = r.tick()
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, job.Submitting, r.job("anna").State)
		require.True(t, r.job("anna").Intent.Revoked.IsZero())
	})
}

func TestTheIDOfTheLostCallTellsItsTaskFromAStrangers(t *testing.T) {
	for _, newer := range []time.Duration{-time.Millisecond, time.Millisecond} {
		t.Run(newer.String(), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				j := r.posting("anna")
				next := j
				intent := *j.Intent
				intent.RequestID = "request-ours"
				next.Intent = &intent
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
				made := time.Now().Add(time.Second)
				r.vendor.rows = []job.Listed{
					{TaskID: "theirs", RequestID: "request-theirs", KeyID: "2", Model: "emo-v1", Created: made},
					{TaskID: "ours", RequestID: "request-ours", KeyID: "1", Model: "emo-v1", Created: made.Add(newer)},
				}
				time.Sleep(91 * time.Second)
				require.NoError(t, r.tick())
				got := r.job("anna")
				require.Equal(t, job.Submitted, got.State)
				require.Equal(t, "ours", got.Task.ID)
			})
		})
	}
}

func TestCreateCallsThatNobodyAnswersGoTheOtherWayAndEndAfterADay(t *testing.T) {
	race.Leave(t)
	for mode, other := range map[job.Transfer]bool{job.TransferAuto: true, job.TransferPresign: false} {
		t.Run(string(mode), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.change = func(c *poll.Config) { c.Transfer = mode }
				j := r.queued("anna")
				began, posts := time.Now(), 0
				for j.State != job.Failed && posts < 200 {
					posts++
					now := time.Now()
					in := job.Intent{At: now, VendorAt: now, Until: now.Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1"}
					if j.Via != job.TransferTemp {
						in.StagedImage, in.StagedAudio = "staging/i", "staging/a"
					}
					_, err := r.s.Admit(t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 3, Intent: in})
					require.NoError(t, err)
					for r.job("anna").State == job.Submitting {
						time.Sleep(time.Minute)
						require.NoError(t, r.tick())
					}
					j = r.job("anna")
					require.Equal(t, other && posts >= 2, j.Via == job.TransferTemp, "after %d", posts)
				}
				require.Equal(t, job.CodeVendorSilent, j.Fault.Code)
				require.InDelta(t, 24, time.Since(began).Hours(), 6)
				require.Empty(t, r.theGate().Slots)
				if !other {
					require.Nil(t, r.theGate().Route)
				}
			})
		})
	}
}

// TestATaskThatAlwaysShowsUpTooLateGoesTheOtherWayAndEndsAfterADay has a vendor whose
// answers to create calls are lost and whose list is late: each task is found when its
// inputs have been taken back, and fails.
func TestATaskThatAlwaysShowsUpTooLateGoesTheOtherWayAndEndsAfterADay(t *testing.T) {
	race.Leave(t)
	for mode, other := range map[job.Transfer]bool{job.TransferAuto: true, job.TransferPresign: false} {
		t.Run(string(mode), func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.change = func(c *poll.Config) { c.Transfer = mode }
				require.NoError(t, r.s.LearnKey(t.Context(), "ours"))
				r.vendor.says(job.TaskFailed, func(a *job.Answer) { a.Fault = job.Verdict{Outcome: job.OtherTransport} })
				j := r.queued("anna")
				posts := 0
				for j.State != job.Failed && j.Via != job.TransferTemp && posts < 200 {
					posts++
					now := time.Now()
					_, err := r.s.Admit(t.Context(), j, job.Admission{Gate: r.theGate(), Limit: 3, Intent: job.Intent{At: now, VendorAt: now,
						Until: now.Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1", StagedImage: "staging/i", StagedAudio: "staging/a"}})
					require.NoError(t, err)
					r.until("anna", 5*time.Minute, job.Submitting)
					for r.job("anna").Intent.Revoked.IsZero() {
						time.Sleep(15 * time.Second)
						require.NoError(t, r.tick())
					}
					r.vendor.rows = []job.Listed{{TaskID: fmt.Sprint("late", posts), KeyID: "ours", Model: "emo-v1", Status: job.TaskPending, Created: now.Add(time.Second)}}
					r.until("anna", 10*time.Minute, job.Queued, job.Failed)
					r.vendor.rows = nil
					for j = r.job("anna"); !j.Due.IsZero() && j.State == job.Queued; j = r.job("anna") {
						time.Sleep(15 * time.Second)
						require.NoError(t, r.tick())
					}
					require.Equal(t, 1, j.Attempt, "no attempt of the job's own")
				}
				require.Empty(t, r.theGate().Slots)
				if other {
					require.Equal(t, 2, posts)
					return
				}
				require.Equal(t, job.Failed, j.State)
				require.Equal(t, job.CodeVendorSilent, j.Fault.Code)
				require.Equal(t, 80, posts)
			})
		})
	}
}

func TestATrialOfS3WhoseCreateCallLeavesNothingHasFailed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for range 3 {
			require.NoError(t, r.s.Fetched(t.Context(), job.Fetch{Job: "others"}))
		}
		time.Sleep(31 * time.Minute)
		now := time.Now()
		_, err := r.s.Admit(t.Context(), r.queued("anna"), job.Admission{Gate: r.theGate(), Limit: 3, Trial: true, Intent: job.Intent{
			At: now, VendorAt: now, Until: now.Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1",
			StagedImage: "staging/i", StagedAudio: "staging/a"}})
		require.NoError(t, err)
		r.until("anna", time.Hour, job.Queued)
		require.Equal(t, job.TransferTemp, r.job("anna").Via)
		route := r.theGate().Route
		require.Equal(t, 1, route.Trials)
		require.Empty(t, route.Trier)
		require.Greater(t, time.Until(route.Until), 55*time.Minute, "the next one waits for twice as long")
	})
}
