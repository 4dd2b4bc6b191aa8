package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"emodrop/shared/job"
)

// Gate reads the gate, making it first if this stack has none yet.
func (s *Store) Gate(ctx context.Context) (job.Gate, error) {
	for {
		var g job.Gate
		it, err := s.read(ctx, gateKey, &g)
		if err == nil {
			s.gated.Store(true)
			g.Due, g.Spent = fromMillis(it[dueIndex.rang]), spentOf(it)
			return g, nil
		}
		if !errors.Is(err, job.ErrNotFound) {
			return job.Gate{}, err
		}
		s.gated.Store(false)
		if err := s.ensureGate(ctx); err != nil {
			return job.Gate{}, err
		}
	}
}

func (s *Store) ensureGate(ctx context.Context) error {
	if s.gated.Load() {
		return nil
	}
	it, err := encode(job.Gate{Slots: map[string]job.Slot{}, Installed: time.Now().UTC().Truncate(time.Millisecond)})
	if err != nil {
		return err
	}
	err = s.t.write(ctx, change(gateKey, nil, it, absent(keyAttr)))
	if err != nil && !lost(err) {
		return err
	}
	s.gated.Store(true)
	return nil
}

// Admit is the one way into SUBMITTING. In one transaction: the posting lease is
// free and taken, a slot is free and taken, the gate is open, the intent is
// written with a fencing number that never repeats, the most that the film can cost fits
// into the budget and is reserved, a trial of links to S3 is noted, the job moves.
// job.ErrConflict when any of it does not hold any more.
func (s *Store) Admit(ctx context.Context, from job.Job, a job.Admission) (job.Job, error) {
	if from.State != job.Queued {
		return job.Job{}, errNotQueued
	}
	if from.Options.DryRun || from.Options.Refused != "" {
		return job.Job{}, errNeverSent
	}
	now := time.Now()
	fence := a.Gate.Fence + 1
	to := from
	to.State, to.Posts, to.Due = job.Submitting, from.Posts+1, a.Intent.Until
	intent := a.Intent
	intent.Fence = fence
	to.Intent, to.Task, to.Result, to.Fault = &intent, nil, nil, nil
	if to.Via = ""; intent.StagedImage == "" {
		to.Via = job.TransferTemp
	}
	w, moved, err := s.jobWrite(from, to)
	if err != nil {
		return job.Job{}, err
	}
	lease, err := encode(job.PostLease{Job: to.ID, Fence: fence, Until: intent.Until})
	if err != nil {
		return job.Job{}, err
	}
	lease["until_ms"] = millis(intent.Until)
	g := write{key: gateKey,
		set: []assign{{at("fence"), number(fence)}, {at("lease"), map[string]any(lease)},
			{at("slots", to.ID), slotItem(to)}, {at(writeAttr), newMark()}},
		conds: []cond{
			equal(a.Gate.Fence, "fence"),
			absent("closed"),
			oneOf(absent("lease"), less(millis(now), "lease", "until_ms")),
			oneOf(sizeLess(a.Limit, "slots"), exists("slots", to.ID)),
		}}
	if class, clock, ok := a.Gate.Tick(from.Rank); ok && clock != a.Gate.Clock[class] {
		if a.Gate.Clock == nil {
			g.set = append(g.set, assign{at("clock"), map[string]any{class: number(clock)}})
		} else {
			g.set = append(g.set, assign{at("clock", class), number(clock)})
		}
	}
	if err := reserve(&g, a, to.Most(), now); err != nil {
		return job.Job{}, err
	}
	if a.Trial {
		if a.Gate.Route == nil {
			return job.Job{}, job.ErrConflict // there is nothing to be tried any more
		}
		tried := a.Gate
		tried.Trial(to.ID, now)
		if err := routed(&g, a.Gate.Route, tried.Route); err != nil {
			return job.Job{}, err
		}
	}
	if err := s.t.write(ctx, w, g); err != nil {
		return job.Job{}, err
	}
	return moved, nil
}

func slotItem(j job.Job) map[string]any {
	b, _ := json.Marshal(j.Seconds())
	slot := map[string]any{"s": json.Number(b)}
	if most := j.Most(); most > 0 {
		slot["r"] = number(int64(most))
	}
	return slot
}

