package console

import (
	"errors"
	"mime"
	"net/http"
	"path"
	"strings"

	"emodrop/shared/job"
)

// film serves a job's film. The key comes from the job's record: nothing of the
// request reaches the outbox.
func (h *console) film(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !jobID(id) {
		http.NotFound(w, r)
		return
	}
	j, err := h.Jobs.Job(r.Context(), id)
	if errors.Is(err, job.ErrNotFound) || err == nil && j.Film == nil {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		h.trouble(w, r, "read a job", err)
		return
	}
	body, o, err := h.OpenResult(r.Context(), j.Film.Key)
	if errors.Is(err, job.ErrNotFound) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		h.trouble(w, r, "open a film", err)
		return
	}
	defer func() { _ = body.Close() }()
	head := w.Header()
	head.Set("Content-Type", videoType(o.ContentType))
	head.Set("Cache-Control", "private, no-cache")
	if tag := strings.Trim(o.ETag, `"`); tag != "" {
		head.Set("ETag", `"`+tag+`"`)
	}
	how := "inline"
	if r.URL.Query().Has("download") {
		how = "attachment"
	}
	if d := mime.FormatMediaType(how, map[string]string{"filename": fileName(j)}); d != "" {
		head.Set("Content-Disposition", d)
	}
	http.ServeContent(w, r, "", o.Modified, body)
}

// jobID reports whether s can be the id of a job: hexadecimal, see job.Identity.
func jobID(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}

// videoType never lets a film be shown as anything but one.
func videoType(t string) string {
	if m, _, err := mime.ParseMediaType(t); err == nil && strings.HasPrefix(m, "video/") {
		return m
	}
	return "video/mp4"
}

// fileName is what a film is saved as.
func fileName(j job.Job) string {
	return path.Base(j.Name.Stem) + ".mp4"
}

// trouble answers and logs what is not the reader's doing.
func (h *console) trouble(w http.ResponseWriter, r *http.Request, doing string, err error) {
	if r.Context().Err() == nil {
		h.Log.Warn("the page could not answer", "doing", doing, "err", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "This could not be read just now. Try again in a moment.", http.StatusServiceUnavailable)
}
