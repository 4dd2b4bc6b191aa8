package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"emodrop/shared/words"
)

func TestHelpAndVersionAreData(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "emodrop demo"}, {[]string{"--help"}, "emodrop demo"}, {[]string{"up", "--help"}, "--fresh"},
		{[]string{"emulator", "--help"}, "/_emo/ledger"}, {[]string{"version"}, "emodrop "},
	} {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(t.Context(), c.args, &stdout, &stderr), "%q: %s", c.args, &stderr)
		require.Contains(t, stdout.String(), c.says, "%q", c.args)
		require.Empty(t, stderr.String(), "%q", c.args)
	}
}

func TestHelpIsInOneLanguage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"invoke", "--help"}, {"list", "--help"}} {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(t.Context(), append(args, "--lang", "zh"), &stdout, &stderr), stderr.String())
		require.NotContains(t, stdout.String(), "help for")
		require.NotContains(t, stdout.String(), "Invoke one")
		require.NotContains(t, stdout.String(), "Runs the same")
		require.Contains(t, stdout.String(), "显示此帮助")
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitUsage, run(t.Context(), []string{"invoke", "--lang", "zh"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "需要一个函数")
}

func TestAVerbThatIsMisspelledLeadsToTheNearest(t *testing.T) {
	t.Parallel()
	for typed, meant := range map[string]string{"lst": "perhaps list is meant", "statsu": "perhaps status is meant", "fly": `there is no verb "fly"` + "\n"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), []string{typed, "--lang", "en"}, &stdout, &stderr))
		require.Contains(t, stderr.String(), meant)
	}
}

func TestEveryVerbAndFlagIsDescribedInChineseToo(t *testing.T) {
	t.Parallel()
	p := &program{lang: words.Chinese, env: func(string) string { return "" }}
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		require.Regexp(t, `\p{Han}`, cmd.Short, cmd.CommandPath())
		if cmd.Long != "" && cmd.Name() != "help" {
			require.Regexp(t, `\p{Han}`, cmd.Long, cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.LocalFlags().FlagUsages()) {
			require.Regexp(t, `\p{Han}`, line, cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			look(c)
		}
	}
	look(p.root())
}

func TestTheStackIsRunInsideTheSourceTree(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, command := range []string{"up", "demo"} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitUsage, run(t.Context(), []string{command}, &stdout, &stderr))
		require.Contains(t, stderr.String(), "inside emodrop's source tree")
	}
}

func TestTheEmulatorServesUntilItIsStopped(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var stdout, stderr said
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"emulator", "--addr", "127.0.0.1:0", "--key", "sk-mine", "--dir", t.TempDir()}, &stdout, &stderr)
	}()
	line := stdout.wait(t, regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/api/v1   key sk-mine   admin (\S+)`), 20*time.Second)
	for path, want := range map[string]int{line[2] + "ledger": http.StatusOK, line[1] + "/api/v1/tasks/x": http.StatusUnauthorized} {
		res, err := http.Get(path)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, want, res.StatusCode, path)
	}
	var other said
	require.Equal(t, exitOther, run(ctx, []string{"emulator", "--addr", line[1][len("http://"):]}, &other, &other))
	require.Contains(t, other.String(), "--addr 127.0.0.1:0 takes a free port")
	stop()
	select {
	case code := <-ended:
		require.Zero(t, code, stderr.String())
	case <-time.After(20 * time.Second):
		require.Fail(t, "the emulator did not stop")
	}
}

// said is what a command wrote. Safe for concurrent use.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// wait waits until it has said something, and returns the parts of that.
func (s *said) wait(t *testing.T, what *regexp.Regexp, d time.Duration) []string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		if m := what.FindStringSubmatch(s.String()); m != nil {
			return m
		}
		select {
		case <-tick.C:
		case <-end.C:
			require.FailNow(t, "it did not say what was waited for", "%s in:\n%s", what, s.String())
		}
	}
}

func TestAFolderThatCannotBeReadIsToldLikeEverythingElse(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(home, ".emodrop"), 0o755))
	for name, body := range map[string]string{"identity.json": "{", "jobs.db": ""} {
		require.NoError(t, os.WriteFile(filepath.Join(home, ".emodrop", name), []byte(body), 0o600))
	}
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOther, run(t.Context(), []string{"status", "--home", home, "--json", "--lang", "zh"}, &stdout, &stderr))
	line := objects(t, stderr.String())[0]
	require.Equal(t, "identity_damaged", line["code"])
	require.Contains(t, line["message"], "已损坏")
	require.Contains(t, line["fix"], "--home")
}

func TestWhatAStackSaysIsOneLineWhateverTheNamesInItHold(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	newProgram(&bytes.Buffer{}, &stderr, nil).talk()("12:00:00  submit    a\x1b[2J\r\nb: 王小明\u202e done")
	require.Equal(t, "12:00:00  submit    a [2J  b: 王小明  done\n", stderr.String())
}
