package rules

import (
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEveryFailureHasItsTests holds docs/failures.md to the code: every row names
// tests, and all of them are there. Rows count on, so that each can be named.
func TestEveryFailureHasItsTests(t *testing.T) {
	t.Parallel()
	tree, err := read(os.DirFS(root))
	require.NoError(t, err)
	tests := map[string]bool{}
	for _, s := range tree {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
	}
	page, err := os.ReadFile(root + "/docs/failures.md")
	require.NoError(t, err)
	named, rows := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`"), 0
	for line := range strings.Lines(string(page)) {
		if !regexp.MustCompile(`^\| \d+ \|`).MatchString(line) {
			continue
		}
		rows++
		require.True(t, strings.HasPrefix(line, fmt.Sprintf("| %d |", rows)), "row %d has another number: %s", rows, line)
		all := named.FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, all, "no test proves: %s", line)
		for _, m := range all {
			require.True(t, tests[m[1]], "there is no test %s: %s", m[1], line)
		}
	}
	require.GreaterOrEqual(t, rows, 45)
}
