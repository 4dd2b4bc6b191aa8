package console

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"emodrop/shared/intake"
)

// form is what came with one upload.
type form struct {
	h          *console
	dir        string // where its files are kept
	typed      string // the folder as the person wrote it
	folder     string // of the picture and the recordings: with the one they were dropped with
	picture    *part
	recordings []part
	options    *part // chosen for all of the recordings
	renamed    bool
	// files were dropped together; sort makes the picture and the recordings of them,
	// or leaves them to pair by their names.
	files []part
	taken int // files, of any field
}

// part is an uploaded file.
type part struct {
	name string // as the person named it
	dir  string // the folder that it was dropped with; empty for the fields of one file
	path string // where it is kept
	key  string // in the inbox, once it is checked
	nth  int    // which file of the form it is, from 0
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

// usefulKinds are what may become a part of a film.
var usefulKinds = []intake.Kind{intake.Picture, intake.Shared, intake.Recording, intake.Sidecar}

func (f *form) take(p *multipart.Part) error {
	switch p.FormName() {
	case "folder":
		b, err := io.ReadAll(io.LimitReader(p, 4096))
		if err != nil {
			return fmt.Errorf("read a form: %w", err)
		}
		f.typed, f.folder = string(b), string(b)
	case "picture":
		name := fileNameOf(p)
		if name == "" {
			return nil // the field was left empty
		}
		if f.picture != nil {
			return refuse("many_pictures")
		}
		kept, err := f.keep(p, name, f.h.Profile.MaxImageBytes, true)
		f.picture = &kept
		return err
	case "options":
		name := fileNameOf(p)
		if name == "" {
			return nil
		}
		if f.options != nil {
			return refuse("many_options")
		}
		kept, err := f.keep(p, name, formRoom, true)
		f.options = &kept
		return err
	case "recording":
		name := fileNameOf(p)
		if name == "" {
			return nil
		}
		if len(f.recordings) == maxRecordings {
			return refuse("many_recordings", maxRecordings)
		}
		kept, err := f.keep(p, name, f.h.Profile.MaxAudioBytes, true)
		f.recordings = append(f.recordings, kept)
		return err
	case "file":
		if len(f.files) == maxFiles {
			return refuse("many_files", maxFiles)
		}
		dir, name := pathOf(p)
		if name == "" {
			return nil
		}
		kind, _ := intake.Classify(name)
		kept, err := f.keep(p, name, max(f.h.Profile.MaxImageBytes, f.h.Profile.MaxAudioBytes), slices.Contains(usefulKinds, kind))
		kept.dir = dir
		f.files = append(f.files, kept)
		return err
	}
	return nil // a field of somebody else's: NextPart passes over it
}

// keep writes one file to disk, constant in memory. One that is of no use is passed
// over, and only known to have been there.
func (f *form) keep(p io.Reader, name string, limit int64, useful bool) (part, error) {
	kept := part{name: name, nth: f.taken}
	f.taken++
	if !useful {
		return kept, nil
	}
	kept.path = filepath.Join(f.dir, fmt.Sprintf("file-%d", kept.nth))
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

// pathOf is the folder and the name of a file that was dropped with its folder: the
// page's script sends both in the place of the name.
func pathOf(p *multipart.Part) (dir, name string) {
	_, params, err := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
	if err != nil {
		return "", ""
	}
	dir, name = path.Split(strings.ReplaceAll(params["filename"], "%22", `"`))
	return strings.Trim(dir, "/"), name
}

// sort finds out what was dropped together. One picture beside recordings is the
// picture of all of them, whatever it is called, as with the two fields, unless it has
// the name of one of several; else files pair by their names.
func (f *form) sort() {
	var pictures, recordings []part
	dirs := map[string]bool{}
	for _, p := range f.files {
		switch kind, _ := intake.Classify(p.name); kind {
		case intake.Picture, intake.Shared:
			pictures = append(pictures, p)
		case intake.Recording:
			recordings = append(recordings, p)
		default:
			continue
		}
		dirs[p.dir] = true
	}
	if len(dirs) != 1 || len(pictures) > 1 || len(recordings) > maxRecordings || len(recordings) > 1 && named(pictures, recordings) {
		return
	}
	for dir := range dirs {
		f.folder = strings.Trim(f.folder+"/"+dir, "/ ")
	}
	f.recordings = append(f.recordings, recordings...)
	if len(pictures) == 1 && f.picture == nil {
		f.picture = &pictures[0]
	}
	var others []part
	for _, p := range f.files {
		switch kind, _ := intake.Classify(p.name); kind {
		case intake.Unknown, intake.Sidecar, intake.Cancel, intake.Retry, intake.Manifest:
			others = append(others, p)
		}
	}
	f.files = others
}

// named says whether one of the pictures has the name of one of the recordings.
func named(pictures, recordings []part) bool {
	return slices.ContainsFunc(pictures, func(p part) bool {
		_, own := intake.Classify(p.name)
		return slices.ContainsFunc(recordings, func(r part) bool {
			_, n := intake.Classify(r.name)
			return n == own
		})
	})
}

// check says what is wrong with the form's names, by the very rules by which the
// inbox will read them.
func (f *form) check() error {
	if f.picture == nil && len(f.recordings)+len(f.files) == 0 {
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
	if f.options != nil {
		if err := usable(f.key(f.options.name), f.options.name, "not_options", intake.Sidecar); err != nil {
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
		if f.picture != nil && intake.IsPortrait(n.Stem) {
			if kind, _ := intake.Classify(f.picture.name); kind != intake.Shared {
				// It would be handed in as the portrait of the whole folder.
				return refuse("portrait_name", short(n.Stem))
			}
		}
		stems[n.Stem] = true
	}
	return f.checkFiles()
}

// checkFiles looks at the names of files that were dropped together. What the inbox
// would not take is left out, not refused: folders hold all kinds of things.
func (f *form) checkFiles() error {
	for i, p := range f.files {
		if p.path == "" {
			continue
		}
		folder := strings.Trim(f.typed+"/"+p.dir, "/")
		if strings.HasPrefix(p.name, ".") || hidden(p.dir) {
			f.files[i].path = ""
			continue
		}
		dir, err := folderOf(folder)
		if err != nil {
			return err
		}
		f.files[i].key = strings.Trim(dir+"/"+p.name, "/")
		if err := usable(f.files[i].key, p.name, "bad_name", usefulKinds...); err != nil {
			return err
		}
	}
	return nil
}

// hidden tells folders that the inbox leaves alone.
func hidden(dir string) bool {
	for p := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(p, "_") || strings.HasPrefix(p, ".") {
			return true
		}
	}
	return false
}

func (f *form) key(name string) string {
	if f.folder == "" {
		return name
	}
	return f.folder + "/" + name
}
