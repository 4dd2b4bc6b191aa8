package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"emodrop/shared/job"
)

// The headers of a delivery.
const (
	idHeader        = "webhook-id"
	timestampHeader = "webhook-timestamp"
	signatureHeader = "webhook-signature"
)

const (
	secretPrefix = "whsec_"
	// minKey and maxKey bound a key, in bytes, as the specification does.
	minKey, maxKey = 24, 64
	// maxKeys is how many secrets may be in use at once: the present one, and those
	// that are on their way out.
	maxKeys = 4
)

// errSecret says what a secret has to look like, and nothing of what it is.
var errSecret = errors.New("webhook: a secret is whsec_ and the base64 of 24 to 64 bytes (whsec_ may be left out); several stand one after the other, with blanks between")

// keys reads the secrets of a text.
func keys(text job.Secret) ([][]byte, error) {
	words := strings.Fields(text.Reveal())
	if len(words) == 0 || len(words) > maxKeys {
		return nil, errSecret
	}
	all := make([][]byte, len(words))
	for i, w := range words {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(w, secretPrefix))
		if err != nil || len(key) < minKey || len(key) > maxKey {
			return nil, errSecret
		}
		all[i] = key
	}
	return all, nil
}

// Headers are those of one delivery of a message: its id, the same however often it is
// sent; the time of this delivery; and a signature by each of the secrets in the text,
// so that a receiver who knows the old or the new one verifies it. The error says what
// a secret has to look like.
func Headers(secrets job.Secret, id string, at time.Time, body []byte) (http.Header, error) {
	all, err := keys(secrets)
	if err != nil {
		return nil, err
	}
	id, stamp := plainID(id), strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, len(all))
	for i, key := range all {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	h := http.Header{}
	h.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	h.Set("User-Agent", "emodrop")
	h.Set(idHeader, id)
	h.Set(timestampHeader, stamp)
	h.Set(signatureHeader, strings.Join(signatures, " "))
	return h, nil
}

// plainID is an id without what a header or the signed text could be misread by: a dot
// ends it there. Ours have none; the id of a task that the vendor made is in some.
func plainID(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, id)
}
