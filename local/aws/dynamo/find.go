package dynamo

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ErrNotInstalled means that no dynoxide was found.
var ErrNotInstalled = errors.New("dynoxide is not installed")

// Find returns the path of dynoxide: binary if given, else the platform's package
// in the node_modules of the folder modules, else the one on PATH. The error is
// ErrNotInstalled with what to do about it.
func Find(binary, modules string) (string, error) {
	if binary != "" {
		if err := isProgram(binary); err != nil {
			return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
		}
		return binary, nil
	}
	if modules != "" {
		path := filepath.Join(modules, "node_modules", "@dynoxide", platform(runtime.GOOS, runtime.GOARCH), program(runtime.GOOS))
		if isProgram(path) == nil {
			return filepath.Abs(path)
		}
	}
	if path, err := exec.LookPath("dynoxide"); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%w: run `make tools` (that is, npm ci --prefix local/aws/dynamo), which installs the npm package @dynoxide/%s "+
		"where there is one; or put a dynoxide binary on PATH; or run another DynamoDB, such as DynamoDB Local, and give its "+
		"address in AWS_ENDPOINT_URL_DYNAMODB", ErrNotInstalled, platform(runtime.GOOS, runtime.GOARCH))
}

func isProgram(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || runtime.GOOS != "windows" && info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s cannot be run", path)
	}
	return nil
}

// platform is Node's name for a platform, which npm packages use.
// https://nodejs.org/api/process.html#processplatform
func platform(goos, goarch string) string {
	switch goos {
	case "windows":
		goos = "win32"
	case "solaris", "illumos":
		goos = "sunos"
	}
	switch goarch {
	case "amd64":
		goarch = "x64"
	case "386":
		goarch = "ia32"
	}
	return goos + "-" + goarch
}

func program(goos string) string {
	if goos == "windows" {
		return "dynoxide.exe"
	}
	return "dynoxide"
}
