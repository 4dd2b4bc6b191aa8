package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// priced is a queued job whose film is quoted at a yuan; most what it can cost then.
func priced(t *testing.T, s *store.Store, name string) job.Job {
	t.Helper()
	return moved(t, s, created(t, s, name), job.Queued, inQueue, func(j *job.Job) { j.Quoted = job.Yuan })
}

var most = job.Job{Quoted: job.Yuan, Audio: job.Input{Seconds: 12.5}}.Most()

// within has a job admitted if the budget has room for it.
func within(ctx context.Context, s *store.Store, j job.Job, b job.Budget) (job.Job, error) {
	g, err := s.Gate(ctx)
	if err != nil {
		return job.Job{}, err
	}
	return s.Admit(ctx, j, job.Admission{Gate: g, Limit: 100, Intent: intent(past()), Budget: b})
}

func spentToday(t *testing.T, s *store.Store) (day, month job.Money) {
	t.Helper()
	g := gate(t, s)
	return g.Spent[job.Day.Key(time.Now())], g.Spent[job.Month.Key(time.Now())]
}

func requireSpent(t *testing.T, s *store.Store, want job.Money, says string) {
	t.Helper()
	day, month := spentToday(t, s)
	require.Equal(t, [2]job.Money{want, want}, [2]job.Money{day, month}, says)
}

