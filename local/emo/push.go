package emo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rsa"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Push says where the completion event of every task that ends is pushed to. The zero value pushes nothing.
//
// It plays Alibaba Cloud EventBridge with one HTTP target: its rule takes every event, the body is the complete event,
// the retry policy is BACKOFF_RETRY (three more tries, 10 to 20 s apart).
// Source: https://help.aliyun.com/zh/model-studio/async-task-api (2026)
type Push struct {
	URL       string            // the target
	As        string            // the address that is signed, where the target is known by another one; empty: URL
	Token     string            // sent along and signed; empty: none
	Delay     time.Duration     // from a task's end to its push, reported as 1 to 90 s; zero: 1 s
	Transport http.RoundTripper // carries the pushes; nil: a clone of http.DefaultTransport
	Key       *rsa.PrivateKey   // signs; nil: a new one of 2048 bits
}

const (
	pushTries    = 4                // https://help.aliyun.com/zh/eventbridge/createtargets (2026)
	pushWait     = 10 * time.Second // and as much again at random
	pushPatience = 5 * time.Second  // for one answer, of which only 2xx is a success; ASSUMED
)

// withDefaults returns the push with its zero fields filled in, or what is wrong with it.
func (p Push) withDefaults() (Push, error) {
	if p.URL == "" {
		return p, nil
	}
	p.As, p.Delay = cmp.Or(p.As, p.URL), cmp.Or(p.Delay, time.Second)
	for _, raw := range []string{p.URL, p.As} {
		if u, err := url.Parse(raw); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" {
			return p, fmt.Errorf("Push: %q is no http or https URL", raw)
		}
	}
	if p.Delay < 0 {
		return p, fmt.Errorf("Push: Delay is %s", p.Delay)
	}
	return p, nil
}

// Delivery is one try to push an event.
type Delivery struct {
	Time    time.Time `json:"time"`
	EventID string    `json:"event_id"`
	TaskID  string    `json:"task_id"`
	Try     int       `json:"try"`             // from 1
	Status  int       `json:"status"`          // of the answer; 0 when none came
	Fault   string    `json:"fault,omitempty"` // the kind of fault that struck the push
}

// Deliveries returns the newest tries to push an event, at most HistoryLen, in the order in which they ended.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pushed)
}

// push tells of a task that ended, or does what a fault makes of that.
func (s *Server) push(done Finished) {
	fault := s.faults.pick(opPush, s.subjectOf(done.TaskID))
	if fault == nil {
		fault = &Rule{}
	}
	delay := s.cfg.Push.Delay
	if fault.Kind == "push_late" {
		delay += cmp.Or(fault.Delay, 30*time.Second)
	}
	if fault.Kind == "push_never" || !s.pause(s.ctx, delay) || !s.knows(done.TaskID) {
		return
	}
	if fault.Kind == "push_foreign" {
		other := done
		other.TaskID, other.RequestID = s.newID(), s.newID()
		s.deliver(s.newEvent(other), fault.Kind)
	}
	e := s.newEvent(done)
	s.deliver(e, fault.Kind)
	if fault.Kind == "push_twice" && s.pause(s.ctx, cmp.Or(fault.Delay, time.Second)) {
		s.deliver(e, fault.Kind)
	}
}

// knows reports whether a task has not been forgotten by a reset.
func (s *Server) knows(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tasks[id] != nil
}

// deliver tries to push an event until the target takes it or the policy gives up.
func (s *Server) deliver(e event, fault string) {
	body := encode(e)
	for try := 1; try <= pushTries; try++ {
		if try > 1 && !s.pause(s.ctx, pushWait+rand.N(pushWait)) {
			return
		}
		d := Delivery{Time: time.Now(), EventID: e.ID, TaskID: e.Data.TaskID, Try: try, Fault: fault}
		d.Status = s.post(body, fault)
		s.mu.Lock()
		if len(s.pushed) >= s.cfg.HistoryLen {
			s.pushed = slices.Delete(s.pushed, 0, max(1, s.cfg.HistoryLen/10))
		}
		s.pushed = append(s.pushed, d)
		s.mu.Unlock()
		s.log.Info("pushed", "task_id", d.TaskID, "status", d.Status, "attempt", try)
		if d.Status/100 == 2 {
			return
		}
	}
}

// post makes one try and returns the answer's status.
func (s *Server) post(body []byte, fault string) int {
	ctx, cancel := context.WithTimeout(s.ctx, pushPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Push.URL, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	req.Header.Set("User-Agent", "AliyunEventBridge")
	if err := s.signer.sign(req.Header, s.cfg.Push, body, fault); err != nil {
		s.log.Error("sign push", "err", err)
		return 0
	}
	res, err := s.pusher.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}
