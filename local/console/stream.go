package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"emodrop/shared/words"
)

const (
	// maxStreams is how many pages are followed at a time.
	maxStreams = 64
	// pulse keeps an idle stream known to be alive.
	pulse = 15 * time.Second
	// writeWithin bounds one event: who does not read is left.
	writeWithin = 10 * time.Second
)

// events follows the jobs: what shows something else is sent by its element's id, at
// most once a second, and what changed between is never sent. Who has seen nothing
// yet, or something that is forgotten, is sent everything. Places in the queue, which
// all change when one job leaves it, go as text alone.
//
// Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html
func (h *console) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// Another site's page cannot read this, but it could use up the places.
	if s := r.Header.Get("Sec-Fetch-Site"); s == "cross-site" || s == "same-site" {
		http.Error(w, "This came from another site's page and was refused.", http.StatusForbidden)
		return
	}
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		http.Error(w, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.Context, cancel)()
	seen := r.URL.Query().Get("mark")
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		seen = last
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	out := &stream{w: w, rc: http.NewResponseController(w)}
	defer func() { _ = out.rc.SetWriteDeadline(time.Time{}) }() // the connection may serve others
	if out.send("retry: 2000\n\n") != nil {
		return
	}
	f := &follower{console: h, out: out, lang: h.choose.of(w, r), seen: seen}
	span := spanOf(r)
	tick := time.NewTicker(h.Every)
	defer tick.Stop()
	for {
		l, err := h.board.at(ctx, span)
		if err != nil || !f.show(l) {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// follower is one page that follows the jobs.
type follower struct {
	*console
	out  *stream
	lang words.Lang
	// seen is the mark of what the page shows; last is that, once it is known.
	seen   string
	last   *drawing
	places map[string]string
}

// show sends what a look has that the page does not. It reports whether to go on.
func (f *follower) show(l *look) bool {
	now := time.Now()
	next, err := f.drawn(l, f.lang)
	var places map[string]string
	if err == nil {
		places, err = f.console.places(l, f.lang, now)
	}
	var change []byte
	if err == nil && l.mark != f.seen {
		change, err = next.since(f.last)
	}
	if err != nil {
		f.Log.Error("the board could not be drawn", "err", err)
		return false
	}
	if l.mark != f.seen && f.out.event("board", l.mark, change) != nil {
		return false
	}
	moved := map[string]string{}
	for id, text := range places {
		if f.places[id] != text {
			moved[id] = text
		}
	}
	// Cards are drawn with the places of their time, so the first look sends them too.
	if len(moved) > 0 {
		b, err := json.Marshal(moved)
		if err != nil || f.out.event("places", "", b) != nil {
			return false
		}
	}
	f.seen, f.last, f.places = l.mark, next, places
	return time.Since(f.out.last) < pulse || f.out.send(": alive\n\n") == nil
}

// stream writes events.
type stream struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last time.Time
}

// event sends one event. Without an id the reader keeps the last.
func (s *stream) event(name, id string, data []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\n", name)
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	for line := range bytes.Lines(data) {
		b.WriteString("data: ")
		// A bare CR would end the line as well.
		b.Write(bytes.ReplaceAll(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"), nil))
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return s.send(b.String())
}

func (s *stream) send(text string) error {
	s.last = time.Now()
	if err := s.rc.SetWriteDeadline(s.last.Add(writeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.rc.Flush()
}
