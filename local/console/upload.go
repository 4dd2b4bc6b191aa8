package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"

	"emodrop/shared/words"
)

const (
	// maxRecordings is how many films one form may ask for.
	maxRecordings = 50
	// maxFiles is how many files may be dropped together.
	maxFiles = 200
	// maxFields bounds a form that has other things in it than ours.
	maxFields = maxFiles + 20
	// formRoom is what a form may take beside its files.
	formRoom = 1 << 20
)

// refusal is why a form is not accepted: a phrase of the catalogue.
type refusal struct {
	key  string
	args []any
}

func refuse(key string, args ...any) *refusal { return &refusal{key, args} }

func (r *refusal) Error() string { return r.key }

// upload takes the form and hands its files in.
func (h *console) upload(w http.ResponseWriter, r *http.Request) {
	h.receive(w, r, h.handIn)
}

// receive takes the form. Files are first kept on disk and looked at, and used only
// when all of them are in order: nobody has to find out which half arrived.
func (h *console) receive(w http.ResponseWriter, r *http.Request, use func(http.ResponseWriter, *http.Request, words.Lang, *form)) {
	lang := h.choose.of(w, r)
	dir, err := os.MkdirTemp(h.SpoolDir, "emodrop-upload-")
	if err != nil {
		h.Log.Warn("an upload could not be kept", "err", err)
		h.tell(w, r, http.StatusInsufficientStorage, lang, refuse("upload_failed"))
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	limit := h.Profile.MaxImageBytes + maxRecordings*h.Profile.MaxAudioBytes + formRoom
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	form := &form{h: h, dir: dir}
	err = form.read(r)
	if err == nil {
		form.sort()
		err = form.check()
	}
	var no *refusal
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		h.tell(w, r, http.StatusRequestEntityTooLarge, lang, refuse("upload_too_large", bytesText(limit)))
	case errors.As(err, &no):
		// Read to the end what is still coming: a browser that is cut off shows
		// its own words instead of ours. The limit above holds.
		_, _ = io.Copy(io.Discard, r.Body)
		h.tell(w, r, http.StatusUnprocessableEntity, lang, no)
	case err != nil:
		h.Log.Warn("an upload did not come to its end", "err", err)
		h.tell(w, r, http.StatusBadRequest, lang, refuse("upload_broke"))
	default:
		use(w, r, lang, form)
	}
}

// handIn puts the files of a form that is in order into the inbox.
func (h *console) handIn(w http.ResponseWriter, r *http.Request, lang words.Lang, f *form) {
	all := f.handIns()
	if len(all) == 0 {
		h.tell(w, r, http.StatusUnprocessableEntity, lang, refuse("no_pair"))
		return
	}
	for i, in := range all {
		if err := h.put(r, in); err != nil {
			h.Log.Warn("an uploaded file could not be handed in", "err", err)
			h.tell(w, r, http.StatusBadGateway, lang, refuse("handed_some", i, len(all)))
			return
		}
	}
	handed := handedView{Files: len(all), Renamed: f.renamed, Waiting: f.waiting()}
	if wantsJSON(r) {
		text, err := handed.text(lang)
		if err != nil {
			h.trouble(w, r, "say what was handed in", err)
			return
		}
		h.answer(w, http.StatusOK, answer{true, text})
		return
	}
	// A reload must not send it all again.
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/?"+handed.query().Encode(), http.StatusSeeOther)
}

// sample hands in the portrait and the speech that ship with emodrop.
func (h *console) sample(w http.ResponseWriter, r *http.Request) {
	lang := h.choose.of(w, r)
	for _, name := range slices.Sorted(maps.Keys(h.Sample)) {
		if err := h.HandIn(r.Context(), name, bytes.NewReader(h.Sample[name])); err != nil {
			h.Log.Warn("the sample could not be handed in", "err", err)
			h.tell(w, r, http.StatusBadGateway, lang, refuse("handed_some", 0, len(h.Sample)))
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/?"+handedView{Files: len(h.Sample)}.query().Encode(), http.StatusSeeOther)
}

func (h *console) put(r *http.Request, in handIn) error {
	body, err := os.Open(in.path)
	if err != nil {
		return fmt.Errorf("open an upload: %w", err)
	}
	defer func() { _ = body.Close() }()
	if err := h.HandIn(r.Context(), in.key, body); err != nil {
		return fmt.Errorf("hand %q in: %w", in.key, err)
	}
	return nil
}
