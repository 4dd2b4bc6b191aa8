package dynamo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// supervise starts the child, again and again, until ctx ends. The first
// outcome goes to ready; a failure there ends it.
func (s *Server) supervise(ctx context.Context, ready chan<- error) {
	// On Linux the child is told to die with the thread that made it, so that
	// thread must live as long as this loop. See dieWithParent.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)

	exited, err := s.startSomewhere(ctx)
	ready <- err
	if err != nil {
		return
	}
	backoff := firstBackoff
	for {
		began := time.Now()
		err := <-exited
		s.target.Store(nil)
		if ctx.Err() != nil {
			return
		}
		s.cfg.Log.Warn("dynoxide ended and is started again", "err", err)
		if time.Since(began) > time.Minute {
			backoff = firstBackoff
		}
		for {
			if !wait(ctx, backoff) {
				return
			}
			backoff = min(2*backoff, maxBackoff)
			if exited, err = s.startSomewhere(ctx); err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			s.cfg.Log.Warn("dynoxide does not start", "err", err)
		}
	}
}

func (s *Server) startSomewhere(ctx context.Context) (exited <-chan error, err error) {
	for range startAttempts {
		if exited, err = s.start(ctx); err == nil || ctx.Err() != nil {
			return exited, err
		}
	}
	return nil, err
}

// start runs one child and waits until it answers. When it fails, no child is left.
func (s *Server) start(ctx context.Context) (<-chan error, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)}
	if s.cfg.DBPath != "" {
		if err := os.MkdirAll(filepath.Dir(s.cfg.DBPath), 0o755); err != nil {
			return nil, fmt.Errorf("make room for the database: %w", err)
		}
		args = append(args, "--db-path", s.cfg.DBPath)
	}
	childCtx, stop := context.WithCancel(ctx)
	cmd := exec.CommandContext(childCtx, s.binary, args...)
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = stopTimeout
	dieWithParent(cmd)
	last := newTail(s.cfg.Log)
	cmd.Stdout, cmd.Stderr = last, last
	if err := cmd.Start(); err != nil {
		stop()
		return nil, fmt.Errorf("start dynoxide: %w", err)
	}
	exited := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		stop()
		_ = last.Close() // a pipe; ends the reader
		exited <- err
	}()
	target := endpoint(port)
	if err := healthy(ctx, target, exited); err != nil {
		stop()
		<-exited
		return nil, fmt.Errorf("start dynoxide: %w; it last said: %s", err, last.text())
	}
	s.child.Store(cmd)
	s.target.Store(target)
	s.cfg.Log.Debug("dynoxide runs", "endpoint", target.String())
	return exited, nil
}

// healthy waits until the child answers. When the child ends first,
// its exit stays readable from exited.
func healthy(ctx context.Context, target *url.URL, exited chan error) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for delay := time.Millisecond; ; delay = min(2*delay, 100*time.Millisecond) {
		if ask(ctx, client, target) == nil {
			return nil
		}
		select {
		case err := <-exited:
			exited <- err
			return fmt.Errorf("it ended at once (%v)", err)
		default:
		}
		if !wait(ctx, delay) {
			return errors.New("it did not answer in time")
		}
	}
}

// ask fails unless a dynoxide answers: the port might have become someone else's.
func ask(ctx context.Context, client *http.Client, target *url.URL) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // the headers say all
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Dynoxide-Version") == "" {
		return fmt.Errorf("something else answered, with status %d", resp.StatusCode)
	}
	return nil
}

// interrupt asks the child to end; where that cannot be asked it is killed.
func interrupt(p *os.Process) error {
	if err := p.Signal(os.Interrupt); err == nil || errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.Kill()
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// tail logs the child's lines and remembers the last for error texts.
type tail struct {
	*io.PipeWriter
	last chan string
	done chan struct{}
}

func newTail(log *slog.Logger) *tail {
	r, w := io.Pipe()
	t := &tail{PipeWriter: w, last: make(chan string, 1), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		line := ""
		lines := bufio.NewReaderSize(r, 4096)
		for {
			text, _, err := lines.ReadLine()
			if err != nil {
				t.last <- line
				return
			}
			if s := strings.TrimSpace(string(text)); s != "" {
				line = s
				log.Debug("dynoxide", "line", s)
			}
		}
	}()
	return t
}

// text is the last line; it waits for the end of the child's output.
func (t *tail) text() string {
	<-t.done
	return <-t.last
}
