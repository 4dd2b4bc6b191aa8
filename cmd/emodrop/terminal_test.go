//go:build linux || darwin

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

// terminal is a run of the command at a terminal of 100 columns and 12 rows.
type terminal struct {
	t      *testing.T
	keys   *os.File
	screen said
	code   chan int
}

func (d *desk) at(args ...string) *terminal {
	d.t.Helper()
	keys, tty, err := pty.Open()
	require.NoError(d.t, err)
	require.NoError(d.t, pty.Setsize(keys, &pty.Winsize{Cols: 100, Rows: 12}))
	x := &terminal{t: d.t, keys: keys, code: make(chan int, 1)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&x.screen, keys)
	}()
	p := &program{stdin: tty, stdout: tty, stderr: tty, env: func(name string) string { return d.env[name] },
		find: func(context.Context, reach.Wanted, func(string) string) (*reach.Stack, error) { return d.st, nil }}
	go func() {
		x.code <- p.run(context.Background(), args)
		_ = tty.Close()
	}()
	d.t.Cleanup(func() {
		_ = keys.Close()
		<-read
	})
	return x
}

func (x *terminal) exit() int {
	x.t.Helper()
	select {
	case code := <-x.code:
		return code
	case <-time.After(20 * time.Second):
		require.FailNow(x.t, "the command did not end", x.screen.String())
		return -1
	}
}

func TestAtATerminalAPersonIsAskedBeforeItMayCostMoney(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, nil)
	submit := []string{"submit", filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3")}
	for _, answer := range []string{"\n", "n\n", "y\n"} {
		x := d.at(submit...)
		x.screen.wait(t, regexp.MustCompile(`Films: 1, for about ¥0.426318. Send\? \[y/N\]`), 20*time.Second)
		_, err := x.keys.WriteString(answer)
		require.NoError(t, err)
		if answer != "y\n" {
			require.Equal(t, exitOther, x.exit())
			x.screen.wait(t, regexp.MustCompile("Nothing was sent"), 20*time.Second)
			require.Empty(t, d.inbox())
			continue
		}
		require.Zero(t, x.exit(), x.screen.String())
		x.screen.wait(t, regexp.MustCompile("sent 2 of 2 files"), 20*time.Second)
		require.Len(t, d.inbox(), 2)
	}
	x := d.at(append(submit, "--name", "bert", "--json")...)
	require.Equal(t, exitUsage, x.exit(), "a program is not asked, wherever it runs")
}

func TestAtATerminalListsAreAlignedAndColoured(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("课程/安娜", job.Succeeded)
	d.job("bert", job.Rejected)
	x := d.at("list")
	require.Zero(t, x.exit())
	x.screen.wait(t, regexp.MustCompile(`(?s)bert.*\n.*\n`), 20*time.Second)
	shown := x.screen.String()
	require.Contains(t, shown, "\x1b[32mdone\x1b[0m")
	plain := strings.Split(regexp.MustCompile(`\x1b\[\d*m|\r`).ReplaceAllString(shown, ""), "\n")
	require.Contains(t, plain[0], "NAME")
	column := columns(plain[0][:strings.Index(plain[0], "STATE")])
	for _, line := range plain[1:3] {
		at := strings.Index(line, "done")
		if at < 0 {
			at = strings.Index(line, "refused")
		}
		require.Equal(t, column, columns(line[:at]), "wide letters take two columns: %q", line)
	}
	d.env["NO_COLOR"] = "1"
	x = d.at("list")
	require.Zero(t, x.exit())
	x.screen.wait(t, regexp.MustCompile(`bert.*\n`), 20*time.Second)
	require.NotContains(t, x.screen.String(), "\x1b")
	delete(d.env, "NO_COLOR")
	d.env["TERM"] = "dumb"
	x = d.at("list")
	require.Zero(t, x.exit())
	x.screen.wait(t, regexp.MustCompile(`bert\t.*\n`), 20*time.Second)
}

func TestAtATerminalAWatchIsDrawnOverWithinItsRoom(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	j := d.job("anna", job.Running)
	for i := range 30 {
		d.job("queued "+string(rune('a'+i)), job.Queued)
	}
	x := d.at("watch", "--every", "20ms", "--timeout", "15s")
	x.screen.wait(t, regexp.MustCompile(`(?s)anna.*being made.*and 21 more`), 20*time.Second)
	next := j
	next.State, next.Due = job.Storing, time.Now()
	_, err := d.st.Jobs.Move(t.Context(), j, next)
	require.NoError(t, err)
	x.screen.wait(t, regexp.MustCompile(`\x1b\[11A\x1b\[J.*anna.*being brought home`), 20*time.Second)
	require.NotContains(t, x.screen.String(), "STORING", "words for people, where people look")

	bert := newDesk(t)
	bert.job("bert", job.Succeeded)
	x = bert.at("watch", "bert")
	require.Zero(t, x.exit())
	x.screen.wait(t, regexp.MustCompile(`bert.*done`), 20*time.Second)
}
