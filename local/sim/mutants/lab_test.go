package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyAPromiseThatIsSeenToBeBrokenCatchesAMutant(t *testing.T) {
	t.Parallel()
	exit := &exec.ExitError{}
	for _, c := range []struct {
		name, out string
		err       error
		caught    bool
		known     bool
	}{
		{"all seeds are green", "500 seeds: SUCCEEDED 1000\nheld: seed 7: p1: create_ambiguous 1234\nPASS\n", nil, false, true},
		{"a seed fails", "--- FAIL: TestSeeds (1.00s)\n    seeds_test.go:98: seed 7: money: p1 was paid for 2 times\nFAIL\n", exit, true, true},
		{"it crashes", "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\n", exit, false, false},
		{"it never ends", "", context.DeadlineExceeded, false, false},
	} {
		r := judge([]byte(c.out), c.err)
		require.Equal(t, c.caught, r.caught(), c.name)
		require.Equal(t, c.known, r.err == nil, c.name)
	}
	r := judge([]byte("    seeds_test.go:98: seed 7: money: paid\n    seeds_test.go:98: seed 7: stuck: a\n"), exit)
	require.Equal(t, 7, r.seed)
	require.Equal(t, "money: paid", r.problem)
}

func TestAMutantIsBuiltFromCopiesAndNothingInTheTreeChanges(t *testing.T) {
	t.Parallel()
	l := lab{root: t.TempDir(), dir: t.TempDir()}
	src := filepath.Join(l.root, "a", "b.go")
	require.NoError(t, os.MkdirAll(filepath.Dir(src), 0o750))
	require.NoError(t, os.WriteFile(src, []byte("if taken {"), 0o600))
	list, err := l.overlay(filepath.Join(l.dir, "lease"), mutant{name: "lease", edits: []edit{{"a/b.go", "taken", "false"}}})
	require.NoError(t, err)
	raw, err := os.ReadFile(list)
	require.NoError(t, err)
	var o struct{ Replace map[string]string }
	require.NoError(t, json.Unmarshal(raw, &o))
	require.Len(t, o.Replace, 1)
	copied, err := os.ReadFile(o.Replace[src])
	require.NoError(t, err)
	require.Equal(t, "if false {", string(copied))
	kept, err := os.ReadFile(src)
	require.NoError(t, err)
	require.Equal(t, "if taken {", string(kept))

	_, err = l.overlay(filepath.Join(l.dir, "gone"), mutant{name: "gone", edits: []edit{{"a/c.go", "x", "y"}}})
	require.True(t, errors.Is(err, os.ErrNotExist))
}
