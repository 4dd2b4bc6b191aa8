package template

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// code is what the checks need to know of shared/.
type code struct {
	// text of each package's files, tests aside: "intake", "store".
	text map[string]string
	logs []logLine
	// steps are the packages whose steps each function is wired from, with app
	// and the step that all share.
	steps map[string][]string
	// sdk are the calls of AWS, as "package: Operation".
	sdk []string
	// lines are what the functions logged in a run, by function.
	lines map[string][]map[string]any
	// calls are those that the functions made of AWS in a run.
	calls *recorder
}

// theCode is what is read of shared/ and what running it showed, both once.
func theCode(t *testing.T) *code {
	t.Helper()
	c, err := readCode()
	require.NoError(t, err)
	ran.Do(func() {
		tree, err := load()
		require.NoError(t, err)
		c.lines = runLines(t)
		c.calls = theCalls(t, tree)
	})
	require.NotNil(t, c.calls, "the run that these tests look at has failed")
	return c
}

var ran sync.Once

// A logLine is one call of the logger.
type logLine struct {
	pkg, level, message string
	keys                []string
}

// readCode is read once; nobody changes it.
var readCode = sync.OnceValues(func() (*code, error) {
	c := &code{text: map[string]string{}, steps: map[string][]string{}}
	paths, err := filepath.Glob(root + "/shared/*/*.go")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			return nil, err
		}
		pkg := filepath.Base(filepath.Dir(path))
		c.text[pkg] += string(text)
		c.readLogs(pkg, file)
		if pkg == "app" {
			c.readWiring(file)
		}
		for _, m := range sdkCall.FindAllStringSubmatch(string(text), -1) {
			if call := pkg + ": " + m[1]; !slices.Contains(c.sdk, call) {
				c.sdk = append(c.sdk, call)
			}
		}
	}
	if len(c.logs) == 0 || len(c.steps) == 0 || len(c.sdk) == 0 {
		return nil, fmt.Errorf("found %d log lines, %d functions, %d calls of AWS in shared/: has the code moved?", len(c.logs), len(c.steps), len(c.sdk))
	}
	return c, nil
})

// sdkCall is a call of an SDK's client by one of the adapters.
var sdkCall = regexp.MustCompile(`\.(?:client|SNS|EventBridge)\.([A-Z]\w+)\(ctx`)

var levels = map[string]string{"DebugContext": "DEBUG", "InfoContext": "INFO", "WarnContext": "WARN", "ErrorContext": "ERROR"}

func (c *code) readLogs(pkg string, file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || levels[sel.Sel.Name] == "" || len(call.Args) < 2 {
			return true
		}
		line := logLine{pkg: pkg, level: levels[sel.Sel.Name], message: literal(call.Args[1])}
		for i := 2; i < len(call.Args); i += 2 {
			line.keys = append(line.keys, literal(call.Args[i]))
		}
		if line.message != "" {
			c.logs = append(c.logs, line)
		}
		return true
	})
}

func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, _ := strconv.Unquote(l.Value)
	return s
}

// readWiring notes which steps each function is built from: its own x.New, and
// those of build where it calls that.
func (c *code) readWiring(file *ast.File) {
	news := map[string][]string{}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && strings.HasPrefix(n.Sel.Name, "New") {
					news[f.Name.Name] = append(news[f.Name.Name], x.Name)
				}
			case *ast.Ident:
				if n.Name == "build" && f.Name.Name != "build" {
					news[f.Name.Name] = append(news[f.Name.Name], "build")
				}
			}
			return true
		})
	}
	for _, name := range functionNames {
		made := news[strings.ToUpper(name[:1])+name[1:]]
		if slices.Contains(made, "build") {
			made = append(made, news["build"]...)
		}
		if made != nil {
			c.steps[name] = append(made, "app")
		}
	}
}

// emits finds the lines of a function's log with that message.
func (c *code) emits(function, message string) []logLine {
	var all []logLine
	for _, l := range c.logs {
		if l.message == message && slices.Contains(c.steps[function], l.pkg) {
			all = append(all, l)
		}
	}
	return all
}

var functionNames = []string{"submit", "poll", "finalize", "callback"}

// minutes reads a constant that is written as a number of minutes.
func (c *code) minutes(pkg, name string) int {
	m := regexp.MustCompile(`(?m)^\s*` + name + `\s*=\s*(\d+) \* time\.Minute`).FindStringSubmatch(c.text[pkg])
	if m == nil {
		return 0
	}
	return number(m[1])
}
