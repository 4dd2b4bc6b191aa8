package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Name is where a hand-in stands: a folder and a stem, both normalised (NFC,
// trimmed). Dir is empty at the top and has no slash at its end otherwise.
type Name struct {
	Dir  string `json:"dir,omitempty"`
	Stem string `json:"stem"`
}

// String is the name as people write it: "courses/week 1/anna".
func (n Name) String() string {
	if n.Dir == "" {
		return n.Stem
	}
	return n.Dir + "/" + n.Stem
}

// identityVersion is hashed first, so that a later rule of identity can never
// collide with this one.
const identityVersion = "emodrop job 1"

// Identity is the id of the job that this name, these contents and these
// options make: 32 hexadecimal digits. The same hand-in again has the same id,
// whatever its ETags, labels, priority or the stack's defaults say. A dry run is a job
// of its own: what can never be paid for never becomes what is.
func Identity(n Name, imageSHA256, audioSHA256 string, o Options) string {
	h := sha256.New()
	parts := []string{identityVersion, n.Dir, n.Stem, strings.ToLower(imageSHA256),
		strings.ToLower(audioSHA256), string(o.Style), string(o.Ratio)}
	// Further options only where they are given, each with its name.
	if o.Face != (Box{}) || o.Ext != (Box{}) {
		parts = append(parts, fmt.Sprint("boxes", o.Face, o.Ext))
	}
	if o.DryRun {
		parts = append(parts, "dry run")
	}
	if o.Refused != "" {
		parts = append(parts, "refused "+o.Refused)
	}
	// Lengths before values: no two lists of parts give the same bytes.
	for _, part := range parts {
		_, _ = io.WriteString(h, fmt.Sprintf("%d:%s,", len(part), part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
