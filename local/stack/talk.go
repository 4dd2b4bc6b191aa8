package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"emodrop/local/aws/services"
	"emodrop/shared/store"
)

// talker turns what happens into one readable line each.
type talker struct {
	say     func(string)
	verbose io.Writer
	jobs    *store.Store

	mu    sync.Mutex
	names map[string]string
}

// line says something of the stack's own.
func (t *talker) line(format string, args ...any) {
	t.say(time.Now().Format("15:04:05") + "  " + fmt.Sprintf(format, args...))
}

// function takes a line of a function's log: state changes and trouble are told,
// the rest only to who asked for it.
func (t *talker) function(fn string, line []byte) {
	if t.verbose != nil {
		t.mu.Lock()
		fmt.Fprintf(t.verbose, "%s %s\n", fn, line)
		t.mu.Unlock()
	}
	var e struct {
		Level   string `json:"level"`
		Message string `json:"msg"`
		Lambda  string `json:"message"`
		JobID   string `json:"job_id"`
		From    string `json:"from"`
		To      string `json:"to"`
		Code    string `json:"code"`
		Err     string `json:"err"`
		Error   string `json:"errorMessage"`
	}
	if json.Unmarshal(line, &e) != nil {
		return
	}
	if e.Message == "" {
		e.Message = e.Lambda
	}
	what := e.Message
	switch {
	case e.To != "":
		what = e.To
		if e.From == "" {
			what = "new job: " + e.To
		}
		if e.Code != "" {
			what += " (" + e.Code + ")"
		}
	case e.Error != "":
		what = e.Error
	case e.Level == "WARN" || e.Level == "ERROR":
		if e.Err != "" {
			what += ": " + e.Err
		} else if e.Code != "" {
			what += ": " + e.Code
		}
	default:
		return
	}
	// The name is looked up outside of the function's way: this is its output.
	go t.line("%-9s %s%s", fn, t.name(e.JobID), what)
}

// name is what people call a job.
func (t *talker) name(id string) string {
	if id == "" {
		return ""
	}
	t.mu.Lock()
	n, ok := t.names[id]
	t.mu.Unlock()
	if !ok && t.jobs != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		j, err := t.jobs.Job(ctx, id)
		if err != nil {
			return id[:min(8, len(id))] + "  "
		}
		n = j.Name.String()
		t.mu.Lock()
		t.names[id] = n
		t.mu.Unlock()
	}
	return n + "  "
}

// published tells of a message that went out.
func (t *talker) published(p services.Published) {
	if p.Kind == services.KindSNS {
		t.line("message   %s", p.Subject)
	}
}
