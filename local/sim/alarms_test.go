package sim_test

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// alarms are those of template.yaml that go by what the functions log: by name, how
// long a period is, and which line is bad.
var alarms = map[string]struct {
	period time.Duration
	bad    func(line) bool
}{
	"GateClosed": {20 * time.Minute, func(l line) bool { return l.msg == "gate closed" || l.msg == "gate stays closed" }},
	"JobHeld":    {5 * time.Minute, func(l line) bool { return l.msg == "job" && l.text("to") == "HELD" }},
	"FilmStuck":  {20 * time.Minute, func(l line) bool { return l.msg == "film not home yet" && l.number("tries") >= 19 }},
	"OldestJob":  {10 * time.Minute, func(l line) bool { return l.msg == "gauges" && l.number("oldest_s") >= 7200 }},
	"Unclear":    {10 * time.Minute, func(l line) bool { return l.msg == "gauges" && l.number("unclear_s") >= 2700 }},
	"LinkEnds": {10 * time.Minute, func(l line) bool {
		return l.msg == "gauges" && l.number("link_left_s") >= 0 && l.number("link_left_s") < 7200
	}},
}

// line is one line of a function's log.
type line struct {
	at    time.Time
	msg   string
	attrs map[string]slog.Value
}

func (l line) text(key string) string { return l.attrs[key].String() }
func (l line) number(key string) int64 {
	if v := l.attrs[key]; v.Kind() == slog.KindInt64 {
		return v.Int64()
	}
	return -1
}

// watch keeps what the functions log, and says how often each alarm went off.
type watch struct {
	mu    sync.Mutex
	lines []line
}

func (w *watch) Enabled(context.Context, slog.Level) bool { return true }
func (w *watch) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w *watch) WithGroup(string) slog.Handler            { return w }

func (w *watch) Handle(_ context.Context, r slog.Record) error {
	l := line{at: r.Time, msg: r.Message, attrs: map[string]slog.Value{}}
	r.Attrs(func(a slog.Attr) bool { l.attrs[a.Key] = a.Value.Resolve(); return true })
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, l)
	return nil
}

// rang is how often each alarm went from good to bad: a period with a bad line in it
// is bad, one without is good.
func (w *watch) rang(from, to time.Time) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	rang := map[string]int{}
	for name, a := range alarms {
		bad := map[int]bool{}
		for _, l := range w.lines {
			if a.bad(l) {
				bad[int(l.at.Sub(from)/a.period)] = true
			}
		}
		for n := range int(to.Sub(from)/a.period) + 1 {
			if bad[n] && !bad[n-1] {
				rang[name]++
			}
		}
	}
	return rang
}
