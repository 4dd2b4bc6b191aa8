package emo

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const badGatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"

// longestHang ends a call that is never answered, should neither side give up.
const longestHang = 15 * time.Minute

// subject finds what the call is about. It reads the body leniently: a wrong body is the operation's affair.
func (c *call) subject() subject {
	switch c.op {
	case opCreate, opDetect:
		var body struct {
			Input struct {
				Image string `json:"image_url"`
				Audio string `json:"audio_url"`
			} `json:"input"`
		}
		_ = json.Unmarshal(c.body, &body)
		return subject{names: links(body.Input.Image, body.Input.Audio)}
	case opQuery, opCancel:
		return c.s.subjectOf(c.taskID)
	case opResult:
		c.s.mu.Lock()
		f := c.s.films[c.r.PathValue("name")]
		c.s.mu.Unlock()
		if f != nil {
			c.taskID = f.TaskID
			return c.s.subjectOf(f.TaskID)
		}
	}
	return subject{}
}

// links strips the queries off links: a signature is a credential and no name.
func links(raw ...string) []string {
	var names []string
	for _, link := range raw {
		if link != "" {
			names = append(names, bare(link))
		}
	}
	return names
}

// bare is a link without its query, fragment and user.
func bare(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return "(a link that cannot be parsed)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// strikeBefore plays the part of a fault that comes before the operation. It reports whether to go on.
func (c *call) strikeBefore() bool {
	f := c.fault
	if f == nil {
		return true
	}
	if f.RetryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int((f.RetryAfter+time.Second-1)/time.Second)))
	}
	if f.Kind != "result_slow" && f.Delay > 0 && !c.s.pause(c.r.Context(), f.Delay) {
		panic(http.ErrAbortHandler)
	}
	switch f.Kind {
	case "status":
		c.strikeError(f.problem(errInternal))
	case "throttle":
		c.strikeError(f.problem(errRate))
	case "timeout_before":
		c.hang()
	case "drop_before":
		panic(http.ErrAbortHandler)
	case "html":
		c.page(http.StatusBadGateway)
	default:
		return true
	}
	return false
}

// strikeError answers with an error in the form of the side that is asked: JSON, or XML from object storage.
func (c *call) strikeError(p Problem) {
	if c.op == opResult || c.op == opUpload {
		c.refuseXML(p.Status, p.Code, p.Message)
		return
	}
	c.write(c.refuse(p))
}

// strikeAfter sends the operation's answer, or what a fault makes of it.
func (c *call) strikeAfter(a answer) {
	if c.fault == nil {
		c.write(a)
		return
	}
	if a.problem != nil {
		c.code = a.problem.Code
	}
	switch c.fault.Kind {
	case "status_after":
		c.write(c.refuse(c.fault.problem(errInternal)))
	case "timeout_after":
		c.hang()
	case "drop_after":
		panic(http.ErrAbortHandler)
	case "html_after":
		c.page(http.StatusBadGateway)
	case "empty":
		c.w.Header().Set("Content-Length", "0")
		c.w.WriteHeader(http.StatusOK)
	case "truncated_json":
		body := encode(a.body)
		c.w.Header().Set("Content-Type", "application/json")
		c.w.WriteHeader(a.status)
		_, _ = c.w.Write(body[:len(body)/2])
	default:
		c.write(a)
	}
}

// hang keeps the caller waiting until it gives up, then breaks the connection.
func (c *call) hang() {
	c.s.pause(c.r.Context(), longestHang)
	panic(http.ErrAbortHandler)
}

func (c *call) page(status int) {
	c.w.Header().Set("Content-Type", "text/html")
	c.w.WriteHeader(status)
	_, _ = c.w.Write([]byte(badGatewayPage))
}
