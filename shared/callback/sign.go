package callback

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// The headers of a push, those of the text that is signed in its order.
// Source: https://help.aliyun.com/en/eventbridge/user-guide/signature-algorithm (2026)
const (
	timeHeader    = "x-eventbridge-signature-timestamp"
	hashHeader    = "x-eventbridge-hash-method"
	versionHeader = "x-eventbridge-signature-version"
	addressHeader = "x-eventbridge-signature-url"
	tokenHeader   = "x-eventbridge-signature-token"
	signHeader    = "x-eventbridge-signature-v2"
)

var signedHeaders = []string{timeHeader, hashHeader, versionHeader, addressHeader, tokenHeader}

const (
	// window is how far a push's time may be from ours, either way; the page above
	// names it, and receivers have seen milliseconds.
	window = 60 * time.Second
	// maxAddress bounds the address of a certificate, in bytes.
	maxAddress = 512
)

// push is a push whose headers are in order; whether they are true is not known yet.
type push struct {
	// certificate is where that of the signer is.
	certificate string
	signature   []byte
	// hashes are of the texts that may have been signed.
	hashes [][sha256.Size]byte
}

// read checks all of a push's headers that can be checked without its certificate.
// It has no side effects and costs little: it is what everybody can reach who has
// the token.
func read(r events.LambdaFunctionURLRequest, body []byte, certificates string, now time.Time) (push, reason) {
	values := map[string]string{}
	for _, name := range append([]string{signHeader}, signedHeaders...) {
		if values[name] = lone(r.Headers, name); values[name] == "" {
			return push{}, badHeaders
		}
	}
	if values[hashHeader] != "SHA256" || values[versionHeader] != "1.0" {
		return push{}, badHeaders
	}
	sent, ok := millis(values[timeHeader])
	if !ok {
		return push{}, badHeaders
	}
	if d := now.Sub(sent); d > window || d < -window {
		return push{}, stale
	}
	if !pinned(values[addressHeader], certificates) {
		return push{}, badAddress
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(values[signHeader])
	if err != nil {
		return push{}, badSign
	}
	p := push{certificate: values[addressHeader], signature: signature}
	var head strings.Builder
	for _, name := range signedHeaders {
		head.WriteString("\n" + name + ": " + values[name])
	}
	for _, at := range addresses(r) {
		text := append([]byte(at+head.String()+"\n"), body...)
		// The page has no line's end behind the body, the vendor's own reference
		// code and some receivers have one.
		p.hashes = append(p.hashes, sha256.Sum256(text), sha256.Sum256(append(text, '\n')))
	}
	return p, ""
}

// lone is a header that is there once and only once, in whatever letters its name is
// written; else nothing. Lambda joins one that came more than once by commas: of the
// values in use none can hold one, and each is held to its own form.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html (2026)
func lone(headers map[string]string, name string) string {
	found, times := "", 0
	for k, v := range headers {
		if strings.EqualFold(k, name) {
			found, times = v, times+1
		}
	}
	if times != 1 {
		return ""
	}
	return found
}

// millis reads a time in milliseconds: digits and nothing else.
func millis(s string) (time.Time, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return time.UnixMilli(n), err == nil && strings.Trim(s, "0123456789") == ""
}

// pinned reports whether an address is one of a certificate, by its text alone, so
// that no two readers of it can disagree: the prefix that was configured, then a
// path of plain names that ends in .pem. There is no port, user, query or fragment
// that would get through.
func pinned(address, prefix string) bool {
	path, ok := strings.CutPrefix(address, prefix)
	if !ok || len(address) > maxAddress || !strings.HasSuffix(path, ".pem") {
		return false
	}
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name[0] == '.' || strings.ContainsFunc(name, odd) {
			return false
		}
	}
	return true
}

// odd reports whether a name of letters, digits, dots, hyphens and underscores does
// not hold such a character.
func odd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
}

// addresses are the function's own URL in the ways in which the sender may have
// been told it: with and without the slash of an empty path. The host is Lambda's
// word and not the request's.
func addresses(r events.LambdaFunctionURLRequest) []string {
	const scheme = "https://"
	query := ""
	if r.RawQueryString != "" {
		query = "?" + r.RawQueryString
	}
	host := scheme + r.RequestContext.DomainName
	all := []string{host + r.RawPath + query}
	if r.RawPath == "/" {
		all = append(all, host+query)
	}
	return all
}

// signedBy reports whether one of the texts was signed with the key.
func (p push) signedBy(key *rsa.PublicKey) bool {
	for _, h := range p.hashes {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, h[:], p.signature) == nil {
			return true
		}
	}
	return false
}

// maxTaskID bounds a task's id, in bytes. The vendor's are UUIDs.
const maxTaskID = 128

// endedTask is the task that an event says has ended. Not ok is every other event.
// Source: https://help.aliyun.com/zh/model-studio/async-task-api (2026)
func endedTask(body []byte) (id string, ok bool) {
	var e struct {
		Source string `json:"source"`
		Type   string `json:"type"`
		Data   struct {
			TaskID string `json:"task_id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return "", false
	}
	id = e.Data.TaskID
	ok = e.Source == "acs.dashscope" && e.Type == "dashscope:System:AsyncTaskFinish" &&
		id != "" && len(id) <= maxTaskID && !strings.ContainsFunc(id, odd)
	return id, ok
}
