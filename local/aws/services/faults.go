package services

import (
	"net/http"
	"sync"

	"emodrop/local/aws/wire"
)

// Faults makes a service fail on request, for tests. The zero value never fails.
// Safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	left   int
	status int
}

// FailNext makes the next n requests fail with that HTTP status; 0 for n ends it.
// The SDKs try again by themselves on 429 and on 5xx, and each try counts.
func (f *Faults) FailNext(n, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.status = n, status
}

// failed answers the request if it is one that shall fail.
func (f *Faults) failed(w http.ResponseWriter, r *http.Request, form wire.Form) bool {
	f.mu.Lock()
	if f.left <= 0 {
		f.mu.Unlock()
		return false
	}
	f.left--
	status := f.status
	f.mu.Unlock()
	code := "InternalFailure"
	switch status {
	case http.StatusServiceUnavailable:
		code = "ServiceUnavailable"
	case http.StatusForbidden:
		code = "AccessDenied"
		if form == wire.JSON {
			code = "AccessDeniedException"
		}
	case http.StatusBadRequest, http.StatusTooManyRequests:
		code = "ThrottlingException"
	}
	form.WriteError(w, r, status, code, "a failure that a test asked for")
	return true
}
