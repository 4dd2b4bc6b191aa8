package stack

import (
	"fmt"
	"os"
	"path/filepath"
)

// clear removes what earlier runs made. What people dropped stays theirs.
func clear(home string) error {
	for _, prefix := range mirroredPrefixes {
		if err := os.RemoveAll(filepath.Join(home, prefix)); err != nil {
			return fmt.Errorf("clear the stack's results: %w", err)
		}
	}
	state := filepath.Join(home, ".emodrop")
	entries, err := os.ReadDir(state)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("clear the stack's state: %w", err)
	}
	for _, name := range forgotten(entries) {
		if err := os.RemoveAll(filepath.Join(state, name)); err != nil {
			return fmt.Errorf("clear the stack's state: %w", err)
		}
	}
	return nil
}

// forgotten is what of the state goes, in that order: the identity last, without which
// nobody could clear the rest. The built binaries live there too and are worth keeping.
func forgotten(entries []os.DirEntry) (names []string) {
	last := false
	for _, e := range entries {
		switch e.Name() {
		case "bin":
		case identityFile:
			last = true
		default:
			names = append(names, e.Name())
		}
	}
	if last {
		names = append(names, identityFile)
	}
	return names
}
