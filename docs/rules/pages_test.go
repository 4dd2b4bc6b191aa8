package rules

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	fenced   = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	inline   = regexp.MustCompile("`[^`\n]+`")
	makeCall = regexp.MustCompile(`\bmake ([a-z][a-z0-9-]*)`)
	target   = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
)

// made are the targets that a page says to make: what it shows as code.
func made(page string) []string {
	code := inline.FindAllString(fenced.ReplaceAllString(page, ""), -1)
	for _, m := range fenced.FindAllStringSubmatch(page, -1) {
		for line := range strings.SplitSeq(m[1], "\n") {
			said, _, _ := strings.Cut(line, "#") // the rest is talk
			code = append(code, said)
		}
	}
	var all []string
	for _, c := range code {
		for _, m := range makeCall.FindAllStringSubmatch(c, -1) {
			all = append(all, m[1])
		}
	}
	return all
}

func TestEveryMakeThatAPageNamesIsATarget(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(root + "/Makefile")
	require.NoError(t, err)
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	pages := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != root):
			return filepath.SkipDir
		case filepath.Ext(path) != ".md":
			return nil
		}
		page, err := os.ReadFile(path)
		for _, name := range made(string(page)) {
			pages++
			require.Contains(t, targets, name, "%s: make %s", path, name)
		}
		return err
	}))
	require.Greater(t, pages, 20, "the pages no longer say what to make")
	require.Equal(t, []string{"tools", "demo", "up", "test"}, made("`make tools`, or make tea:\n```sh\nmake up   # make haste\ngit pull && make test\n```\nThen `make demo ARGS=x`; `make -n`.\n"))
}

// The page's table of items is what the store writes: no kind of record is there that
// nobody explains.
func TestTheArchitecturePageNamesEveryKindOfRecord(t *testing.T) {
	t.Parallel()
	store, err := os.ReadFile(root + "/shared/store/store.go")
	require.NoError(t, err)
	page, err := os.ReadFile(root + "/docs/architecture.md")
	require.NoError(t, err)
	kinds := func(text, form string) []string {
		var all []string
		for _, m := range regexp.MustCompile(form).FindAllStringSubmatch(text, -1) {
			all = append(all, m[1])
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	written := kinds(string(store), `(?m)^(?:func \w+Key\(.*return |\s+\w+Key\s+= )"([A-Z]+)`)
	require.GreaterOrEqual(t, len(written), 9, "the store's keys have changed their form")
	_, table, _ := strings.Cut(string(page), "\n## The table\n")
	table, _, _ = strings.Cut(table, "\n## ")
	require.Equal(t, written, kinds(table, "(?m)^\\| `([A-Z]+)"))
}
