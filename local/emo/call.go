package emo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through the server.
type call struct {
	s         *Server
	w         *recorder
	r         *http.Request
	op        string
	began     time.Time
	requestID string
	keyID     string
	taskID    string
	code      string // of the error answered with
	body      []byte
	fault     *Rule // the fault that strikes this call; nil: none
}

// answer is what an API operation returns: a JSON body and its HTTP status.
type answer struct {
	status  int
	body    any
	problem *Problem
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func (c *call) refuse(p Problem) answer {
	return answer{status: p.Status, problem: &p, body: topLevel{Code: p.Code, Message: p.Message, RequestID: c.requestID}}
}

type topLevel struct {
	Code      string `json:"code,omitempty"`
	Message   string `json:"message,omitempty"`
	RequestID string `json:"request_id"`
}

// recorder remembers the status for the history.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the real writer.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (s *Server) begin(op string, w http.ResponseWriter, r *http.Request) *call {
	c := &call{s: s, w: &recorder{ResponseWriter: w}, r: r, op: op, began: time.Now(), requestID: s.newID(), taskID: r.PathValue("id")}
	h := w.Header()
	h.Set("X-Request-Id", c.requestID)
	h.Set("Date", s.says(c.began).UTC().Format(http.TimeFormat))
	return c
}

// end records the call, also one that was cut off by a fault.
func (c *call) end() {
	kind := ""
	if c.fault != nil {
		kind = c.fault.Kind
	}
	c.s.record(Call{
		Time: c.began, Op: c.op, Method: c.r.Method, Path: c.r.URL.Path, Status: c.w.status, Code: c.code,
		TaskID: c.taskID, RequestID: c.requestID, APIKeyID: c.keyID, Fault: kind,
	})
}

// api serves one JSON operation: key, rate, body, fault, the operation itself, fault.
func (s *Server) api(op string, do func(*call) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.begin(op, w, r)
		defer c.end()
		if p := c.admit(); p != nil {
			c.write(c.refuse(*p))
			return
		}
		c.fault = s.faults.pick(op, c.subject())
		if !c.strikeBefore() {
			return
		}
		c.strikeAfter(do(c))
	})
}

// storage serves one operation of the object storage side (upload host, films), which answers for itself.
func (s *Server) storage(op string, do func(*call)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.begin(op, w, r)
		defer c.end()
		c.w.Header().Set("x-oss-request-id", c.requestID)
		if op == opResult {
			c.fault = s.faults.pick(op, c.subject())
			if !c.strikeBefore() {
				return
			}
		}
		do(c)
	})
}

func (s *Server) refusing(p Problem) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := s.begin("", w, r)
		defer c.end()
		c.write(c.refuse(p))
	})
}

// admit checks key, rate and size, in this order (ASSUMED), and reads the body.
func (c *call) admit() *Problem {
	key, has := bearer(c.r.Header.Get("Authorization"))
	if !has {
		return &errNoKey
	}
	if c.keyID, has = c.s.cfg.APIKeys[key]; !has {
		return &errKey
	}
	name, limit := c.op, c.s.cfg.TaskQPS
	switch c.op {
	case opCreate:
		limit = c.s.cfg.SubmitQPS
	case opDetect:
		limit = c.s.cfg.DetectQPS
	case opPolicy:
		name, limit = c.op+":"+c.policyModel(), c.s.cfg.PolicyQPS
	}
	if !c.s.limits.allow(name, limit, c.began) {
		return &errRate
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err != nil {
		if tooBig := new(http.MaxBytesError); errors.As(err, &tooBig) {
			return &errTooLarge
		}
		return &errBody
	}
	c.body = body
	return nil
}

// bearer reads the key of an Authorization header; it reports false when there is none.
func bearer(header string) (string, bool) {
	scheme, key, _ := strings.Cut(strings.TrimSpace(header), " ")
	key = strings.TrimSpace(key)
	return key, strings.EqualFold(scheme, "Bearer") && key != ""
}

// write sends a JSON answer. Links stay readable: & is not escaped.
func (c *call) write(a answer) {
	if a.problem != nil {
		c.code = a.problem.Code
	}
	body := encode(a.body)
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(a.status)
	_, _ = c.w.Write(body) // a client that has gone is its own affair
}

func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only our own plain structs come here
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
