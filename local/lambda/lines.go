package lambda

import (
	"bytes"
	"sync"
	"time"
)

// tailSize is how much of the log an invocation's answer may carry.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax
const tailSize = 4 << 10

// lines cuts a process's output into lines, hands them on, and remembers the last
// few KB for the invocation that runs.
type lines struct {
	max  int
	emit func(line []byte) // may be nil

	mu      sync.Mutex
	pending []byte
	tail    []byte
	writes  int
}

// Write never fails: a function is not to die because nobody reads its log.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	l.tail = append(l.tail, p...)
	if extra := len(l.tail) - tailSize; extra > 0 {
		l.tail = append(l.tail[:0], l.tail[extra:]...)
	}
	n := len(p)
	for len(p) > 0 {
		line, rest, found := bytes.Cut(p, []byte("\n"))
		if room := l.max - len(l.pending); len(line) > room {
			line, rest, found = p[:room], p[room:], true
		}
		l.pending = append(l.pending, line...)
		p = rest
		if found {
			l.flush()
		}
	}
	return n, nil
}

// finish hands on a last line that has no end.
func (l *lines) finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) > 0 {
		l.flush()
	}
}

func (l *lines) flush() {
	line := bytes.TrimSuffix(l.pending, []byte("\r"))
	if l.emit != nil && len(line) > 0 {
		l.emit(line)
	}
	l.pending = l.pending[:0]
}

// A process answers by one way and logs by another, so what it logged before its
// answer may come after it. quiet is how long nothing must have come until all has,
// patience how long that is waited for: on a machine that is busier than that the
// tail may lack its end.
const (
	quiet    = 2 * time.Millisecond
	patience = 20 * time.Millisecond
)

// settle waits until what was written has arrived.
func (l *lines) settle() {
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	for seen, end := l.count(), time.Now().Add(patience); time.Now().Before(end); {
		<-tick.C
		n := l.count()
		if n == seen {
			return
		}
		seen = n
	}
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writes
}

// resetTail forgets what was written before.
func (l *lines) resetTail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail = l.tail[:0]
}

// lastKB returns a copy of the tail.
func (l *lines) lastKB() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.tail)
}
