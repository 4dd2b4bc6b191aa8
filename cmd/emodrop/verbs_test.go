//go:build linux || darwin

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
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

// hands is the built command before a running local stack.
type hands struct {
	t     *testing.T
	home  string
	extra []string // environment
	names []string // what arguments stand for, in pairs
}

func (h hands) command(args ...string) *exec.Cmd {
	fill := strings.NewReplacer(h.names...)
	given := make([]string, len(args))
	for i, a := range args {
		given[i] = fill.Replace(a)
	}
	cmd := exec.CommandContext(h.t.Context(), built(h.t), given...)
	cmd.Dir = h.home
	// Nothing of the machine's own AWS configuration counts.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "EMODROP_") && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "AWS_EC2_METADATA_DISABLED=true", "TERM=xterm"), h.extra...)
	return cmd
}

// run is one run with its output in pipes.
func (h hands) run(args ...string) outcome {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := h.command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	require.True(h.t, err == nil || errors.As(err, &exit), "%v", err)
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func (h hands) good(args ...string) string {
	h.t.Helper()
	o := h.run(args...)
	require.Zero(h.t, o.code, "%q: %s", args, o.stderr)
	return o.stdout
}

// refused checks both the words and the JSON of a refusal.
func (h hands) refused(exit int, code string, args ...string) {
	h.t.Helper()
	o := h.run(args...)
	require.Equal(h.t, exit, o.code, "%q: %s", args, o.stderr)
	require.Contains(h.t, o.stderr, "emodrop: ", "%q", args)
	o = h.run(append(args, "--json")...)
	require.Equal(h.t, exit, o.code, "%q: %s", args, o.stderr)
	require.Equal(h.t, code, objects(h.t, o.stderr)[0]["code"], "%q", args)
}

// terminal is one run at a terminal; keys are typed when it asks.
func (h hands) terminal(keys string, args ...string) (screen string, code int) {
	h.t.Helper()
	cmd := h.command(args...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 100})
	require.NoError(h.t, err)
	defer func() { _ = tty.Close() }()
	var shown said
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&shown, tty)
	}()
	if keys != "" {
		shown.wait(h.t, regexp.MustCompile(`\[y/N\]`), 30*time.Second)
		_, err := tty.WriteString(keys)
		require.NoError(h.t, err)
	}
	_ = cmd.Wait() // the exit code is looked at
	<-read
	return shown.String(), cmd.ProcessState.ExitCode()
}

// What a row of the table cannot show: jobs that are under way, and what is said of them.
func TestADayAtTheLocalStackByTheBuiltCommand(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	p := start(t, home, "up", "--no-open", "--speed", "4")
	p.address()
	h := hands{t: t, home: home}
	dir := files(t, nil)
	image, audio := filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3")

	// Four hand-ins: one is worked on, two wait at the vendor, one waits here.
	for _, name := range []string{"first", "second", "third", "fourth"} {
		require.Contains(t, h.good("submit", image, audio, "--name", name), "\t"+name)
		h.reaches(name, job.Queued, job.Submitting, job.Submitted, job.Running)
	}
	h.reaches("first", job.Running)
	h.reaches("third", job.Submitted)
	require.Contains(t, h.good("status", "fourth"), "number 1 in the queue")
	require.Contains(t, h.good("status"), "at the video service: 3")
	require.Contains(t, h.good("cancel", "third"), "CANCELED\tthird")
	h.refused(exitOther, "being_made", "cancel", "first")
	h.refused(exitOther, "not_done", "get", "first")

	// Interrupted, out of time, to the end.
	watch := h.command("watch")
	var shown said
	watch.Stdout, watch.Stderr = &shown, &shown
	require.NoError(t, watch.Start())
	shown.wait(t, regexp.MustCompile(`\tfirst\n`), 30*time.Second)
	require.NoError(t, watch.Process.Signal(os.Interrupt))
	_ = watch.Wait() // the exit code is looked at
	require.Equal(t, exitInterrupted, watch.ProcessState.ExitCode())
	require.Contains(t, shown.String(), "goes on")
	h.refused(exitTimeout, "timeout", "watch", "second", "--timeout", "1s")
	require.Contains(t, h.good("watch", "first", "second"), "SUCCEEDED\tfirst\tvideos/first.mp4")
	require.Equal(t, exitJobFailed, h.run("watch", "first", "third", "--json").code)
	path := strings.TrimSpace(h.good("get", "first", "--to", filepath.Join(home, "films")))
	require.NoError(t, checkFilm(path, 5330*time.Millisecond))
	require.Contains(t, h.good("retry", "third"), "RECEIVED\tthird")
	require.Contains(t, h.good("watch", "third"), "SUCCEEDED\tthird")
	require.FileExists(t, filepath.Join(home, "videos", "third.mp4"))

	require.Contains(t, h.run("list", "--home", filepath.Join(home, "videos")).stdout, "first", "from a folder below")
	h.refused(exitUsage, "no_region", "list", "--stack", "emodrop")
	h.home = t.TempDir()
	h.refused(exitUsage, "no_stack", "list")
}

