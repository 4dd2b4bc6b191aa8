package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/media"
)

// pairOf is the hand-in of one recording with a picture chosen for it: the picture
// takes the recording's name, for files pair by name, and so do the options. Without a
// file of them, they are those that lie beside the recording or the picture.
func (p *program) pairOf(picture, recording, options, folder, name string) (*handIn, error) {
	for _, given := range []string{picture, recording, options} {
		if given == "" {
			continue
		}
		if info, err := os.Stat(given); err != nil {
			return nil, p.unreadable(given, err)
		} else if info.IsDir() {
			return nil, p.problem(exitUsage, "usage", "%s is a folder.", "%s 是文件夹。",
				"A whole folder goes in by emodrop batch.", "提交整个文件夹请用 emodrop batch。", oneLine(given))
		} else if !info.Mode().IsRegular() { // a pipe would be waited for
			return nil, p.problem(exitUsage, "usage", "%s is no file that can be read twice.", "%s 不是普通文件。", "Save it as a file.", "请先保存为文件。", oneLine(given))
		} else if isManifest(given) {
			return nil, p.problem(exitUsage, "usage", "%s is a manifest.", "%s 是清单。",
				"A manifest goes in, with the files that it names, by emodrop batch.", "提交清单及其所列文件请用 emodrop batch。", oneLine(given))
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
	case intake.IsPortrait(n.Stem):
		return nil, p.usage("“portrait” is the name of a folder's shared picture; give another: --name NAME", "“portrait”是文件夹共用图片的名称，请指定其他名称：--name NAME")
	case kind != intake.Recording:
		return nil, p.usage("the inbox would not take “%s”; give another --name or --folder", "收件桶不接受“%s”，请更换 --name 或 --folder", oneLine(audio.key))
	}
	h := &handIn{name: n, image: image, audio: audio}
	if options == "" {
		options = beside(recording, picture)
	}
	if options != "" {
		h.sidecar = &file{path: options, key: path.Join(folder, stem) + ".json"}
	}
	return h, nil
}

// beside is the document with a recording's options that lies in its folder, or else in
// its picture's, named as the inbox would have it; empty when there is none.
func beside(recording, picture string) string {
	_, own := intake.Classify(filepath.Base(recording))
	for _, dir := range []string{filepath.Dir(recording), filepath.Dir(picture)} {
		entries, _ := os.ReadDir(dir) // a folder that shows nothing has nothing for us
		for _, e := range entries {
			if kind, n := intake.Classify(e.Name()); kind == intake.Sidecar && n == own && !e.IsDir() {
				return filepath.Join(dir, e.Name())
			}
		}
	}
	return ""
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
	// halves wait for another file, unknown are no files of ours, manifests go in by
	// themselves, links lead to no file.
	halves, unknown, manifests, links []string
}

// scan pairs the files of a folder, and of those below it, as the inbox will.
func scan(root, folder string) (scanned, error) {
	var out scanned
	var found []*file
	var named []intake.Named
	whole, err := filepath.EvalSymlinks(root) // a link WalkDir would not enter
	if err != nil {
		return scanned{}, err
	}
	err = filepath.WalkDir(whole, func(at string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(whole, at)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		at = filepath.Join(root, rel) // as the person knows it
		link := d.Type()&fs.ModeSymlink != 0
		info, err := os.Stat(at)
		switch {
		case link && !strings.HasPrefix(d.Name(), ".") && (err != nil || !info.Mode().IsRegular()):
			out.links = append(out.links, at)
			return nil
		case err != nil && !link:
			return err
		case err != nil || !info.Mode().IsRegular():
			return nil
		}
		f := &file{path: at, key: path.Join(folder, filepath.ToSlash(rel))}
		if isManifest(at) {
			out.manifests = append(out.manifests, at)
			return nil
		}
		found = append(found, f)
		named = append(named, intake.Named{Key: f.key, Modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return scanned{}, err
	}
	paired := intake.Pair(named)
	for _, p := range paired.Pairs {
		h := &handIn{name: p.Name, image: found[p.Picture], audio: found[p.Recording]}
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
