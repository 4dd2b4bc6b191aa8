package poll_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/store"
)

func TestAnIdleTickEndsAtOnceAfterAHandfulOfReads(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		require.NoError(t, s.Run(t.Context()))
		r.reads = nil
		began := time.Now()
		require.NoError(t, s.Run(t.Context()))
		require.Zero(t, time.Since(began))
		require.LessOrEqual(t, len(r.reads), 5, "%v", r.reads)
		require.NotContains(t, r.reads, "Job")
		require.Empty(t, r.vendor.asked)
		require.Zero(t, r.vendor.lists)
		require.Empty(t, r.work)
	})
}

func TestABusyTickLooksEveryQuarterOfItsMinute(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		began := time.Now()
		var at []time.Duration
		r.vendor.task = func(id string) (job.Answer, error) {
			at = append(at, time.Since(began))
			return job.Answer{TaskID: id, Status: job.TaskPending}, nil
		}
		require.NoError(t, r.step().Run(t.Context()))
		require.Equal(t, []time.Duration{0, 15 * time.Second, 30 * time.Second, 45 * time.Second}, at)
	})
}

func TestNoBatchBeginsThatCouldNotEndBeforeTheDeadline(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		ctx, cancel := context.WithTimeout(t.Context(), 34*time.Second)
		defer cancel()
		began := time.Now()
		require.NoError(t, r.step().Run(ctx))
		require.Len(t, r.vendor.asked, 2, "at 0 and 15 s; 30 s is too late")
		require.Equal(t, 15*time.Second, time.Since(began))
	})
}

func TestTicksFollowEachOtherWithoutAGapLongerThanTheInterval(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		var at []time.Time
		r.vendor.task = func(id string) (job.Answer, error) {
			at = append(at, time.Now())
			time.Sleep(3 * time.Second) // a batch takes its time
			return job.Answer{TaskID: id, Status: job.TaskPending}, nil
		}
		done := make(chan error)
		for range 5 {
			go func() { done <- r.step().Run(t.Context()) }()
			time.Sleep(time.Minute)
		}
		for range 5 {
			require.NoError(t, <-done)
		}
		require.GreaterOrEqual(t, len(at), 20)
		for i := 1; i < len(at); i++ {
			require.LessOrEqual(t, at[i].Sub(at[i-1]), 16*time.Second)
			require.Greater(t, at[i].Sub(at[i-1]), time.Second, "never two at once")
		}
	})
}

func TestATickThatDiedIsReplacedWithinTwoMinutes(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		require.NoError(t, r.s.Lease(t.Context(), "poll", "the dead", time.Now().Add(time.Minute)))
		r.submitted("anna")
		time.Sleep(15 * time.Second)
		require.NoError(t, r.step().Run(t.Context()), "it knocks for an interval and leaves")
		require.Empty(t, r.vendor.asked)
		time.Sleep(45 * time.Second)
		require.NoError(t, r.step().Run(t.Context()))
		require.NotEmpty(t, r.vendor.asked)
	})
}

func TestATickThatWasTooSlowGivesWay(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.task = func(id string) (job.Answer, error) {
			time.Sleep(61 * time.Second)
			_ = r.s.Lease(t.Context(), "poll", "another", time.Now().Add(time.Minute))
			return job.Answer{TaskID: id, Status: job.TaskPending}, nil
		}
		ctx := t.Context()
		r.change = func(c *poll.Config) { c.Period = time.Hour }
		require.NoError(t, r.step().Run(ctx))
		require.Len(t, r.vendor.asked, 1)
		require.ErrorIs(t, r.s.Lease(ctx, "poll", "a third", time.Now()), job.ErrConflict, "the other's lease is not given back")
	})
}

func TestABatchThatFailsIsFollowedByTheNext(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.says(job.TaskRunning)
		r.broken["Move"] = errAWS
		require.ErrorIs(t, r.step().Run(t.Context()), errAWS)
		require.Len(t, r.vendor.asked, 4)
		delete(r.broken, "Move")
		require.NoError(t, r.tick())
		require.Equal(t, job.Running, r.job("anna").State)
	})
}

