package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm     = "AWS4-HMAC-SHA256"
	timeFormat    = "20060102T150405Z"
	dateFormat    = "20060102"
	maxPresign    = 7 * 24 * time.Hour
	maxClockSkew  = 15 * time.Minute
	maxHeaderSize = 16 << 10
)

// Service returns the service name of the request's credential scope. ok is
// false when the request carries no SigV4 credential at all; a credential that
// cannot be parsed gives ok with an empty name.
func Service(r *http.Request) (name string, ok bool) {
	switch {
	case strings.HasPrefix(r.Header.Get("Authorization"), algorithm):
	case r.URL.RawQuery != "" && r.URL.Query().Has("X-Amz-Credential"):
	default:
		return "", false
	}
	p, err := parse(r)
	if err != nil {
		return scopeOnly(r), true
	}
	return p.service, true
}

// scopeOnly finds the service of a request whose signature is otherwise broken,
// so that the refusal can be written in that service's form.
func scopeOnly(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if h := r.Header.Get("Authorization"); h != "" && len(h) <= maxHeaderSize {
		_, rest, _ := strings.Cut(h, "Credential=")
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// parsed is what the request says about its own signature.
type parsed struct {
	presigned     bool
	accessKeyID   string
	date          string // yyyymmdd of the scope
	region        string
	service       string
	signedHeaders []string
	signature     string
	token         string
	signedAt      time.Time
	expires       time.Duration // presigned only
}

func (p parsed) scope() string {
	return p.date + "/" + p.region + "/" + p.service + "/aws4_request"
}

func parse(r *http.Request) (parsed, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return parseHeader(r, h)
	}
	q := r.URL.Query()
	if !q.Has("X-Amz-Algorithm") && !q.Has("X-Amz-Credential") && !q.Has("X-Amz-Signature") {
		return parsed{}, refuse(Missing, "the request is not signed")
	}
	return parseQuery(q)
}

func parseHeader(r *http.Request, h string) (parsed, error) {
	if len(h) > maxHeaderSize {
		return parsed{}, refuse(Malformed, "the Authorization header is too long")
	}
	rest, ok := strings.CutPrefix(h, algorithm)
	if !ok {
		return parsed{}, refuse(Malformed, "only "+algorithm+" is supported")
	}
	var p parsed
	var credential, signed string
	for _, field := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			signed = value
		case "Signature":
			p.signature = value
		}
	}
	if err := p.fill(credential, signed); err != nil {
		return parsed{}, err
	}
	p.token = r.Header.Get("X-Amz-Security-Token")
	var err error
	switch {
	case r.Header.Get("X-Amz-Date") != "":
		p.signedAt, err = time.Parse(timeFormat, r.Header.Get("X-Amz-Date"))
	case r.Header.Get("Date") != "":
		p.signedAt, err = http.ParseTime(r.Header.Get("Date"))
	default:
		return parsed{}, refuse(Malformed, "X-Amz-Date is missing")
	}
	if err != nil {
		return parsed{}, refuse(Malformed, "the date of the request cannot be read")
	}
	return p, p.checkDate()
}

func parseQuery(q url.Values) (parsed, error) {
	p := parsed{presigned: true, signature: q.Get("X-Amz-Signature"), token: q.Get("X-Amz-Security-Token")}
	if q.Get("X-Amz-Algorithm") != algorithm {
		return parsed{}, refuse(Malformed, "X-Amz-Algorithm only supports \""+algorithm+"\"")
	}
	if err := p.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders")); err != nil {
		return parsed{}, err
	}
	var err error
	if p.signedAt, err = time.Parse(timeFormat, q.Get("X-Amz-Date")); err != nil {
		return parsed{}, refuse(Malformed, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	// Compared as a number first: a huge value would overflow a Duration.
	seconds, err := strconv.ParseInt(q.Get("X-Amz-Expires"), 10, 64)
	if err != nil || seconds < 1 || seconds > int64(maxPresign/time.Second) {
		return parsed{}, refuse(Malformed, "X-Amz-Expires must be between 1 and 604800 seconds")
	}
	p.expires = time.Duration(seconds) * time.Second
	return p, p.checkDate()
}

func (p *parsed) fill(credential, signed string) error {
	// An access key id may itself hold a slash, so the scope is read from the end.
	parts := strings.Split(credential, "/")
	n := len(parts)
	if n < 5 || parts[n-1] != "aws4_request" || parts[0] == "" {
		return refuse(Malformed, "the Credential must be AKID/date/region/service/aws4_request")
	}
	p.accessKeyID = strings.Join(parts[:n-4], "/")
	p.date, p.region, p.service = parts[n-4], parts[n-3], parts[n-2]
	if signed == "" || p.signature == "" {
		return refuse(Malformed, "SignedHeaders and Signature are required")
	}
	p.signedHeaders = strings.Split(strings.ToLower(signed), ";")
	if !slices.Contains(p.signedHeaders, "host") {
		return refuse(Malformed, "the host header must be signed")
	}
	return nil
}

func (p parsed) checkDate() error {
	if p.signedAt.Format(dateFormat) != p.date {
		return refuse(Malformed, "the date of the Credential is not the date of the request")
	}
	return nil
}
