package emo

import (
	"sync"
	"time"
)

// windows counts calls over a sliding second: the strictest reading of "n queries per second".
type windows struct {
	mu     sync.Mutex
	recent map[string][]time.Time // accepted calls of the last second, oldest first
}

func newWindows() *windows { return &windows{recent: map[string][]time.Time{}} }

// allow accepts a call when fewer than limit were accepted during the second before now. Refused calls do not count.
func (w *windows) allow(name string, limit int, now time.Time) bool {
	if limit < 0 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.recent[name]
	for len(calls) > 0 && now.Sub(calls[0]) >= time.Second {
		calls = calls[1:]
	}
	ok := len(calls) < limit
	if ok {
		calls = append(calls, now)
	}
	w.recent[name] = calls
	return ok
}
