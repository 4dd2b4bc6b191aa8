package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"emodrop/local/aws/s3"
)

// mirror keeps films and records as plain files beside the drop folder.
type mirror struct {
	home  string
	files *s3.Server
	say   func(format string, args ...any)
}

// one brings the file of one key up to date.
func (m *mirror) one(key string) {
	if err := m.copy(key); err != nil {
		m.say("%s: not copied to the folder: %v", key, err)
	}
}

// all brings every file up to date: what happened while nobody was looking.
func (m *mirror) all(ctx context.Context) {
	for _, prefix := range mirroredPrefixes {
		after := ""
		for {
			list, err := m.files.List(ctx, Outbox, prefix, after, 1000)
			if err != nil || len(list) == 0 {
				break
			}
			for _, o := range list {
				path := m.path(o.Key)
				if info, err := os.Stat(path); path != "" && (err != nil || info.Size() != o.Size || info.ModTime().Before(o.Modified)) {
					m.one(o.Key)
				}
			}
			after = list[len(list)-1].Key
		}
	}
}

// follow has files go when their objects are deleted: a hand-in that was mended
// leaves no record of its failure behind.
func (m *mirror) follow(s3 http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s3.ServeHTTP(w, r)
		key, ok := strings.CutPrefix(r.URL.Path, "/"+Outbox+"/")
		if r.Method == http.MethodDelete && ok && mirrored(key) {
			m.gone(r.Context(), key)
		}
	})
}

// mirroredPrefixes are the parts of the outbox that are for people.
var mirroredPrefixes = []string{"videos/", "failed/", "checked/", "status/"}

// mirrored says whether a key of the outbox has a file in the home.
func mirrored(key string) bool {
	return slices.ContainsFunc(mirroredPrefixes, func(p string) bool { return strings.HasPrefix(key, p) })
}

// gone removes the file of a key that is no longer there.
func (m *mirror) gone(ctx context.Context, key string) {
	f, _, err := m.files.Open(ctx, Outbox, key)
	if err == nil {
		_ = f.Close()
	}
	if path := m.path(key); path != "" && errors.Is(err, s3.ErrNoSuchKey) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			m.say("%s: still in the folder: %v", key, err)
		}
	}
}

// path is where a key's file goes, or nothing when it would leave the home: names
// that a file system cannot hold stay in the bucket alone.
func (m *mirror) path(key string) string {
	local := filepath.FromSlash(key)
	if !filepath.IsLocal(local) || path.Clean(key) != key {
		return ""
	}
	return filepath.Join(m.home, local)
}

func (m *mirror) copy(key string) error {
	path := m.path(key)
	if path == "" {
		return fmt.Errorf("no file can have that name")
	}
	from, _, err := m.files.Open(context.Background(), Outbox, key)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Dir(path), ".emodrop-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err1 := to.Close(); err == nil {
		err = err1
	}
	if err == nil {
		err = os.Chmod(to.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(to.Name(), path)
	}
	if err != nil {
		_ = os.Remove(to.Name())
	}
	return err
}
