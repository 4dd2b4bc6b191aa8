package lambda

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// runtimeBench is a runtime API with one worker that has no process.
type runtimeBench struct {
	t *testing.T
	h *Host
	w *worker
}

func newRuntimeBench(t *testing.T) runtimeBench {
	h, err := New(Config{
		BaseAddr:  func() string { return "127.0.0.1:1" },
		Functions: []Function{{Name: "fn", Binary: "doc.go"}},
	})
	require.NoError(t, err)
	w := &worker{id: "w1", out: &lines{max: 100}, inbox: make(chan *invocation, 1), exited: make(chan struct{})}
	p := h.pools["fn"]
	p.workers[w.id] = w
	t.Cleanup(func() {
		p.mu.Lock()
		delete(p.workers, w.id)
		p.mu.Unlock()
		require.NoError(t, h.Close(context.Background()))
	})
	return runtimeBench{t, h, w}
}

func (b runtimeBench) do(method, path, body string) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	b.h.RuntimeHandler().ServeHTTP(rec, r.WithContext(b.t.Context()))
	return rec
}

const below = "/any/prefix/fn/w1/2018-06-01/runtime/"

func TestNextHandsOverTheInvocationWithItsHeaders(t *testing.T) {
	t.Parallel()
	b := newRuntimeBench(t)
	inv := newInvocation("req-1", []byte(`{"a":1}`))
	b.w.inbox <- inv
	before := time.Now()
	rec := b.do("GET", below+"invocation/next", "")
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, `{"a":1}`, rec.Body.String())
	require.Equal(t, "req-1", rec.Header().Get("Lambda-Runtime-Aws-Request-Id"))
	require.Equal(t, "arn:aws:lambda:us-east-1:000000000000:function:fn", rec.Header().Get("Lambda-Runtime-Invoked-Function-Arn"))
	require.Equal(t, inv.traceID, rec.Header().Get("Lambda-Runtime-Trace-Id"))
	require.WithinRange(t, inv.deadline, before.Add(3*time.Second), time.Now().Add(3*time.Second))
	require.Equal(t, inv.deadline.UnixMilli(), parseInt(t, rec.Header().Get("Lambda-Runtime-Deadline-Ms")))
	require.Equal(t, http.StatusForbidden, b.do("GET", below+"invocation/next", "").Code, "the answer is still due")
}

func TestAnAnswerIsAcceptedOnceWithExactly202(t *testing.T) {
	t.Parallel()
	b := newRuntimeBench(t)
	inv := newInvocation("req-1", nil)
	require.Equal(t, http.StatusBadRequest, b.do("POST", below+"invocation/req-1/response", "1").Code, "nothing is due yet")
	b.w.inbox <- inv
	b.do("GET", below+"invocation/next", "")
	require.Equal(t, http.StatusBadRequest, b.do("POST", below+"invocation/req-2/response", "1").Code)
	require.Equal(t, http.StatusAccepted, b.do("POST", below+"invocation/req-1/response", `"yes"`).Code)
	require.Equal(t, http.StatusBadRequest, b.do("POST", below+"invocation/req-1/error", "{}").Code)
	<-inv.done
	require.Equal(t, Result{Payload: []byte(`"yes"`), RequestID: "req-1", Version: "$LATEST"}, inv.result)
}

func TestAnErrorAndAStreamThatBreaksOffAreFunctionErrors(t *testing.T) {
	t.Parallel()
	b := newRuntimeBench(t)
	inv := newInvocation("req-1", nil)
	b.w.inbox <- inv
	b.do("GET", below+"invocation/next", "")
	require.Equal(t, http.StatusAccepted, b.do("POST", below+"invocation/req-1/error", `{"errorType":"E"}`).Code)
	<-inv.done
	require.Equal(t, "Unhandled", inv.result.FunctionError)

	inv = newInvocation("req-2", nil)
	b.w.inbox <- inv
	b.do("GET", below+"invocation/next", "")
	r := httptest.NewRequest("POST", below+"invocation/req-2/response", strings.NewReader("half"))
	r.Trailer = http.Header{
		"Lambda-Runtime-Function-Error-Type": {"E"},
		"Lambda-Runtime-Function-Error-Body": {"eyJlcnJvclR5cGUiOiJFIn0="},
	}
	b.h.RuntimeHandler().ServeHTTP(httptest.NewRecorder(), r)
	<-inv.done
	require.Equal(t, "Unhandled", inv.result.FunctionError)
	require.Equal(t, `{"errorType":"E"}`, string(inv.result.Payload))
}

func TestAnInitErrorIsKeptForTheWaitingInvocation(t *testing.T) {
	t.Parallel()
	b := newRuntimeBench(t)
	require.Equal(t, http.StatusBadRequest, b.do("POST", below+"init/error", "no json").Code)
	require.Equal(t, http.StatusAccepted, b.do("POST", below+"init/error", `{"errorType":"Config"}`).Code)
	b.w.inbox <- newInvocation("req-1", nil)
	close(b.w.exited)
	inv := <-b.w.inbox
	res, err := b.w.neverTook(inv, false, time.Second)
	require.NoError(t, err)
	require.Equal(t, failure{Type: "Config"}, failureOf(t, res))
}

func TestStrangersAndWrongPathsAreRefused(t *testing.T) {
	t.Parallel()
	b := newRuntimeBench(t)
	for path, want := range map[string]int{
		"/fn/w2/2018-06-01/runtime/invocation/next":    http.StatusForbidden,
		"/other/w1/2018-06-01/runtime/invocation/next": http.StatusForbidden,
		"/2018-06-01/runtime/invocation/next":          http.StatusNotFound,
		"/fn/w1/2018-06-01/runtime/exit/error":         http.StatusNotFound,
		"/fn/w1/elsewhere":                             http.StatusNotFound,
	} {
		require.Equal(t, want, b.do("GET", path, "").Code, path)
	}
	require.Equal(t, http.StatusNotFound, b.do("POST", below+"invocation/next", "").Code)
}
