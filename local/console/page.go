package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"emodrop/shared/words"
)

// frameView is what every page has around its content.
type frameView struct {
	Lang      string
	Languages []langView
	Stack     string // empty for the one of this machine
	Cost      string // the title of the page of the cost, a phrase; empty on the others
}

// pageView is what the template "page" shows.
type pageView struct {
	Frame     frameView
	Query     string // what the stream is asked for
	Every     int    // seconds between reloads without script; 0: none
	Done      string // what has come of a form, in words
	Refused   *refusedView
	Limits    limitsView
	Rate      string
	Simulated bool
	Sample    bool
	DropDir   string
	VideosDir string
	Commands  []string
	Board     boardView
}

type langView struct {
	HTML, Name, URL string
	Current         bool
}

// handedView is what a form has come to.
type handedView struct {
	Files   int
	Renamed bool
	Waiting string // picture, recording or nothing
}

type refusedView struct{ Title, Text string } // Title is a key of the catalogue

type limitsView struct {
	MinSide, MaxSide   int
	MaxImage, MaxAudio int64
	AudioBytes         string
	AudioSeconds       int
}

// query is how a form's answer tells the page after it.
func (v handedView) query() url.Values {
	q := url.Values{"handed": {strconv.Itoa(v.Files)}}
	if v.Renamed {
		q.Set("renamed", "1")
	}
	if v.Waiting != "" {
		q.Set("waiting", v.Waiting)
	}
	return q
}

// text is what a form has come to, in a sentence or two.
func (v handedView) text(lang words.Lang) (string, error) {
	text, err := say(lang, "handed", v.Files)
	for key, holds := range map[string]bool{"waiting_recording": v.Waiting == "recording", "waiting_picture": v.Waiting == "picture", "handed_soon": v.Waiting == ""} {
		if more, e := say(lang, key); holds {
			text, err = text+" "+more, errors.Join(err, e)
		}
	}
	if v.Renamed {
		more, e := say(lang, "handed_renamed")
		text, err = text+" "+more, errors.Join(err, e)
	}
	return text, err
}

// page shows everything. Nothing in its address but the language, which jobs, and what
// a form has come to means anything.
func (h *console) page(w http.ResponseWriter, r *http.Request) {
	lang := h.choose.of(w, r)
	v := pageView{}
	q := r.URL.Query()
	var err error
	if n, bad := strconv.Atoi(q.Get("handed")); bad == nil && n > 0 && n <= maxFiles {
		handed := handedView{Files: n, Renamed: q.Has("renamed")}
		if s := q.Get("waiting"); s == "picture" || s == "recording" {
			handed.Waiting = s
		}
		v.Done, err = handed.text(lang)
	}
	if did := q.Get("did"); slices.Contains(dones, did) {
		v.Done, err = say(lang, did)
	}
	if err != nil {
		h.trouble(w, r, "say what was done", err)
		return
	}
	if q.Get("every") == "10" {
		v.Every = 10
	}
	h.show(w, r, http.StatusOK, lang, v)
}

// tell says why nothing came of a form: to the page's script, or as a page.
func (h *console) tell(w http.ResponseWriter, r *http.Request, status int, lang words.Lang, why *refusal) {
	phrase, err := say(lang, why.key, why.args...)
	if err != nil {
		h.trouble(w, r, "say what was refused", err)
		return
	}
	title := "refused"
	switch why.key {
	case "handed_some":
		title = "refused_some"
	case "not_done", "decide_failed", "choose_task":
		title = "refused_decision"
	}
	if wantsJSON(r) {
		head, err := say(lang, title)
		if err != nil {
			h.trouble(w, r, "say what was refused", err)
			return
		}
		h.answer(w, status, answer{false, head + colon(lang) + phrase})
		return
	}
	h.show(w, r, status, lang, pageView{Refused: &refusedView{title, phrase}})
}

