package template

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// standIn is a script in place of aws, sam and go. It notes what it was asked, and
// with which flags for Go, and answers for a stack of one bucket with two pages of
// versions and one table.
const standIn = `#!/bin/sh
echo "$*" | tr '\n' ' ' >>"$NOTES/asked"; echo >>"$NOTES/asked"
case "$*" in
build*) echo "CGO_ENABLED=$CGO_ENABLED GOFLAGS=$GOFLAGS" >>"$NOTES/asked" ;;
*describe-stacks*)
    case "$HAS" in
    no) echo "An error occurred (ValidationError): Stack with id $STACK does not exist" >&2; exit 254 ;;
    refused) echo "An error occurred (AccessDenied)" >&2; exit 254 ;;
    esac
    echo "$HAS" ;;
*describe-stack-resources*) printf 'AWS::S3::Bucket\tfilms\nAWS::DynamoDB::Table\tjobs\n' ;;
*list-object-versions*)
    echo x >>"$NOTES/pages"
    if [ "$(wc -l <"$NOTES/pages")" -le 2 ]; then echo '{"Objects": [{"Key": "a", "VersionId": "1"}]}'; else echo '{"Objects": []}'; fi ;;
*delete-objects*) printf '%s' "$REFUSED" ;;
esac
`

// A rehearsal is a target of the Makefile, run with the stand-in: what the stand-in
// has and refuses, and what the surroundings say.
type rehearsal struct {
	has, refused string
	env          []string
}

// make returns what make said, what the stand-in was asked, and how it ended.
func (r rehearsal) make(t *testing.T, args ...string) (said, asked string, err error) {
	t.Helper()
	for _, tool := range []string{"make", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "stand-in")
	require.NoError(t, os.WriteFile(script, []byte(standIn), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "asked"), nil, 0o644))
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-s", "-C", root, "AWS=" + script, "SAM=" + script, "GO=" + script}, args...)...)
	cmd.Env = append(os.Environ(), "NOTES="+dir, "REFUSED="+r.refused, "HAS="+r.has, "MAKEFLAGS=", "GOFLAGS=", "CGO_ENABLED=", "AWS_REGION=", "AWS_DEFAULT_REGION=")
	cmd.Env = append(cmd.Env, r.env...)
	out, err := cmd.CombinedOutput()
	notes, readErr := os.ReadFile(filepath.Join(dir, "asked"))
	require.NoError(t, readErr, "%s", out)
	return string(out), string(notes), err
}

const here = "REGION=eu-central-1"
