package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"emodrop/shared/job"
	"emodrop/shared/operate"
	"emodrop/shared/words"
)

// answer is what a page's script is told; without script, a page says the same.
type answer struct {
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// wantsJSON tells a request of the page's script from one that a form makes.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}

func (h *console) answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		h.Log.Error("an answer could not be written", "err", err)
		status, b = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// decide is a person's cancel or retry of one job.
func (h *console) decide(w http.ResponseWriter, r *http.Request) {
	id, what := r.PathValue("id"), r.PathValue("what")
	if h.Operate == nil || !jobID(id) || what != "cancel" && what != "retry" {
		http.NotFound(w, r)
		return
	}
	lang := h.choose.of(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, formRoom)
	var j job.Job
	var err error
	done := "did_canceled"
	if what == "cancel" {
		j, err = h.Operate.Cancel(r.Context(), id)
		if err == nil && j.State != job.Canceled {
			done = "did_canceling"
		}
	} else {
		j, err = h.Operate.Retry(r.Context(), id, r.FormValue("charge") == "1")
		done = "did_again"
	}
	h.board.forget(r.Context(), id)
	if err != nil {
		h.refuseDecision(w, r, lang, err)
		return
	}
	if wantsJSON(r) {
		text, err := say(lang, done)
		if err != nil {
			h.trouble(w, r, "say what was done", err)
			return
		}
		h.answer(w, http.StatusOK, answer{true, text})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/?"+url.Values{"did": {done}}.Encode()+"#job-"+id, http.StatusSeeOther)
}

// refuseDecision says why a job is not canceled or tried again.
func (h *console) refuseDecision(w http.ResponseWriter, r *http.Request, lang words.Lang, err error) {
	var no *operate.Refusal
	switch {
	case errors.Is(err, job.ErrNotFound):
		http.NotFound(w, r)
		return
	case errors.As(err, &no):
		// What to do is said for the command line there; here the card has the buttons.
		what, _ := no.Say(lang)
		h.tell(w, r, http.StatusConflict, lang, refuse("not_done", what))
		return
	case r.Context().Err() == nil:
		h.Log.Warn("a decision could not be carried out", "err", err)
	}
	h.tell(w, r, http.StatusBadGateway, lang, refuse("decide_failed"))
}
