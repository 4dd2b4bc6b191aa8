package rules

import (
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.." // of the repository, seen from this package

// rule is one demand on the tree. It returns where the tree breaks it.
type rule struct {
	says  string
	check func([]*source) []breach
}

var demands = []rule{
	{"imports go down: functions, cmd, local to app, to steps and adapters, to job", direction},
	{"AWS stops at the adapters, and a Lambda's main imports only the wiring", vendors},
	{"a Lambda's folder holds at most 40 lines of Go", shortMains},
	{"a file over 500 lines says why", longFiles},
	{"a package is named for what it does", telling},
	{"below shared the environment is read in shared/app alone", configured},
	{"importing a package runs nothing: there is no func init", noInit},
	{"a test does not sleep on the real clock", noSleeping},
}

func TestTheRepositoryKeepsItsRules(t *testing.T) {
	t.Parallel()
	tree, err := read(os.DirFS(root))
	require.NoError(t, err, "every Go file must parse before the rules can be checked")

	t.Run("the rules look at this repository", func(t *testing.T) {
		mod, err := os.ReadFile(root + "/go.mod")
		require.NoError(t, err)
		require.Contains(t, string(mod), "module "+module+"\n")
		require.True(t, slices.ContainsFunc(tree, func(s *source) bool { return s.path == "shared/job/doc.go" }), "shared/job was not read")
		require.True(t, slices.ContainsFunc(tree, func(s *source) bool { return s.path == "docs/rules/rules_test.go" }), "this file was not read")
	})
	for _, r := range demands {
		t.Run(r.says, func(t *testing.T) { report(t, r.check(tree)) })
	}
	t.Run("what is tested without the race detector shares no memory", func(t *testing.T) {
		report(t, threads(tree, withoutTheRaceDetector(t, tree)))
	})
	t.Run("what only local or cmd needs does not reach the Lambdas", func(t *testing.T) {
		graph, err := list(t.Context(), root, "functions", "shared")
		require.NoError(t, err)
		for _, s := range tree {
			if _, in := unit(s.dir); in == functions || in == app {
				require.True(t, slices.ContainsFunc(graph, func(l *listed) bool { return l.ImportPath == importPath(s.dir) }), "go list did not show %s", s.dir)
			}
		}
		require.True(t, slices.ContainsFunc(graph, func(l *listed) bool { return l.module() == "github.com/aws/smithy-go" }), "go list did not show what shared imports")
		report(t, deployed(tree, graph))
	})
}

// report prints every breach on a line of its own, so that an editor can jump.
func report(t *testing.T, found []breach) {
	t.Helper()
	for _, b := range found {
		t.Errorf("\n%s", b)
	}
}
