package callback

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// codes are all values of reason, as the source declares them.
func codes(t *testing.T) []reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "callback.go", nil, 0)
	require.NoError(t, err)
	var all []reason
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := v.Type.(*ast.Ident); ok && kind.Name == "reason" {
				s, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				all = append(all, reason(s))
			}
		}
		return true
	})
	require.NotEmpty(t, all)
	return all
}

func TestEveryCodeHasItsStatusAndIsExplainedInBothLanguages(t *testing.T) {
	t.Parallel()
	require.Len(t, answers, len(codes(t)))
	for _, code := range codes(t) {
		require.Contains(t, answers, code)
		for _, page := range []string{"../../docs/callback.md", "../../docs/callback.zh-CN.md"} {
			text, err := os.ReadFile(page)
			require.NoError(t, err)
			require.Regexp(t, "(?m)^\\| `push[a-z ]*` .*`"+string(code)+"`.* \\| .*"+strconv.Itoa(answers[code])+".* \\|", string(text), "%s: %s", page, code)
		}
	}
}
