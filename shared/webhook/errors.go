package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/public"
)

// failure is a delivery that was not taken.
type failure struct {
	// status is 0 when there was no answer; why is set then.
	status int
	why    string
	after  time.Duration
}

func (f *failure) Error() string {
	if f.status == 0 {
		return f.why
	}
	return fmt.Sprintf("answered with status %d", f.status)
}

// Delivery is the error in the domain's words.
func (f *failure) Delivery() job.Delivery {
	return job.Delivery{Gone: f.status == http.StatusGone, After: f.after,
		Busy: f.status == 0 || f.status == http.StatusTooManyRequests || f.status >= 500}
}

// guarded is what the guard says of an address.
type guarded struct{ err error }

func (g *guarded) Error() string { return g.err.Error() }
func (g *guarded) Unwrap() error { return g.err }

// reason says why a delivery came to nothing.
func reason(err error) string {
	var guard *guarded
	if errors.As(err, &guard) {
		return "refused: " + guard.Error()
	}
	return public.Reason(err)
}
