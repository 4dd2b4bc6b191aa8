package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// maxStreams is how many pages are followed at a time.
	maxStreams = 64
	// pulse keeps an idle stream known to be alive.
	pulse = 15 * time.Second
	// writeWithin bounds one event: who does not read is left.
	writeWithin = 10 * time.Second
)

// events follows the jobs: the board is sent whole when there is something else to
// see, at most once a second, and what changed between is never sent. The script
// keeps what stayed the same, films that play among it.
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
	lang, day := h.choose.of(w, r), dayOf(r)
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
	tick := time.NewTicker(fresh)
	defer tick.Stop()
	for {
		l, err := h.board.at(ctx, day)
		if err != nil {
			return
		}
		if l.mark != seen {
			b, err := l.render(lang, func() ([]byte, error) { return h.draw(lang, "board", h.boardView(l, lang, time.Now())) })
			if err != nil {
				h.Log.Error("the board could not be drawn", "err", err)
				return
			}
			if out.event(l.mark, b) != nil {
				return
			}
			seen = l.mark
		} else if time.Since(out.last) >= pulse && out.send(": alive\n\n") != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stream writes events.
type stream struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	last time.Time
}

func (s *stream) event(id string, data []byte) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: board\nid: %s\n", id)
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
