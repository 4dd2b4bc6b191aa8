package emo

import (
	"math"
	"slices"
	"time"
)

// Prices in CNY (https://help.aliyun.com/zh/model-studio/emo-quick-start).
const (
	priceSquare = 0.08  // per second of 1:1
	priceHalf   = 0.16  // per second of 3:4
	priceDetect = 0.004 // per picture
)

// Charge is what the account would have been billed for: a film that SUCCEEDED, or a detect call that was carried out.
type Charge struct {
	Time      time.Time `json:"time"`
	Model     string    `json:"model"`
	RequestID string    `json:"request_id"` // of the create or detect call
	APIKeyID  string    `json:"api_key_id"`
	TaskID    string    `json:"task_id,omitempty"` // empty for detect
	Seconds   float64   `json:"seconds,omitempty"` // of film, two decimals
	Ratio     string    `json:"ratio,omitempty"`   // "1:1" or "3:4"
	Images    int       `json:"images,omitempty"`  // 1 for detect
	CNY       float64   `json:"cny"`
}

// Call is one request the server got. It holds no query, no header and no body, hence no credential.
type Call struct {
	Time      time.Time `json:"time"`
	Op        string    `json:"op,omitempty"` // empty for what no operation serves
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Status    int       `json:"status"`            // 0 when the connection was cut before an answer
	Code      string    `json:"code,omitempty"`    // of the error answered with
	TaskID    string    `json:"task_id,omitempty"` // also of a create whose answer was withheld
	RequestID string    `json:"request_id"`
	APIKeyID  string    `json:"api_key_id,omitempty"`
	Fault     string    `json:"fault,omitempty"` // the kind of fault that struck
}

// seconds rounds a film's length the way usage.video_duration is written, to two decimals.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }

func filmPrice(secs float64, ratio string) float64 {
	price := priceSquare
	if ratio == ratioHalf {
		price = priceHalf
	}
	return math.Round(secs*price*1e6) / 1e6
}

// Ledger returns every charge since the start or the last reset, oldest first.
func (s *Server) Ledger() []Charge {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger)
}

// History returns the newest calls, oldest first, in the order in which they ended.
func (s *Server) History() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.history) >= s.cfg.HistoryLen {
		// Drop a tenth at once, so that a full history does not move for every call.
		s.history = slices.Delete(s.history, 0, max(1, s.cfg.HistoryLen/10))
	}
	s.history = append(s.history, c)
}
