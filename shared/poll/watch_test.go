package poll_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
)

// A film of ten seconds takes the vendor of these tests so long.
const work = 85 * time.Second

// made has a film of ten seconds come from the vendor, and home.
func (r *rig) made(id string) {
	j := r.to(r.fresh(id), job.Storing, func(j *job.Job) {
		task := *j.Task
		task.Started, task.Ended = task.Submitted.Add(-work), task.Submitted
		j.Task = &task
	})
	r.to(j, job.Expired, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeTaskExpired} })
}

// line has the vendor work on three tasks, one after the other, the first from now on, of
// which it is known how long they take. asked are the times of the questions, by job.
func (r *rig) line() (asked map[string][]time.Duration) {
	began := time.Now()
	asked = map[string][]time.Duration{}
	r.theGate()
	for i := range 5 {
		r.made(fmt.Sprint("earlier-", i))
	}
	ids := []string{"task-anna", "task-bert", "task-cleo"}
	for _, id := range ids {
		r.fresh(id[len("task-"):])
		time.Sleep(time.Millisecond)
	}
	r.vendor.task = func(id string) (job.Answer, error) {
		n := time.Duration(slices.Index(ids, id))
		a := job.Answer{TaskID: id, Status: job.TaskPending, Started: began.Add(n * work)}
		asked[id[len("task-"):]] = append(asked[id[len("task-"):]], time.Since(began).Truncate(100*time.Millisecond))
		switch since := time.Since(a.Started); {
		case since < 0:
			a.Started = time.Time{}
		case since < work:
			a.Status = job.TaskRunning
		default:
			a.Status, a.Ended, a.VideoURL = job.TaskSucceeded, a.Started.Add(work), "https://films/1"
		}
		return a, nil
	}
	return asked
}

// stuck has the vendor go on with the first for ever.
func (r *rig) stuck() {
	scripted := r.vendor.task
	r.vendor.task = func(id string) (job.Answer, error) {
		a, err := scripted(id)
		if a.VideoURL, a.Status = "", job.TaskPending; id == "task-anna" {
			a.Status = job.TaskRunning
		}
		return a, err
	}
}

// ticks runs a tick a minute in one process.
func (r *rig) ticks(n int) {
	s := r.step()
	for range n {
		began := time.Now()
		require.NoError(r.t, s.Run(r.t.Context()))
		require.Less(r.t, time.Since(began), time.Minute)
		time.Sleep(time.Until(began.Add(time.Minute)))
	}
}

// seconds are times in seconds.
func seconds(at []time.Duration) (s []float64) {
	for _, d := range at {
		s = append(s, d.Seconds())
	}
	return s
}

func TestWhatIsAboutToEndIsLookedAtMoreOftenAndWhatWaitsSeldom(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		r.ticks(2)
		anna := seconds(asked["anna"])
		require.Subset(t, anna, []float64{15, 30, 45, 60, 75})
		last := anna[len(anna)-1]
		require.GreaterOrEqual(t, last, 85.)
		require.LessOrEqual(t, last, 88., "it took %v", anna)
		bert := seconds(asked["bert"])
		require.Equal(t, []float64{15, 75}, bert[:2], "once a minute while anna's is before it")
		require.LessOrEqual(t, bert[2], 100., "it may have begun when anna's ended: %v", bert)
		require.Len(t, asked["cleo"], 2, "in two minutes")
	})
}

func TestATaskThatTakesLongerThanExpectedIsLookedAtEveryInterval(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		r.stuck()
		r.ticks(4)
		var after []time.Duration
		for _, at := range asked["anna"] {
			if at > 90*time.Second {
				after = append(after, at)
			}
		}
		for i := 1; i < len(after); i++ {
			require.LessOrEqual(t, after[i]-after[i-1], 15*time.Second)
		}
		require.LessOrEqual(t, len(after), 150/15+2, "%v", after)
	})
}

func TestALookBetweenBatchesReadsNothingAndWritesNothing(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.line()
		r.stuck()
		s := r.step()
		require.NoError(t, s.Run(t.Context())) // to 58 s at most
		time.Sleep(time.Until(r.job("anna").Task.Started.Add(75 * time.Second)))
		ctx, cancel := context.WithTimeout(t.Context(), 19*time.Second) // looks until 89 s, one batch
		defer cancel()
		r.reads, r.vendor.asked = nil, nil
		require.NoError(t, s.Run(ctx))
		looks := 0
		for _, id := range r.vendor.asked {
			if id == "task-anna" {
				looks++
			}
		}
		require.Equal(t, 3, looks)
		reads := map[string]int{}
		for _, what := range r.reads {
			reads[what]++
		}
		// A tick's first batch, and its list: what is due further ahead, and what waits.
		require.Equal(t, map[string]int{"Lease": 1, "Due": 1 + 1, "Gate": 2, "Job": 3, "Queue": 1}, reads)
	})
}