func TestHoweverMuchIsDueABatchHandsOverWhatOneInvocationCanTake(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		for i := range 230 {
			n := job.Name{Stem: fmt.Sprintf("s%03d", i)}
			_, err := r.s.PutStem(ctx, job.Stem{Name: n}, job.Stem{Due: time.Now()})
			require.NoError(t, err)
		}
		for i := range 120 {
			_, err := r.s.PutFolder(ctx, job.Folder{Dir: fmt.Sprintf("d%03d", i)}, job.Folder{Due: time.Now()})
			require.NoError(t, err)
			_, err = r.s.Create(ctx, job.Job{ID: fmt.Sprintf("j%03d", i), State: job.Received, Received: time.Now(), Due: time.Now()})
			require.NoError(t, err)
		}
		stems, folders, jobs := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for n := range 3 {
			require.NoError(t, r.tick())
			require.Len(t, r.work, n+1, "one invocation a batch")
			w := r.work[n]
			require.True(t, w.Dispatch)
			require.LessOrEqual(t, max(len(w.Stems), len(w.Folders), len(w.Jobs)), 100)
			for _, s := range w.Stems { // submit sees to it
				require.False(t, stems[s], "what is most overdue comes first")
				stems[s] = true
				st, err := r.s.Stem(ctx, job.Name{Stem: s})
				require.NoError(t, err)
				_, err = r.s.PutStem(ctx, st, job.Stem{})
				require.NoError(t, err)
			}
			for _, d := range w.Folders {
				folders[d] = true
				f, err := r.s.Folder(ctx, d)
				require.NoError(t, err)
				_, err = r.s.PutFolder(ctx, f, job.Folder{})
				require.NoError(t, err)
			}
			for _, id := range w.Jobs {
				require.False(t, jobs[id], "a job is left alone for a while")
				jobs[id] = true
			}
			time.Sleep(15 * time.Second)
		}
		require.Len(t, stems, 230)
		require.Len(t, folders, 120)
		require.Len(t, jobs, 120)
	})
}

func TestAReceivedJobIsHandedToSubmitAndThenLeftAloneForAWhile(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		now := time.Now().UTC().Truncate(time.Millisecond)
		_, err := r.s.Create(t.Context(), job.Job{ID: "anna", State: job.Received, Received: now, Due: now})
		require.NoError(t, err)
		for range 16 {
			require.NoError(t, r.tick())
			time.Sleep(15 * time.Second)
		}
		require.Equal(t, []job.Work{{Dispatch: true, Jobs: []string{"anna"}}, {Dispatch: true, Jobs: []string{"anna"}}}, r.work, "in four minutes")
	})
}

func TestSubmitIsAskedToDispatchOnlyWhenSomethingCanGo(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(t *testing.T, r *rig)
		asks int
	}{
		"an empty queue":            {func(*testing.T, *rig) {}, 0},
		"a job, and room":           {func(_ *testing.T, r *rig) { r.queued("anna") }, 1},
		"a job that waits its time": {func(_ *testing.T, r *rig) { r.waiting("anna", time.Minute) }, 0},
		"a job that has waited":     {func(_ *testing.T, r *rig) { r.waiting("anna", 0) }, 1},
		"a job, and no room":        {func(_ *testing.T, r *rig) { r.queued("anna"); r.submitted("a"); r.submitted("b"); r.submitted("c") }, 0},
		"a job, and a create at it": {func(_ *testing.T, r *rig) { r.queued("anna"); r.posting("a") }, 0},
		"a job, and a vendor's wish": {func(t *testing.T, r *rig) {
			r.queued("anna")
			require.NoError(t, r.s.Throttle(t.Context(), time.Now().Add(time.Minute)))
		}, 0},
		"a job, and a closed gate": {func(t *testing.T, r *rig) {
			r.queued("anna")
			_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Time{})
			require.NoError(t, err)
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				c.set(t, r)
				require.NoError(t, r.tick())
				require.Len(t, r.work, c.asks)
			})
		})
	}
}

// waiting has a queued job wait before it goes again.
func (r *rig) waiting(id string, d time.Duration) {
	j := r.queued(id)
	r.to(j, job.Queued, func(j *job.Job) { j.Due = time.Now().Add(d) })
}

func TestASlotWithoutATaskIsFreed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		require.NoError(t, r.s.TakeSlot(t.Context(), r.queued("bert")))
		require.Len(t, r.theGate().Slots, 2)
		require.NoError(t, r.tick())
		require.Len(t, r.theGate().Slots, 1)
		require.Contains(t, r.theGate().Slots, "anna")
	})
}

func TestATaskWithoutASlotGetsOne(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		lossy := &lossy{Store: r.s, lost: "anna"}
		r.change = func(c *poll.Config) { c.Gate, c.Slots = lossy, lossy }
		require.NoError(t, r.tick())
		require.Equal(t, []string{"anna"}, lossy.taken)
		require.NoError(t, r.tick())
		require.Len(t, lossy.taken, 1, "once")
	})
}

