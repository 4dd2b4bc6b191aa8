package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/lookup"
	"emodrop/local/sample"
	"emodrop/shared/job"
)

// endToEnd skips what needs more than Go, or minutes.
func endToEnd(t *testing.T) {
	t.Helper()
	if os.Getenv("EMODROP_E2E") == "" {
		t.Skip("an end-to-end test: run make e2e")
	}
}

// command is the built command, once per run.
var command struct {
	sync.Once
	dir, path string
	err       error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if command.dir != "" {
		_ = os.RemoveAll(command.dir)
	}
	os.Exit(code)
}

// process is a run of the built command, in the source tree.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	home           string
	stdout, stderr said
	ended          chan struct{} // closed when it has ended and its pipes are closed
}

// built is the path of the built command.
func built(t *testing.T) string {
	t.Helper()
	command.Do(func() {
		if command.dir, command.err = os.MkdirTemp("", "emodrop-command-"); command.err != nil {
			return
		}
		command.path = filepath.Join(command.dir, "emodrop.exe")
		if out, err := exec.Command("go", "build", "-tags=lambda.norpc", "-o", command.path, ".").CombinedOutput(); err != nil {
			command.err = fmt.Errorf("build the command: %w\n%s", err, out)
		}
	})
	require.NoError(t, command.err)
	return command.path
}

// start runs the command. With a home it gets --home. It does not outlive the test.
func start(t *testing.T, home string, args ...string) *process {
	t.Helper()
	built(t)
	if home != "" {
		args = append(args, "--home", home)
	}
	p := &process{t: t, cmd: exec.Command(command.path, args...), home: home, ended: make(chan struct{})}
	p.cmd.Dir = filepath.Join("..", "..")
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%q said:\n%s\n%s", args, p.stdout.String(), p.stderr.String())
		}
		select {
		case <-p.ended:
			return
		default:
		}
		p.interrupt()
		select {
		case <-p.ended:
		case <-time.After(30 * time.Second):
			_ = p.cmd.Process.Kill()
		}
	})
	return p
}

func (p *process) interrupt() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(os.Interrupt))
}

// exit is the exit code, once it has ended.
func (p *process) exit(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		require.FailNow(p.t, "the command did not end", "%q", p.cmd.Args)
	}
	return p.cmd.ProcessState.ExitCode()
}

// address waits until the stack is up and returns its one address. Building the
// functions is part of it.
func (p *process) address() string {
	p.t.Helper()
	url := p.stdout.wait(p.t, regexp.MustCompile(`emodrop is up:  (http://127\.0\.0\.1:\d+)\n`), 3*time.Minute)[1]
	p.stdout.wait(p.t, regexp.MustCompile(`stop with Ctrl-C`), 3*time.Minute)
	return url
}

// drop puts the sample pair into the drop folder.
func (p *process) drop(stem string) {
	p.t.Helper()
	for ext, body := range map[string][]byte{".jpg": sample.Portrait(), ".wav": sample.Speech()} {
		require.NoError(p.t, os.WriteFile(filepath.Join(p.home, "drop", stem+ext), body, 0o644))
	}
}

// film waits until the folder holds a film.
func (p *process) film(stem string) string {
	p.t.Helper()
	path := filepath.Join(p.home, "videos", stem+".mp4")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	end := time.After(5 * time.Minute)
	for {
		if _, err := os.Stat(path); err == nil {
			return path
		}
		select {
		case <-tick.C:
		case <-end:
			require.FailNow(p.t, "no film came", path)
		}
	}
}

// children are the running processes whose command line names the home, but for
// the command itself: the functions' binaries and the DynamoDB stand-in.
func (p *process) children() []string {
	p.t.Helper()
	out, err := exec.Command("ps", "-A", "-ww", "-o", "pid=,args=").Output()
	require.NoError(p.t, err)
	var found []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, p.home) && !strings.Contains(line, command.path) {
			found = append(found, line)
		}
	}
	return found
}

// takenPort is a loopback port that somebody listens on while the test runs.
func takenPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	return port
}

// hold writes a job that nobody can tell the create call of, as poll would have left
// it.
func hold(t *testing.T, home, name string) {
	t.Helper()
	ctx := t.Context()
	st, err := reach.Find(ctx, reach.Wanted{Home: home}, func(string) string { return "" })
	require.NoError(t, err)
	now := time.Now().UTC().Truncate(time.Millisecond)
	far := now.Add(time.Hour) // nobody else is to touch it on its way
	n := lookup.Name(name)
	j, err := st.Jobs.Create(ctx, job.Job{ID: job.Identity(n, "i", "a", job.Options{}), State: job.Received, Name: n, Received: now, Due: far,
		Image: job.Input{Key: name + ".jpg", ETag: `"0"`, Format: "jpeg"}, Audio: job.Input{Key: name + ".mp3", ETag: `"0"`, Format: "mp3", Seconds: 5}})
	require.NoError(t, err)
	next := j
	next.State, next.Rank = job.Queued, job.Rank("", now.UnixMilli(), j.ID)
	j, err = st.Jobs.Move(ctx, j, next)
	require.NoError(t, err)
	g, err := st.Jobs.Gate(ctx)
	require.NoError(t, err)
	j, err = st.Jobs.Admit(ctx, j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{At: now, Until: now.Add(time.Minute)}})
	require.NoError(t, err)
	next = j
	next.State, next.Due, next.Fault, next.Candidates = job.Held, time.Time{}, &job.Fault{Code: job.CodeAmbiguous}, []string{"task-a", "task-b"}
	_, err = st.Jobs.Move(ctx, j, next)
	require.NoError(t, err)
	stem, err := st.Jobs.Stem(ctx, n)
	require.NoError(t, err)
	claimed := stem
	claimed.Job = j.ID
	_, err = st.Jobs.PutStem(ctx, stem, claimed)
	require.NoError(t, err)
}
