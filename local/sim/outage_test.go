package sim_test

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo"
	"emodrop/local/race"
	"emodrop/local/sim"
	"emodrop/shared/job"
)

// outage is a long trouble in a stack that people use all the while.
type outage struct {
	lasts time.Duration
	// ops are what does not answer, as in sim.Outage.
	ops []string
	// begin and end are for trouble of another kind.
	begin, end func(t *testing.T, w *sim.World)
	config     func(c *sim.Config)
	// back is how long after the end everything handed in is at home, besides the
	// vendor's own work on it.
	back time.Duration
	// alarms are those that go off, once each; nil: none.
	alarms []string
}

// outages are named after their rows in docs/failures.md.
var outages = map[string]outage{
	"the vendor is down for 6 hours": {lasts: 6 * time.Hour, back: 5 * time.Minute, alarms: []string{"OldestJob"},
		begin: func(t *testing.T, w *sim.World) {
			for _, op := range []string{"create", "detect", "query", "list", "result"} {
				add(t, w, emo.Rule{Op: op, Kind: "status", Code: "ModelUnavailable"})
			}
		},
		end: func(_ *testing.T, w *sim.World) { w.Emulator.ClearFaults() }},
	"the vendor cannot be reached for 6 hours": {lasts: 6 * time.Hour, ops: []string{"vendor.", "film."}, back: 5 * time.Minute,
		alarms: []string{"OldestJob"}},
	"the table is throttled for an hour": {lasts: time.Hour, ops: []string{"store."}, back: 5 * time.Minute},
	"S3 answers 503 for an hour": {lasts: time.Hour, ops: []string{"inbox.", "outbox.", "staging."},
		back: 5 * time.Minute},
	"the topic is down for 12 hours": {lasts: 12 * time.Hour, ops: []string{"topic."}, back: 5 * time.Minute},
	"the key is refused for 6 hours": {lasts: 6 * time.Hour, back: 5 * time.Minute, alarms: []string{"GateClosed", "OldestJob"},
		begin: func(_ *testing.T, w *sim.World) { w.SetKey("sk-revoked") },
		end:   func(_ *testing.T, w *sim.World) { w.SetKey("sk-sim") }},
	"the vendor's clock is 15 minutes ahead": {lasts: time.Hour, back: 5 * time.Minute,
		config: func(c *sim.Config) { c.Emulator.ClockOffset = 15 * time.Minute }},
	"the vendor's clock is 15 minutes behind": {lasts: time.Hour, back: 5 * time.Minute,
		config: func(c *sim.Config) { c.Emulator.ClockOffset = -15 * time.Minute }},
	// The sweep's period.
	"every event of the bucket is lost": {lasts: 2 * time.Hour, ops: []string{"lost:event"}, back: 20 * time.Minute},
	"every invocation between functions is lost": {lasts: 2 * time.Hour, ops: []string{"lost:invoke."},
		back: 5 * time.Minute},
	"the poller is silent for an hour": {lasts: time.Hour, ops: []string{"tick"}, back: 5 * time.Minute},
}

// TestAnOutage has people hand in before, during and after a long trouble. Whatever
// it is, it costs time and nothing else.
func TestAnOutage(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(outages)) {
		o := outages[name]
		oneOf(t, name, func(t *testing.T) {
			if o.lasts > 2*time.Hour {
				race.Leave(t)
			}
			t.Parallel()
			const begins = 20 * time.Minute
			cfg := sim.Config{Emulator: emo.Config{APIKeys: map[string]string{"sk-sim": "1001"}}}
			for _, ops := range o.ops {
				cfg.Storm.Outages = append(cfg.Storm.Outages, sim.Outage{Ops: ops, From: begins, To: begins + o.lasts})
			}
			if o.config != nil {
				o.config(&cfg)
			}
			log := &watch{}
			cfg.Log = slog.New(log)
			in(t, cfg, func(t *testing.T, w *sim.World) {
				w.Run(2 * time.Minute) // older files are none of a new stack's business
				began := time.Now().Add(-2 * time.Minute)
				over := began.Add(begins + o.lasts)
				n := 0
				hand := func() {
					w.Hand(fmt.Sprintf("job-%02d.png", n), portrait(n))
					w.Run(time.Second)
					w.Hand(fmt.Sprintf("job-%02d.wav", n), sim.Recording(n, length))
					n++
				}
				hand()
				w.Run(time.Until(began.Add(begins - 3*time.Second)))
				hand() // its create or its way there is in the middle of it
				w.Run(time.Until(began.Add(begins)))
				if o.begin != nil {
					o.begin(t, w)
				}
				for every := max(15*time.Minute, o.lasts/8); time.Until(over) > every; {
					w.Run(every)
					hand()
				}
				w.Run(time.Until(over))
				if o.end != nil {
					o.end(t, w)
				}
				// One after the other at 8.5 s a second of film, and what is between them.
				work := time.Duration(n) * 35 * time.Second
				w.Run(o.back + work)
				for name, j := range jobs(t, w) {
					require.Equal(t, job.Succeeded, j.State, "%s: %+v", name, j.Fault)
				}
				hand()
				w.Run(5 * time.Minute)
				finished(t, w, n)
				rang := log.rang(began, time.Now())
				for _, name := range o.alarms {
					require.Equal(t, 1, rang[name], "%s goes off once: %v", name, rang)
					delete(rang, name)
				}
				require.Empty(t, rang, "and no other alarm")
			})
		})
	}
}
