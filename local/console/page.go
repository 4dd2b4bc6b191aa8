package console

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"emodrop/shared/words"
)

// pageView is what the template "page" shows.
type pageView struct {
	Lang      string
	Languages []langView
	Day       string // asked for; empty for the newest
	Mark      string
	Every     int // seconds between reloads without script; 0: none
	Handed    *handedView
	Refused   *refusedView
	Limits    limitsView
	Simulated bool
	DropDir   string
	VideosDir string
	Commands  []string
	Board     boardView
}

type langView struct {
	Code, HTML, Name string
	Current          bool
}

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

// page shows everything. Nothing in its address but the language, the day and what
// an upload has come to means anything.
func (h *console) page(w http.ResponseWriter, r *http.Request) {
	lang := h.choose.of(w, r)
	v := pageView{}
	q := r.URL.Query()
	if n, err := strconv.Atoi(q.Get("handed")); err == nil && n > 0 && n <= 2*maxRecordings+1 {
		v.Handed = &handedView{Files: n, Renamed: q.Has("renamed")}
		if s := q.Get("waiting"); s == "picture" || s == "recording" {
			v.Handed.Waiting = s
		}
	}
	if q.Get("every") == "10" {
		v.Every = 10
	}
	h.show(w, r, http.StatusOK, lang, v)
}

// tell shows the page with why nothing came of an upload.
func (h *console) tell(w http.ResponseWriter, r *http.Request, status int, lang words.Lang, why *refusal) {
	phrase, err := say(lang, why.key, why.args...)
	if err != nil {
		h.trouble(w, r, "say what was refused", err)
		return
	}
	title := "refused"
	if why.key == "handed_some" {
		title = "refused_some"
	}
	h.show(w, r, status, lang, pageView{Refused: &refusedView{title, phrase}})
}

func (h *console) show(w http.ResponseWriter, r *http.Request, status int, lang words.Lang, v pageView) {
	day := dayOf(r)
	l, err := h.board.at(r.Context(), day)
	if err != nil {
		return // the reader is gone
	}
	v.Lang, v.Mark, v.Simulated = htmlLang(lang), l.mark, h.Simulated
	if !day.IsZero() {
		v.Day = day.Format(time.DateOnly)
	}
	for _, code := range languages() {
		name := map[words.Lang]string{words.English: "English", words.Chinese: "中文"}[code]
		v.Languages = append(v.Languages, langView{string(code), htmlLang(code), name, code == lang})
	}
	p := h.Profile
	v.Limits = limitsView{p.MinSide, p.MaxSide, p.MaxImageBytes, p.MaxAudioBytes, bytesText(p.MaxAudioBytes), int(p.MaxAudio.Seconds())}
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
	body, err := h.draw(lang, "page", v)
	if err != nil {
		h.trouble(w, r, "draw the page", err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Language", v.Lang)
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

// dayOf is the day that an address asks for, within what the table remembers; zero
// for the newest.
func dayOf(r *http.Request) time.Time {
	day, err := time.Parse(time.DateOnly, r.URL.Query().Get("day"))
	today := time.Now().UTC().Truncate(24 * time.Hour)
	if err != nil || !day.Before(today) || today.Sub(day) > horizon*24*time.Hour {
		return time.Time{}
	}
	return day
}
