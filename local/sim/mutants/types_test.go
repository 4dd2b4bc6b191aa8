package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
)

// TestEveryMutantCompiles finds what a change of the code has made of a mutant before
// somebody waits a quarter of an hour for `make sim-mutants`. It checks types and builds
// nothing.
func TestEveryMutantCompiles(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	fset := token.NewFileSet()
	known := importer.ForCompiler(fset, "gc", exported(t, root))
	for _, m := range table() {
		files, err := m.sources(root)
		require.NoError(t, err)
		for _, dir := range dirsOf(files) {
			config := types.Config{Importer: known}
			if _, err := config.Check("emodrop/"+dir, fset, parsed(t, fset, root, dir, files), nil); err != nil {
				t.Errorf("mutant %q: %v", m.name, err) // and go on
			}
		}
	}
}

func dirsOf(files map[string]string) []string {
	dirs := map[string]bool{}
	for file := range files {
		dirs[path.Dir(file)] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

// parsed is a package as this machine builds it, with files in place of its own.
func parsed(t *testing.T, fset *token.FileSet, root, dir string, instead map[string]string) (all []*ast.File) {
	t.Helper()
	p, err := build.ImportDir(filepath.Join(root, filepath.FromSlash(dir)), 0)
	require.NoError(t, err)
	for _, name := range p.GoFiles {
		var src any
		if text, ok := instead[path.Join(dir, name)]; ok {
			src = text
		}
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), src, parser.SkipObjectResolution)
		require.NoError(t, err)
		all = append(all, f)
	}
	return all
}

// exported finds what the packages that the mutants' packages import offer: the go
// command's build cache has it.
func exported(t *testing.T, root string) importer.Lookup {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}", "./shared/..."}
	list := exec.CommandContext(t.Context(), "go", args...) // #nosec G204 -- words of our own
	list.Dir = root
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	require.NoError(t, err, said.String())
	at := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if pkg, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			at[pkg] = file
		}
	}
	return func(pkg string) (io.ReadCloser, error) {
		if at[pkg] == "" {
			return nil, fmt.Errorf("package %s is in no list", pkg)
		}
		return os.Open(at[pkg])
	}
}
