package stack_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/stack"
	"emodrop/shared/job"
)

// A folder that has jobs, and that identity; empty: none.
func folderWith(t *testing.T, identity string, state ...string) string {
	home := t.TempDir()
	dir := filepath.Join(home, ".emodrop")
	for _, name := range state {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("what was paid for"), 0o600))
	}
	if identity != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "identity.json"), []byte(identity), 0o600))
	}
	return home
}

func TestJobsWithoutAReadableIdentityAreLeftToAPerson(t *testing.T) {
	films := filepath.Join("s3", "emodrop-outbox", "film")
	for name, home := range map[string]string{
		"cut":      folderWith(t, `{"access_key_id":"AK`, "jobs.db"),
		"empty":    folderWith(t, "\n", "jobs.db"),
		"blank":    folderWith(t, `{}`, "jobs.db"),
		"gone":     folderWith(t, "", "jobs.db"),
		"films of": folderWith(t, "", films),
	} {
		for way, change := range map[string]func(*stack.Config){
			"emulator": func(*stack.Config) {},
			"real":     func(c *stack.Config) { c.Vendor = &stack.Vendor{Key: job.Secret("sk-1")} },
			"fresh":    func(c *stack.Config) { c.Fresh = true },
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				cfg := stack.Config{Home: home, Binaries: home, Modules: modules, Timing: quick()}
				change(&cfg)
				s, err := stack.Start(t.Context(), cfg)
				if err == nil {
					_ = s.Close(t.Context())
				}
				require.ErrorContains(t, err, "Put that file back")
				require.ErrorContains(t, err, "--home")
				require.NotContains(t, err.Error(), "delete")
				left, err := filepath.Glob(filepath.Join(home, ".emodrop", "*"))
				require.NoError(t, err)
				require.True(t, strings.HasSuffix(strings.Join(left, " "), "jobs.db") || strings.HasSuffix(strings.Join(left, " "), "s3"), left)
			})
		}
	}
}

func TestAStartLeavesAWholeIdentityAndNothingBeside(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, ".emodrop")
	start := func() { // it fails for want of its binaries, or of its DynamoDB, after it has noted who it is
		s, err := stack.Start(t.Context(), stack.Config{Home: home, Binaries: home, Modules: home, DynamoEndpoint: "http://127.0.0.1:1", Timing: quick()})
		if err == nil {
			require.NoError(t, s.Close(t.Context()))
		}
	}
	start()
	path := filepath.Join(dir, "identity.json")
	first, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), first.Mode().Perm())
	_, err = stack.Locate(t.Context(), home)
	require.ErrorIs(t, err, stack.ErrStopped, "it is read again")
	start()
	second, err := os.Stat(path)
	require.NoError(t, err)
	require.True(t, os.SameFile(first, second), "what has not changed is not written")
	half, err := filepath.Glob(filepath.Join(dir, "*identity*"))
	require.NoError(t, err)
	require.Equal(t, []string{path}, half)
}

func TestAFreshStartLeavesNothingOfEarlierRunsButWhatWasDroppedAndBuilt(t *testing.T) {
	home := folderWith(t, `{"access_key_id":"AK"}`, "jobs.db", "s3/film", "bin/submit")
	for _, dir := range []string{"videos", "failed", "checked", "status", "drop"} {
		require.NoError(t, os.Mkdir(filepath.Join(home, dir), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(home, dir, "anna"), nil, 0o600))
	}
	require.NoError(t, stack.Clear(home))
	var left []string
	require.NoError(t, filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, strings.TrimPrefix(path, home+"/"))
		}
		return err
	}))
	require.Equal(t, []string{".emodrop/bin/submit", "drop/anna"}, left)
	require.NoError(t, stack.Clear(t.TempDir()), "and there may be nothing")
}

func TestAFreshStartThatIsCutShortKnowsWhoseTheFolderIs(t *testing.T) {
	home := folderWith(t, `{"access_key_id":"AK"}`, "jobs.db", "s3/film")
	dir := filepath.Join(home, ".emodrop")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"jobs.db", "s3", "identity.json"}, stack.Forgotten(entries))
}
