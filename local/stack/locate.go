package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Place is where a running stack is, for other processes of this machine: what a
// deployed stack has in CloudFormation's outputs.
type Place struct {
	// Home is the stack's folder.
	Home string
	// URL is the one address; the credentials are this home's own.
	URL, Region, AccessKeyID, SecretAccessKey string
	Inbox, Outbox, Table                      string
	// APIKeySecret is the secret with the vendor's key, VendorURL and Workspace where
	// that is.
	APIKeySecret, VendorURL, Workspace string
	// Simulated says that it is the emulator, and nothing is paid.
	Simulated bool
	// SubmitFunction is the function's name.
	SubmitFunction string
}

// ErrNone: there is no stack's state in a folder or any above it; ErrStopped: there
// is, and the stack does not run.
var (
	ErrNone    = errors.New("no local stack in this folder")
	ErrStopped = errors.New("the local stack does not run")
)

// Locate finds the running stack of a folder, or of the nearest one above it that has
// had one: ErrNone or ErrStopped when there is none that runs.
func Locate(ctx context.Context, dir string) (Place, error) {
	home, err := homeOf(dir)
	if err != nil {
		return Place{}, err
	}
	if _, err := loadIdentity(filepath.Join(home, ".emodrop", identityFile)); err != nil {
		return Place{}, err
	}
	c, running := Find(ctx, home)
	if !running {
		return Place{}, fmt.Errorf("%w: %s", ErrStopped, home)
	}
	vendor, simulated := c.ident.Vendor, false
	if vendor == "" || vendor == emulated {
		vendor, simulated = c.url+vendorPath+"/api/v1", true
	}
	return Place{Home: home, URL: c.url, Region: region, AccessKeyID: c.ident.AccessKeyID, SecretAccessKey: c.ident.SecretAccessKey,
		Inbox: Inbox, Outbox: Outbox, Table: table, APIKeySecret: secret, VendorURL: vendor, Workspace: c.ident.Workspace, Simulated: simulated,
		SubmitFunction: "submit"}, nil
}

// homeOf is the nearest folder upwards that holds a stack's state.
func homeOf(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		_, err := os.Stat(filepath.Join(dir, ".emodrop", identityFile))
		if err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			return "", ErrNone
		}
		dir = up
	}
}