// CloseGate stops all posting and says why; probed at that time unless the
// closure is by hand. False when it was closed already, or had been for the same
// until just now: the first reason stays, and is told once; only a person's
// word takes the place of one that was not, and anything that of a budget, which nothing
// else would wait for.
func (s *Store) CloseGate(ctx context.Context, c job.Closure, probe time.Time) (bool, error) {
	if err := s.ensureGate(ctx); err != nil {
		return false, err
	}
	g, err := s.Gate(ctx)
	if err != nil {
		return false, err
	}
	c, again := g.Relapsed(c, time.Now())
	if again {
		probe = time.Now().Add(job.ProbeWait(c.Probes))
	}
	it, err := encode(c)
	if err != nil {
		return false, err
	}
	w := write{key: gateKey, set: []assign{{at("closed"), map[string]any(it)}, {at(writeAttr), newMark()}},
		conds: []cond{oneOf(absent("closed"), equal(job.CodeBudget, "closed", "code"))}}
	if c.ByHand {
		// A person's word goes over what the stack closed by itself: a probe must
		// not open it again.
		w.conds = []cond{absent("closed", "by_hand")}
		w.unset = []path{at(dueIndex.hash), at(dueIndex.rang)}
	} else {
		w.set = append(w.set, assign{at(dueIndex.hash), dueRest}, assign{at(dueIndex.rang), millis(probe)})
	}
	err = s.t.write(ctx, w)
	if lost(err) {
		return false, nil
	}
	return err == nil && !again, err
}

// NextProbe notes that a closed gate was probed in vain and when to probe again.
// job.ErrConflict when it is open, or closed by hand, by now.
func (s *Store) NextProbe(ctx context.Context, probes int, next time.Time) error {
	return s.t.write(ctx, write{key: gateKey,
		set: []assign{{at("closed", "probes"), number(int64(probes))}, {at(dueIndex.hash), dueRest},
			{at(dueIndex.rang), millis(next)}, {at(writeAttr), newMark()}},
		conds: []cond{exists("closed"), absent("closed", "by_hand")}})
}

// OpenGate lets posting go on whatever closed it, and remembers that: a person's word.
// No error when it is open.
func (s *Store) OpenGate(ctx context.Context) error {
	g, err := s.Gate(ctx)
	if err != nil || g.Closed == nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	past, err := encode(map[string]any{"closure": g.Closed, "end": now})
	if err != nil {
		return err
	}
	err = s.t.write(ctx, write{key: gateKey,
		set:   []assign{{at("past"), past["closure"]}, {at("past_end"), past["end"]}, {at(writeAttr), newMark()}},
		unset: []path{at("closed"), at(dueIndex.hash), at(dueIndex.rang)}, conds: []cond{exists("closed")}})
	if lost(err) {
		return nil
	}
	return err
}

// Reopen is OpenGate for who has seen that a certain closure is over: it opens nothing
// that was closed since, by a person above all. No error then.
func (s *Store) Reopen(ctx context.Context, over job.Closure) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	it, err := encode(map[string]any{"closure": over, "end": now})
	if err != nil {
		return err
	}
	closure := it["closure"].(map[string]any)
	err = s.t.write(ctx, write{key: gateKey,
		set:   []assign{{at("past"), closure}, {at("past_end"), it["end"]}, {at(writeAttr), newMark()}},
		unset: []path{at("closed"), at(dueIndex.hash), at(dueIndex.rang)},
		conds: []cond{absent("closed", "by_hand"), equal(closure["code"], "closed", "code"), equal(closure["since"], "closed", "since")}})
	if lost(err) {
		return nil
	}
	return err
}

// throttles bounds how often a wait is noted again after losing a race.
const throttles = 8

