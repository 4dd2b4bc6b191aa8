package intake

import (
	"context"
	"path"
	"sync"

	"emodrop/shared/job"
)

// maxFolders is how many folders an invocation looks through for what the rows of a
// manifest may have meant by files that are not there.
const maxFolders = 20

// hints find, for keys of which there is no file, the one that differs from it in nothing
// that people look at: letter case, spaces and signs, the Unicode form, or an extension of
// the same kind. Each folder is listed once. Safe for concurrent use.
type hints struct {
	inbox Inbox

	mu      sync.Mutex
	folders map[string]*listed
}

// listed is a folder that may be being listed: base names by what is left of them.
type listed struct {
	done  chan struct{}
	names map[string]string
}

// near is the name that may have been meant, as people are told it; empty when there is
// none, or it cannot be found out.
func (h *hints) near(ctx context.Context, key string) string {
	name := h.list(ctx, folderOf(key))[looksOf(path.Base(key))]
	if name == "" || len(name) > maxName {
		return ""
	}
	return "“" + name + "”"
}

// looksOf is what people see of a file's name, and of which kind it is.
func looksOf(base string) string {
	kind, _ := Classify("x" + path.Ext(base))
	return string(kind) + " " + plainStem(base)
}

func (h *hints) list(ctx context.Context, folder string) map[string]string {
	h.mu.Lock()
	one, known := h.folders[folder]
	if !known && len(h.folders) < maxFolders {
		if h.folders == nil {
			h.folders = map[string]*listed{}
		}
		one = &listed{done: make(chan struct{})}
		h.folders[folder] = one
	}
	h.mu.Unlock()
	switch {
	case one == nil:
		return nil
	case known:
		select {
		case <-one.done:
			return one.names
		case <-ctx.Done():
			return nil
		}
	}
	defer close(one.done)
	names := map[string]string{}
	for _, form := range formsOf(folder) {
		after := ""
		for range nearPages {
			keys, err := h.inbox.List(ctx, form, after, nearPage)
			if err != nil {
				return nil // it is only a hint
			}
			for _, k := range keys {
				names[looksOf(path.Base(k))] = path.Base(k)
			}
			if len(keys) < nearPage {
				break
			}
			after = keys[len(keys)-1]
		}
	}
	one.names = names
	return names
}

// missing is what is wrong with a row of which there is no such file.
func (s *shelf) missing(ctx context.Context, key string) *job.Fault {
	return &job.Fault{Code: job.CodeFileMissing, File: key, Detail: s.hints.near(ctx, key)}
}
