package template

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// largestZip is how large a function may be, as Lambda unpacks it at a cold start.
const largestZip = 5 << 20

// What is deployed is what the source says, wherever it was built: the same bytes
// from two folders, for both processors. SAM builds with the same flags
// (besides_test.go).
func TestTheFourBinariesAreTheSameBytesFromAnyFolder(t *testing.T) {
	t.Parallel()
	if os.Getenv("EMODROP_E2E") == "" {
		t.Skip("set EMODROP_E2E to build the four functions twice for each processor")
	}
	one, other := built(t, "one"), built(t, "another/folder")
	machines := map[string]elf.Machine{"arm64": elf.EM_AARCH64, "amd64": elf.EM_X86_64}
	for arch, machine := range machines {
		for _, fn := range functionNames {
			path := filepath.Join("build", arch, fn, "bootstrap")
			binary, err := os.ReadFile(filepath.Join(one, path))
			require.NoError(t, err)
			again, err := os.ReadFile(filepath.Join(other, path))
			require.NoError(t, err)
			require.Equal(t, hash(binary), hash(again), "%s depends on where it was built", path)
			require.NotContains(t, string(binary), one, "%s names the folder it was built in", path)

			f, err := elf.NewFile(bytes.NewReader(binary))
			require.NoError(t, err)
			require.Equal(t, machine, f.Machine, path)
			for _, p := range f.Progs {
				require.NotContains(t, []elf.ProgType{elf.PT_INTERP, elf.PT_DYNAMIC}, p.Type, "%s is not static", path)
			}
			for _, name := range []string{".symtab", ".debug_info", ".zdebug_info"} {
				require.Nil(t, f.Section(name), "%s is not stripped", path)
			}
			n := zipped(t, binary)
			t.Logf("%s: %.1f MB, zipped %.2f MB, %s", path, mb(len(binary)), mb(n), hash(binary)[:12])
			require.LessOrEqual(t, n, largestZip, path)
		}
	}
}

func mb(n int) float64 { return float64(n) / (1 << 20) }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// built copies what is deployed into a folder and runs `make build` there.
func built(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for _, part := range []string{"functions", "shared"} {
		require.NoError(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(root, part))))
	}
	for _, file := range []string{"go.mod", "go.sum", "Makefile"} {
		b, err := os.ReadFile(filepath.Join(root, file))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), b, 0o644))
	}
	cmd := exec.CommandContext(t.Context(), "make", "-s", "-C", dir, "build")
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// zipped is how many bytes a binary has in a zip file.
func zipped(t *testing.T, binary []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("bootstrap")
	require.NoError(t, err)
	_, err = w.Write(binary)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Len()
}
