package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAFunctionAnswersAndItsProcessStaysWarm(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	res := b.call(t, map[string]any{"hello": "world"})
	require.JSONEq(t, `{"hello":"world"}`, string(res.Payload))
	require.Empty(t, res.FunctionError)
	require.Equal(t, "$LATEST", res.Version)
	require.Equal(t, b.pid(t), b.pid(t))
}

func TestAFunctionSeesItsRequestArnDeadlineAndFolder(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{
		Region: "ap-southeast-1", AccountID: "123456789012",
		Functions: []Function{{Name: "fn", Timeout: 50 * time.Second}},
	})
	res := b.call(t, do("context"))
	var seen struct {
		RequestID string `json:"request_id"`
		ARN       string `json:"arn"`
		LeftMS    int    `json:"left_ms"`
		Trace     string `json:"trace"`
		Dir       string `json:"dir"`
	}
	require.NoError(t, json.Unmarshal(res.Payload, &seen))
	require.Equal(t, res.RequestID, seen.RequestID)
	require.Equal(t, "arn:aws:lambda:ap-southeast-1:123456789012:function:fn", seen.ARN)
	require.Greater(t, seen.LeftMS, 20_000)
	require.LessOrEqual(t, seen.LeftMS, 50_000)
	require.Regexp(t, `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`, seen.Trace)
	want, err := filepath.EvalSymlinks(filepath.Dir(testBinary(t)))
	require.NoError(t, err)
	require.Equal(t, want, seen.Dir)
}

func TestTheEnvironmentIsLambdasAndTheFunctionsAndNothingElse(t *testing.T) {
	t.Setenv("EMODROP_SECRET_OF_THE_PARENT", "x")
	b := one(t, Function{MemoryMB: 512, LogLevel: "DEBUG", Env: map[string]string{"TABLE": "jobs", "AWS_ACCESS_KEY_ID": "id"}})
	var list []string
	require.NoError(t, json.Unmarshal(b.call(t, do("env")).Payload, &list))
	got := map[string]string{}
	for _, kv := range list {
		k, v, _ := strings.Cut(kv, "=")
		got[k] = v
	}
	require.True(t, strings.HasPrefix(got["AWS_LAMBDA_RUNTIME_API"], b.addr+"/_lambda/fn/"))
	require.Contains(t, got["AWS_LAMBDA_LOG_STREAM_NAME"], "[$LATEST]")
	for _, varying := range []string{
		"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_STREAM_NAME", "_X_AMZN_TRACE_ID", "PWD", "SYSTEMROOT",
	} {
		delete(got, varying)
	}
	require.Equal(t, map[string]string{
		"TABLE":                           "jobs",
		"AWS_ACCESS_KEY_ID":               "id",
		"AWS_REGION":                      "us-east-1",
		"AWS_DEFAULT_REGION":              "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME":        "fn",
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/fn",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_LEVEL":            "DEBUG",
		"LAMBDA_TASK_ROOT":                filepath.Dir(testBinary(t)),
		"_HANDLER":                        "bootstrap",
		"TZ":                              ":UTC",
		"LANG":                            "en_US.UTF-8",
		"PATH":                            "/usr/local/bin:/usr/bin:/bin",
	}, got)
}

func TestAnErrorIsTheFunctionsAndTheProcessGoesOn(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	pid := b.pid(t)
	require.Equal(t, failure{"errorString", "failed on request"}, failureOf(t, b.call(t, do("fail"))))
	require.Equal(t, pid, b.pid(t))
}

func TestAPanicIsReportedAndTheNextInvocationIsNotLost(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Concurrency: 1})
	for range 5 { // the dying process may be given the next invocation
		require.Equal(t, failure{"string", "panicked on request"}, failureOf(t, b.call(t, do("panic"))))
		require.Empty(t, b.call(t, do("echo")).FunctionError)
	}
}

func TestAProcessThatExitsFailsItsInvocationWithItsLastWords(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	res := b.call(t, do("exit"))
	require.Equal(t, failure{"Runtime.ExitError", "RequestId: " + res.RequestID + " Error: Runtime exited with error: exit status 3"},
		failureOf(t, res))
	require.Equal(t, "leaving\n", string(res.LogTail))

	res = b.call(t, do("exit0"))
	require.Equal(t, failure{"Runtime.ExitError", "RequestId: " + res.RequestID + " Error: Runtime exited without providing a reason"},
		failureOf(t, res))
}

func TestTheTimeoutEndsInvocationAndProcess(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Timeout: 400 * time.Millisecond, Concurrency: 1})
	res := b.call(t, do("sleep"))
	require.Equal(t, failure{"Sandbox.Timedout", "RequestId: " + res.RequestID + " Error: Task timed out after 0.40 seconds"},
		failureOf(t, res))
	require.Equal(t, "sleeping\n", string(res.LogTail))
	require.Equal(t, "signal: killed", next(t, b.ended))
	require.Empty(t, b.call(t, do("echo")).FunctionError)
}