// Throttle holds all posting back until that time, or longer if it is held back longer
// already: of two answers at the same moment neither takes the other's back.
func (s *Store) Throttle(ctx context.Context, until time.Time) error {
	if err := s.ensureGate(ctx); err != nil {
		return err
	}
	next, err := encode(map[string]any{"t": until.UTC()})
	if err != nil {
		return err
	}
	for range throttles {
		var g job.Gate
		var it item
		if it, err = s.read(ctx, gateKey, &g); err != nil || !until.After(g.NotBefore) {
			return err
		}
		as := absent("not_before")
		if seen, ok := it["not_before"]; ok {
			as = equal(seen, "not_before")
		}
		err = s.t.write(ctx, write{key: gateKey, set: []assign{{at("not_before"), next["t"]}, {at(writeAttr), newMark()}}, conds: []cond{as}})
		if !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return err
}

// LearnKey keeps by which id the vendor's list knows our key.
func (s *Store) LearnKey(ctx context.Context, id string) error {
	if err := s.ensureGate(ctx); err != nil {
		return err
	}
	return s.t.write(ctx, write{key: gateKey, set: []assign{{at("key_id"), id}, {at(writeAttr), newMark()}}})
}

// Fetched notes whether the vendor has fetched what was in S3. Losing a race forgets
// one failure, never that S3 works.
func (s *Store) Fetched(ctx context.Context, f job.Fetch) error {
	g, err := s.Gate(ctx)
	if err != nil {
		return err
	}
	before := g.Route
	g.Fetched(f, time.Now())
	if before == nil && g.Route == nil || before != nil && g.Route != nil && *before == *g.Route {
		return nil
	}
	err = s.setRoute(ctx, before, g.Route)
	if !f.OK && errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// Trial notes that a job is about to try whether the vendor can fetch from S3 again;
// job.ErrConflict when somebody else is, or when more is known since the gate was read.
func (s *Store) Trial(ctx context.Context, g job.Gate, id string) error {
	if g.Route == nil {
		return job.ErrConflict
	}
	before := g.Route
	g.Trial(id, time.Now())
	return s.setRoute(ctx, before, g.Route)
}

// setRoute writes what was seen of the vendor's way to S3, if it is as it was read; that
// there is nothing to say against it, in any case.
func (s *Store) setRoute(ctx context.Context, from, to *job.Route) error {
	w := write{key: gateKey, set: []assign{{at(writeAttr), newMark()}}}
	if to == nil {
		w.unset = []path{at("route")}
		return s.t.write(ctx, w)
	}
	if err := routed(&w, from, to); err != nil {
		return err
	}
	return s.t.write(ctx, w)
}

// routed has a write of the gate change the route, if it is as it was read.
func routed(w *write, from, to *job.Route) error {
	after, err := encode(to)
	if err != nil {
		return err
	}
	w.set = append(w.set, assign{at("route"), map[string]any(after)})
	if from == nil {
		w.conds = append(w.conds, absent("route"))
		return nil
	}
	before, err := encode(from)
	if err != nil {
		return err
	}
	w.conds = append(w.conds, exists("route"))
	for _, of := range []string{"failed", "portraits", "until", "trials", "trier"} {
		if v, ok := before[of]; ok {
			w.conds = append(w.conds, equal(v, "route", of))
		} else {
			w.conds = append(w.conds, absent("route", of))
		}
	}
	return nil
}

// FreeSlot takes out a slot that the jobs do not bear out: the gate's repair. fence
// is the gate's as it was read before the jobs were. job.ErrConflict when a job has
// been admitted since, or this one holds its slot after all (a person's word takes
// one without a fence).
func (s *Store) FreeSlot(ctx context.Context, id string, fence int64) error {
	idle := []cond{absent("state")}
	for _, st := range job.States() {
		if !st.HoldsSlot() {
			idle = append(idle, equal(st, "state"))
		}
	}
	return s.t.write(ctx,
		write{key: gateKey, set: []assign{{at(writeAttr), newMark()}}, unset: []path{at("slots", id)}, conds: []cond{equal(fence, "fence")}},
		write{key: jobKey(id), conds: []cond{oneOf(idle...)}})
}

// TakeSlot puts back a slot that a job at the vendor is missing, unless the job
// has changed since it was read; no error then, as the next look finds it.
func (s *Store) TakeSlot(ctx context.Context, j job.Job) error {
	if err := s.ensureGate(ctx); err != nil {
		return err
	}
	err := s.t.write(ctx,
		write{key: gateKey, set: []assign{{at("slots", j.ID), slotItem(j)}, {at(writeAttr), newMark()}}},
		write{key: jobKey(j.ID), conds: []cond{equal(j.Rev, "rev"), equal(j.State, "state")}})
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}
