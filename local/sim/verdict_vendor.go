package sim

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

// judgeVendor: never more at the vendor than was to be, never more calls than it
// takes, never one that was not to be made yet.
func (w *World) judgeVendor(v *Verdict) {
	type edge struct {
		at   int64
		step int
	}
	var edges []edge
	for _, t := range w.Emulator.Tasks() {
		owner, err := w.Store.Owner(context.Background(), t.ID)
		switch {
		case err == nil && jobOf(t) != owner:
			v.wrong("vendor: task %s was made for %s, and taken for that of %s", t.ID, cmp.Or(jobOf(t), "a stranger"), owner)
			continue
		case err != nil:
			continue // one that nobody knows of, and whose inputs are gone, is no guest any more
		}
		edges = append(edges, edge{t.Submitted.UnixNano(), 1})
		if !t.Ended.IsZero() {
			edges = append(edges, edge{t.Ended.UnixNano(), -1})
		}
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.step - b.step
	})
	open := 0
	for _, e := range edges {
		if open += e.step; open > w.cfg.MaxInFlight {
			v.wrong("vendor: %d tasks at once, %d are allowed", open, w.cfg.MaxInFlight)
			break
		}
	}
	w.judgeCalls(v)
	w.judgeLost(v)
	w.judgeDetects(v)
	w.judgeTicks(v)
}

// pardon is how long after a refusal for its frequency no create call may come at
// the least, if the vendor does not say for how long.
const pardon = 14 * time.Second

func (w *World) judgeCalls(v *Verdict) {
	var refused time.Time
	wait := pardon
	for _, f := range w.cfg.Emulator.Faults {
		if f.Op == "create" && f.Kind == "throttle" {
			wait = max(wait, f.RetryAfter-time.Second)
		}
	}
	for _, c := range w.Emulator.History() {
		if c.Status == 429 && c.Fault == "" {
			v.wrong("vendor: %s at %s was one call too many", c.Op, c.Time.Sub(w.began))
			return
		}
		if c.Op != "create" || c.APIKeyID != w.cfg.Emulator.APIKeys[w.cfg.Key] {
			continue
		}
		if !refused.IsZero() && c.Time.Sub(refused) < wait {
			v.wrong("vendor: it asked to wait, and got the next create call after %s", c.Time.Sub(refused))
			return
		}
		if refused = (time.Time{}); c.Status == 429 {
			refused = c.Time
		}
	}
}

// judgeDetects: a picture that was found in order is not paid for again. Several that
// ask at the same time may.
func (w *World) judgeDetects(v *Verdict) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(w.watch.faces)) {
		known := w.watch.faces[what]
		for _, at := range w.watch.asked[what] {
			if at-known > limits["submit"] {
				v.wrong("money: detect was paid for at %s, though its answer had been written at %s", at, known)
			}
		}
	}
}

// judgeTicks: one of poll's invocations is at work at a time.
func (w *World) judgeTicks(v *Verdict) {
	type tick struct{ from, to time.Duration }
	byNumber := map[int]*tick{}
	var ticks []*tick
	for _, c := range w.Calls() {
		if c.Op != "store.Due" {
			continue
		}
		if byNumber[c.Invocation] == nil {
			byNumber[c.Invocation] = &tick{from: c.At}
			ticks = append(ticks, byNumber[c.Invocation])
		}
		byNumber[c.Invocation].to = c.At
	}
	for i := range ticks[:max(0, len(ticks)-1)] {
		if ticks[i+1].from < ticks[i].to {
			v.wrong("poll: two ticks were at work at once at %s", ticks[i+1].from)
			return
		}
	}
}

// lostTask finds the vendor's task in what is told of one that the vendor has lost.
var lostTask = regexp.MustCompile(`"task_id": ?"([^"]+)"`)

// judgeLost: a task is not said to be lost while the vendor's list shows it.
func (w *World) judgeLost(v *Verdict) {
	if w.cfg.Emulator.ListLag >= quiet {
		return // the list shows it too late for anybody
	}
	there := map[string]bool{}
	for _, t := range w.Emulator.Tasks() {
		there[t.ID] = true
	}
	for _, e := range w.Events() {
		if !strings.Contains(string(e.Detail), `"`+job.CodeVendorLost+`"`) {
			continue
		}
		if m := lostTask.FindSubmatch(e.Detail); m != nil && there[string(m[1])] {
			v.wrong("told: the vendor was said to have lost task %s, which its list shows", m[1])
			return
		}
	}
}
