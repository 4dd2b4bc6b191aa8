package lambda

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// ticks records what a schedule sends.
type ticks struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration
	last  *event
	busy  bool // new events wait for a worker
	err   error
}

func (r *ticks) enqueue(fn string, _ []byte) (*event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Since(r.start))
	if r.err != nil {
		return nil, r.err
	}
	r.last = &event{fn: fn}
	r.last.waiting.Store(r.busy)
	return r.last, nil
}

func (r *ticks) schedule(t *testing.T, cfg ScheduleConfig) *Schedule {
	t.Helper()
	r.start = time.Now()
	cfg.Function = "poll"
	s, err := newSchedule(cfg, r.enqueue, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Close) // a failed test must not hang its bubble
	return s
}

func TestAScheduleTicksAtOnceAndThenEverySoOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r ticks
		var inputs []time.Time
		s := r.schedule(t, ScheduleConfig{Every: time.Minute, Input: func(at time.Time) []byte {
			inputs = append(inputs, at)
			return nil
		}})
		time.Sleep(150 * time.Second)
		s.Close()
		time.Sleep(time.Hour)
		require.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute}, r.at)
		require.Equal(t, []time.Time{r.start, r.start.Add(time.Minute), r.start.Add(2 * time.Minute)}, inputs)
	})
}

func TestAFlexibleStartComesWithinATenthOfThePeriod(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var r ticks
			s := r.schedule(t, ScheduleConfig{Every: 10 * time.Second, FlexibleStart: true})
			time.Sleep(11500 * time.Millisecond)
			s.Close()
			require.Len(t, r.at, 2)
			require.LessOrEqual(t, r.at[0], time.Second)
			require.Equal(t, 10*time.Second, r.at[1]-r.at[0])
		})
	}
}

func TestTicksDoNotPileUpBehindOneThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := ticks{busy: true}
		s := r.schedule(t, ScheduleConfig{Every: time.Minute})
		time.Sleep(5*time.Minute + time.Second)
		synctest.Wait()
		require.Len(t, r.at, 1)
		require.Equal(t, 5, s.Skipped())
		r.last.waiting.Store(false) // it got a worker; it may still run
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, r.at, 2)
		s.Close()
	})
}

func TestARefusedTickDoesNotEndTheSchedule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := ticks{err: ErrQueueFull}
		s := r.schedule(t, ScheduleConfig{Every: time.Minute})
		time.Sleep(90 * time.Second)
		synctest.Wait()
		require.Len(t, r.at, 2)
		s.Close()
	})
}

func TestAScheduleNamesItsWrongFields(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	_, err := b.NewSchedule(ScheduleConfig{Function: "other"})
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "Every 0s")
}

func TestAScheduleRunsTheRealFunction(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	s, err := b.NewSchedule(ScheduleConfig{
		Function: "fn", Every: time.Hour,
		Input: func(time.Time) []byte { return []byte(`{"do":"print","arg":"tick"}`) },
	})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, "tick", next(t, b.lines))
}
