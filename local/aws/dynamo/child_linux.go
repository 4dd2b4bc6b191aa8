package dynamo

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes the kernel end the child when we are killed outright: a
// child left behind would hold the database file.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
