//go:build !linux && !darwin

package lambda

import "syscall"

// sysProcAttr sets nothing: a worker whose parent is gone ends when its request
// for the next invocation breaks.
func sysProcAttr() *syscall.SysProcAttr { return nil }
