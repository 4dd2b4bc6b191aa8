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

// dones are what may have come of a decision: phrases of the catalogue.
var dones = []string{"did_canceled", "did_canceling", "did_again", "did_adopted", "did_reposted", "did_accepted", "did_given_up"}

// decision is one thing that a person may do to a job. It returns what has come of it.
type decision func(r *http.Request, id string) (done string, err error)

// decisions are what this page can do, by the last part of their addresses.
func (h *console) decisions() map[string]decision {
	all := map[string]decision{}
	if h.Operate != nil {
		all["cancel"] = func(r *http.Request, id string) (string, error) {
			j, err := h.Operate.Cancel(r.Context(), id)
			if err == nil && j.State != job.Canceled {
				return "did_canceling", nil
			}
			return "did_canceled", err
		}
		all["retry"] = func(r *http.Request, id string) (string, error) {
			_, err := h.Operate.Retry(r.Context(), id, accepts(r))
			return "did_again", err
		}
	}
	if h.Held != nil {
		all["adopt"] = func(r *http.Request, id string) (string, error) {
			task := strings.TrimSpace(r.FormValue("task"))
			if task == "" || !plain(task) {
				return "", refuse("choose_task")
			}
			_, err := h.Held.Adopt(r.Context(), id, task)
			return "did_adopted", err
		}
		all["repost"] = func(r *http.Request, id string) (string, error) {
			_, err := h.Held.Repost(r.Context(), id, accepts(r))
			return "did_reposted", err
		}
		all["accept"] = func(r *http.Request, id string) (string, error) {
			_, err := h.Held.Accept(r.Context(), id)
			return "did_accepted", err
		}
		all["give-up"] = func(r *http.Request, id string) (string, error) {
			_, err := h.Held.GiveUp(r.Context(), id)
			return "did_given_up", err
		}
	}
	return all
}

// accepts says whether the person accepts that a film may be charged a second time.
func accepts(r *http.Request) bool { return r.FormValue("charge") == "1" }

// heldView is what a person may do with a job that is held, and what each way costs.
type heldView struct {
	// Adopt: one of several tasks may be its own. Accept: it has a film that does not fit.
	Adopt, Accept bool
	Candidates    []string
	// Price is that of one more film, Billed what this one has been charged.
	Price, Billed string
}

func heldOf(j job.Job) *heldView {
	v := &heldView{Candidates: j.Candidates, Price: j.Quoted.String(), Billed: j.Billed.String()}
	if j.Fault != nil {
		v.Adopt, v.Accept = j.Fault.Code == job.CodeAmbiguous, j.Fault.Code == job.CodeFilmMisfit
	}
	return v
}

// decide does what a person has decided on one job.
func (h *console) decide(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	do, known := h.decisions()[r.PathValue("what")]
	if !known || !jobID(id) {
		http.NotFound(w, r)
		return
	}
	lang := h.choose.of(w, r)
	r.Body = http.MaxBytesReader(w, r.Body, formRoom)
	done, err := do(r, id)
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

// refuseDecision says why a decision is not carried out.
func (h *console) refuseDecision(w http.ResponseWriter, r *http.Request, lang words.Lang, err error) {
	var no *operate.Refusal
	var here *refusal
	switch {
	case errors.As(err, &here):
		h.tell(w, r, http.StatusUnprocessableEntity, lang, here)
		return
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
