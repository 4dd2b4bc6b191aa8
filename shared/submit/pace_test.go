package submit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/submit"
)

func TestCreatesKeepTheirDistanceWhoeverMakesThem(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.change = func(c *submit.Config) { c.MaxInFlight = 20 }
		for i := range 20 {
			r.queued(fmt.Sprintf("job-%02d", i))
		}
		var begun, answered []time.Time
		r.vendor.create = func(context.Context, job.CreateRequest) (job.Created, error) {
			begun = append(begun, time.Now())
			time.Sleep(10 * time.Millisecond)
			answered = append(answered, time.Now())
			return job.Created{TaskID: fmt.Sprint("task-", len(begun))}, nil
		}
		for len(begun) < 20 {
			// Another process each time, as soon as the one before it is done.
			ctx, cancel := context.WithTimeout(t.Context(), 41*time.Second)
			require.NoError(t, r.step().Dispatch(ctx))
			cancel()
		}
		for i := range begun[1:] {
			require.GreaterOrEqual(t, begun[i+1].Sub(answered[i]), 250*time.Millisecond-time.Millisecond, "create %d", i+1)
		}
		require.Less(t, begun[19].Sub(begun[0]), 6*time.Second, "and no more than that")
	})
}

// asking counts what a dispatch reads of the jobs.
type asking struct {
	submit.Jobs
	queues, rows, jobs int
}

func (a *asking) Queue(ctx context.Context, limit int) ([]string, error) {
	ids, err := a.Jobs.Queue(ctx, limit)
	a.queues, a.rows = a.queues+1, a.rows+len(ids)
	return ids, err
}

func (a *asking) Job(ctx context.Context, id string) (job.Job, error) {
	a.jobs++
	return a.Jobs.Job(ctx, id)
}

func TestADispatchReadsNoMoreOfTheQueueThanItHasSlotsFor(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		a := &asking{Jobs: r.s}
		r.jobs = a
		r.change = func(c *submit.Config) { c.MaxInFlight = 20 }
		for i := range 300 {
			r.queued(fmt.Sprintf("job-%03d", i))
		}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 20)
		require.Equal(t, 1, a.queues)
		require.Equal(t, 20+10, a.rows)
		require.Equal(t, 20, a.jobs, "each that was sent, once")

		*a = asking{Jobs: r.s}
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Equal(t, asking{Jobs: r.s}, *a, "nothing while all slots are taken")
	})
}

func TestADispatchGoesOnBehindWhatHasLeftTheQueueAlready(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		stale := behind{Jobs: r.s}
		for i := range 40 {
			id := fmt.Sprintf("job-%02d", i)
			j := r.queued(id)
			stale.ids = append(stale.ids, id)
			if i < 37 {
				next := j
				next.State = job.Canceled
				_, err := r.s.Move(t.Context(), j, next)
				require.NoError(t, err)
			}
		}
		r.jobs = stale
		require.NoError(t, r.step().Dispatch(t.Context()))
		require.Len(t, r.vendor.creates, 3)
	})
}

// behind is a queue whose index shows who was in it a while ago.
type behind struct {
	submit.Jobs
	ids []string
}

func (b behind) Queue(_ context.Context, limit int) ([]string, error) {
	return b.ids[:min(limit, len(b.ids))], nil
}

func TestDetectIsCalledAtItsTurns(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		var mu sync.Mutex
		var at []time.Time
		r.vendor.detect = func(context.Context) (job.Face, error) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			return job.Face{Pass: true, Ext: job.Box{0, 0, 3, 3}}, nil
		}
		var wg sync.WaitGroup
		for p := range 3 {
			s := r.step() // a process of its own
			for i := range 4 {
				id := fmt.Sprintf("job-%d-%d", p, i)
				r.received(id)
				wg.Go(func() { require.NoError(t, s.Prepare(t.Context(), id)) })
			}
		}
		wg.Wait()
		require.Len(t, at, 12)
		for i := range at[1:] {
			require.GreaterOrEqual(t, at[i+1].Sub(at[i]), 250*time.Millisecond)
		}
		require.LessOrEqual(t, at[11].Sub(at[0]), 3*time.Second)
	})
}

// turns are a cache of faces that knows none, and its turns.
type turns struct {
	noFaces
	give func(n int) ([]time.Time, error)
}

func (f turns) Turns(_ context.Context, _ string, _, _ time.Duration, n int) ([]time.Time, error) {
	return f.give(n)
}

