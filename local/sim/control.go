package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// control has people who have nothing but the bucket take films back, or want them
// tried again, some of them twice, too early, too late or for nothing. It has chance of
// its own: what else a seed draws stays as it is. Nobody accepts a second charge, so a
// film is paid for once whatever they do.
func (s *Schedule) control(seed uint64, storm time.Duration) {
	r := rand.New(rand.NewPCG(seed, 0x6f72646572))
	if r.IntN(3) != 0 {
		return
	}
	var names []string
	first := map[string]time.Duration{}
	for _, a := range s.Acts {
		if name, ok := strings.CutSuffix(a.Key, ".wav"); ok {
			if _, seen := first[name]; !seen {
				names, first[name] = append(names, name), a.At
			}
		}
	}
	if len(names) == 0 {
		return
	}
	for range 1 + r.IntN(3) {
		name := names[r.IntN(len(names))]
		key := name + pick(r, ".cancel", ".cancel", ".retry", ".CANCEL", ".Retry")
		at := first[name] + pick(r, 0, time.Duration(r.Int64N(int64(20*time.Second))), time.Duration(r.Int64N(int64(storm))))
		for range 1 + r.IntN(2) {
			s.Acts = append(s.Acts, Act{At: min(at, storm-time.Minute), Key: key, Data: []byte{}})
			at += pick(r, time.Second, time.Duration(r.Int64N(int64(5*time.Minute))))
		}
	}
}

// heeded notes that an order has had its effect, or its refusal.
func (w *World) heeded(o job.Order, refused bool) {
	writing := fmt.Sprint(o.Key, o.ETag, o.Written.Unix())
	w.mu.Lock()
	twice := w.watch.heeded[writing]
	w.watch.heeded[writing] = true
	w.mu.Unlock()
	if twice {
		w.breach("control: %s of %s counted twice", o.Key, o.Written)
	}
	j, err := w.Store.Job(context.Background(), o.Stem.Job)
	if err != nil || refused {
		return
	}
	if listed := w.listed(o.Name); job.OfRow(j.Row) && len(listed) > 0 && o.Written.Before(listed[0]) {
		w.breach("control: %s concerned a row that came after it", o.Key)
	}
	switch {
	case o.Verb == job.ToCancel && j.State.Final() && j.State != job.Canceled:
		w.breach("control: %s was taken for done, and the job is %s", o.Key, j.State)
	case o.Verb == job.ToRetry && j.Retried.IsZero():
		w.breach("control: %s was taken for done, and nothing was tried again", o.Key)
	}
}

// unheeded are the control objects in the inbox that nobody has heeded as they are.
func (w *World) unheeded() []string {
	var left []string
	for _, key := range w.Inbox.Keys("") {
		kind, _ := intake.Classify(key)
		if kind != intake.Cancel && kind != intake.Retry {
			continue
		}
		o, _ := w.Inbox.Get(key)
		seen, err := w.Store.Heeded(context.Background(), key)
		if err != nil || seen.Counts(o.Modified, o.ETag) {
			left = append(left, key)
		}
	}
	return left
}

// judgeControls: every control object has counted, and what could not be done was told.
func (w *World) judgeControls(v *Verdict) {
	for _, key := range w.unheeded() {
		v.wrong("control: nobody has heeded %s", key)
	}
	for _, key := range w.Inbox.Keys("") {
		seen, err := w.Store.Heeded(context.Background(), key)
		if err != nil || seen.Refused == "" {
			continue
		}
		_, name := intake.Classify(key)
		record := "failed/" + name.String() + strings.ToLower(key[strings.LastIndexByte(key, '.'):]) + ".json"
		if o, ok := w.Outbox.Get(record); !ok || !strings.Contains(string(o.Data), `"code": "`) {
			v.wrong("control: %s was refused (%s), and %s does not say so", key, seen.Refused, record)
		}
	}
}
