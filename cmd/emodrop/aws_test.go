package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
)

func TestThePrintedLinesHandInAndFetchWithAWSsCommandLine(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	_, err := exec.LookPath("aws")
	require.NoError(t, err, "AWS's command line: apt-get install awscli")
	p := start(t, t.TempDir(), "up", "--no-open", "--speed", "100")
	p.address()

	work := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(work, "anna.jpg"), sample.Portrait(), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(work, "anna.mp3"), sample.SpeechChinese(), 0o600))
	printed := regexp.MustCompile(`(?m)^ +((?:export|aws) .*)$`).FindAllStringSubmatch(p.stdout.String(), -1)
	require.Len(t, printed, 5)
	var exports, handIn []string
	for _, line := range printed[:2] {
		exports = append(exports, line[1])
	}
	for _, line := range printed[2:4] {
		handIn = append(handIn, line[1])
	}
	sh := func(lines ...string) (string, error) {
		cmd := exec.Command("sh", "-ec", strings.Join(lines, "\n"))
		cmd.Dir = work
		// Nothing of the machine's own AWS configuration counts.
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "AWS_") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "HOME="+work, "AWS_EC2_METADATA_DISABLED=true")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	wrong := regexp.MustCompile(`(AWS_SECRET_ACCESS_KEY=)\S+`).ReplaceAllString(strings.Join(exports, "\n"), "${1}not-the-secret")
	out, err := sh(wrong, handIn[0])
	require.Error(t, err, out)
	require.Contains(t, out, "SignatureDoesNotMatch")

	out, err = sh(append(exports, handIn...)...)
	require.NoError(t, err, out)
	film := p.film("anna")
	out, err = sh(append(exports, printed[4][1])...)
	require.NoError(t, err, out)
	want, err := os.ReadFile(film)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(work, "anna.mp4"))
	require.NoError(t, err)
	require.Equal(t, want, got)
}