var budgetSentences = []sentence{
	{"an admission reserves the most that the film can cost, and the bill takes its place", func(t *testing.T, s *store.Store) {
		j, err := within(t.Context(), s, priced(t, s, "anna"), job.Budget{Daily: most})
		require.NoError(t, err)
		require.Equal(t, most, gate(t, s).Reserved())
		requireSpent(t, s, 0, "reserved is not spent")
		j = moved(t, s, j, job.Submitted, withTask("task"))
		j = moved(t, s, j, job.Storing, func(j *job.Job) { j.Billed = job.Yuan })
		require.Zero(t, gate(t, s).Reserved())
		requireSpent(t, s, job.Yuan, "as billed")
		moved(t, s, j, job.Expired, func(j *job.Job) { j.Billed, j.Wasted = 0, job.Yuan })
		requireSpent(t, s, job.Yuan, "lost, and charged once")
	}},
	{"nobody is admitted beyond the day's or the month's budget", func(t *testing.T, s *store.Store) {
		for i, b := range []job.Budget{{Daily: 2*most - 1}, {Monthly: 2*most - 1}, {Daily: 100 * most, Monthly: 2*most - 1}, {Daily: 2*most - 1, Monthly: 100 * most}} {
			if i == 0 {
				_, err := within(t.Context(), s, priced(t, s, "first"), b)
				require.NoError(t, err)
			}
			j := priced(t, s, fmt.Sprint("no", i))
			requireUnchanged(t, s, store.GateKey, func() {
				_, err := within(t.Context(), s, j, b)
				require.ErrorIs(t, err, job.ErrConflict)
			})
		}
		_, err := within(t.Context(), s, priced(t, s, "last"), job.Budget{Daily: 2 * most, Monthly: 2 * most})
		require.NoError(t, err, "what is left is enough")
	}},
	{"who read the gate before others spent is not admitted on what was left then", func(t *testing.T, s *store.Store) {
		late := priced(t, s, "late")
		other, err := within(t.Context(), s, priced(t, s, "other"), job.Budget{})
		require.NoError(t, err)
		other = moved(t, s, other, job.Submitted, withTask("task"))
		g := gate(t, s)
		moved(t, s, other, job.Storing, func(j *job.Job) { j.Billed = 3 * most }) // dearer than anybody thought
		_, err = s.Admit(t.Context(), late, job.Admission{Gate: g, Limit: 100, Intent: intent(soon()), Budget: job.Budget{Daily: 3 * most}})
		require.ErrorIs(t, err, job.ErrConflict)
	}},
	{"who read the gate before a task was adopted is not admitted beside it", func(t *testing.T, s *store.Store) {
		held, err := within(t.Context(), s, priced(t, s, "held"), job.Budget{})
		require.NoError(t, err)
		held = moved(t, s, held, job.Held, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeAmbiguous} })
		requireSpent(t, s, most, "it may have been charged")
		late, g := priced(t, s, "late"), gate(t, s)
		moved(t, s, held, job.Submitted, withTask("task"))
		requireSpent(t, s, 0, "its slot reserves it again")
		_, err = s.Admit(t.Context(), late, job.Admission{Gate: g, Limit: 100, Intent: intent(soon()), Budget: job.Budget{Daily: 2*most - 1}})
		require.ErrorIs(t, err, job.ErrConflict)
	}},
	{"of many at once no more are admitted than the budget has room for, and what they cost is counted once each", func(t *testing.T, s *store.Store) {
		var mu sync.Mutex
		var in []job.Job
		var wg sync.WaitGroup
		for i := range 6 {
			j := priced(t, s, fmt.Sprint("j", i))
			wg.Go(func() {
				for range 30 {
					got, err := within(context.Background(), s, j, job.Budget{Daily: 3*most + most/2})
					if err == nil {
						mu.Lock()
						in = append(in, got)
						mu.Unlock()
						return
					}
					if !errors.Is(err, job.ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		require.NotEmpty(t, in)
		require.LessOrEqual(t, len(in), 3)
		for _, j := range in {
			wg.Go(func() {
				for range 30 {
					next := j
					next.State, next.Billed, next.Due, next.Task = job.Submitted, job.Yuan, day, &job.Task{ID: "task of " + j.ID, Submitted: day}
					if _, err := s.Move(context.Background(), j, next); err == nil {
						return
					} else if !errors.Is(err, job.ErrConflict) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		requireSpent(t, s, job.Money(len(in))*job.Yuan, "each once")
		require.Zero(t, gate(t, s).Reserved(), "what is charged is reserved no more")
		require.Len(t, slotsOf(t, s), len(in))
	}},
	{"a move that loses counts nothing", func(t *testing.T, s *store.Store) {
		old, err := within(t.Context(), s, priced(t, s, "anna"), job.Budget{})
		require.NoError(t, err)
		old = moved(t, s, old, job.Submitted, withTask("task"))
		won := moved(t, s, old, job.Storing, func(j *job.Job) { j.Billed = job.Yuan })
		next := old
		next.State, next.Billed = job.Storing, won.Billed
		_, err = s.Move(t.Context(), old, next)
		require.ErrorIs(t, err, job.ErrConflict)
		requireSpent(t, s, job.Yuan, "once")
	}},
	{"a repaired slot reserves again, and one that is freed does not", func(t *testing.T, s *store.Store) {
		j, err := within(t.Context(), s, priced(t, s, "anna"), job.Budget{})
		require.NoError(t, err)
		setRaw(t, s, store.GateKey, map[string]any{}, "slots")
		require.Zero(t, gate(t, s).Reserved())
		require.NoError(t, s.TakeSlot(t.Context(), j))
		require.Equal(t, most, gate(t, s).Reserved())
		other := priced(t, s, "bert")
		setRaw(t, s, store.GateKey, map[string]any{"s": 1, "r": 5}, "slots", other.ID)
		require.NoError(t, s.FreeSlot(t.Context(), other.ID, gate(t, s).Fence))
		require.Equal(t, most, gate(t, s).Reserved())
	}},
	{"a create call that was given up counts until it is settled, and once", func(t *testing.T, s *store.Store) {
		lost := func(name string) (job.Job, job.Stray) {
			j, err := within(t.Context(), s, priced(t, s, name), job.Budget{})
			require.NoError(t, err)
			j = moved(t, s, j, job.Submitting, func(j *job.Job) {
				in := *j.Intent
				in.Revoked = time.Now().UTC()
				j.Intent = &in
			})
			j = moved(t, s, j, job.Queued, func(j *job.Job) { j.Due, j.Intent = time.Time{}, nil })
			st, err := s.Stray(t.Context(), job.Stray{Job: j.ID, Post: j.Posts}.ID())
			require.NoError(t, err)
			require.Equal(t, most, st.Doubt.Sum)
			return j, st
		}
		_, gone := lost("gone")
		requireSpent(t, s, most, "it may have been charged")
		require.NoError(t, s.DropStray(t.Context(), gone))
		requireSpent(t, s, 0, "it was not")
		require.NoError(t, s.DropStray(t.Context(), gone))
		requireSpent(t, s, 0, "twice is no harm")
		j, st := lost("charged")
		st.TaskID = "found"
		_, err := s.Orphan(t.Context(), st, j, job.Yuan)
		require.NoError(t, err)
		requireSpent(t, s, job.Yuan, "what was charged takes the place of what may have been")
		_, err = s.Orphan(t.Context(), st, j, job.Yuan)
		require.ErrorIs(t, err, job.ErrConflict)
		requireSpent(t, s, job.Yuan, "once")
	}},
	{"a new day and a new month begin with nothing, and old ones are forgotten in time", func(t *testing.T, s *store.Store) {
		gate(t, s) // it is there
		now := time.Now()
		for key, sum := range map[string]int64{job.Day.Key(now.AddDate(0, 0, -1)): int64(9 * most), "2000-01-01": 7, "2000-01": 7} {
			setRaw(t, s, store.GateKey, sum, "spent:"+key)
		}
		_, err := within(t.Context(), s, priced(t, s, "anna"), job.Budget{Daily: most, Monthly: most})
		require.NoError(t, err)
		g := gate(t, s)
		require.NotContains(t, g.Spent, "2000-01-01")
		require.NotContains(t, g.Spent, "2000-01")
		require.Contains(t, g.Spent, job.Day.Key(now.AddDate(0, 0, -1)), "a doubt of yesterday may still be taken back")
	}},
	{"a budget that is reached closes the gate, is told once for each limit, and lets others close it for theirs", func(t *testing.T, s *store.Store) {
		by := job.Shortage{Period: job.Day, Limit: 5 * job.Yuan, Spent: 4 * job.Yuan, Need: most}
		m, closed, err := s.CloseBudget(t.Context(), by)
		require.NoError(t, err)
		require.True(t, closed)
		require.Equal(t, []string{m.ID}, dueMessages(t, s))
		require.Equal(t, job.CodeBudget, gate(t, s).Closed.Code)
		require.Equal(t, most, gate(t, s).Closed.Need)
		require.NotContains(t, due(t, s, time.Now().AddDate(1, 0, 0)), "gate ", "nobody probes it")
		again, closed, err := s.CloseBudget(t.Context(), by)
		require.NoError(t, err)
		require.False(t, closed)
		require.Empty(t, again.ID)
		require.NoError(t, s.Reopen(t.Context(), *gate(t, s).Closed))
		again, closed, err = s.CloseBudget(t.Context(), by)
		require.NoError(t, err)
		require.True(t, closed)
		require.Empty(t, again.ID, "it has been told")
		require.NoError(t, s.Reopen(t.Context(), *gate(t, s).Closed))
		by.Limit *= 2
		again, closed, err = s.CloseBudget(t.Context(), by)
		require.NoError(t, err)
		require.True(t, closed)
		require.NotEqual(t, m.ID, again.ID)
		require.NotEmpty(t, again.ID, "another limit is another story")
		closed, err = s.CloseGate(t.Context(), job.Closure{Code: job.CodeKeyRefused, Since: day}, time.Now())
		require.NoError(t, err)
		require.True(t, closed, "nobody would find out that the key works again")
		_, closed, err = s.CloseBudget(t.Context(), by)
		require.NoError(t, err)
		require.False(t, closed)
		require.Equal(t, job.CodeKeyRefused, gate(t, s).Closed.Code)
	}},
	{"a day that is told with its month is told once, and not for a shortage of the day before", func(t *testing.T, s *store.Store) {
		told := map[string]int{}
		for _, p := range []job.Period{job.Day, job.Month, job.Day, job.Month, job.Day} {
			m, closed, err := s.CloseBudget(t.Context(), job.Shortage{Period: p, Limit: 5 * job.Yuan, Need: job.Yuan})
			require.NoError(t, err)
			require.True(t, closed)
			if m.ID != "" {
				told[m.ID]++
			}
			require.NoError(t, s.Reopen(t.Context(), *gate(t, s).Closed))
		}
		require.Len(t, told, 2)
		_, closed, err := s.CloseBudget(t.Context(), job.Shortage{Period: job.Day, Limit: 9 * job.Yuan, Of: job.Day.Key(time.Now().AddDate(0, 0, -1))})
		require.NoError(t, err)
		require.False(t, closed)
		require.Nil(t, gate(t, s).Closed)
	}},
	{"people see which budget is kept", func(t *testing.T, s *store.Store) {
		gate(t, s)
		b := job.Budget{Monthly: 20 * job.Yuan}
		require.NoError(t, s.NoteBudget(t.Context(), b))
		require.Equal(t, b, gate(t, s).Budget)
		require.NoError(t, s.NoteBudget(t.Context(), job.Budget{}))
		require.NotContains(t, raw(t, s, store.GateKey), "budget")
	}},
}
