package console

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"emodrop/shared/intake"
	"emodrop/shared/words"
)

const (
	// maxRecordings is how many films one form may ask for.
	maxRecordings = 50
	// maxFields bounds a form that has other things in it than ours.
	maxFields = maxRecordings + 20
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

// upload takes the form. Files are first kept on disk and looked at, and handed in
// only when all of them are in order: nobody has to find out which half arrived.
func (h *console) upload(w http.ResponseWriter, r *http.Request) {
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
		h.handIn(w, r, lang, form)
	}
}

// handIn puts the files of a form that is in order into the inbox.
func (h *console) handIn(w http.ResponseWriter, r *http.Request, lang words.Lang, f *form) {
	all := f.handIns()
	for i, in := range all {
		if err := h.put(r, in); err != nil {
			h.Log.Warn("an uploaded file could not be handed in", "err", err)
			h.tell(w, r, http.StatusBadGateway, lang, refuse("handed_some", i, len(all)))
			return
		}
	}
	told := url.Values{"handed": {strconv.Itoa(len(all))}}
	if f.renamed {
		told.Set("renamed", "1")
	}
	switch {
	case f.picture == nil:
		told.Set("waiting", "picture")
	case len(f.recordings) == 0:
		told.Set("waiting", "recording")
	}
	// A reload must not send it all again.
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, "/?"+told.Encode(), http.StatusSeeOther)
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

// form is what came with one upload.
type form struct {
	h          *console
	dir        string // where its files are kept
	folder     string
	picture    *part
	recordings []part
	renamed    bool
}

// part is an uploaded file.
type part struct {
	name string // as the person named it
	path string // where it is kept
}

// read keeps the form's files on disk, each below its own limit. An error that is no
// refusal is trouble of the upload.
func (f *form) read(r *http.Request) error {
	in, err := r.MultipartReader()
	if err != nil {
		return refuse("no_form")
	}
	for range maxFields {
		p, err := in.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var odd textproto.ProtocolError
		if errors.As(err, &odd) {
			return refuse("no_form")
		}
		if err != nil {
			return fmt.Errorf("read a form: %w", err)
		}
		if err := f.take(p); err != nil {
			return err
		}
	}
	return refuse("no_form")
}

func (f *form) take(p *multipart.Part) error {
	switch p.FormName() {
	case "folder":
		b, err := io.ReadAll(io.LimitReader(p, 4096))
		if err != nil {
			return fmt.Errorf("read a form: %w", err)
		}
		f.folder = string(b)
	case "picture":
		name := fileNameOf(p)
		if name == "" {
			return nil // the field was left empty
		}
		if f.picture != nil {
			return refuse("many_pictures")
		}
		kept, err := f.keep(p, name, f.h.Profile.MaxImageBytes, "picture")
		f.picture = &kept
		return err
	case "recording":
		name := fileNameOf(p)
		if name == "" {
			return nil
		}
		if len(f.recordings) == maxRecordings {
			return refuse("many_recordings", maxRecordings)
		}
		kept, err := f.keep(p, name, f.h.Profile.MaxAudioBytes, fmt.Sprintf("recording-%d", len(f.recordings)))
		f.recordings = append(f.recordings, kept)
		return err
	}
	return nil // a field of somebody else's: NextPart passes over it
}

// keep writes one file to disk, constant in memory.
func (f *form) keep(p io.Reader, name string, limit int64, as string) (part, error) {
	kept := part{name: name, path: filepath.Join(f.dir, as)}
	to, err := os.OpenFile(kept.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return kept, fmt.Errorf("keep an upload: %w", err)
	}
	n, err := io.Copy(to, io.LimitReader(p, limit+1))
	if err1 := to.Close(); err == nil {
		err = err1
	}
	switch {
	case err != nil:
		return kept, fmt.Errorf("keep an upload: %w", err)
	case n > limit:
		return kept, refuse("file_too_large", short(name), bytesText(limit))
	case n == 0:
		return kept, refuse("file_empty", short(name))
	}
	return kept, nil
}

// fileNameOf is the name of an uploaded file, without the folders some send along.
// Browsers write a quotation mark in it as %22.
// Source: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
func fileNameOf(p *multipart.Part) string {
	return strings.ReplaceAll(p.FileName(), "%22", `"`)
}

// check says what is wrong with the form's names, by the very rules by which the
// inbox will read them.
func (f *form) check() error {
	if f.picture == nil && len(f.recordings) == 0 {
		return refuse("no_file")
	}
	var err error
	if f.folder, err = folderOf(f.folder); err != nil {
		return err
	}
	if f.picture != nil {
		if err := usable(f.key(f.picture.name), f.picture.name, "not_a_picture", intake.Picture, intake.Shared); err != nil {
			return err
		}
	}
	stems := map[string]bool{}
	for _, p := range f.recordings {
		if err := usable(f.key(p.name), p.name, "not_a_recording", intake.Recording); err != nil {
			return err
		}
		_, n := intake.Classify(p.name)
		if stems[n.Stem] {
			return refuse("same_name", short(n.Stem))
		}
		stems[n.Stem] = true
	}
	return nil
}

func (f *form) key(name string) string {
	if f.folder == "" {
		return name
	}
	return f.folder + "/" + name
}
