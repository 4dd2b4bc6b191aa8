package dashscope

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"emodrop/shared/job"
)

// policy is a permit to upload under one folder for a while.
// Source: https://help.aliyun.com/zh/model-studio/get-temporary-file-url (2026)
type policy struct {
	host, dir, policy, signature, keyID, acl, forbidOverwrite string
	maxSize                                                   int64 // bytes, 0 is unknown
	ends                                                      time.Time
	used                                                      int // uploads so far, guarded by Client.mu
}

// policyMargin is kept at a permit's end, for the upload itself.
const policyMargin = time.Minute

// slowest is the rate an upload is given time for, in bytes a second. ASSUMED.
const slowest = 128 << 10

// Upload puts a file into the vendor's temporary storage and returns its oss://
// link, good for 48 hours and for calls of that model only. name is plain ASCII
// (letters, digits, dot, dash, underscore) with the extension of what the file
// is; size is exact. The body is streamed once: when the permit is refused, call
// again with a new body and a new permit will be asked for.
//
// Permits are kept per model and used for several files, never past a minute
// before their end.
func (c *Client) Upload(ctx context.Context, model, name, contentType string, size int64, body io.Reader) (string, error) {
	const op = "upload"
	if model == "" || size <= 0 || !plainName(name) || contentType == "" || !printable(contentType) {
		return "", &Error{Op: op, Outcome: job.Refused,
			Err: errors.New("an upload needs a model, a plain name, a content type and a size")}
	}
	p, n, e := c.permit(ctx, model)
	if e != nil {
		return "", e
	}
	if p.maxSize > 0 && size > p.maxSize {
		return "", &Error{Op: op, Outcome: job.BadInput,
			Err: fmt.Errorf("the file has %d bytes, the temporary storage takes %d", size, p.maxSize)}
	}
	// One permit serves several files and forbids overwriting: count them.
	key := p.dir + "/" + strconv.Itoa(n) + "-" + name
	if e := c.post(ctx, p, key, name, contentType, size, body); e != nil {
		if e.Status >= 400 {
			c.forget(model, p)
		}
		return "", e
	}
	return "oss://" + key, nil
}

// MayUpload asks for a permit to upload for a model, which costs nothing, and uploads
// nothing.
func (c *Client) MayUpload(ctx context.Context, model string) error {
	if _, _, e := c.permit(ctx, model); e != nil {
		return e
	}
	return nil
}

// permit gives a valid policy and the number of this upload under it.
func (c *Client) permit(ctx context.Context, model string) (*policy, int, *Error) {
	const op = "policy"
	take := func(p *policy) int { p.used++; return p.used }
	c.mu.Lock()
	if p := c.policies[model]; p != nil && time.Until(p.ends) > policyMargin {
		defer c.mu.Unlock()
		return p, take(p), nil
	}
	c.mu.Unlock()

	asked := time.Now()
	rep, e := c.get(ctx, call{op: op, method: http.MethodGet,
		url: c.base + "/uploads?action=getPolicy&model=" + url.QueryEscape(model)})
	if e != nil {
		return nil, 0, e
	}
	data := rep.body.object("data")
	if data == nil && rep.body.text("code") != "" {
		return nil, 0, c.refusal(op, rep, nil)
	}
	p := &policy{
		host: data.text("upload_host"), dir: data.text("upload_dir"), policy: data.text("policy"),
		signature: data.text("signature"), keyID: data.text("oss_access_key_id"),
		acl: data.text("x_oss_object_acl"), forbidOverwrite: data.text("x_oss_forbid_overwrite"),
		maxSize: int64(max(0, min(data.number("max_file_size_mb"), 1<<20))) << 20,
		ends:    asked.Add(time.Duration(max(0, min(data.number("expire_in_seconds"), 86400)) * float64(time.Second))),
	}
	host, err := baseOf(p.host)
	switch {
	case p.dir == "" || p.policy == "" || p.signature == "" || p.keyID == "":
		return nil, 0, malformed(op, rep, "the answer lacks a part of the upload's permit")
	case err != nil:
		return nil, 0, malformed(op, rep, "the answer names no address to upload to")
	case isHTTPS(c.base) && !isHTTPS(host):
		return nil, 0, malformed(op, rep, "the answer asks for an upload without TLS")
	}
	p.host = host
	c.mu.Lock()
	defer c.mu.Unlock()
	c.policies[model] = p
	return p, take(p), nil
}