func TestConcurrencyStartsWorkersOnDemandAndThenThrottles(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Concurrency: 2})
	flag := filepath.Join(t.TempDir(), "go")
	answers := make(chan Result, 2)
	for range 2 {
		go func() {
			res, _ := b.Invoke(context.Background(), "fn", []byte(`{"do":"wait","arg":"`+filepath.ToSlash(flag)+`"}`))
			answers <- res
		}()
	}
	require.Equal(t, "waiting", next(t, b.lines))
	require.Equal(t, "waiting", next(t, b.lines))
	_, err := b.Invoke(t.Context(), "fn", nil)
	require.ErrorIs(t, err, ErrThrottled)

	require.NoError(t, os.WriteFile(flag, nil, 0o600))
	require.Equal(t, `"waited"`, string(next(t, answers).Payload))
	require.Equal(t, `"waited"`, string(next(t, answers).Payload))
	require.Empty(t, b.call(t, do("echo")).FunctionError)
}

func TestKillNextKillsTheProcessInTheMiddle(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	b.KillNext("fn", 0)
	res := b.call(t, do("sleep"))
	require.Equal(t, failure{"Runtime.ExitError", "RequestId: " + res.RequestID + " Error: Runtime exited with error: signal: killed"},
		failureOf(t, res))
	require.Empty(t, b.call(t, do("echo")).FunctionError)
}

func TestKillNextIsNotSpentOnAProcessThatWasAlreadyDead(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Concurrency: 1})
	for range 5 { // the panicking process may be given the next invocation
		require.NotEmpty(t, b.call(t, do("panic")).FunctionError)
		b.KillNext("fn", 0)
		require.Contains(t, failureOf(t, b.call(t, do("sleep"))).Message, "signal: killed")
	}
}

func TestKillPrefersABusyProcessAndAnIdleOneIsReplacedUnnoticed(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	require.False(t, b.Kill("fn"))
	require.False(t, b.Kill("unknown"))
	pid := b.pid(t)
	require.True(t, b.Kill("fn"))
	require.NotEqual(t, pid, b.pid(t))

	// One busy, one idle.
	answer := make(chan Result, 1)
	go func() {
		res, _ := b.Invoke(context.Background(), "fn", []byte(`{"do":"sleep"}`))
		answer <- res
	}()
	require.Equal(t, "sleeping", next(t, b.lines))
	idle := b.pid(t)
	require.True(t, b.Kill("fn"))
	require.Contains(t, failureOf(t, next(t, answer)).Message, "signal: killed")
	require.Equal(t, idle, b.pid(t))
}

func TestIdleWorkersAreEndedAfterATime(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{IdleTimeout: 20 * time.Millisecond, Functions: []Function{{Name: "fn", Concurrency: 1}}})
	pid := b.pid(t)
	require.Equal(t, "signal: terminated", next(t, b.ended))
	require.NotEqual(t, pid, b.pid(t))
}

func TestAFunctionThatCannotStartFailsItsInvocation(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Env: map[string]string{"AT_START": "exit"}})
	res := b.call(t, do("echo"))
	require.Equal(t, "RequestId: "+res.RequestID+" Error: Runtime exited with error: exit status 7", failureOf(t, res).Message)
	require.Equal(t, "no configuration\n", string(res.LogTail))

	slow := setup(t, Config{
		InitTimeout: 100 * time.Millisecond,
		Functions:   []Function{{Name: "fn", Env: map[string]string{"AT_START": "hang"}}},
	})
	res = slow.call(t, do("echo"))
	require.Equal(t, failure{"Sandbox.Timedout", "RequestId: " + res.RequestID + " Error: Init timed out after 0.10 seconds"},
		failureOf(t, res))
}

func TestABinaryThatCannotRunIsAnErrorOfTheSystem(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bootstrap")
	require.NoError(t, os.WriteFile(file, []byte("no program"), 0o600))
	h, err := New(Config{BaseAddr: func() string { return "" }, Functions: []Function{{Name: "fn", Binary: file}}})
	require.NoError(t, err)
	_, err = h.Invoke(t.Context(), "fn", nil)
	require.ErrorContains(t, err, "start "+file)
	require.NoError(t, h.Close(t.Context()))
}

func TestAnAnswerAboveTheLimitFailsTheInvocation(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	res := b.call(t, map[string]any{"do": "large", "size": maxResponse - 2})
	require.Empty(t, res.FunctionError)
	require.Len(t, res.Payload, maxResponse)
	res = b.call(t, map[string]any{"do": "large", "size": maxResponse})
	require.Equal(t, "Function.ResponseSizeTooLarge", failureOf(t, res).Type)
	require.Empty(t, b.call(t, do("echo")).FunctionError)
}

func TestWrongPayloadsAreRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	_, err := b.Invoke(t.Context(), "other", nil)
	require.ErrorIs(t, err, ErrNotFound)
	_, err = b.Invoke(t.Context(), "fn", []byte("{"))
	require.ErrorIs(t, err, ErrNotJSON)
	_, err = b.Invoke(t.Context(), "fn", slices.Repeat([]byte("1"), maxSyncPayload+1))
	require.ErrorIs(t, err, ErrTooLarge)
	require.ErrorIs(t, b.InvokeAsync("fn", slices.Repeat([]byte("1"), maxAsyncPayload+1)), ErrTooLarge)
	require.ErrorIs(t, b.InvokeAsync("other", nil), ErrNotFound)
	require.False(t, b.Kill("fn"), "no process was started")
}

func TestTheFunctionRunsOnWhenItsCallerHangsUp(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Concurrency: 1})
	flag := filepath.ToSlash(filepath.Join(t.TempDir(), "go"))
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := b.Invoke(ctx, "fn", []byte(`{"do":"wait","arg":"`+flag+`"}`))
		gone <- err
	}()
	require.Equal(t, "waiting", next(t, b.lines))
	cancel()
	require.ErrorIs(t, next(t, gone), context.Canceled)
	_, err := b.Invoke(t.Context(), "fn", nil)
	require.ErrorIs(t, err, ErrThrottled, "it still runs")
}

func TestCloseLetsARunningInvocationEndWithinItsGrace(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Grace: time.Minute, Functions: []Function{{Name: "fn"}}})
	flag := filepath.ToSlash(filepath.Join(t.TempDir(), "go"))
	answer := make(chan Result, 1)
	go func() {
		res, _ := b.Invoke(context.Background(), "fn", []byte(`{"do":"wait","arg":"`+flag+`"}`))
		answer <- res
	}()
	require.Equal(t, "waiting", next(t, b.lines))
	closed := make(chan error, 1)
	go func() { closed <- b.Close(context.Background()) }()
	require.Eventually(t, func() bool {
		_, err := b.Invoke(context.Background(), "fn", nil)
		return errors.Is(err, ErrClosed)
	}, time.Minute, time.Millisecond)
	require.NoError(t, os.WriteFile(flag, nil, 0o600))
	require.Equal(t, `"waited"`, string(next(t, answer).Payload))
	require.NoError(t, next(t, closed))
	require.ErrorIs(t, b.InvokeAsync("fn", nil), ErrClosed)
	require.False(t, b.Kill("fn"), "no process is left")
}

func TestCloseTerminatesWhatOutlivesTheGrace(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Grace: 20 * time.Millisecond, Functions: []Function{{Name: "fn"}}})
	answer := make(chan Result, 1)
	go func() {
		res, _ := b.Invoke(context.Background(), "fn", []byte(`{"do":"sleep"}`))
		answer <- res
	}()
	require.Equal(t, "sleeping", next(t, b.lines))
	require.NoError(t, b.Close(context.Background()))
	require.Regexp(t, "signal: (terminated|killed)", failureOf(t, next(t, answer)).Message)
	require.False(t, b.Kill("fn"), "no process is left")
}

func TestCloseKillsAtOnceWhenItsContextHasEnded(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Grace: time.Hour, Functions: []Function{{Name: "fn"}}})
	answer := make(chan Result, 1)
	go func() {
		res, _ := b.Invoke(context.Background(), "fn", []byte(`{"do":"sleep"}`))
		answer <- res
	}()
	require.Equal(t, "sleeping", next(t, b.lines))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Close(ctx), context.Canceled)
	require.NotEmpty(t, next(t, answer).FunctionError)
}

func TestOutputReachesTheLogLineByLine(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{MaxLogLine: 10, Functions: []Function{{Name: "fn"}}})
	require.Equal(t, "null", string(b.call(t, map[string]any{"do": "print", "arg": "one\r\n\n0123456789abc"}).Payload))
	for _, want := range []string{"one", "0123456789", "abc"} {
		require.Equal(t, want, next(t, b.lines))
	}
}

func TestAsynchronousEventsRunOnTheProcesses(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Async: AsyncConfig{RetryWaits: []time.Duration{time.Millisecond}}})
	require.NoError(t, b.InvokeAsync("fn", []byte(`{"do":"print","arg":"hello"}`)))
	require.Equal(t, "hello", next(t, b.lines))

	require.NoError(t, b.InvokeAsync("fn", []byte(`{"do":"fail"}`)))
	e := next(t, b.failed)
	require.Equal(t, RetriesExhausted, e.Condition)
	require.Equal(t, 3, e.Attempts)
	require.Equal(t, "failed on request", failureOf(t, e.Result).Message)
	require.Equal(t, e.RequestID, e.Result.RequestID, "retries share the request id")
}
