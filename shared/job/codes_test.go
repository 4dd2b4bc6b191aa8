package job_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestEveryCodeThatIsDeclaredIsInTheListOnce(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	require.NoError(t, err)
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		require.Regexp(t, "^[a-z]+(_[a-z]+)*$", code)
		declared = append(declared, code)
		return true
	})
	require.NotEmpty(t, declared)
	require.ElementsMatch(t, declared, job.Codes())
	seen := map[string]bool{}
	for _, c := range job.Codes() {
		require.False(t, seen[c], "%s means two things", c)
		seen[c] = true
	}
}

func TestWhatFailsEveryJobClosesTheGateAndSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		verdict job.Verdict
		want    string
	}{
		{job.Verdict{Status: 401, Code: "InvalidApiKey"}, job.CodeKeyRefused},
		{job.Verdict{Status: 400, Code: "Arrearage"}, job.CodeNoMoney},
		{job.Verdict{Status: 429, Code: "Throttling.AllocationQuota"}, job.CodeNoMoney},
		{job.Verdict{Status: 403, Code: "AllocationQuota.FreeTierOnly"}, job.CodeNoMoney},
		{job.Verdict{Status: 403, Code: "AccessDenied"}, job.CodeNoAccess},
		{job.Verdict{Status: 404, Code: "ModelNotFound"}, job.CodeNoAccess},
	} {
		got := job.ClosureOf(c.verdict, noon)
		require.Equal(t, job.Closure{Code: c.want, Detail: c.verdict.Code, Since: noon}, got, "%+v", c.verdict)
		require.Contains(t, job.Codes(), got.Code)
	}
}
