package rules

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// A planted tree is a handful of small files and the breaches they hold, in the
// order of their paths. A tree without breaches shows what a rule lets pass.
type planted struct {
	name  string
	check func([]*source) []breach
	files map[string]string
	want  []string // prefix "path:line:" and, after a space, a word of the message
}

// lines makes a file of n lines that begins with the text.
func lines(text string, n int) string {
	return text + strings.Repeat("\n", n-strings.Count(text, "\n"))
}

var plantings = []planted{
	{
		"a step that imports an adapter or another step is found", direction,
		map[string]string{
			"shared/poll/a.go": "package poll\n\nimport (\n\t_ \"emodrop/shared/store\"\n\t_ \"emodrop/shared/job\"\n\t_ \"emodrop/shared/submit\"\n)\n",
		},
		[]string{"shared/poll/a.go:4: shared/store", "shared/poll/a.go:6: shared/submit"},
	},
	{
		"an adapter that imports anything of ours but the domain is found", direction,
		map[string]string{
			"shared/bucket/a.go": "package bucket\n\nimport _ \"emodrop/shared/job\"\nimport _ \"emodrop/shared/media\"\nimport _ \"emodrop/shared/notify\"\n",
		},
		[]string{"shared/bucket/a.go:4: shared/media", "shared/bucket/a.go:5: shared/notify"},
	},
	{
		"a leaf that imports anything of ours is found, but words may speak of jobs", direction,
		map[string]string{
			"shared/job/a.go":   "package job\n\nimport _ \"emodrop/shared/words\"\n",
			"shared/media/a.go": "package media\n\nimport _ \"emodrop/shared/job\"\n",
			"shared/words/a.go": "package words\n\nimport _ \"emodrop/shared/job\"\n",
		},
		[]string{"shared/job/a.go:3: shared/words", "shared/media/a.go:3: shared/job"},
	},
	{
		"an import of another platform's file is found", direction,
		map[string]string{"shared/job/a_windows.go": "//go:build windows\n\npackage job\n\nimport _ \"emodrop/local/emo\"\n"},
		[]string{"shared/job/a_windows.go:5: local/emo"},
	},
	{
		"shared and functions never import local or cmd", direction,
		map[string]string{
			"functions/poll/main.go": "package main\n\nimport _ \"emodrop/local/stack\"\n",
			"shared/app/a.go":        "package app\n\nimport _ \"emodrop/cmd/emodrop/flags\"\nimport _ \"emodrop/shared/poll\"\nimport _ \"emodrop/shared/store\"\n",
		},
		[]string{"functions/poll/main.go:3: local/stack", "shared/app/a.go:3: cmd/emodrop/flags"},
	},
	{
		"a main that wires things itself is found", direction,
		map[string]string{"functions/poll/main.go": "package main\n\nimport _ \"emodrop/shared/app\"\nimport _ \"emodrop/shared/poll\"\n"},
		[]string{"functions/poll/main.go:4: shared/poll"},
	},
	{
		"local never imports cmd, and both may import the wiring", direction,
		map[string]string{
			"cmd/emodrop/main.go": "package main\n\nimport _ \"emodrop/local/stack\"\nimport _ \"emodrop/shared/app\"\nimport _ \"emodrop/cmd/emodrop/up\"\n",
			"local/stack/a.go":    "package stack\n\nimport _ \"emodrop/shared/app\"\nimport _ \"emodrop/cmd/emodrop/up\"\nimport _ \"emodrop/local/emo\"\n",
		},
		[]string{"local/stack/a.go:4: cmd/emodrop/up"},
	},
	{
		"only an external test may use an exception, and only one that is listed", direction,
		map[string]string{
			"shared/store/contract_test.go": "package store_test\n\nimport _ \"emodrop/local/aws/dynamo\"\nimport _ \"emodrop/local/console\"\n",
			"shared/store/inside_test.go":   "package store\n\nimport _ \"emodrop/local/aws/dynamo\"\n",
			"shared/poll/poll_test.go":      "package poll_test\n\nimport _ \"emodrop/shared/store\"\nimport _ \"emodrop/shared/bucket\"\n",
			"shared/poll/poll.go":           "package poll\n",
		},
		[]string{"shared/poll/poll_test.go:4: shared/bucket", "shared/store/contract_test.go:4: local/console", "shared/store/inside_test.go:3: store_test"},
	},
	{
		"a folder that the architecture does not know is found", direction,
		map[string]string{
			"internal/a.go":            "package internal\n",
			"shared/pipeline/a.go":     "package pipeline\n",
			"shared/store/memory/a.go": "package memory\n\nimport _ \"emodrop/shared/store\"\n",
			"template_test.go":         "package emodrop\n",
		},
		[]string{"internal/a.go:1: place", "shared/pipeline/a.go:1: place"},
	},
	{
		"a step or leaf that imports the SDK is found", vendors,
		map[string]string{
			"shared/callback/a.go": "package callback\n\nimport _ \"github.com/aws/aws-lambda-go/events\"\n",
			"shared/finalize/a.go": "package finalize\n\nimport _ \"github.com/aws/aws-lambda-go/events\"\n",
			"shared/intake/a.go":   "package intake\n\nimport _ \"github.com/aws/aws-lambda-go/events\"\nimport _ \"github.com/aws/aws-sdk-go-v2/service/s3\"\n",
			"shared/job/a.go":      "package job\n\nimport _ \"github.com/aws/smithy-go\"\n",
			"shared/store/a.go":    "package store\n\nimport _ \"github.com/aws/aws-sdk-go-v2/service/dynamodb\"\n",
		},
		[]string{"shared/finalize/a.go:3: events", "shared/intake/a.go:4: service/s3", "shared/job/a.go:3: smithy-go"},
	},
	{
		"a main that imports a foreign library is found", vendors,
		map[string]string{
			"functions/poll/main.go":      "package main\n\nimport _ \"github.com/aws/aws-lambda-go/lambda\"\nimport _ \"github.com/spf13/cobra\"\nimport _ \"os\"\n",
			"functions/poll/main_test.go": "package main\n\nimport _ \"github.com/stretchr/testify/require\"\n",
		},
		[]string{"functions/poll/main.go:4: cobra"},
	},
	{
		"a main of 41 lines is found, in one file or in two", shortMains,
		map[string]string{
			"functions/callback/main.go":      lines("package main", 40),
			"functions/callback/main_test.go": lines("package main", 90),
			"functions/poll/main.go":          lines("package main", 41),
			"functions/submit/main.go":        lines("package main", 21),
			"functions/submit/more.go":        lines("package main", 20),
			"local/stack/stack.go":            lines("package stack", 90),
		},
		[]string{"functions/poll/main.go:1: 40", "functions/submit/more.go:1: 40"},
	},
	{
		"a file of 501 lines is found unless its first comment says why", longFiles,
		map[string]string{
			"local/a/a.go":         lines("package a", 501),
			"local/a/b.go":         lines("package a", 500),
			"local/a/excused.go":   lines("// Long because one table reads best whole.\n\npackage a", 900),
			"local/a/generated.go": lines("// Code generated by hand. DO NOT EDIT.\n\npackage a", 900),
			"local/a/late_test.go": lines("// Something else.\n\n// Long because it is.\n\npackage a", 501),
			"local/a/linux.go":     lines("//go:build linux\n\n// Long because the kernel is.\n\npackage a", 501),
		},
		[]string{"local/a/a.go:1: 501", "local/a/late_test.go:5: 501"},
	},
	{
		"a package name that says nothing is found", telling,
		map[string]string{
			"local/helpers/a.go":      "package dyn\n",
			"local/manager/a.go":      "package manager\n",
			"local/manager/b.go":      "package manager\n",
			"local/words/a_test.go":   "package utils_test\n",
			"shared/job/commonest.go": "package job\n",
		},
		[]string{"local/helpers/a.go:1: helpers", "local/manager/a.go:1: manager", "local/words/a_test.go:1: utils"},
	},
	{
		"code below shared/app that reads the environment is found, renamed or not called", configured,
		map[string]string{
			"cmd/emodrop/main.go":       "package main\n\nimport \"os\"\n\nvar _ = os.Getenv(\"A\")\n",
			"shared/app/a.go":           "package app\n\nimport \"os\"\n\nvar _ = os.Getenv(\"A\")\n",
			"shared/poll/a.go":          "package poll\n\nimport sys \"os\"\n\nvar lookup = sys.LookupEnv\n",
			"shared/store/a.go":         "package store\n\nimport \"os\"\n\nvar _ = os.Getenv(\"A\")\nvar _ = os.Args\n",
			"shared/store/b.go":         "package store\n\nimport . \"os\"\n",
			"shared/store/c.go":         "package store\n\nfunc f(os interface{ Getenv() }) { os.Getenv() }\n",
			"shared/store/real_test.go": "package store\n\nimport \"os\"\n\nvar _ = os.Getenv(\"A\")\n",
		},
		[]string{"shared/poll/a.go:5: environment", "shared/store/a.go:5: environment", "shared/store/b.go:3: environment"},
	},
	{
		"a func init is found, a method or variable of that name is not", noInit,
		map[string]string{
			"local/a/a.go":         "package a\n\nfunc init() {}\n",
			"local/a/a_test.go":    "package a\n\nfunc init() {}\n",
			"local/a/b.go":         "package a\n\ntype t int\n\nfunc (t) init() {}\n",
			"local/a/generated.go": "// Code generated by hand. DO NOT EDIT.\n\npackage a\n\nfunc init() {}\n",
		},
		[]string{"local/a/a.go:3: init", "local/a/a_test.go:3: init"},
	},
	{
		"a test that sleeps outside a bubble is found", noSleeping,
		map[string]string{
			"local/a/a.go":           "package a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n",
			"local/a/a_test.go":      "package a\n\nimport \"time\"\n\nfunc f() {\n\ttime.Sleep(1)\n}\n",
			"local/a/bubble_test.go": "package a\n\nimport (\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nvar _ = synctest.Wait\n\nfunc g() { time.Sleep(1) }\n",
		},
		[]string{"local/a/a_test.go:6: synctest"},
	},
	{
		"a sleep is let pass where the folder's own bubble is used, not beside it or in another folder", noSleeping,
		map[string]string{
			"local/a/beside_test.go": "package a\n\nimport \"time\"\n\nfunc f() { time.Sleep(1) }\n",
			"local/a/bubble_test.go": "package a\n\nimport \"testing/synctest\"\n\nfunc bubble() { synctest.Test(nil, nil) }\n",
			"local/a/used_test.go":   "package a\n\nimport \"time\"\n\nfunc g() { bubble() }\nfunc h() { time.Sleep(1) }\n",
			"local/b/b_test.go":      "package b\n\nimport \"time\"\n\nfunc g() { bubble() }\nfunc h() { time.Sleep(1) }\n",
		},
		[]string{"local/a/beside_test.go:5: synctest", "local/b/b_test.go:6: synctest"},
	},
	{
		"hidden folders, testdata, node_modules and nested modules are not ours to judge", telling,
		map[string]string{
			".git/utils/a.go":             "package utils\n",
			"local/a/testdata/utils/a.go": "package utils\n",
			"local/node_modules/x/a.go":   "package utils\n",
			"tools/go.mod":                "module tools\n",
			"tools/utils/a.go":            "package utils\n",
			"local/utils/a.go":            "package utils\n",
		},
		[]string{"local/utils/a.go:1: utils"},
	},
}

