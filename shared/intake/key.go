package intake

import (
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/job"
)

// Kind is what a key of the inbox is by its name alone.
type Kind string

// The kinds.
const (
	// Ignored: folders, dotfiles, files still being written, files that only a
	// manifest may use.
	Ignored Kind = "ignored"
	// Picture and Recording: halves of a stem.
	Picture   Kind = "picture"
	Recording Kind = "recording"
	// Sidecar: the document with the options of a stem.
	Sidecar Kind = "sidecar"
	// Shared: the folder's portrait.
	Shared Kind = "portrait"
	// Cancel and Retry: control objects, by which people who have nothing but the bucket
	// ask for something.
	Cancel Kind = "cancel"
	Retry  Kind = "retry"
	// Manifest: a file whose rows are hand-ins.
	Manifest Kind = "manifest"
	// Unknown: nothing we know; told once.
	Unknown Kind = "unknown"
)

// Classify tells what a key is and under which name it counts: folder and stem
// in NFC, the stem trimmed, the extension in any letter case.
func Classify(key string) (Kind, job.Name) {
	dir := norm.NFC.String(folderOf(key))
	base := norm.NFC.String(key[len(folderOf(key)):])
	if strings.Trim(dir, "/") != "" {
		// A folder of slashes alone keeps all of them: "/x" is not "x".
		dir = strings.TrimSuffix(dir, "/")
	}
	if stem, ok := manifestStem(base); ok {
		// Also in a folder that only manifests use: it uses its own.
		return Manifest, job.Name{Dir: dir, Stem: stem}
	}
	ext := path.Ext(base)
	stem := strings.TrimSpace(strings.TrimSuffix(base, ext))
	ext = strings.ToLower(strings.TrimSpace(ext))
	n := job.Name{Dir: dir, Stem: stem}
	order := stem != "" && (ext == ".cancel" || ext == ".retry")
	switch {
	case base == "" || strings.HasPrefix(base, ".") || ofManifests(dir) && !order:
		return Ignored, job.Name{}
	case ext == ".tmp" || ext == ".part" || ext == ".crdownload":
		return Ignored, job.Name{}
	case stem == "":
		return Unknown, n
	case isPicture(ext) && IsPortrait(stem):
		return Shared, n
	case isPicture(ext):
		return Picture, n
	case ext == ".mp3" || ext == ".wav":
		return Recording, n
	case ext == ".json":
		return Sidecar, n
	case ext == ".cancel":
		return Cancel, n
	case ext == ".retry":
		return Retry, n
	}
	return Unknown, n
}

// IsPortrait reports whether a picture with that stem is its folder's portrait.
func IsPortrait(stem string) bool { return strings.EqualFold(stem, "portrait") }

// ofManifests says whether files in a folder are used only through manifests. Manifests
// may lie there, and what people ask for of their rows.
func ofManifests(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		if strings.HasPrefix(part, "_") {
			return true
		}
	}
	return false
}

// manifestStem is the name of a manifest without its extensions; false for any other
// file.
func manifestStem(base string) (string, bool) {
	plain := strings.TrimSpace(base)
	for _, ext := range []string{".jobs.jsonl", ".jobs.csv"} {
		if n := len(plain) - len(ext); n > 0 && strings.EqualFold(plain[n:], ext) {
			stem := strings.TrimSpace(plain[:n])
			return stem, stem != "" && !strings.HasPrefix(stem, ".")
		}
	}
	return "", false
}

func isPicture(ext string) bool {
	switch ext {
	case ".jpg", ".jpeg", ".png", ".bmp", ".webp":
		return true
	}
	return false
}

// folderOf is a key up to and with its last slash; empty at the top.
func folderOf(key string) string { return key[:strings.LastIndexByte(key, '/')+1] }

// parseName is the inverse of job.Name.String for names that Classify made.
func parseName(s string) job.Name {
	if i := strings.LastIndexByte(s, '/'); i >= 0 {
		return job.Name{Dir: s[:i], Stem: s[i+1:]}
	}
	return job.Name{Stem: s}
}
