package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"time"

	"emodrop/shared/words"
)

//go:embed assets
var files embed.FS

// asset is a file that pages load.
type asset struct {
	body []byte
	etag string
}

// loadAssets reads what /assets/ serves.
func loadAssets() (map[string]asset, error) {
	all := map[string]asset{}
	for _, name := range []string{"style.css", "page.js", "icon.svg"} {
		body, err := files.ReadFile("assets/" + name)
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		sum := sha256.Sum256(body)
		all[name] = asset{body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return all, nil
}

func (h *console) asset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	a, ok := h.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	// By name and not by the system's table of types, which differs by machine.
	types := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", a.etag)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(a.body))
}

// pages are the templates, one set for each language: "page" is the whole, "board"
// the part that follows the jobs.
type pages map[words.Lang]*template.Template

func parsePages() (pages, error) {
	all := pages{}
	for _, l := range languages() {
		t, err := template.New("").Funcs(template.FuncMap{
			"t": func(key string, args ...any) (string, error) { return say(l, key, args...) },
		}).ParseFS(files, "assets/*.html")
		if err != nil {
			return nil, fmt.Errorf("console: %w", err)
		}
		all[l] = t
	}
	return all, nil
}
