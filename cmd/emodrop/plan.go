package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

// file is a file of this machine on its way to the inbox.
type file struct {
	path string
	key  string
	in   job.Input
	// fault is what the inbox would refuse it for; nil when it is sound.
	fault *job.Fault
	// odd: neither its name nor its content is of the kind that it was given as.
	odd bool
}

// handIn is a picture and a recording that make a film.
type handIn struct {
	name         job.Name
	image, audio *file
	// sidecar holds its options; nil when it has none.
	sidecar *file
	options job.Options
	id      string
	price   job.Money
	// old is the job that the same hand-in has made before, if any: no second film
	// and no second charge come of it.
	old *job.Job
	// shared: the picture is its folder's portrait, and goes there once.
	shared bool
}

// refusal is why the inbox would not make a job of it, as it is told. The file is
// called as the person called it, and not as it would be called in the inbox.
func (p *program) refusal(h *handIn) *problem {
	f, want, wantZH := h.audio, "recording (MP3 or WAV)", "录音（MP3 或 WAV）"
	if h.image.fault != nil {
		f, want, wantZH = h.image, "picture (JPEG, PNG, BMP or WebP)", "图片（JPEG、PNG、BMP 或 WebP）"
	}
	if f.odd && f.fault != nil {
		return p.problem(exitJobFailed, f.fault.Code, "“%s” is no %s.", "“%s”不是%s。",
			"The picture comes first, then the recordings: emodrop submit IMAGE AUDIO...", "先写图片，再写录音：emodrop submit IMAGE AUDIO...",
			oneLine(filepath.Base(f.path)), p.pick(want, wantZH))
	}
	if h.refused() == h.sidecarFault() {
		f = h.sidecar
	}
	fault := *f.fault
	fault.File = filepath.Base(f.path)
	return p.failed(job.Job{State: job.Rejected, Name: h.name, Fault: &fault})
}

// refused is why the inbox would not make a job of it.
func (h *handIn) refused() *job.Fault {
	if h.image.fault != nil {
		return h.image.fault
	}
	if h.audio.fault != nil {
		return h.audio.fault
	}
	return h.sidecarFault()
}

func (h *handIn) sidecarFault() *job.Fault {
	if h.sidecar == nil {
		return nil
	}
	return h.sidecar.fault
}

// asks reads a hand-in's options, which are small: what would be refused for its size is
// not read on.
func (h *handIn) asks() error {
	if h.sidecar == nil {
		return nil
	}
	f, err := os.Open(h.sidecar.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	doc, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return err
	}
	h.sidecar.in.Size = int64(len(doc))
	h.options, h.sidecar.fault = intake.ReadOptions(h.sidecar.key, doc)
	return nil
}

// wanted says whether it is to be uploaded.
func (h *handIn) wanted() bool { return h.refused() == nil && (h.old == nil || intake.GivenUp(*h.old)) }

// look reads a file once, hashes it and judges it as the inbox will.
func look(f *file, picture bool) error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	half := job.Half{Key: f.key, Size: info.Size()}
	f.in, f.fault, err = intake.Inspect(job.EMO(), half, picture, func() (io.ReadCloser, error) { return os.Open(f.path) })
	return err
}

