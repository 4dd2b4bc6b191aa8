package stack

import (
	"context"
	"crypto/rand"
	"encoding/base64"
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
	WebhookSecret   string `json:"webhook_secret"`
	Port            int    `json:"port,omitempty"`
	// Vendor is the service whose jobs these are, by its address; Workspace its part.
	Vendor    string `json:"vendor,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	// KeyMark tells the service's key from another one without holding it.
	KeyMark string `json:"key_mark,omitempty"`
}

func loadIdentity(path string) (identity, error) {
	var id identity
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &id); err != nil {
			return identity{}, fmt.Errorf("%s is damaged: %w; delete that file and the stack goes on with the folder's jobs, under new credentials", path, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return identity{}, fmt.Errorf("stack's identity: %w", err)
	}
	if id.AccessKeyID == "" {
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
	return fmt.Errorf("the stack of this folder runs already, at %s: stop it first, or take another folder with --home", c.url)
}

func (id *identity) keepPort(path string, port int) error {
	id.Port = port
	return id.save(path)
}

func (id *identity) save(path string) error {
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
