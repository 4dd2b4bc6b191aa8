package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// ScheduleConfig describes a schedule, after EventBridge Scheduler's rate().
type ScheduleConfig struct {
	// Every is the time between two ticks. Required, at least a millisecond.
	Every time.Duration
	// Function is the name of the function to invoke. Required.
	Function string
	// Input returns the payload of the tick at this time. Nil means {}.
	Input func(at time.Time) []byte
	// FlexibleStart puts the first tick at a random moment within the first tenth
	// of Every, at most 5 s, so that several schedules do not beat together. Else
	// the first tick comes at once.
	FlexibleStart bool
}

// Schedule invokes a function asynchronously at every tick.
//
// A tick is one event: how often it is tried and how long it may wait is the
// function's AsyncConfig. Ticks never pile up: those missed while the machine
// slept are left out, and so is a tick while the event of the one before waits, for
// a worker or for its next attempt. Two ticks may run at the same time, as they may in the cloud.
type Schedule struct {
	cfg     ScheduleConfig
	enqueue func(fn string, payload []byte) (*event, error)
	log     *slog.Logger
	cancel  context.CancelFunc
	ended   chan struct{}
	skipped atomic.Int64
}

// NewSchedule starts a schedule. Close must be called, before the host's Close.
// The error names every wrong field.
func (h *Host) NewSchedule(cfg ScheduleConfig) (*Schedule, error) {
	var missing error
	if h.pools[cfg.Function] == nil {
		missing = fmt.Errorf("Function: %w: %q", ErrNotFound, cfg.Function)
	}
	s, err := newSchedule(cfg, h.enqueue, h.cfg.Log, missing)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newSchedule(cfg ScheduleConfig, enqueue func(string, []byte) (*event, error), log *slog.Logger, errs ...error) (*Schedule, error) {
	if cfg.Every < time.Millisecond {
		errs = append(errs, fmt.Errorf("Every %s is shorter than a millisecond", cfg.Every))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if cfg.Input == nil {
		cfg.Input = func(time.Time) []byte { return nil }
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Schedule{cfg: cfg, enqueue: enqueue, log: log, cancel: cancel, ended: make(chan struct{})}
	go s.run(ctx)
	return s, nil
}

// Skipped returns how many ticks were left out because the one before was
// still waiting. It may be called concurrently.
func (s *Schedule) Skipped() int { return int(s.skipped.Load()) }

// Close stops the ticks. Events that were accepted go on.
func (s *Schedule) Close() {
	s.cancel()
	<-s.ended
}

func (s *Schedule) run(ctx context.Context) {
	defer close(s.ended)
	if s.cfg.FlexibleStart {
		within := min(s.cfg.Every/10, 5*time.Second)
		first := time.NewTimer(rand.N(within + 1))
		defer first.Stop()
		select {
		case <-ctx.Done():
			return
		case <-first.C:
		}
	}
	ticker := time.NewTicker(s.cfg.Every) // drops ticks that nobody takes
	defer ticker.Stop()
	last := s.tick(time.Now(), nil)
	for {
		select {
		case <-ctx.Done():
			return
		case at := <-ticker.C:
			last = s.tick(at, last)
		}
	}
}

// tick sends one event and returns it, or the last one when it was left out.
func (s *Schedule) tick(at time.Time, last *event) *event {
	if last != nil && last.waiting.Load() {
		s.skipped.Add(1)
		s.log.Warn("tick left out", slog.String("fn", s.cfg.Function))
		return last
	}
	e, err := s.enqueue(s.cfg.Function, s.cfg.Input(at))
	if err != nil {
		s.log.Warn("tick refused", slog.String("fn", s.cfg.Function), slog.Any("err", err))
		return last
	}
	return e
}