// lossy is a gate that has lost a slot, until it is taken again.
type lossy struct {
	*store.Store
	lost  string
	taken []string
}

func (l *lossy) Gate(ctx context.Context) (job.Gate, error) {
	g, err := l.Store.Gate(ctx)
	delete(g.Slots, l.lost)
	return g, err
}

func (l *lossy) TakeSlot(ctx context.Context, j job.Job) error {
	l.taken, l.lost = append(l.taken, j.ID), ""
	return l.Store.TakeSlot(ctx, j)
}

func TestAClosedGateIsProbedAtGrowingIntervalsAndOpensByItself(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodeNoMoney}, time.Now().Add(time.Minute))
		require.NoError(t, err)
		broken := true
		var at []time.Duration
		began := time.Now()
		r.vendor.page = func(job.ListQuery) (job.ListPage, error) {
			at = append(at, time.Since(began))
			if broken {
				return job.ListPage{}, said(job.Verdict{Outcome: job.OperatorNeeded, Status: 401})
			}
			return job.ListPage{}, nil
		}
		for range 60 {
			time.Sleep(time.Minute)
			require.NoError(t, r.tick())
		}
		const m = time.Minute
		require.Equal(t, []time.Duration{m, 3 * m, 7 * m, 11 * m, 15 * m, 19 * m, 23 * m, 27 * m, 31 * m, 35 * m, 39 * m, 43 * m, 47 * m, 51 * m, 55 * m, 59 * m}, at)
		require.NotNil(t, r.theGate().Closed)
		broken = false
		time.Sleep(5 * time.Minute)
		require.NoError(t, r.tick())
		require.Nil(t, r.theGate().Closed)
	})
}

func TestAGateThatAPersonClosedIsNotProbed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true}, time.Now())
		require.NoError(t, err)
		for range 10 {
			time.Sleep(time.Minute)
			require.NoError(t, r.tick())
		}
		require.Zero(t, r.vendor.lists)
		require.NotNil(t, r.theGate().Closed)
	})
}

func TestNoTaskIsAskedForWithAKeyThatIsRefused(t *testing.T) {
	for code, asked := range map[string]int{job.CodeKeyRefused: 0, job.CodeNoMoney: 1, job.CodePaused: 1} {
		t.Run(code, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.submitted("anna")
				_, err := r.s.CloseGate(t.Context(), job.Closure{Code: code}, time.Now().Add(time.Hour))
				require.NoError(t, err)
				require.NoError(t, r.tick())
				require.Len(t, r.vendor.asked, asked)
			})
		})
	}
}

func TestATaskThatOutlivedItsIDExpiresThoughTheKeyIsRefused(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.submitted("anna")
		r.vendor.task = func(string) (job.Answer, error) {
			return job.Answer{}, said(job.Verdict{Outcome: job.OperatorNeeded, Status: 401})
		}
		r.vendor.page = func(job.ListQuery) (job.ListPage, error) {
			return job.ListPage{}, said(job.Verdict{Outcome: job.OperatorNeeded, Status: 401})
		}
		require.NoError(t, r.tick())
		require.Equal(t, job.CodeKeyRefused, r.theGate().Closed.Code)
		time.Sleep(24 * time.Hour)
		require.NoError(t, r.tick())
		require.Equal(t, job.Submitted, r.job("anna").State, "a moment's grace, as for any task")
		time.Sleep(15 * time.Minute)
		require.NoError(t, r.tick())
		j := r.job("anna")
		require.Equal(t, job.Expired, j.State)
		require.Equal(t, job.CodeTaskExpired, j.Fault.Code)
		require.Empty(t, r.theGate().Slots)
		require.Len(t, r.told, 1)
		require.Len(t, r.vendor.asked, 1, "the refused key is not tried for it")
	})
}

func TestAMessageThatIsDueIsTold(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		m := job.Notice(job.Name{Stem: "a"}, "x", job.Fault{Code: job.CodeUnknownFile}, time.Now())
		m.Due = time.Now() // its writer has had its turn
		_, err := r.s.AddNotice(t.Context(), m)
		require.NoError(t, err)
		require.NoError(t, r.tick())
		require.Equal(t, []string{m.ID}, r.told)
	})
}

