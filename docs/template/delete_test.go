package template

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// standIn is a script in place of aws and sam: it notes what it was asked and
// answers for a stack of one bucket with two pages of versions and one table.
const standIn = `#!/bin/sh
echo "$*" | tr '\n' ' ' >>"$NOTES/asked"; echo >>"$NOTES/asked"
case "$*" in
*describe-stack-resources*) printf 'AWS::S3::Bucket\tfilms\nAWS::DynamoDB::Table\tjobs\n' ;;
*list-object-versions*)
    echo x >>"$NOTES/pages"
    if [ "$(wc -l <"$NOTES/pages")" -le 2 ]; then echo '{"Objects": [{"Key": "a", "VersionId": "1"}]}'; else echo '{"Objects": []}'; fi ;;
*delete-objects*) printf '%s' "$REFUSED" ;;
esac
`

// runDelete runs `make delete` with the stand-in and returns what it said, what the
// stand-in was asked, and how it ended.
func runDelete(t *testing.T, refused string, args ...string) (said, asked string, err error) {
	t.Helper()
	for _, tool := range []string{"make", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "stand-in")
	require.NoError(t, os.WriteFile(script, []byte(standIn), 0o755))
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-s", "-C", root, "delete", "AWS=" + script, "SAM=" + script}, args...)...)
	cmd.Env = append(os.Environ(), "NOTES="+dir, "REFUSED="+refused, "MAKEFLAGS=")
	out, err := cmd.CombinedOutput()
	notes, readErr := os.ReadFile(filepath.Join(dir, "asked"))
	require.NoError(t, readErr, "%s", out)
	return string(out), string(notes), err
}

func TestMakeDeleteKeepsDataAndSaysWhich(t *testing.T) {
	t.Parallel()
	said, asked, err := runDelete(t, "")
	require.NoError(t, err, said)
	require.Contains(t, said, "films")
	require.Contains(t, said, "jobs")
	require.Contains(t, asked, "delete --stack-name emodrop --no-prompts")
	require.NotContains(t, asked, "delete-bucket")
	require.NotContains(t, asked, "delete-table")
}

func TestMakeDeletePurgeEmptiesEveryVersionBeforeTheBucketGoes(t *testing.T) {
	t.Parallel()
	said, asked, err := runDelete(t, "", "PURGE=yes", "STACK=other")
	require.NoError(t, err, said)
	require.Contains(t, asked, "delete --stack-name other --no-prompts")
	require.Equal(t, 2, strings.Count(asked, "delete-objects --bucket films"), asked)
	require.Less(t, strings.LastIndex(asked, "delete-objects"), strings.Index(asked, "delete-bucket --bucket films"))
	require.Less(t, strings.Index(asked, "--no-deletion-protection-enabled"), strings.Index(asked, "delete-table --table-name jobs"))
}

func TestMakeDeletePurgeStopsWhereADeletionIsRefused(t *testing.T) {
	t.Parallel()
	said, asked, err := runDelete(t, "ERRORS AccessDenied a", "PURGE=yes")
	require.Error(t, err)
	require.Contains(t, said, "AccessDenied")
	require.NotContains(t, asked, "delete-bucket")
	require.NotContains(t, asked, "delete-table")
}
