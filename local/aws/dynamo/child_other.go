//go:build !linux

package dynamo

import "os/exec"

// dieWithParent has no counterpart here: a child outlives a killed parent.
// SQLite's locks keep the file whole when a second child opens it.
func dieWithParent(*exec.Cmd) {}
