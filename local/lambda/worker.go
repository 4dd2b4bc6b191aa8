package lambda

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// worker is one process of a function.
type worker struct {
	id  string // unguessable: it is the process's address at the runtime API
	cmd *exec.Cmd
	out *lines

	inbox   chan *invocation // holds the next invocation until the process asks
	exited  chan struct{}    // closed when the process is reaped and its log is read
	exitErr error            // valid after exited

	mu        sync.Mutex
	asked     bool // it has asked for work at least once
	current   *invocation
	initError []byte
	killAfter time.Duration
	killNext  bool

	idleSince time.Time // guarded by the pool
}

// startWorker starts a process. It returns an error when that is impossible.
func startWorker(h *Host, f Function) (*worker, error) {
	w := &worker{
		id:     randomHex(16),
		inbox:  make(chan *invocation, 1),
		exited: make(chan struct{}),
	}
	w.out = &lines{max: h.cfg.MaxLogLine}
	if h.cfg.OnLog != nil {
		w.out.emit = func(line []byte) { h.cfg.OnLog(f.Name, line) }
	}
	w.cmd = exec.Command(f.Binary)
	w.cmd.Env = h.environ(f, w.id)
	w.cmd.Dir = filepath.Dir(f.Binary)
	w.cmd.Stdout, w.cmd.Stderr = w.out, w.out // one pipe, so lines keep their order
	w.cmd.SysProcAttr = sysProcAttr()
	w.cmd.WaitDelay = time.Second

	started := make(chan error, 1)
	go w.supervise(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", f.Binary, err)
	}
	return w, nil
}

// supervise starts the process and reaps it. Linux ends a child when the thread
// that started it ends, not the process, so the thread is kept for the child's
// life. https://github.com/golang/go/issues/27505
func (w *worker) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	w.exitErr = w.cmd.Wait()
	w.out.finish()
	close(w.exited)
}

// kill ends the process at once and returns when it is reaped.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill() // an error means that it has ended
	<-w.exited
}

// stop asks the process to end, and kills it when it has not after the grace.
func (w *worker) stop(grace time.Duration) {
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		w.kill() // Windows knows no SIGTERM
		return
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-w.exited:
	case <-timer.C:
		w.kill()
	}
}

// errNotDelivered says that a process that had worked before ended without taking
// the invocation: it may go to another.
var errNotDelivered = errors.New("process ended before it took the invocation")

// serve hands the invocation to the process and waits for its end. alive tells
// whether the process may serve another.
func (w *worker) serve(inv *invocation, timeout, initTimeout time.Duration) (res Result, alive bool, err error) {
	w.inbox <- inv
	pickup := time.NewTimer(initTimeout)
	defer pickup.Stop()
	late := false
	select {
	case <-inv.delivered:
	case <-w.exited:
	case <-pickup.C:
		late = true
		w.kill()
	}
	// A process that ended has either left the invocation in the inbox, or its last
	// request for work holds it and is about to deliver it or put it back.
	select {
	case <-inv.delivered:
	case <-w.inbox:
		res, err := w.neverTook(inv, late, initTimeout)
		return res, false, err
	}

	deadline := time.NewTimer(time.Until(inv.deadline))
	defer deadline.Stop()
	timedOut := false
	select {
	case <-inv.done:
		return inv.result, true, nil
	case <-w.exited:
	case <-deadline.C:
		timedOut = true
		w.kill()
	}
	select {
	case <-inv.done: // it answered, then it died
		return inv.result, false, nil
	default:
	}
	if timedOut {
		res = inv.failed("Sandbox.Timedout", "Task timed out after %.2f seconds", timeout.Seconds())
	} else {
		res = inv.exited(w.exitErr)
	}
	res.LogTail = w.out.lastKB()
	return res, false, nil
}

// neverTook judges a process that ended without taking the invocation. One that
// had never asked for work failed to initialise, and another would do the same.
func (w *worker) neverTook(inv *invocation, late bool, initTimeout time.Duration) (Result, error) {
	<-w.exited
	w.mu.Lock()
	defer w.mu.Unlock()
	var res Result
	switch {
	case w.asked:
		return Result{}, errNotDelivered
	case w.initError != nil:
		res = inv.answer(w.initError, unhandled)
	case late:
		res = inv.failed("Sandbox.Timedout", "Init timed out after %.2f seconds", initTimeout.Seconds())
	default:
		res = inv.exited(w.exitErr)
	}
	res.LogTail = w.out.lastKB()
	return res, nil
}
