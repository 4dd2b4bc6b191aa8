package stack_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/stack"
	"emodrop/shared/words"
)

func TestEveryRefusalSaysWhatIsTheCaseAndWhatToDoInBothLanguages(t *testing.T) {
	t.Parallel()
	facts := regexp.MustCompile(`\{\d\}`)
	require.Greater(t, len(stack.Refusals), 8)
	for code, said := range stack.Refusals {
		for i, part := range said[0] {
			require.NotEmpty(t, part, code)
			require.NotRegexp(t, `\p{Han}`, part, code)
			require.Regexp(t, `\p{Han}`, said[1][i], code)
			require.ElementsMatch(t, facts.FindAllString(part, -1), facts.FindAllString(said[1][i], -1), code)
			require.True(t, strings.HasSuffix(part, ".") && strings.HasSuffix(said[1][i], "。"), code)
		}
	}
}

// refused is why a start is refused.
func refused(t *testing.T, change func(*stack.Config)) *stack.Refusal {
	t.Helper()
	cfg := stack.Config{Home: t.TempDir(), Binaries: t.TempDir(), Modules: modules, DynamoEndpoint: "http://127.0.0.1:1", Timing: quick()}
	change(&cfg)
	s, err := stack.Start(t.Context(), cfg)
	if err == nil {
		_ = s.Close(t.Context())
	}
	var no *stack.Refusal
	require.ErrorAs(t, err, &no)
	return no
}

// idle is a folder with functions that never run.
func idle(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, fn := range []string{"submit", "poll", "finalize", "callback"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fn), nil, 0o700))
	}
	return dir
}

func TestAStartThatIsRefusedSaysWhyAndWhatToDo(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	port := ln.Addr().(*net.TCPAddr).Port
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for code, c := range map[string]struct {
		change    func(*stack.Config)
		what, fix string
	}{
		stack.PortTaken:    {change: func(c *stack.Config) { c.Port = port }, what: strconv.Itoa(port), fix: "--port"},
		stack.HomeUnusable: {change: func(c *stack.Config) { c.Home = filepath.Join(file, "home") }, what: file, fix: "--home"},
		stack.PaidFor:      {change: func(c *stack.Config) { c.Fresh, c.Vendor = true, &stack.Vendor{Key: "sk-1"} }, what: "--fresh", fix: "--home"},
		stack.Missing:      {change: func(c *stack.Config) { c.Home = folderWith(t, "", "jobs.db") }, what: "identity.json", fix: "--home"},
		stack.Damaged:      {change: func(c *stack.Config) { c.Home = folderWith(t, "{", "jobs.db") }, what: "identity.json", fix: "--home"},
		stack.OtherVendor: {change: func(c *stack.Config) {
			c.Home = folderWith(t, `{"access_key_id":"a","vendor":"https://films.example"}`, "jobs.db")
		},
			what: "https://films.example", fix: "--home"},
		stack.DynamoDown: {change: func(c *stack.Config) { c.Binaries = idle(t) }, what: "http://127.0.0.1:1", fix: "AWS_ENDPOINT_URL_DYNAMODB"},
		stack.NoDynamo: {change: func(c *stack.Config) {
			t.Setenv("PATH", t.TempDir())
			c.DynamoEndpoint, c.Modules = "", t.TempDir()
		}, what: "dynoxide", fix: "make tools"},
	} {
		t.Run(code, func(t *testing.T) {
			no := refused(t, c.change)
			require.Equal(t, code, no.Code)
			for _, lang := range words.Languages() {
				what, fix := no.Say(lang)
				require.Contains(t, what, c.what)
				require.Contains(t, fix, c.fix)
			}
		})
	}
}
