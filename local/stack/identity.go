package stack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// identity is what makes one home's stack itself over restarts: its credentials,
// made at random so that no page on the net can know them, and its port.
type identity struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	SessionSecret   string `json:"session_secret"`
	Port            int    `json:"port,omitempty"`
}

func loadIdentity(path string) (identity, error) {
	var id identity
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &id); err != nil {
			return identity{}, fmt.Errorf("%s is damaged: %w; --fresh makes a new one", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return identity{}, fmt.Errorf("stack's identity: %w", err)
	}
	if id.AccessKeyID == "" {
		id.AccessKeyID = "AKIALOCAL" + rand.Text()[:11]
		id.SecretAccessKey, id.SessionSecret = rand.Text()+rand.Text()[:14], rand.Text()
	}
	return id, nil
}

// alone returns an error when the home's stack runs already: two would write over
// each other's state. Only a stack with this home's own credentials takes a request
// that they sign.
func alone(ctx context.Context, path string) error {
	id, err := loadIdentity(path)
	if err != nil || id.Port == 0 {
		return nil // a damaged one is told by whoever needs it
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", id.Port)
	if !id.answers(ctx, url) {
		return nil
	}
	return fmt.Errorf("the stack of this folder runs already, at %s: stop it first, or take another folder with --home", url)
}

func (id *identity) keepPort(path string, port int) error {
	id.Port = port
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return fmt.Errorf("stack's identity: %w", err)
	}
	return nil
}

// exe is how this system names programs.
func exe() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}