// plan judges hand-ins, prices them, and finds which of them have been made before.
func (p *program) plan(ctx context.Context, st *reach.Stack, all []*handIn) error {
	seen := map[*file]bool{}
	profile := job.EMO()
	for _, h := range all {
		for _, f := range []struct {
			*file
			picture bool
		}{{h.image, true}, {h.audio, false}} {
			if seen[f.file] {
				continue
			}
			seen[f.file] = true
			if err := look(f.file, f.picture); err != nil {
				return p.unreadable(f.path, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		if err := h.asks(); err != nil {
			return p.unreadable(h.sidecar.path, err)
		}
		if h.refused() != nil {
			continue
		}
		h.id = job.Identity(h.name, h.image.in.SHA256, h.audio.in.SHA256, h.options)
		if !h.options.DryRun {
			h.price = profile.Price(profile.RatioOf(h.options, st.Ratio, h.image.in.Width, h.image.in.Height), h.audio.in.Seconds)
		}
		j, err := st.Jobs.Job(ctx, h.id)
		if err == nil {
			h.old = &j
		} else if !errors.Is(err, job.ErrNotFound) {
			return err
		}
	}
	return nil
}

// planned is a hand-in as programs are told of it.
type planned struct {
	Name    string  `json:"name"`
	ID      string  `json:"id,omitempty"`
	Image   string  `json:"image"`
	Audio   string  `json:"audio"`
	Seconds float64 `json:"seconds,omitempty"`
	// PriceCNY is what the film is expected to cost; of what is not sent, nothing.
	PriceCNY string `json:"price_cny"`
	// Upload says whether it is sent, or would be with --dry-run.
	Upload  bool      `json:"upload"`
	DryRun  bool      `json:"dry_run,omitempty"`
	State   job.State `json:"state,omitempty"` // of the job that it has made before
	Problem *problem  `json:"problem,omitempty"`
}

// announce shows what is going to happen, and sums up the price.
func (p *program) announce(st *reach.Stack, all []*handIn, dry bool) (films int, total job.Money) {
	for _, h := range all {
		l := planned{Name: h.name.String(), ID: h.id, Image: h.image.path, Audio: h.audio.path, Seconds: h.audio.in.Seconds,
			PriceCNY: job.Money(0).Decimal(), Upload: h.wanted(), DryRun: dry}
		what := ""
		switch {
		case h.refused() != nil:
			l.Problem = p.refusal(h)
			what = p.pick("refused: ", "不可用：") + l.Problem.Message + " " + l.Problem.Fix
		case !h.wanted():
			l.State = h.old.State
			what = fmt.Sprintf(p.pick("the same was handed in before: %s; nothing is sent", "之前已提交过：%s；不会再次提交"), p.state(h.old.State, false))
			if h.old.State.Final() && !well(h.old.State) {
				what += p.pick(". To make it anew: emodrop retry", "。如需重新制作：emodrop retry")
			}
		default:
			films, total = films+1, total+h.price
			l.PriceCNY = h.price.Decimal()
			what = fmt.Sprintf("%s  %s", length(l.Seconds), h.price)
		}
		if p.json {
			if dry || !l.Upload {
				p.line(l)
			}
			continue
		}
		p.say("  %s  ←  %s + %s  %s", "  %s  ←  %s + %s  %s", oneLine(l.Name), oneLine(filepath.Base(l.Image)), oneLine(filepath.Base(l.Audio)), what)
	}
	if films > 0 {
		p.say("films: %d, for about %s%s", "视频：%d 个，约 %s%s", films, total, p.simulated(st))
	}
	return films, total
}

// pairOf is the hand-in of one recording with a picture chosen for it: the picture
// takes the recording's name, for files pair by name.
func (p *program) pairOf(picture, recording, folder, name string) (*handIn, error) {
	for _, given := range []string{picture, recording} {
		if info, err := os.Stat(given); err != nil {
			return nil, p.unreadable(given, err)
		} else if info.IsDir() {
			return nil, p.problem(exitUsage, "usage", "%s is a folder.", "%s 是文件夹。",
				"A whole folder goes in by emodrop batch.", "提交整个文件夹请用 emodrop batch。", oneLine(given))
		}
	}
	stem := name
	if stem == "" {
		base := filepath.Base(recording)
		stem = strings.TrimSuffix(base, filepath.Ext(base))
	}
	image, audio := &file{path: picture}, &file{path: recording}
	for f, isPicture := range map[*file]bool{image: true, audio: false} {
		var ext string
		ext, f.odd = extension(f.path, isPicture)
		f.key = path.Join(folder, stem) + ext
	}
	kind, n := intake.Classify(audio.key)
	switch {
	case strings.ContainsAny(stem, "/\\") || strings.ContainsFunc(image.key, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return nil, p.usage("“%s” cannot be a hand-in's name; give another: --name NAME", "“%s”不能用作名称，请指定：--name NAME", oneLine(stem))
	case strings.EqualFold(n.Stem, "portrait"):
		return nil, p.usage("“portrait” is the name of a folder's shared picture; give another: --name NAME", "“portrait”是文件夹共用图片的名称，请指定其他名称：--name NAME")
	case kind != intake.Recording:
		return nil, p.usage("the inbox would not take “%s”; give another --name or --folder", "收件桶不接受“%s”，请更换 --name 或 --folder", oneLine(audio.key))
	}
	return &handIn{name: n, image: image, audio: audio}, nil
}

// extension is a file's own where the inbox knows it, else that of its content: a
// file that people can use is not refused for its name. odd: it is neither's.
func extension(name string, picture bool) (ext string, odd bool) {
	ext = filepath.Ext(name)
	kind, _ := intake.Classify("x" + ext)
	if picture && kind == intake.Picture || !picture && kind == intake.Recording {
		return ext, false
	}
	if f, err := os.Open(name); err == nil {
		defer func() { _ = f.Close() }()
		if m, err := media.Inspect(f, job.EMO().MaxImageBytes); err == nil && m.Format.IsImage() == picture {
			return m.Format.Ext(), false
		}
	}
	if picture {
		return ".jpg", true // it is refused by its content
	}
	return ".mp3", true
}

// unreadable is a file of this machine that cannot be had.
func (p *program) unreadable(name string, err error) *problem {
	var at *fs.PathError
	switch name := oneLine(name); {
	case errors.Is(err, fs.ErrNotExist):
		return p.problem(exitUsage, "usage", "There is no file %s.", "没有文件 %s。", "Look at its name, and at the folder you are in.", "请检查文件名和当前目录。", name)
	case errors.Is(err, fs.ErrPermission):
		return p.problem(exitUsage, "usage", "%s may not be read.", "没有读取 %s 的权限。", "Look at its permissions.", "请检查其权限。", name)
	case errors.As(err, &at):
		return p.problem(exitUsage, "usage", "%s cannot be read: %s.", "无法读取 %s：%s。", "", "", name, oneLine(at.Err.Error()))
	}
	return p.problem(exitUsage, "usage", "%s cannot be read: %s.", "无法读取 %s：%s。", "", "", name, oneLine(err.Error()))
}

// folderOf checks a folder of the inbox as a person wrote it.
func (p *program) folderOf(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "/")
	for part := range strings.SplitSeq(s, "/") {
		if s != "" && (part == "" || part == "." || part == ".." || strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") || strings.Contains(part, "\\")) {
			return "", p.usage("--folder %s: its parts may not be empty, nor begin with a dot or _", "--folder %s：各级名称不能为空，也不能以点或 _ 开头", oneLine(s))
		}
	}
	return s, nil
}

// scanned is what a folder holds.
type scanned struct {
	pairs []*handIn
	// halves wait for another file, unknown are no files of ours.
	halves, unknown []string
}

// scan pairs the files of a folder, and of those below it, as the inbox will.
func scan(root, folder string) (scanned, error) {
	var found []*file
	var named []intake.Named
	err := filepath.WalkDir(root, func(at string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := &file{path: at, key: path.Join(folder, filepath.ToSlash(rel))}
		found = append(found, f)
		named = append(named, intake.Named{Key: f.key, Modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return scanned{}, err
	}
	var out scanned
	paired := intake.Pair(named)
	for _, p := range paired.Pairs {
		h := &handIn{name: p.Name, image: found[p.Picture], audio: found[p.Recording], shared: p.Shared}
		if p.Sidecar >= 0 {
			h.sidecar = found[p.Sidecar]
		}
		out.pairs = append(out.pairs, h)
	}
	for _, i := range paired.Halves {
		out.halves = append(out.halves, found[i].path)
	}
	for _, i := range paired.Unknown {
		out.unknown = append(out.unknown, found[i].path)
	}
	return out, nil
}
