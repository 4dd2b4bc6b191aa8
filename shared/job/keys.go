package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxKey is the longest key S3 takes, in bytes.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
const maxKey = 1024

// VideoKey is where a job's film goes in the outbox. Only the newest hand-in of a
// name owns the plain key; an older job that ends later has its own.
func VideoKey(j Job, newest bool) string {
	if newest {
		return resultKey("videos/", j.Name, ".mp4")
	}
	return resultKey("videos/", j.Name, "."+j.ID+".mp4")
}

// RecordKey is where the record of an outcome goes: beside the film, or under
// failed/ when there is none. What was only checked has a place of its own.
func RecordKey(m Message) string {
	if m.State == Succeeded && m.Film != nil {
		return strings.TrimSuffix(m.Film.Key, ".mp4") + ".json"
	}
	if m.State == Checked {
		return resultKey("checked/", m.Name, ".json")
	}
	return resultKey("failed/", m.Name, ".json")
}

// resultKey mirrors a name below a prefix and never leaves it: S3 gives dots no
// meaning, but tools that copy a bucket to a disk do.
func resultKey(prefix string, n Name, suffix string) string {
	parts := strings.Split(n.String(), "/")
	for i, p := range parts {
		if p == "." || p == ".." {
			parts[i] = p + "_"
		}
	}
	body := strings.Join(parts, "/")
	if over := len(prefix) + len(body) + len(suffix) - maxKey; over > 0 {
		sum := sha256.Sum256([]byte(body))
		tail := "-" + hex.EncodeToString(sum[:4])
		cut := len(body) - over - len(tail)
		for cut > 0 && !utf8.RuneStart(body[cut]) {
			cut--
		}
		body = body[:cut] + tail
	}
	return prefix + body + suffix
}

// ResultsKey is where the results of a manifest go: among the films that it makes.
func ResultsKey(n Name) string { return resultKey("videos/", n, ".results.jsonl") }

// PortionKey is where the results of a portion of a manifest's rows are kept, of which
// the whole is put together. Each version has its own: whoever was slow with an older one
// writes over none of a newer one's.
func PortionKey(m Manifest, portion int) string {
	return fmt.Sprintf("manifests/%s/%s/%05d.jsonl", m.ID(), m.Version(), portion)
}

// FaultsKey is where it stands what is wrong with the lines of a manifest that was refused:
// each version has its own, as of its portions.
func FaultsKey(m Manifest) string {
	return fmt.Sprintf("manifests/%s/%s/faults.jsonl", m.ID(), m.Version())
}

// StagedKeys are the keys of the copies of a job's inputs for one intent: plain
// ASCII in lower case, with the extension of the real format, never used twice.
// post is the number of the intent, from 1, and nonce what tells two that tried to
// write the same one apart: what is taken back must not come again.
func StagedKeys(j Job, post int, nonce, imageExt, audioExt string) (image, audio string) {
	dir := "staging/" + j.ID + "/" + strconv.Itoa(post) + "-" + nonce + "/"
	return dir + "image" + imageExt, dir + "audio" + audioExt
}

// DetectKey is the key of a portrait's copy for the detect call.
func DetectKey(sha256hex, ext string) string {
	return "staging/detect/" + sha256hex + ext
}

// IndexKey is where the list of all that is under way goes.
const IndexKey = "status/index.json"

// StatusKey is where it stands how the newest job of a name is.
func StatusKey(n Name) string {
	if n.Dir == "" && strings.TrimRight(n.Stem, "_") == "index" {
		n.Stem += "_" // one more for each, so that no two names meet
	}
	return resultKey("status/", n, ".json")
}
