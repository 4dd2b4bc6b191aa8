package job

import (
	"errors"
	"time"
)

// Outcome is what an answer or an error of the vendor means for a job. One
// function maps (HTTP status, code, message) to it: dashscope.Classify.
type Outcome string

const (
	// Unknown: nobody can tell what happened. After a create call the task may
	// exist and be billed: the job is never posted again before that is
	// settled. After a read it means "ask again".
	Unknown Outcome = ""
	// NotSent: no connection was ever got, so the vendor cannot have seen the
	// request.
	NotSent Outcome = "not_sent"
	// Throttled: too many requests. Waiting, not failing.
	Throttled Outcome = "throttled"
	// Retry: the vendor had trouble of its own; the same again may succeed.
	Retry Outcome = "retry"
	// FreshURL: the link to an input had ended; a newly signed one may succeed.
	FreshURL Outcome = "fresh_url"
	// OtherTransport: the vendor could not download an input from where it is.
	OtherTransport Outcome = "other_transport"
	// BadInput: the picture or the recording cannot be used. Retrying the same
	// files is pointless.
	BadInput Outcome = "bad_input"
	// Refused: the vendor refuses this request for good, and not for its files.
	Refused Outcome = "refused"
	// OperatorNeeded: key, money, permission or model. It would fail every job,
	// so it stops the gate and no job fails by it.
	OperatorNeeded Outcome = "operator_needed"
	// Lost: the vendor does not know the task, or it ended without a film.
	Lost Outcome = "lost"
)

// Verdict is an error of the vendor in the domain's words. The zero value is
// an unknown outcome.
type Verdict struct {
	Outcome Outcome
	// Status is the HTTP status, 0 when there was no answer.
	Status int
	// Code, Message and RequestID are the vendor's own; Message is bounded and
	// free of URLs.
	Code, Message, RequestID string
	// RetryAfter is how long the vendor asked to wait; 0 when it did not say.
	RetryAfter time.Duration
}

// VerdictOf returns what err means for a job. Errors without a verdict of their
// own (a cut connection, a context that ended) are Unknown.
func VerdictOf(err error) Verdict {
	var v interface{ Verdict() Verdict }
	if errors.As(err, &v) {
		return v.Verdict()
	}
	return Verdict{}
}
