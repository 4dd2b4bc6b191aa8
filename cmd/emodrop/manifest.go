package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

// isManifest says whether a file is a manifest by its name.
func isManifest(name string) bool {
	kind, _ := intake.Classify(filepath.Base(name))
	return kind == intake.Manifest
}

// manifest is a manifest of this machine: its folder stands for the one of the inbox that
// it is handed into, and so its rows name files of this machine, or of the inbox alone.
type manifest struct {
	file *file
	// results is the key of what comes of its rows.
	results string
	rows    []*handIn
}

// batchManifest hands a manifest and the files of this machine that its rows name in. It
// is taken as a whole or not at all, as the inbox takes it: what cannot be used is found
// before anything is sent.
func (p *program) batchManifest(cmd *cobra.Command, name string, s *sending) error {
	m, err := p.readManifest(name, s.folder)
	if err != nil {
		return err
	}
	st, err := p.stack(cmd.Context())
	if err != nil {
		return err
	}
	if err := p.plan(cmd.Context(), st, m.rows); err != nil {
		return err
	}
	for _, h := range m.rows {
		if h.refused() != nil {
			p.announce(st, m.rows, true)
			return p.problem(exitJobFailed, h.refused().Code, "Nothing was sent: not every row can be made.", "未提交任何内容：部分行无法制作。",
				"Put the rows right that are marked above, or take them out.", "请修正上文标出的行，或将其删除。")
		}
	}
	return p.whole(m.rows, p.send(cmd.Context(), st, m.rows, s, m))
}

// readManifest reads a manifest and finds the files of this machine that its rows name.
func (p *program) readManifest(name, folder string) (*manifest, error) {
	m := &manifest{file: &file{path: name, key: path.Join(folder, filepath.Base(name))}}
	body, err := os.Open(name)
	if err != nil {
		return nil, p.unreadable(name, err)
	}
	defer func() { _ = body.Close() }()
	info, err := body.Stat()
	if err != nil {
		return nil, p.unreadable(name, err)
	}
	m.file.in.Size = info.Size()
	rows, faults, more, err := intake.InspectManifest(m.file.key, body)
	if err != nil {
		return nil, p.unreadable(name, err)
	}
	if faults != nil {
		return nil, p.wrongLines(name, faults, more)
	}
	_, n := intake.Classify(m.file.key)
	m.results = job.ResultsKey(n)
	known := map[string]*file{}
	for i := range rows {
		r := &rows[i]
		h := &handIn{name: r.Name, row: r, sidecar: &file{path: name, key: m.file.key}}
		if h.image, err = p.fileOf(known, "i ", name, folder, r.Image); err != nil {
			return nil, err
		}
		if h.audio, err = p.fileOf(known, "a ", name, folder, r.Audio); err != nil {
			return nil, err
		}
		m.rows = append(m.rows, h)
	}
	return m, nil
}

// maxWrongLines is how many wrong lines people are shown; programs get all of them.
const maxWrongLines = 100

// wrongLines tells of each line what is wrong with it.
func (p *program) wrongLines(name string, faults []job.RowFault, more int) *problem {
	for i, f := range faults {
		what := words.WrongLine(f, p.lang)
		if p.json {
			p.line(map[string]any{"path": name, "line": f.Line, "upload": false, "problem": p.problem(0, job.CodeManifestRefused, "%s", "%s", "", "", what)})
		}
		switch {
		case i >= maxWrongLines:
		case f.Line == 0:
			p.say("  %s", "  %s", what)
		default:
			p.say("  line %d: %s", "  第 %d 行：%s", f.Line, what)
		}
	}
	if unsaid := len(faults) + more - maxWrongLines; unsaid > 0 {
		p.say("  … and %d more", "  ……以及另外 %d 行", unsaid)
	}
	return p.problem(exitJobFailed, job.CodeManifestRefused, "%s: nothing was sent; wrong lines: %d.", "%s 有 %d 行有误，未提交任何内容。",
		"A manifest is taken as a whole or not at all: put them right first.", "清单要么全部采用，要么全部不采用：请先修正这些行。", oneLine(filepath.Base(name)), len(faults)+more)
}

// fileOf is the file of this machine that a row names, once for all rows; without a path
// when there is none.
func (p *program) fileOf(known map[string]*file, kind, manifest, folder, key string) (*file, error) {
	if f := known[kind+key]; f != nil {
		return f, nil
	}
	f := &file{key: key}
	known[kind+key] = f
	for _, form := range intake.KeyForms(key) {
		below := form
		if folder != "" {
			var inside bool
			if below, inside = strings.CutPrefix(form, folder+"/"); !inside {
				break // of another folder of the inbox, which is not here
			}
		}
		local := filepath.FromSlash(below)
		if !filepath.IsLocal(local) {
			break // a name that no file of this machine can have
		}
		at := filepath.Join(filepath.Dir(manifest), local)
		info, err := os.Stat(at)
		switch {
		case err == nil && info.Mode().IsRegular():
			f.path = at
			return f, p.apart(f)
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return nil, p.unreadable(at, err)
		}
	}
	return f, nil
}

// apart refuses a file that the inbox would take for a hand-in of its own: beside the
// film of its row, another one would be made of it and paid for.
func (p *program) apart(f *file) error {
	if kind, _ := intake.Classify(f.key); kind == intake.Ignored {
		return nil
	}
	return p.problem(exitUsage, "not_set_apart", "The inbox would take %s for a hand-in of its own, beside the manifest's.", "收件桶会把 %s 当作清单之外的另一次提交。",
		"Put the files of a manifest into a folder whose name begins with _, such as _files, and name them so in its rows.",
		"请将清单所用文件放入名称以 _ 开头的文件夹（例如 _files），并在各行中使用该路径。", oneLine(f.path))
}

// inInbox looks a file that is not on this machine up in the inbox, in each of the forms
// that its key may have there.
func inInbox(ctx context.Context, st *reach.Stack, f *file, picture bool) error {
	for _, key := range intake.KeyForms(f.key) {
		half, err := st.Listed.Head(ctx, key)
		if errors.Is(err, job.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		f.path, f.half = "s3://"+st.Inbox+"/"+key, half
		f.in, f.fault, err = intake.Inspect(job.EMO(), half, picture, func() (io.ReadCloser, error) { return st.Listed.Open(ctx, half.Key, half.ETag) })
		return err
	}
	f.fault = &job.Fault{Code: job.CodeFileMissing, File: f.key}
	return nil
}