func (c *Client) forget(model string, p *policy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policies[model] == p {
		delete(c.policies, model)
	}
}

// post sends the form. The file comes last: the storage ignores what follows it.
// Source: https://help.aliyun.com/zh/oss/developer-reference/postobject (2025)
func (c *Client) post(ctx context.Context, p *policy, key, name, contentType string, size int64, body io.Reader) *Error {
	const op = "upload"
	secrets := []string{p.policy, p.signature, p.keyID}
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	for _, f := range [][2]string{
		{"OSSAccessKeyId", p.keyID}, {"policy", p.policy}, {"Signature", p.signature}, {"key", key},
		{"x-oss-object-acl", p.acl}, {"x-oss-forbid-overwrite", p.forbidOverwrite},
		{"success_action_status", "200"}, {"x-oss-content-type", contentType},
	} {
		if f[1] != "" {
			_ = form.WriteField(f[0], f[1]) // a buffer takes all
		}
	}
	_, _ = form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`},
		"Content-Type":        {contentType},
	})
	head := bytes.Clone(frame.Bytes())
	frame.Reset()
	_ = form.Close()
	tail := frame.Bytes()

	ctx, cancel := context.WithTimeout(ctx, c.timeout+time.Duration(size/slowest)*time.Second)
	defer cancel()
	file := &exactly{r: body, left: size}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.host, io.MultiReader(bytes.NewReader(head), file, bytes.NewReader(tail)))
	if err != nil {
		return &Error{Op: op, Outcome: job.NotSent, Err: causeOf(err, secrets)}
	}
	req.ContentLength = int64(len(head)) + size + int64(len(tail))
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("User-Agent", c.agent)
	req.Header.Set("Accept-Encoding", "identity")
	resp, err := c.reads.Do(req)
	if err != nil {
		return &Error{Op: op, Err: causeOf(err, secrets)}
	}
	defer resp.Body.Close()
	data, err := readAnswer(resp)
	switch {
	case err != nil:
		return &Error{Op: op, Status: resp.StatusCode, Err: causeOf(err, secrets)}
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNoContent:
		if !file.done.Load() {
			return &Error{Op: op, Status: resp.StatusCode, Err: errors.New("the storage did not take the whole file")}
		}
		return nil
	}
	rep := &reply{status: resp.StatusCode, header: resp.Header}
	if rep.body, rep.wrong = parse(data); rep.wrong == nil {
		return c.storageError(rep, rep.body.text("code"), rep.body.text("message"), secrets)
	}
	var x struct {
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}
	if xml.Unmarshal(data, &x) == nil && x.Code != "" {
		rep.wrong, rep.body = nil, object{"request_id": x.RequestID}
	}
	return c.storageError(rep, x.Code, x.Message, secrets)
}

// storageError is an error of the storage. Its 403 is about a permit, not about
// the key, so it stops nothing: a new permit is the cure.
func (c *Client) storageError(rep *reply, code, message string, secrets []string) *Error {
	e := c.errorOf("upload", rep, code, message, secrets)
	if e.Outcome == job.OperatorNeeded {
		e.Outcome = job.Retry
	}
	return e
}

// exactly reads as many bytes as were promised, and fails on fewer or more.
type exactly struct {
	r    io.Reader
	left int64
	// done is read by another goroutine than the one that sends.
	done atomic.Bool
}

var errSize = errors.New("the file does not have the size it was said to have")

// Read implements io.Reader.
func (x *exactly) Read(b []byte) (int, error) {
	if x.left == 0 {
		if !x.done.Load() {
			var one [1]byte
			if n, err := io.ReadFull(x.r, one[:]); n > 0 {
				return 0, errSize
			} else if !errors.Is(err, io.EOF) {
				return 0, err
			}
			x.done.Store(true)
		}
		return 0, io.EOF
	}
	n, err := x.r.Read(b[:min(int64(len(b)), x.left)])
	x.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; x.left > 0 {
			err = errSize
		}
	}
	return n, err
}

// plainName reports whether a name needs no escaping anywhere.
func plainName(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '.', b == '-', b == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= 100 && s[0] != '.'
}

func isHTTPS(base string) bool { return len(base) > 6 && strings.EqualFold(base[:6], "https:") }
