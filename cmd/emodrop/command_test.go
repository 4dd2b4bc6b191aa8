package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

func TestUpEndsCleanlyAndGoesOnWhereItWas(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	p := start(t, home, "up", "--no-open", "--speed", "100")
	url := p.address()
	p.drop("anna")
	p.film("anna")
	require.GreaterOrEqual(t, len(p.children()), 2, "the DynamoDB stand-in and a function run")

	p.interrupt()
	require.Zero(t, p.exit(3*time.Minute))
	require.Empty(t, p.children(), "left behind")
	require.Contains(t, p.stderr.String(), "anna: done")

	p = start(t, home, "up", "--no-open", "--speed", "100")
	require.Equal(t, url, p.address(), "the address is the same")
	p.interrupt()
	require.Zero(t, p.exit(3*time.Minute))
	require.NotContains(t, p.stderr.String(), "handed in", "what was handed in before is not handed in again")

	p = start(t, home, "up", "--no-open", "--fresh")
	p.address()
	require.NoFileExists(t, filepath.Join(home, "videos", "anna.mp4"))
	require.FileExists(t, filepath.Join(home, "drop", "anna.wav"), "what people dropped is theirs")
	p.interrupt()
	require.Zero(t, p.exit(3*time.Minute))
}

func TestTheDemonstrationMakesAFilmWithinAMinute(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	home := t.TempDir()
	p := start(t, home, "demo")
	// Building is not part of the minute: it depends on the build cache.
	p.stderr.wait(t, regexp.MustCompile(`hello\.jpg handed in`), 3*time.Minute)
	begin := time.Now()
	require.Zero(t, p.exit(time.Minute))
	t.Logf("from the drop to the end: %s", time.Since(begin).Round(100*time.Millisecond))
	require.Regexp(t, `hello\.mp4\n  5\.68 s, 512×512, \d+ bytes, with sound; .* it would have cost ¥0\.4544\n$`, p.stdout.String())
	info, err := os.Stat(filepath.Join(home, "videos", "hello.mp4"))
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(len(sample.Speech())/2))
	require.Empty(t, p.children(), "left behind")
}

func TestAnInterruptedDemonstrationSaysSo(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	p := start(t, t.TempDir(), "demo", "--speed", "0.1")
	p.stderr.wait(t, regexp.MustCompile(`hello: being made`), 3*time.Minute)
	p.interrupt()
	require.Equal(t, exitInterrupted, p.exit(3*time.Minute))
	require.Empty(t, p.children(), "left behind")
}

func TestADemonstrationThatTakesTooLongSaysWhatAllowsMore(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	p := start(t, t.TempDir(), "demo", "--speed", "0.1", "--within", "3s")
	require.Equal(t, exitTimeout, p.exit(3*time.Minute))
	require.Contains(t, p.stderr.String(), "There is no film after 3s.\n  --within allows more.")
}

func TestAJobThatFailsFailsTheDemonstration(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	faults := filepath.Join(t.TempDir(), "faults.json")
	require.NoError(t, os.WriteFile(faults, []byte(`[{"op": "detect", "kind": "reject"}]`), 0o600))
	p := start(t, t.TempDir(), "demo", "--faults", faults, "--json", "--lang", "zh")
	require.Equal(t, exitJobFailed, p.exit(3*time.Minute))
	line := objects(t, p.stderr.String())[0]
	require.Equal(t, job.CodeFaceRefused, line["code"])
	require.Regexp(t, `\p{Han}`, line["message"])
	require.NotEmpty(t, line["fix"])
}

func TestTheDemonstrationForgetsNothingButItsOwn(t *testing.T) {
	t.Parallel()
	for why, name := range map[string]string{"a file that was dropped": "drop/hello.jpg", "another file that was dropped": "drop/anna.jpg", "a film": "videos/anna.mp4"} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			kept := filepath.Join(home, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(kept), 0o755))
			require.NoError(t, os.WriteFile(kept, []byte("somebody's"), 0o600))
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitUsage, run(t.Context(), []string{"demo", "--home", home}, &stdout, &stderr))
			require.Contains(t, stderr.String(), "a folder of its own")
			require.Contains(t, stderr.String(), filepath.Base(kept))
			require.FileExists(t, kept)
		})
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	port := takenPort(t)
	p := start(t, t.TempDir(), "up", "--no-open", "--port", port)
	require.Equal(t, exitOther, p.exit(3*time.Minute))
	require.Contains(t, p.stderr.String(), "Port "+port)
	require.Contains(t, p.stderr.String(), "Leave --port out, and a free one is taken")
	require.Empty(t, p.stdout.String())
	require.Empty(t, p.children(), "left behind")

	p = start(t, t.TempDir(), "up", "--no-open", "--port", port, "--json", "--lang", "zh")
	require.Equal(t, exitOther, p.exit(3*time.Minute))
	line := objects(t, p.stderr.String())[0]
	require.Equal(t, stack.PortTaken, line["code"])
	require.Contains(t, line["message"], "无法打开端口 "+port)
	require.Contains(t, line["fix"], "--port")
}

func TestTheEmulatorEndsCleanly(t *testing.T) {
	endToEnd(t)
	t.Parallel()
	p := start(t, "", "emulator", "--addr", "127.0.0.1:0")
	p.stdout.wait(t, regexp.MustCompile(`http://127\.0\.0\.1:\d+/api/v1`), 3*time.Minute)
	p.interrupt()
	require.Zero(t, p.exit(3*time.Minute))
	require.Empty(t, p.stderr.String())
}
