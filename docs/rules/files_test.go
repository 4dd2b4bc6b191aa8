package rules

import (
	"go/ast"
	"path"
	"slices"
	"strings"
)

const (
	mainLines = 40  // of Go in one Lambda's folder, tests aside
	fileLines = 500 // of a file that does not say why it is longer
	longMark  = "// Long because"
)

// shortMains: a Lambda's folder is an entry point and no more.
func shortMains(tree []*source) []breach {
	lines := map[string]int{}
	var all []breach
	for _, s := range tree {
		from, in := unit(s.dir)
		if in != functions || s.test {
			continue
		}
		before := lines[from]
		lines[from] += s.lines
		if before <= mainLines && lines[from] > mainLines {
			all = append(all, s.at(s.ast.Package, "%s has more than %d lines of Go: move the wiring to shared/app", from, mainLines))
		}
	}
	return all
}

// longFiles: a file over the limit begins with its reason.
func longFiles(tree []*source) []breach {
	var all []breach
	for _, s := range tree {
		if s.generated || s.lines <= fileLines || strings.HasPrefix(firstComment(s.ast), longMark) {
			continue
		}
		all = append(all, s.at(s.ast.Package, "%d lines: split it by idea, or begin its first comment with %q and the reason", s.lines, longMark))
	}
	return all
}

// firstComment is the first line of comment that is no directive (//go:build).
func firstComment(f *ast.File) string {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if !strings.HasPrefix(c.Text, "//go:") {
				return c.Text
			}
		}
	}
	return ""
}

// empty names say nothing about what is inside.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models", "manager", "managers"}

// telling: packages and their folders are named for what they do.
func telling(tree []*source) []breach {
	var all []breach
	seen := map[string]bool{}
	for _, s := range tree {
		pkg := strings.TrimSuffix(s.ast.Name.Name, "_test")
		for _, name := range []string{pkg, path.Base(s.dir)} {
			if slices.Contains(emptyNames, strings.ToLower(name)) && !seen[s.dir] {
				seen[s.dir] = true
				all = append(all, s.at(s.ast.Name.Pos(), "a package called %q says nothing: name it for what it does", name))
			}
		}
	}
	return all
}

// configured: the steps, adapters and leaves get their configuration as values.
// Tests may read the environment to find a server or a seed.
func configured(tree []*source) []breach {
	var all []breach
	for _, s := range tree {
		from, _ := unit(s.dir)
		if s.test || !within(s.dir, "shared") || from == "shared/app" {
			continue
		}
		found := s.uses("os", "Getenv", "LookupEnv", "Environ", "ExpandEnv")
		found = append(found, s.uses("syscall", "Getenv", "Environ")...)
		for _, pos := range found {
			all = append(all, s.at(pos, "%s reads the environment: read it in shared/app and pass a value", from))
		}
	}
	return all
}

// noInit: importing a package does nothing.
func noInit(tree []*source) []breach {
	var all []breach
	for _, s := range tree {
		if s.generated {
			continue
		}
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				all = append(all, s.at(f.Name.Pos(), "func init runs behind the reader's back: make it a constructor, or a variable's initialiser"))
			}
		}
	}
	return all
}

// noSleeping: tests wait for what happens, not for the clock. In a synctest
// bubble a sleep costs nothing and is exact, so files that make a bubble may
// sleep, themselves or through a function of their folder that does.
func noSleeping(tree []*source) []breach {
	const synctest = "testing/synctest"
	makers := map[string]bool{} // folder and name of what calls synctest.Test
	for _, s := range tree {
		for _, d := range s.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !s.test || !ok {
				continue
			}
			for _, pos := range s.uses(synctest, "Test") {
				if f.Pos() <= pos && pos < f.End() {
					makers[s.dir+"."+f.Name.Name] = true
				}
			}
		}
	}
	var all []breach
	for _, s := range tree {
		if !s.test || slices.ContainsFunc(s.imports(), func(i importing) bool { return i.path == synctest }) {
			continue
		}
		bubbled := false
		ast.Inspect(s.ast, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			bubbled = bubbled || ok && makers[s.dir+"."+id.Name]
			return !bubbled
		})
		if bubbled {
			continue
		}
		for _, pos := range s.uses("time", "Sleep") {
			all = append(all, s.at(pos, "a test sleeps on the real clock: run it in a testing/synctest bubble, or wait for the event itself"))
		}
	}
	return all
}
