package template

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every threat of the page names what proves its guard, and that is there.
func TestEveryGuardThatIsClaimedHasItsTest(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(root + "/docs/security.md")
	require.NoError(t, err)
	there := map[string]bool{}
	for _, folder := range []string{"cmd", "docs", "events", "functions", "local", "shared"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, d os.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "node_modules":
				return filepath.SkipDir
			case !strings.HasSuffix(path, "_test.go"):
				return nil
			}
			text, err := os.ReadFile(path)
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(string(text), -1) {
				there[m[1]] = true
			}
			return err
		}))
	}
	_, table, _ := strings.Cut(string(page), "\n## Threats\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := 0
	for line := range strings.SplitSeq(table, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| threat ") {
			continue
		}
		rows++
		named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, named, "nothing proves: %s", line)
		for _, m := range named {
			require.True(t, there[m[1]], "there is no %s", m[1])
		}
	}
	require.Greater(t, rows, 10)
}
