package lambda

import "syscall"

// sysProcAttr keeps a worker out of the terminal's foreground group. There is no
// Pdeathsig here: a worker ends when its request for the next invocation breaks,
// which happens as soon as the parent is gone.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