func TestASlotThatIsFreeBetweenBatchesIsOfferedAtOnceAndOnce(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		r.line()
		r.queued("dora")
		var offered, seen []time.Duration
		began := time.Now()
		r.change = func(c *poll.Config) {
			c.Functions = functions{func() { offered = append(offered, time.Since(began)) }, func() { seen = append(seen, time.Since(began)) }}
		}
		r.ticks(2)
		require.Len(t, seen, 1, "finalize is invoked once")
		require.Less(t, seen[0], work+4*time.Second)
		require.NotEmpty(t, offered)
		require.Equal(t, seen[0], offered[0], "at the moment in which the end was seen")
		for i := 1; i < len(offered); i++ {
			require.GreaterOrEqual(t, offered[i]-offered[i-1], time.Second, "nobody took it: each batch offers it again, %v", offered)
		}
		require.LessOrEqual(t, len(offered), 3)
	})
}

// functions are told of, and do nothing.
type functions struct{ submit, finalize func() }

func (f functions) Submit(context.Context, job.Work) error { f.submit(); return nil }
func (f functions) Finalize(context.Context, string) error { f.finalize(); return nil }

func TestNoLookBeginsThatCouldNotEndBeforeTheDeadline(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		r.stuck()
		s := r.step()
		require.NoError(t, s.Run(t.Context()))
		time.Sleep(time.Until(r.job("anna").Task.Started.Add(60 * time.Second)))
		ctx, cancel := context.WithTimeout(t.Context(), 30500*time.Millisecond)
		defer cancel()
		require.NoError(t, s.Run(ctx))
		last := slices.Max(asked["anna"])
		require.Less(t, last, 85500*time.Millisecond, "five seconds are for it to end")
		require.Greater(t, last, 80*time.Second, "between the last batch and that, at 84; one at 87 would have followed")
	})
}

func TestAVendorThatWantsNoMoreQuestionsIsAskedNoneUntilTheNextBatch(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		scripted, began := r.vendor.task, time.Now()
		r.vendor.task = func(id string) (job.Answer, error) {
			a, err := scripted(id)
			if time.Since(began) > 80*time.Second {
				err = said(job.Verdict{Outcome: job.Throttled, Status: 429})
			}
			return a, err
		}
		r.ticks(2)
		var refused []float64
		for _, at := range asked["anna"] {
			if at > 80*time.Second {
				refused = append(refused, at.Seconds())
			}
		}
		require.LessOrEqual(t, len(refused), 3, "one, and one for each batch: %v", refused)
		require.NotEmpty(t, refused)
	})
}

func TestWhatSomebodyElseHasSeenEndIsNotAskedForAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		pushed := work + 100*time.Millisecond
		var told atomic.Bool
		time.AfterFunc(pushed, func() {
			if r.single().Look(t.Context(), "task-anna") == nil {
				told.Store(true)
			}
		})
		r.ticks(2)
		require.True(t, told.Load())
		require.Equal(t, []string{"anna"}, r.films, "finalize is invoked once")
		later := 0
		for _, at := range asked["anna"] {
			if at > pushed+time.Second {
				later++
			}
		}
		require.LessOrEqual(t, later, 1, "the answer that finds the record changed is the last")
	})
}

func TestATaskThatTheVendorDoesNotKnowIsNotLookedAtMoreOften(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		scripted, began := r.vendor.task, time.Now()
		r.vendor.task = func(id string) (job.Answer, error) {
			a, err := scripted(id)
			if time.Since(began) > 70*time.Second {
				a.Status = job.TaskUnknown
			}
			return a, err
		}
		r.ticks(2)
		n := 0
		for _, at := range asked["anna"] {
			if at > 70*time.Second {
				n++
			}
		}
		require.Equal(t, 3, n, "at 75, 90 and 105: %v", asked["anna"])
		require.Equal(t, 3, r.job("anna").Task.Missing)
	})
}

func TestOneBatchAMinuteStaysOneBatchAMinute(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		r.change = func(c *poll.Config) { c.Interval = time.Minute }
		s := r.step()
		for range 3 {
			time.Sleep(time.Minute)
			began := time.Now()
			require.NoError(t, s.Run(t.Context()))
			require.Less(t, time.Since(began), time.Second, "whoever asks for a look a minute pays for no more")
		}
		require.Len(t, asked["anna"], 2, "the end is seen by the second")
	})
}

func TestARefusedKeyIsTriedByNoMoreLooks(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		asked := r.line()
		scripted, began := r.vendor.task, time.Now()
		r.vendor.task = func(id string) (job.Answer, error) {
			a, err := scripted(id)
			if time.Since(began) > 80*time.Second {
				err = said(job.Verdict{Outcome: job.OperatorNeeded, Status: 401})
			}
			return a, err
		}
		r.ticks(2) // a free call tries the key again after that
		n := 0
		for _, at := range asked["anna"] {
			if at > 80*time.Second {
				n++
			}
		}
		require.Equal(t, 1, n)
		require.Equal(t, job.CodeKeyRefused, r.theGate().Closed.Code)
	})
}
