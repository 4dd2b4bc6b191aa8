package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAnEventIsReadFromAFileOrStandardInput(t *testing.T) {
	t.Parallel()
	b, err := (&program{}).readEvent(strings.NewReader(`{"dispatch":true}`), "-")
	require.NoError(t, err)
	require.JSONEq(t, `{"dispatch":true}`, string(b))
	b, err = (&program{}).readEvent(nil, filepath.Join("..", "..", "events", "dispatch.json"))
	require.NoError(t, err)
	require.Contains(t, string(b), `"dispatch": true`)
}

func TestWhatAFunctionFailedOfIsSaidOnce(t *testing.T) {
	t.Parallel()
	log := []byte("{\"msg\":\"look\"}\n2026/11/27 04:56:16 {\"errorMessage\":\"x\"}\n")
	require.Equal(t, "{\"msg\":\"look\"}\n", string(logged(log, []byte("{\"errorMessage\":\"x\"}\n"))))
	require.Equal(t, string(log), string(logged(log, []byte("null\n"))))
	require.Equal(t, string(log), string(logged(log, []byte("{\"errorMessage\":\"y\"}"))))
}

// The answers are events/README.md's, which local/stack's tests hold to each event;
// here it is the command's own part: which stack, which stream, which exit code.
func TestInvokeUsesTheRunningStackOrOneOfItsOwn(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	event := func(name string) string { return filepath.Join("events", name) } // seen from where the command runs
	home := t.TempDir()
	invoke := func(code int, function, name string) *process {
		p := start(t, home, "invoke", function, event(name))
		require.Equal(t, code, p.exit(3*time.Minute))
		return p
	}
	alone := invoke(0, "submit", "sqs-batch.json")
	require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"0e1d2c3b-4a59-4687-9786-a5b4c3d2e1f4"}]}`, alone.stdout.String())
	require.Contains(t, alone.stderr.String(), "hand-in not taken")
	require.Empty(t, alone.children(), "left behind")
	require.NoDirExists(t, filepath.Join(home, "drop"), "the stack of the call has a place of its own")

	failed := invoke(exitOther, "finalize", "finalize.json")
	require.Contains(t, failed.stdout.String(), `"errorMessage"`)
	require.Contains(t, failed.stderr.String(), "finalize failed")

	up := start(t, home, "up", "--no-open")
	up.address()
	began := time.Now()
	require.Equal(t, "null\n", invoke(0, "poll", "scheduler-poll.json").stdout.String())
	require.Less(t, time.Since(began), 40*time.Second, "idle, and so over long before the next tick")
	up.interrupt()
	require.Zero(t, up.exit(3*time.Minute))
}
