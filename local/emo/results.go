package emo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// sign makes the signature of links and policies.
func (s *Server) sign(text string) string {
	mac := hmac.New(sha256.New, s.secret)
	_, _ = io.WriteString(mac, text) // a hash never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (s *Server) signed(text, signature string) bool {
	return hmac.Equal([]byte(s.sign(text)), []byte(signature))
}

func linkText(method, name, expires string) string {
	return method + "\n/result/" + name + "\n" + expires
}

// filmURL is a film's link, the same whenever it is asked for. Its method is signed too, as OSS does: HEAD is refused.
func (s *Server) filmURL(f *film) string {
	expires := strconv.FormatInt(f.Expires.Unix(), 10)
	q := url.Values{"Expires": {expires}, "Signature": {s.sign(linkText(http.MethodGet, f.Name, expires))}}
	return s.cfg.BaseURL + "/result/" + f.Name + "?" + q.Encode()
}

// ossError is how object storage refuses (https://help.aliyun.com/zh/oss/developer-reference/error-responses).
type ossError struct {
	XMLName   xml.Name `xml:"Error"`
	Code      string   `xml:"Code"`
	Message   string   `xml:"Message"`
	RequestID string   `xml:"RequestId"`
	HostID    string   `xml:"HostId"`
}

func (c *call) refuseXML(status int, code, message string) {
	c.code = code
	body, err := xml.Marshal(ossError{Code: code, Message: message, RequestID: c.requestID, HostID: c.r.Host})
	if err != nil {
		panic(err) // plain strings only
	}
	c.w.Header().Set("Content-Type", "application/xml")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(append([]byte(xml.Header), body...))
}

// result serves a film: the link's signature and life are checked, ranges are served.
func (c *call) result() {
	name, q, s := c.r.PathValue("name"), c.r.URL.Query(), c.s
	expires := q.Get("Expires")
	until, err := strconv.ParseInt(expires, 10, 64)
	switch {
	case expires == "" || q.Get("Signature") == "":
		c.refuseXML(http.StatusForbidden, "AccessDenied", "You have no right to access this object because of bucket acl.")
		return
	case err != nil || !s.signed(linkText(c.r.Method, name, expires), q.Get("Signature")):
		c.refuseXML(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
		return
	case c.began.Unix() >= until || (c.fault != nil && c.fault.Kind == "result_403"):
		c.refuseXML(http.StatusForbidden, "AccessDenied", "Request has expired.")
		return
	}
	s.mu.Lock()
	f := s.films[name]
	s.mu.Unlock()
	var body io.ReadSeekCloser
	if f != nil {
		body, err = s.blobs.open(name)
	}
	if f == nil || err != nil {
		c.refuseXML(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	defer func() { _ = body.Close() }()
	h := c.w.Header()
	h.Set("Content-Type", "video/mp4")
	h.Set("ETag", `"`+name[:len(name)-len(".mp4")]+`"`)
	if c.fault == nil || !c.spoil(f, body) {
		http.ServeContent(c.w, c.r, name, f.Made, body)
	}
}

// spoil serves a film the way a fault has it; it reports false when the fault leaves it alone.
func (c *call) spoil(f *film, body io.Reader) bool {
	h := c.w.Header()
	switch c.fault.Kind {
	case "result_html":
		c.page(http.StatusOK)
	case "result_redirect":
		h.Set("Location", orDefault(c.fault.Message, "http://169.254.169.254/latest/meta-data/"))
		c.w.WriteHeader(http.StatusFound)
	case "result_truncated":
		h.Set("Content-Length", strconv.FormatInt(f.Info.Size, 10))
		_, _ = io.CopyN(c.w, body, f.Info.Size/2)
		_ = http.NewResponseController(c.w).Flush()
		panic(http.ErrAbortHandler)
	case "result_slow":
		h.Set("Content-Length", strconv.FormatInt(f.Info.Size, 10))
		for {
			if _, err := io.CopyN(c.w, body, 1024); err != nil {
				break
			}
			_ = http.NewResponseController(c.w).Flush()
			if !c.s.pause(c.r.Context(), orDefault(c.fault.Delay, time.Second)) {
				panic(http.ErrAbortHandler)
			}
		}
	case "result_huge":
		n, _ := io.Copy(c.w, body)
		_, _ = io.CopyN(c.w, zeros{}, orDefault(c.fault.Bytes, 256<<20)-n)
	default:
		return false
	}
	return true
}

// zeros is an endless run of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
