// Package drop takes files from a folder into the inbox bucket: the folder is what
// people without an AWS client use.
//
// It watches, waits until a file is no longer being written, and puts it under its
// path below the folder. It deletes nothing. Its one invariant: a file is handed in
// once for each content it has had, over restarts too.
package drop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Config is what Watch needs.
type Config struct {
	// Dir is the folder, or a link to it; it is made when missing. Links to folders
	// below it are not followed.
	Dir string
	// State is the file that remembers what was handed in.
	State string
	// Put hands one file in, under its key.
	Put func(ctx context.Context, key, path string) error
	// Say tells of what happened, one line each.
	Say func(format string, args ...any)
	// Quiet is how long a file must not have changed; zero: 500 ms.
	Quiet time.Duration
	// Again is how long after a failure a file is tried again; zero: 5 s.
	Again time.Duration
}

// seen is what is remembered of a file that was handed in.
type seen struct {
	Size     int64 `json:"size"`
	Modified int64 `json:"modified"`
}

type watcher struct {
	Config
	fs *fsnotify.Watcher
	// waiting are files that changed, by path, and when they did last.
	waiting map[string]waiting
	known   map[string]seen
}

type waiting struct {
	since time.Time
	look  seen
}

// Watch hands in what is in the folder and what comes into it, until ctx ends.
func Watch(ctx context.Context, c Config) error {
	if c.Quiet == 0 {
		c.Quiet = 500 * time.Millisecond
	}
	if c.Again == 0 {
		c.Again = 5 * time.Second
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return fmt.Errorf("drop folder: %w", err)
	}
	// Clean, as the watcher names it in its events, and no link, which WalkDir would
	// not enter.
	dir, err := filepath.EvalSymlinks(c.Dir)
	if err != nil {
		return fmt.Errorf("drop folder: %w", err)
	}
	c.Dir = dir
	fw, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the drop folder: %w", err)
	}
	defer func() { _ = fw.Close() }()
	w := &watcher{Config: c, fs: fw, waiting: map[string]waiting{}, known: map[string]seen{}}
	w.remember()
	if err := w.add(c.Dir); err != nil {
		return err
	}
	tick := time.NewTicker(c.Quiet / 2)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-fw.Events:
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				w.unwatch(e.Name)
			}
			switch {
			case e.Has(fsnotify.Create) || e.Has(fsnotify.Write) || e.Has(fsnotify.Chmod):
				// "touch" changes nothing but a file's times, and means: once more.
				w.touch(e.Name)
			case e.Name == c.Dir && (e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)):
				// The folder itself went away; nothing would ever be seen again.
				if err := os.MkdirAll(c.Dir, 0o755); err != nil {
					return fmt.Errorf("drop folder: %w", err)
				}
				if err := w.add(c.Dir); err != nil {
					return err
				}
			}
		case err := <-fw.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				// Too much came at once: what is there says what was missed.
				w.unwatch(c.Dir)
				if err := w.add(c.Dir); err != nil {
					return err
				}
				continue
			}
			return fmt.Errorf("watch the drop folder: %w", err)
		case now := <-tick.C:
			w.handIn(ctx, now)
		}
	}
}

// add watches a folder and all below it, and looks at the files there.
func (w *watcher) add(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil && path != w.Dir:
			// One folder that cannot be read keeps no other from being watched.
			w.Say("drop: %v", err)
			return fs.SkipDir
		case err != nil:
			return fmt.Errorf("drop folder: %w", err)
		case d.IsDir() && path != w.Dir && hidden(path):
			return fs.SkipDir
		case d.IsDir():
			return w.watch(path)
		}
		w.touch(path)
		return nil
	})
}

// watch watches one folder. Only the first must be watched: one below it that
// cannot be keeps no other from it.
func (w *watcher) watch(dir string) error {
	err := w.fs.Add(dir)
	switch {
	case err == nil:
		return nil
	case dir == w.Dir:
		return fmt.Errorf("watch the drop folder: %w", err)
	case !errors.Is(err, fs.ErrNotExist):
		w.Say("drop: %s is not watched: %v", w.key(dir), err)
	}
	return fs.SkipDir
}

// unwatch ends the watching of a folder that went elsewhere, and of those below it: under
// a new name the system would go on to tell of them by their old ones.
func (w *watcher) unwatch(dir string) {
	for _, path := range w.fs.WatchList() {
		if path == dir || strings.HasPrefix(path, dir+string(filepath.Separator)) {
			_ = w.fs.Remove(path) // which may have ended with its folder
		}
	}
}

// touch notes that a path changed.
func (w *watcher) touch(path string) {
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	if path != w.Dir && hidden(path) {
		return
	}
	if info.IsDir() {
		if own, err := os.Lstat(path); err != nil || !own.IsDir() {
			w.Say("drop: %s is a link to a folder: not followed", w.key(path))
			return
		}
		if err := w.add(path); err != nil {
			w.Say("drop: %v", err)
		}
		return
	}
	if !info.Mode().IsRegular() {
		return
	}
	look := lookOf(info)
	if w.known[w.key(path)] == look {
		delete(w.waiting, path)
		return
	}
	w.waiting[path] = waiting{time.Now(), look}
}

// hidden says whether a file or folder is one that people do not see.
func hidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

func lookOf(info fs.FileInfo) seen { return seen{info.Size(), info.ModTime().UnixNano()} }

// key is a path as the inbox names it.
func (w *watcher) key(path string) string {
	rel, err := filepath.Rel(w.Dir, path)
	if err != nil {
		return filepath.Base(path)
	}
	return filepath.ToSlash(rel)
}

// handIn hands in what has been quiet for long enough.
func (w *watcher) handIn(ctx context.Context, now time.Time) {
	done := false
	for path, f := range w.waiting {
		if now.Sub(f.since) < w.Quiet {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			delete(w.waiting, path)
			continue
		}
		if look := lookOf(info); look != f.look {
			w.waiting[path] = waiting{now, look}
			continue
		}
		delete(w.waiting, path)
		key := w.key(path)
		if err := w.Put(ctx, key, path); err != nil {
			if ctx.Err() != nil {
				return
			}
			w.Say("drop: %s could not be handed in: %v", key, err)
			w.waiting[path] = waiting{now.Add(w.Again), f.look}
			continue
		}
		w.Say("%s handed in (%d bytes)", key, info.Size())
		w.known[key] = f.look
		done = true
	}
	if done {
		w.save()
	}
}

// remember reads what was handed in before; without that everything counts as
// new, and what was a job before is one no second time.
func (w *watcher) remember() {
	if b, err := os.ReadFile(w.State); err == nil {
		_ = json.Unmarshal(b, &w.known)
	}
	if w.known == nil {
		w.known = map[string]seen{}
	}
}

func (w *watcher) save() {
	b, err := json.Marshal(w.known)
	if err == nil {
		err = os.WriteFile(w.State+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(w.State+".new", w.State)
	}
	if err != nil {
		w.Say("drop: what was handed in could not be noted: %v", err)
	}
}