func TestThoseWhoWaitForATurnAtTheSameTimeAskForItTogether(t *testing.T) {
	for name, c := range map[string]struct {
		within int // how many turns there are to be had
		broken bool
		called int
	}{
		"and each gets one":                         {within: 100, called: 8},
		"and the last go without":                   {within: 5, called: 5},
		"and one that asks in vain spoils no other": {within: 100, broken: true, called: 7},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				var asked []int
				given, began := 0, time.Now()
				r.faces = turns{noFaces{get: job.ErrNotFound}, func(n int) (all []time.Time, err error) {
					time.Sleep(10 * time.Millisecond)
					asked = append(asked, n)
					if c.broken && len(asked) == 2 {
						return nil, errStore
					}
					for ; len(all) < n && given < c.within; given++ {
						all = append(all, began.Add(time.Second+time.Duration(given)*250*time.Millisecond))
					}
					return all, nil
				}}
				var mu sync.Mutex
				var at []time.Time
				r.vendor.detect = func(context.Context) (job.Face, error) {
					mu.Lock()
					defer mu.Unlock()
					at = append(at, time.Now())
					return job.Face{Pass: true, Ext: job.Box{0, 0, 3, 3}}, nil
				}
				s := r.step()
				var wg sync.WaitGroup
				failed := 0
				for i := range 8 {
					id := fmt.Sprint("job-", i)
					r.received(id)
					wg.Go(func() {
						time.Sleep(time.Duration(i) * time.Millisecond)
						if err := s.Prepare(t.Context(), id); err != nil {
							mu.Lock()
							defer mu.Unlock()
							if failed++; !errors.Is(err, errStore) {
								t.Error(err)
							}
						}
					})
				}
				wg.Wait()
				require.Len(t, at, c.called)
				for i, now := range at {
					require.Equal(t, time.Second+time.Duration(i)*250*time.Millisecond, now.Sub(began), "call %d", i)
				}
				if c.broken {
					require.Equal(t, []int{1, 7, 6}, asked)
					require.Equal(t, 1, failed)
					return
				}
				require.Equal(t, []int{1, 7}, asked)
				require.Zero(t, failed)
			})
		})
	}
}

func TestWhoHasGivenUpWaitingForATurnTakesNone(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		var asked []int
		r.faces = turns{noFaces{get: job.ErrNotFound}, func(n int) ([]time.Time, error) {
			time.Sleep(10 * time.Second)
			asked = append(asked, n)
			return make([]time.Time, 0), nil
		}}
		s := r.step()
		var wg sync.WaitGroup
		for i := range 3 {
			id := fmt.Sprint("job-", i)
			r.received(id)
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second)
				ctx := t.Context()
				if i == 1 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Second)
					defer cancel()
				}
				err := s.Prepare(ctx, id)
				require.Equal(t, i == 1, err != nil, "%v", err)
			})
		}
		wg.Wait()
		require.Equal(t, []int{1, 1}, asked, "the first, and the last alone")
	})
}

func TestAJobForWhichNoTurnIsNearWaitsAndIsNotFailed(t *testing.T) {
	for name, err := range map[string]error{"too many others": nil, "another transaction is in the way": job.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, r *rig) {
				r.received("anna")
				r.faces = turns{noFaces{get: job.ErrNotFound}, func(int) ([]time.Time, error) { return nil, err }}
				require.NoError(t, r.step().Prepare(t.Context(), "anna"))
				j := r.job("anna")
				require.Equal(t, job.Received, j.State)
				require.Nil(t, j.Fault)
				require.Zero(t, j.Tries)
				require.WithinRange(t, j.Due, time.Now().Add(20*time.Second), time.Now().Add(time.Minute))
				require.Zero(t, r.vendor.detects)
			})
		})
	}
}

func TestAJobThatIsPostedAgainAfterItsFilmHasItsFaceFoundAgain(t *testing.T) {
	faceless := func(r *rig) job.Job {
		j := r.queued("anna")
		next := j
		next.Face = job.Face{}
		j, err := r.s.Move(r.t.Context(), j, next)
		require.NoError(r.t, err)
		return j
	}
	known := job.Face{Pass: true, Box: job.Box{1, 2, 3, 4}, Ext: job.Box{0, 0, 9, 9}}
	t.Run("as it is remembered", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			j := faceless(r)
			require.NoError(t, r.s.PutFace(t.Context(), j.Image.SHA256, j.Ratio, known))
			require.NoError(t, r.step().Dispatch(t.Context()))
			require.Zero(t, r.vendor.detects)
			require.Equal(t, known.Ext, r.vendor.creates[0].Ext)
			require.Equal(t, job.Submitted, r.job("anna").State)
		})
	})
	t.Run("by detect, if it is forgotten", func(t *testing.T) {
		in(t, func(t *testing.T, r *rig) {
			faceless(r)
			require.NoError(t, r.step().Dispatch(t.Context()))
			require.Equal(t, 1, r.vendor.detects)
			require.Equal(t, job.Box{0, 0, 3, 3}, r.vendor.creates[0].Ext)
		})
	})
	t.Run("and is not posted without", func(t *testing.T) {
		for name, c := range map[string]struct {
			spoil func(r *rig)
			state job.State
			code  string
		}{
			"detect refuses it now": {func(r *rig) {
				r.vendor.detect = func(context.Context) (job.Face, error) { return job.Face{Code: "InvalidFile.NoHuman"}, nil }
			}, job.Rejected, job.CodeFaceRefused},
			"detect does not answer": {func(r *rig) {
				r.vendor.detect = func(context.Context) (job.Face, error) {
					return job.Face{}, said(job.Verdict{Outcome: job.Retry})
				}
			}, job.Queued, ""},
			"its portrait is gone": {func(r *rig) {
				r.files.stage = func(context.Context, string, string) error { return job.ErrNotFound }
			}, job.Rejected, job.CodeFileGone},
		} {
			t.Run(name, func(t *testing.T) {
				in(t, func(t *testing.T, r *rig) {
					faceless(r)
					time.Sleep(time.Second)
					r.queued("bert")
					c.spoil(r)
					require.NoError(t, r.step().Dispatch(t.Context()))
					j := r.job("anna")
					require.Equal(t, c.state, j.State)
					if c.code != "" {
						require.Equal(t, c.code, j.Fault.Code)
					} else {
						require.True(t, j.Due.After(time.Now()), "it steps back")
					}
					for _, p := range r.vendor.creates {
						require.NotContains(t, p.ImageURL.Reveal(), "anna")
					}
				})
			})
		}
	})
}
