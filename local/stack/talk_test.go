package stack_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

func TestTheStackTalksInTheLanguageOfItsReader(t *testing.T) {
	t.Parallel()
	_, mail := words.Mail(job.Notice(job.Name{Stem: "a"}, "k", job.Fault{Code: job.CodeUnknownFile, File: "a.docx"}, time.Now()), words.Place{})
	for lang, want := range map[words.Lang][]string{
		words.English: {"poll      being made", "submit    detect: no answer", "submit    gate closed: key_refused", "anna.wav handed in (7 bytes)", "submit    something new: x"},
		words.Chinese: {"poll      生成中", "submit    检测出错：no answer", "submit    已停止提交：key_refused", "anna.wav 已提交（7 字节）", "submit    something new：x"},
	} {
		var lines []string
		talk := stack.NewTalker(func(line string) { lines = append(lines, line) }, lang, nil)
		stack.TellFunction(talk, "poll", []byte(`{"level":"INFO","msg":"job","to":"RUNNING"}`))
		stack.TellFunction(talk, "submit", []byte(`{"level":"WARN","msg":"detect","err":"no answer"}`))
		stack.TellFunction(talk, "submit", []byte(`{"level":"ERROR","msg":"gate closed","code":"key_refused"}`))
		stack.TellLine(talk, "%s handed in (%d bytes)", "anna.wav", 7)
		stack.TellFunction(talk, "submit", []byte(`{"level":"WARN","msg":"something new","err":"x"}`))
		stack.TellMessage(talk, services.Published{Kind: services.KindSNS, Default: mail})
		stack.EndTalk(talk)
		require.Len(t, lines, len(want)+1)
		for i, says := range want {
			require.Equal(t, says, lines[i][len("15:04:05  "):])
		}
		require.Equal(t, lang == words.Chinese, regexp.MustCompile(`\p{Han}`).MatchString(lines[len(want)]), "of a message its own half: %s", lines[len(want)])
	}
}

// Whoever adds a line, or a log line that is told, adds its Chinese.
func TestEveryLineThatIsSaidHasItsChinese(t *testing.T) {
	t.Parallel()
	spoken := map[string]bool{}
	for dir, by := range map[string][]string{
		filepath.Join(root, "shared"): {"WarnContext", "ErrorContext"}, filepath.Join(root, "functions"): {"WarnContext", "ErrorContext"},
		".": {"line", "say"}, filepath.Join(root, "local", "drop"): {"Say"},
	} {
		for _, form := range literals(t, dir, by) {
			spoken[form] = true
		}
	}
	require.Greater(t, len(spoken), 40)
	verbs := regexp.MustCompile(`%-?\d*[a-z]`)
	for form := range spoken {
		zh, ok := stack.InChinese[form]
		require.True(t, ok, "%q has no Chinese", form)
		require.Equal(t, verbs.FindAllString(form, -1), verbs.FindAllString(zh, -1), form)
		if regexp.MustCompile(`[a-z]{3}`).MatchString(form) {
			require.Regexp(t, `\p{Han}`, zh, form)
		}
	}
	for form := range stack.InChinese {
		require.True(t, spoken[form], "nobody says %q", form)
	}
}

// literals are the texts with which these methods are called in the code below a folder:
// of their arguments the first text.
func literals(t *testing.T, dir string, methods []string) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(methods, sel.Sel.Name) {
				return true
			}
			for _, arg := range call.Args {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					require.NoError(t, err)
					all = append(all, text)
					break
				}
			}
			return true
		})
		return nil
	}))
	return all
}
