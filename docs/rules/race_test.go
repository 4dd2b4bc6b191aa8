package rules

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// alone are the folders that the Makefile has tested without the race detector.
var alone = regexp.MustCompile(`(?m)^ALONE\s*:=\s*\$\(addprefix ` + module + `/,([^)]+)\)$`)

// once are the names of sync that share nothing which could be raced for.
var once = []string{"OnceValue", "OnceValues", "OnceFunc"}

// threads: nothing in these folders starts a goroutine or locks anything, its tests
// included, and they are made of nothing of ours that does: the race detector could find
// nothing.
func threads(tree []*source, folders []string) []breach {
	var all []breach
	for _, s := range tree {
		if !slices.Contains(folders, s.dir) {
			continue
		}
		for _, i := range s.imports() {
			dir, in := ours(i.path)
			if slices.Contains([]string{"sync/atomic", "testing/synctest", "net/http"}, i.path) || in && !s.test && !slices.Contains(folders, dir) {
				all = append(all, s.at(i.pos, "imports %s, and is tested without the race detector: take it from ALONE in the Makefile", i.path))
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			shares := false
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SendStmt:
				shares = true
			case *ast.SelectorExpr:
				pkg, _ := n.X.(*ast.Ident)
				shares = pkg != nil && pkg.Name == "sync" && !slices.Contains(once, n.Sel.Name)
			}
			if shares {
				all = append(all, s.at(n.Pos(), "shares memory, and is tested without the race detector: take it from ALONE in the Makefile"))
			}
			return true
		})
	}
	return all
}

// withoutTheRaceDetector are the folders of alone.
func withoutTheRaceDetector(t *testing.T, tree []*source) []string {
	makefile, err := os.ReadFile(root + "/Makefile")
	require.NoError(t, err)
	m := alone.FindStringSubmatch(strings.ReplaceAll(string(makefile), "\\\n", " "))
	require.NotNil(t, m, "the Makefile no longer says what is tested without the race detector")
	folders := strings.Fields(m[1])
	for _, f := range folders {
		require.True(t, slices.ContainsFunc(tree, func(s *source) bool { return s.dir == f && s.test }), "%s has no tests", f)
	}
	return folders
}

func TestAThreadIsFoundWhereTheRaceDetectorDoesNotWatch(t *testing.T) {
	t.Parallel()
	tree, err := read(fstest.MapFS{
		"shared/media/a.go":      {Data: []byte("package media\n\nimport \"sync\"\n\nvar mu sync.Mutex\nvar v = sync.OnceValue(f)\n")},
		"shared/media/b.go":      {Data: []byte("package media\n\nimport _ \"net/http\"\nimport _ \"emodrop/shared/job\"\nimport _ \"emodrop/shared/store\"\n")},
		"shared/media/b_test.go": {Data: []byte("package media\n\nfunc g() {\n\tgo f()\n\tc <- 1\n}\n")},
		"shared/job/a.go":        {Data: []byte("package job\n")},
		"shared/poll/a.go":       {Data: []byte("package poll\n\nfunc f() { go f() }\n")},
	})
	require.NoError(t, err)
	requireBreaches(t, []string{
		"shared/media/a.go:5: ALONE", "shared/media/b.go:3: net/http", "shared/media/b.go:5: shared/store",
		"shared/media/b_test.go:4: ALONE", "shared/media/b_test.go:5: ALONE",
	}, threads(tree, []string{"shared/media", "shared/job"}))
}
