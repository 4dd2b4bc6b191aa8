package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// Result is what a function answered.
type Result struct {
	// Payload is the answer, or the error object when FunctionError is set.
	Payload []byte
	// FunctionError is empty, or "Unhandled" when the function failed: by an
	// error, a crash or its timeout.
	FunctionError string
	// LogTail is at most the last 4 KB that the process wrote during the
	// invocation. It is complete when the process died, and best effort otherwise:
	// output travels beside the answer.
	LogTail []byte
	// RequestID is the id the function saw. The retries of an asynchronous event
	// share one.
	RequestID string
	// Version is the version that ran, always $LATEST.
	Version string
}

// unhandled is the only value of FunctionError: custom runtimes know no other.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseElements
const unhandled = "Unhandled"

// invocation is one call on its way through a process.
type invocation struct {
	requestID string
	traceID   string
	payload   []byte

	delivered chan struct{} // closed when a process has taken it
	deadline  time.Time     // valid after delivered
	done      chan struct{} // closed when the process has answered
	result    Result        // valid after done
}

func newInvocation(requestID string, payload []byte) *invocation {
	return &invocation{
		requestID: requestID,
		traceID:   newTraceID(),
		payload:   payload,
		delivered: make(chan struct{}),
		done:      make(chan struct{}),
	}
}

// failed returns the result of an invocation that the host, not the function,
// ended, in the form that Lambda gives it.
func (inv *invocation) failed(errorType, format string, args ...any) Result {
	body, err := json.Marshal(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, "RequestId: " + inv.requestID + " Error: " + fmt.Sprintf(format, args...)})
	if err != nil {
		body = []byte(`{}`) // two strings always marshal
	}
	return inv.answer(body, unhandled)
}

func (inv *invocation) answer(payload []byte, functionError string) Result {
	return Result{Payload: payload, FunctionError: functionError, RequestID: inv.requestID, Version: version}
}

// exited returns the result of an invocation whose process ended.
func (inv *invocation) exited(err error) Result {
	if err == nil {
		return inv.failed("Runtime.ExitError", "Runtime exited without providing a reason")
	}
	return inv.failed("Runtime.ExitError", "Runtime exited with error: %s", exitReason(err))
}

// exitReason is "signal: killed" or "exit status 1", as Lambda writes it.
func exitReason(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "exit status 0"
	case errors.As(err, &exit):
		return exit.ProcessState.String()
	}
	return err.Error()
}