func TestEachRuleFindsWhatItForbids(t *testing.T) {
	t.Parallel()
	held := map[string]bool{}
	for _, p := range plantings {
		t.Run(p.name, func(t *testing.T) {
			requireBreaches(t, p.want, p.check(plant(t, p.files)))
		})
		held[name(p.check)] = true
	}
	for _, r := range demands {
		require.True(t, held[name(r.check)], "no planted breach for the rule %q", r.says)
	}
}

func TestAModuleThatMustNotBeDeployedIsFound(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{
		"functions/poll/main.go": "package main\n\nimport _ \"emodrop/shared/app\"\n",
		"local/stack/a.go":       "package stack\n\nimport _ \"example.com/local\"\n",
		"shared/app/a.go":        "package app\n\nimport (\n\t_ \"os\"\n\t_ \"github.com/aws/aws-sdk-go-v2/config\"\n\t_ \"example.com/stranger\"\n)\n",
		"shared/app/a_test.go":   "package app\n\nimport _ \"example.com/testing\"\n",
	})
	graph := []*listed{
		pkg("emodrop/functions/poll", module, "emodrop/shared/app"),
		pkg("emodrop/shared/app", module, "os", "github.com/aws/aws-sdk-go-v2/config", "example.com/stranger"),
		pkg("github.com/aws/aws-sdk-go-v2/config", "github.com/aws/aws-sdk-go-v2/config", "golang.org/x/text/unicode", "example.com/behind/deep"),
		pkg("golang.org/x/text/unicode", "golang.org/x/text"),
		pkg("example.com/behind/deep", "example.com/behind"),
		pkg("example.com/stranger", "example.com/stranger", "example.com/behind/deep"),
		{ImportPath: "os", Standard: true},
	}
	found := deployed(tree, graph)
	requireBreaches(t, []string{"shared/app/a.go:5: example.com/behind", "shared/app/a.go:6: example.com/stranger"}, found)
	require.Contains(t, found[0].what, "github.com/aws/aws-sdk-go-v2/config → example.com/behind/deep", "the chain is shown")
}