// frame is what a page at that address has around its content.
func (h *console) frame(lang words.Lang, at string) frameView {
	v := frameView{Lang: htmlLang(lang), Stack: h.Name}
	for _, code := range languages() {
		name := map[words.Lang]string{words.English: "English", words.Chinese: "中文"}[code]
		link := at + "?"
		if strings.Contains(at, "?") {
			link = at + "&"
		}
		v.Languages = append(v.Languages, langView{htmlLang(code), name, link + "lang=" + string(code), code == lang})
	}
	return v
}

func (h *console) show(w http.ResponseWriter, r *http.Request, status int, lang words.Lang, v pageView) {
	s := spanOf(r)
	l, err := h.board.at(r.Context(), s)
	if err != nil {
		return // the reader is gone
	}
	at := s.query()
	v.Frame = h.frame(lang, "/"+at.suffix())
	at.Set("mark", l.mark)
	v.Query, v.Simulated, v.Sample = at.Encode(), h.Simulated, h.Sample != nil
	p := h.Profile
	v.Limits = limitsView{p.MinSide, p.MaxSide, p.MaxImageBytes, p.MaxAudioBytes, bytesText(p.MaxAudioBytes), int(p.MaxAudio.Seconds())}
	v.Rate = p.PricePerSecond[p.Resolve(h.Ratio, 1, 1)].String()
	v.DropDir, v.VideosDir = h.DropDir, h.VideosDir
	if h.Endpoint != "" {
		aws := fmt.Sprintf("aws --endpoint-url %s --region %s s3 cp ", h.Endpoint, h.Region)
		v.Commands = []string{
			aws + "anna.jpg s3://" + h.Inbox + "/",
			aws + "anna.mp3 s3://" + h.Inbox + "/",
			aws + "s3://" + h.Outbox + "/videos/anna.mp4 .",
		}
	}
	v.Board = h.boardView(l, lang, time.Now())
	h.send(w, r, status, lang, "page", v)
}

// send draws a page and sends it.
func (h *console) send(w http.ResponseWriter, r *http.Request, status int, lang words.Lang, name string, v any) {
	body, err := h.draw(lang, name, v)
	if err != nil {
		h.trouble(w, r, "draw the page", err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", htmlLang(lang))
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// draw renders a template whole before anything of it is sent.
func (h *console) draw(lang words.Lang, name string, v any) ([]byte, error) {
	var b bytes.Buffer
	if err := h.pages[lang].ExecuteTemplate(&b, name, v); err != nil {
		return nil, fmt.Errorf("draw %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// spanOf is which jobs an address asks for, within what the table remembers.
func spanOf(r *http.Request) span {
	s := span{size: shown}
	q := r.URL.Query()
	if s.find = findable(q.Get("q")); s.find != "" || q.Get("jobs") == strconv.Itoa(most) {
		s.size = most
	}
	before, err := time.Parse(time.RFC3339Nano, q.Get("before"))
	now := time.Now()
	if err == nil && before.Before(now) && now.Sub(before) < horizon {
		s.before = before.UTC().Truncate(time.Millisecond)
	}
	return s
}

// maxFind bounds what is looked for, in bytes: no name is longer.
const maxFind = 1024

// findable is what a person looks for; empty for nothing that a name could hold.
func findable(s string) string {
	if s = strings.TrimSpace(s); !plain(s) || len(s) > maxFind {
		return ""
	}
	return s
}

// address is the query of a page.
type address struct{ url.Values }

// query is the address of a span.
func (s span) query() address {
	q := address{url.Values{}}
	if !s.before.IsZero() {
		q.Set("before", s.before.Format(time.RFC3339Nano))
	}
	switch {
	case s.find != "":
		q.Set("q", s.find)
	case s.size != shown:
		q.Set("jobs", strconv.Itoa(s.size))
	}
	return q
}

// suffix is the query with its question mark, or nothing.
func (a address) suffix() string {
	if len(a.Values) == 0 {
		return ""
	}
	return "?" + a.Encode()
}
