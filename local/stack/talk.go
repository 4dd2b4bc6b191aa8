package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"emodrop/local/aws/services"
	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/words"
)

// talker turns what happens into one readable line each, in the order in which it
// happened. Nobody waits for it but close.
type talker struct {
	say     func(string)
	lang    words.Lang
	verbose io.Writer
	// jobs is where names come from; read when the first function speaks.
	jobs  *store.Store
	names map[string]string // the speaker's own

	mu      sync.Mutex
	waiting []func() string
	wake    chan struct{}
	closed  bool
	ended   chan struct{}
}

func newTalker(say func(string), lang words.Lang, verbose io.Writer) *talker {
	t := &talker{say: say, lang: lang, verbose: verbose, names: map[string]string{}, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go t.speak()
	return t
}

// speak says what waits, one after the other, until the talker is closed.
func (t *talker) speak() {
	defer close(t.ended)
	for range t.wake {
		for {
			t.mu.Lock()
			all, closed := t.waiting, t.closed
			t.waiting = nil
			t.mu.Unlock()
			for _, text := range all {
				t.say(text())
			}
			if len(all) == 0 {
				if closed {
					return
				}
				break
			}
		}
	}
}

// later has something said in its turn. After close it is said at once.
func (t *talker) later(text func(at string) string) {
	at := time.Now().Format("15:04:05")
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.say(text(at))
		return
	}
	t.waiting = append(t.waiting, func() string { return text(at) })
	t.mu.Unlock()
	t.nudge()
}

func (t *talker) nudge() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// close returns when all that waited has been said.
func (t *talker) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.nudge()
	<-t.ended
}

// line says something of the stack's own, by its English form.
func (t *talker) line(format string, args ...any) {
	text := fmt.Sprintf(say(format, t.lang), args...)
	t.later(func(at string) string { return at + "  " + text })
}

// said is what is read of a function's log line.
type said struct {
	Level   string    `json:"level"`
	Message string    `json:"msg"`
	Lambda  string    `json:"message"`
	JobID   string    `json:"job_id"`
	To      job.State `json:"to"`
	Code    string    `json:"code"`
	Err     string    `json:"err"`
	Error   string    `json:"errorMessage"`
}

// function takes a line of a function's log: state changes and trouble are told,
// the rest only to who asked for it.
func (t *talker) function(fn string, line []byte) {
	if t.verbose != nil {
		text := fn + " " + string(line)
		t.mu.Lock()
		fmt.Fprintln(t.verbose, text)
		t.mu.Unlock()
	}
	var e said
	if json.Unmarshal(line, &e) != nil {
		// Not a log line: a panic, or the runtime's last words.
		if text := strings.TrimSpace(string(line)); strings.HasPrefix(text, "panic:") || strings.HasPrefix(text, "fatal error:") {
			t.line("%-9s %s", fn, text)
		}
		return
	}
	what, ok := e.text(t.lang)
	if !ok {
		return
	}
	t.later(func(at string) string { return fmt.Sprintf("%s  %-9s %s%s", at, fn, t.name(e.JobID), what) })
}

// text is what people are told of a log line, if anything.
func (e said) text(lang words.Lang) (string, bool) {
	switch {
	case e.To != "":
		what := words.State(e.To, lang)
		if what == "" {
			what = string(e.To)
		}
		if e.Code != "" {
			what += " (" + e.Code + ")"
		}
		return what, true
	case e.Error != "":
		return e.Error, true
	case e.Level != "WARN" && e.Level != "ERROR":
		return "", false
	}
	what := e.Message
	if what == "" {
		what = e.Lambda
	}
	what = say(what, lang)
	switch {
	case e.Err != "":
		what += colon(lang) + e.Err
	case e.Code != "":
		what += colon(lang) + e.Code
	}
	return what, true
}

// colon is what stands between a thing and what is said of it.
func colon(lang words.Lang) string {
	if lang == words.Chinese {
		return "："
	}
	return ": "
}

// name is what people call a job, ready to be put before what happened to it.
func (t *talker) name(id string) string {
	if id == "" {
		return ""
	}
	n, ok := t.names[id]
	if !ok {
		n = id[:min(8, len(id))]
		if t.jobs != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if j, err := t.jobs.Job(ctx, id); err == nil {
				n = j.Name.String()
				t.names[id] = n
			}
		}
	}
	return n + colon(t.lang)
}

// published tells of a message that went out: its first line, for the subject is
// ASCII whatever the name.
func (t *talker) published(p services.Published) {
	if p.Kind != services.KindSNS {
		return
	}
	text := p.Default
	if _, zh, both := strings.Cut(text, words.Between); both && t.lang == words.Chinese {
		text = zh
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if first == "" {
		first = p.Subject
	}
	t.line("message   %s", first)
}