func TestAModuleIsAllowedByItsWholeName(t *testing.T) {
	t.Parallel()
	require.True(t, allowed("github.com/aws/aws-sdk-go-v2/service/s3"))
	require.False(t, allowed("github.com/aws/aws-sdk-go-v2evil"))
	require.False(t, allowed("golang.org/x/tools"))
}

func TestGoListShowsWhatAFolderImports(t *testing.T) {
	t.Parallel()
	graph, err := list(t.Context(), root, "shared/job")
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(graph, func(l *listed) bool { return l.ImportPath == "emodrop/shared/job" && l.module() == module }))
	require.True(t, slices.ContainsFunc(graph, func(l *listed) bool { return l.Standard }), "what it imports is listed too")
}

func TestAFileThatDoesNotParseIsAnErrorWithItsPlace(t *testing.T) {
	t.Parallel()
	_, err := read(fstest.MapFS{"local/a/a.go": {Data: []byte("package a\n\nfunc {\n")}})
	require.ErrorContains(t, err, "local/a/a.go:3")
}

// name tells two rules apart: functions have no equality.
func name(check func([]*source) []breach) string {
	return runtime.FuncForPC(reflect.ValueOf(check).Pointer()).Name()
}

func plant(t *testing.T, files map[string]string) []*source {
	t.Helper()
	m := fstest.MapFS{}
	for p, text := range files {
		m[p] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := read(m)
	require.NoError(t, err)
	return tree
}

func pkg(importPath, mod string, imports ...string) *listed {
	return &listed{ImportPath: importPath, Imports: imports, Module: &struct{ Path string }{mod}}
}

func requireBreaches(t *testing.T, want []string, found []breach) {
	t.Helper()
	var got []string
	for _, b := range found {
		got = append(got, b.String())
	}
	require.Len(t, got, len(want), "%q", got)
	for i, w := range want {
		at, word, _ := strings.Cut(w, " ")
		require.True(t, strings.HasPrefix(got[i], at+" "), "want %s, got %s", at, got[i])
		require.Contains(t, got[i], word)
	}
}
