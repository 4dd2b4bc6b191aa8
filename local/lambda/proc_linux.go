package lambda

import "syscall"

// sysProcAttr makes a worker die with its parent, and keeps it out of the
// terminal's foreground group: Ctrl-C is for the host, which then closes in order.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