func TestTheSweepHandsInWhatCameSinceTheStackIsThere(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.inbox.objects = []job.Half{{Key: "a old.wav", Modified: time.Now().Add(-time.Hour)}}
		require.NoError(t, r.tick())
		for i := range 2100 {
			r.inbox.objects = append(r.inbox.objects, job.Half{Key: fmt.Sprintf("b%04d.wav", i), Modified: time.Now().Add(time.Second)})
		}
		require.Empty(t, r.work)
		time.Sleep(15 * time.Minute)
		for range 22 {
			require.NoError(t, r.tick())
			time.Sleep(15 * time.Second)
		}
		var keys []string
		for _, w := range r.work {
			require.Len(t, w.Keys, 100, "what one invocation of submit can take, a batch")
			keys = append(keys, w.Keys...)
		}
		require.Len(t, keys, 2100)
		require.NotContains(t, keys, "a old.wav")
		n := len(r.work)
		for range 4 {
			time.Sleep(15 * time.Minute)
			require.NoError(t, r.tick())
		}
		require.Len(t, r.work, n, "each once")
	})
}

func TestASweepThatCouldNotBePlannedIsPlannedByTheNextTick(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		s := r.step()
		r.broken["PutSweep"] = job.ErrConflict // another transaction was in the way
		require.NoError(t, s.Run(t.Context()))
		delete(r.broken, "PutSweep")
		time.Sleep(time.Minute)
		require.NoError(t, s.Run(t.Context()))
		sw, err := r.s.Sweep(t.Context())
		require.NoError(t, err)
		require.False(t, sw.Due.IsZero())
	})
}

func TestTheSweepHandsAFileInUntilSomebodyHasTakenItIn(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		require.NoError(t, r.tick())
		round := func() (keys []string) {
			time.Sleep(15 * time.Minute)
			r.work = nil
			require.NoError(t, r.tick())
			for _, w := range r.work {
				keys = append(keys, w.Keys...)
			}
			return keys
		}
		r.inbox.objects = []job.Half{{Key: "a.wav", Modified: time.Now().Add(time.Minute)}, {Key: "b.wav", Modified: time.Now().Add(time.Minute)}}
		r.known["b.wav"] = true
		r.lost = true
		for range 4 {
			require.Equal(t, []string{"a.wav"}, round(), "its event never came, and neither did what poll said of it")
		}
		r.lost = false
		require.Equal(t, []string{"a.wav"}, round())
		require.Empty(t, round())
		r.broken["Knows"] = context.DeadlineExceeded
		r.inbox.objects = append(r.inbox.objects, job.Half{Key: "c.wav", Modified: time.Now()})
		time.Sleep(15 * time.Minute)
		require.Error(t, r.tick())
		delete(r.broken, "Knows")
		time.Sleep(time.Hour)
		r.work = nil
		require.NoError(t, r.tick())
		require.Equal(t, []string{"c.wav"}, r.work[0].Keys, "a round that failed is made again")
	})
}

func TestAStepSaysEverythingThatIsWrongWithItAtOnce(t *testing.T) {
	t.Parallel()
	_, err := poll.New(poll.Config{Interval: time.Hour, MaxAttempts: -1})
	for _, what := range []string{"Vendor", "Jobs", "Agenda", "Leases", "Gate", "Slots", "Functions", "Staging", "Inbox", "Register", "Sweeps", "Manifests", "Tell",
		"Log", "Profile", "MaxInFlight", "Interval"} {
		require.ErrorContains(t, err, "poll: "+what)
	}
}

func TestTheFilmWhoseLinkEndsFirstIsBroughtHomeFirst(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		for _, id := range []string{"late", "early", "middle"} {
			r.submitted(id)
		}
		ends := map[string]time.Duration{"late": 3 * time.Hour, "early": time.Hour, "middle": 2 * time.Hour}
		for id, in := range ends {
			j := r.job(id)
			r.to(j, job.Storing, func(j *job.Job) {
				j.Due = time.Now()
				j.Result = &job.Result{URL: "https://films/x", URLEnds: time.Now().Add(in)}
			})
		}
		time.Sleep(2 * time.Minute) // nobody has taken them
		require.NoError(t, r.tick())
		require.Equal(t, []string{"early", "middle", "late"}, r.films[:3])
	})
}

func TestAProbeDoesNotUndoAPause(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.theGate()
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodeNoMoney, Since: time.Now()}, time.Now().Add(time.Second))
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		r.vendor.page = func(job.ListQuery) (job.ListPage, error) {
			closed, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, ByHand: true, Since: time.Now()}, time.Time{})
			require.NoError(t, err)
			require.True(t, closed, "the operator is told: paused")
			return job.ListPage{Page: 1, Pages: 1}, nil
		}
		require.NoError(t, r.tick())
		require.NotNil(t, r.theGate().Closed, "a pause by hand holds")
	})
}
