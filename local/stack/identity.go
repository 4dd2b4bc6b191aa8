package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// The parts of a stack's state that hold jobs and files.
const (
	database = "jobs.db"
	objects  = "s3"
	// identityFile says whose they are.
	identityFile = "identity.json"
)

// identity is what makes one home's stack itself over restarts: its credentials,
// made at random so that no page on the net can know them, and its port.
type identity struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionSecret   string `json:"session_secret"`
	WebhookSecret   string `json:"webhook_secret"`
	Port            int    `json:"port,omitempty"`
	// Vendor is the service whose jobs these are, by its address; Workspace its part.
	Vendor    string `json:"vendor,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	// KeyMark tells the service's key from another one without holding it.
	KeyMark string `json:"key_mark,omitempty"`
	// KeySince is since when all that was sent is of that key's account; zero: ever.
	KeySince time.Time `json:"key_since,omitzero"`
}

// loadIdentity reads the identity at that path, or makes one, unless what lies beside it
// belongs to one that cannot be read.
func loadIdentity(path string) (identity, error) {
	var id identity
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &id); err != nil {
			return identity{}, refuse(Damaged, path, err.Error())
		}
	case !errors.Is(err, fs.ErrNotExist):
		return identity{}, refuse(HomeUnusable, err.Error())
	}
	if id.AccessKeyID == "" {
		switch used, err1 := inUse(filepath.Dir(path)); {
		case err1 != nil:
			return identity{}, err1
		case used && err == nil:
			return identity{}, refuse(Damaged, path, "access_key_id")
		case used:
			return identity{}, refuse(Missing, path)
		}
		id.AccessKeyID = "AKIALOCAL" + rand.Text()[:11]
		id.SecretAccessKey, id.SessionSecret = rand.Text()+rand.Text()[:14], rand.Text()
	}
	if id.WebhookSecret == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails: https://pkg.go.dev/crypto/rand#Read
		id.WebhookSecret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	return id, nil
}

// alone returns an error when the home's stack runs already: two would write over
// each other's state.
func alone(ctx context.Context, home string) error {
	c, running := Find(ctx, home)
	if !running {
		return nil
	}
	return refuse(Running, c.url)
}

func (id *identity) keepPort(path string, port int) error {
	id.Port = port
	return id.save(path)
}

// inUse reports whether a folder of a stack's state holds jobs or files: the database is
// elsewhere when somebody else runs it.
func inUse(dir string) (bool, error) {
	for _, name := range []string{database, objects} {
		_, err := os.Stat(filepath.Join(dir, name))
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("stack's identity: %w", err)
		}
	}
	return false, nil
}

// save writes the identity, unless it stands there so: whole or not at all, whatever
// happens meanwhile.
func (id *identity) save(path string) error {
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, b) {
		return nil
	}
	if err := replace(path, b); err != nil {
		return fmt.Errorf("stack's identity: %w", err)
	}
	return nil
}

// replace puts a file that only its owner can read in the place of another.
func replace(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // for its owner only
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync() // a rename may reach the disk before what it renames
	}
	if err1 := f.Close(); err == nil {
		err = err1
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// exe is how this system names programs.
func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