func TestTheBuiltCommandAtATerminalAndByTheEnvironment(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	p := start(t, home, "up", "--no-open", "--speed", "100")
	p.address()
	st, err := reach.Find(t.Context(), reach.Wanted{Home: home}, func(string) string { return "" })
	require.NoError(t, err)
	key, err := st.AWS.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	// The same stack, as one that CloudFormation does not know: there money counts.
	h := hands{t: t, home: t.TempDir(), extra: []string{"AWS_ENDPOINT_URL=" + *st.AWS.BaseEndpoint, "AWS_REGION=" + st.Region,
		"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey, "EMODROP_TABLE=" + st.Table, "EMODROP_INBOX=" + st.Inbox,
		"EMODROP_OUTBOX=" + st.Outbox, "EMODROP_API_KEY_SECRET=" + st.Secret, "EMODROP_VENDOR_URL=" + st.VendorURL, "EMODROP_SUBMIT_FUNCTION=" + st.Submit}}
	dir := files(t, nil)
	submit := []string{"submit", filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3"), "--watch"}
	h.refused(exitUsage, "not_confirmed", submit...)
	screen, code := h.terminal("n\n", submit...)
	require.Equal(t, exitOther, code)
	require.Contains(t, screen, "Nothing was sent")
	screen, code = h.terminal("y\n", submit...)
	require.Zero(t, code, screen)
	require.Contains(t, screen, "sent 2 of 2 files")
	require.Contains(t, screen, "\x1b[32mdone\x1b[0m")

	screen, code = h.terminal("", "list", "--lang", "zh")
	require.Zero(t, code)
	require.Contains(t, screen, "名称")
	require.Contains(t, screen, "\x1b[32m已完成\x1b[0m")
	h.extra = append(h.extra, "NO_COLOR=1")
	screen, _ = h.terminal("", "status", "anna")
	require.NotContains(t, screen, "\x1b")
	require.Contains(t, screen, "s3://emodrop-outbox/videos/anna.mp4")

	wrong := hands{t: t, home: h.home, extra: append(append([]string{}, h.extra...), "AWS_SECRET_ACCESS_KEY=wrong")}
	wrong.refused(exitKey, "aws_refuses", "list")
	h.extra = append(h.extra, "EMODROP_API_KEY_SECRET=nobody")
	require.Equal(t, exitOther, h.run("doctor").code)
}

// reaches waits until a name's job is in one of the states.
func (h hands) reaches(name string, states ...job.State) {
	h.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for last := ""; ; {
		o := h.run("status", name, "--json")
		if o.code == 0 {
			last, _ = objects(h.t, o.stdout)[0]["state"].(string)
			for _, s := range states {
				if last == string(s) {
					return
				}
			}
		}
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(h.t, "not there", "%s is %s, not %s", name, last, states)
		}
	}
}
