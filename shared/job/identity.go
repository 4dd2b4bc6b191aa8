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
// whatever its ETags, metadata or the stack's defaults say.
func Identity(n Name, imageSHA256, audioSHA256 string, o Options) string {
	h := sha256.New()
	// Lengths before values: no two lists of parts give the same bytes.
	for _, part := range []string{identityVersion, n.Dir, n.Stem, strings.ToLower(imageSHA256),
		strings.ToLower(audioSHA256), string(o.Style), string(o.Ratio)} {
		_, _ = io.WriteString(h, fmt.Sprintf("%d:%s,", len(part), part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Rank is the place in the queue of a job received at that time: ordered as
// text, oldest first. Priority and fair share will come before the time.
func Rank(receivedMillis int64, id string) string {
	return fmt.Sprintf("5-%013d-%s", receivedMillis, id)
}
