package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RuntimeHandler serves the runtime API to the worker processes:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// It looks for <function>/<worker>/2018-06-01/runtime/… at the end of the path,
// so it works below any prefix, stripped or not. The server in front may set no
// write timeout: a process waits for its next invocation in a request. All
// requests end when the host closes.
func (h *Host) RuntimeHandler() http.Handler {
	return http.HandlerFunc(h.serveRuntime)
}

const runtimePath = "/2018-06-01/runtime/"

func (h *Host) serveRuntime(rw http.ResponseWriter, r *http.Request) {
	before, call, ok := strings.Cut(r.URL.Path, runtimePath)
	parts := strings.Split(before, "/")
	if !ok || len(parts) < 2 {
		runtimeError(rw, http.StatusNotFound, "InvalidPath", "no such call")
		return
	}
	function, id := parts[len(parts)-2], parts[len(parts)-1]
	var w *worker
	if p := h.pools[function]; p != nil {
		w = p.find(id)
	}
	if w == nil {
		runtimeError(rw, http.StatusForbidden, "InvalidWorker", "no such worker")
		return
	}

	switch method, rest := r.Method, strings.Split(call, "/"); {
	case method == http.MethodGet && call == "invocation/next":
		w.next(rw, r, h.arn(function), h.pools[function].fn.Timeout)
	case method == http.MethodPost && call == "init/error":
		w.initFailed(rw, r)
	case method == http.MethodPost && len(rest) == 3 && rest[0] == "invocation" && rest[2] == "response":
		w.respond(rw, r, rest[1], "")
	case method == http.MethodPost && len(rest) == 3 && rest[0] == "invocation" && rest[2] == "error":
		w.respond(rw, r, rest[1], unhandled)
	default:
		runtimeError(rw, http.StatusNotFound, "InvalidPath", "no such call")
	}
}

// next waits for an invocation and hands it over.
func (w *worker) next(rw http.ResponseWriter, r *http.Request, arn string, timeout time.Duration) {
	w.mu.Lock()
	busy := w.current != nil
	w.asked = w.asked || !busy
	w.mu.Unlock()
	if busy {
		runtimeError(rw, http.StatusForbidden, "InvalidStateTransition", "the last invocation has no answer yet")
		return
	}

	var inv *invocation
	select {
	case inv = <-w.inbox:
	case <-r.Context().Done():
		return
	case <-w.exited:
		return
	}
	if r.Context().Err() != nil {
		w.inbox <- inv // the process is gone; the pool takes the invocation back
		return
	}

	w.out.resetTail()
	w.mu.Lock()
	w.current = inv
	inv.deadline = time.Now().Add(timeout)
	if w.killNext {
		w.killNext = false
		go w.killLater(w.killAfter)
	}
	w.mu.Unlock()
	close(inv.delivered)

	head := rw.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	head.Set("Lambda-Runtime-Aws-Request-Id", inv.requestID)
	head.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	head.Set("Lambda-Runtime-Invoked-Function-Arn", arn)
	head.Set("Lambda-Runtime-Trace-Id", inv.traceID)
	_, _ = rw.Write(inv.payload) // a broken connection is a dead process: its exit tells
}

func (w *worker) killLater(after time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), after)
	defer cancel()
	select {
	case <-w.exited:
	case <-ctx.Done():
		w.kill()
	}
}

// respond takes the answer to the invocation that the process holds.
func (w *worker) respond(rw http.ResponseWriter, r *http.Request, requestID, functionError string) {
	w.mu.Lock()
	inv := w.current
	w.mu.Unlock()
	if inv == nil || inv.requestID != requestID {
		runtimeError(rw, http.StatusBadRequest, "InvalidRequestID", "the worker does not hold this invocation")
		return
	}

	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxResponse))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		w.finish(inv, inv.failed("Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
		runtimeError(rw, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "the answer is too large")
		return
	case err != nil:
		runtimeError(rw, http.StatusBadRequest, "InvalidBody", "the answer broke off")
		return
	}
	// An answer that failed while it was streamed says so at its end.
	// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
	if r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		functionError = unhandled
		if b, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil {
			body = b
		}
	}
	w.out.settle()
	if !w.finish(inv, inv.answer(body, functionError)) {
		runtimeError(rw, http.StatusBadRequest, "InvalidRequestID", "the invocation has its answer")
		return
	}
	runtimeAccepted(rw)
}

// finish ends the invocation with this result, unless it has ended.
func (w *worker) finish(inv *invocation, res Result) bool {
	res.LogTail = w.out.lastKB()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current != inv {
		return false
	}
	w.current = nil
	inv.result = res
	close(inv.done)
	return true
}

// initFailed takes the error of a process that cannot start working. The process
// exits by itself.
func (w *worker) initFailed(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxResponse))
	if err != nil || !json.Valid(body) {
		runtimeError(rw, http.StatusBadRequest, "InvalidBody", "not an error object")
		return
	}
	w.mu.Lock()
	w.initError = body
	w.mu.Unlock()
	runtimeAccepted(rw)
}

// runtimeAccepted answers with exactly 202: aws-lambda-go takes anything else for
// a failure and exits.
func runtimeAccepted(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(rw, `{"status":"OK"}`)
}

func runtimeError(rw http.ResponseWriter, status int, errorType, message string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]string{"errorType": errorType, "errorMessage": message})
}
