package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// allowedModules may be linked into a Lambda; with "/…" also what is below.
// Everything else in go.mod serves local, cmd or the tests.
var allowedModules = []string{
	"github.com/aws/aws-lambda-go",
	"github.com/aws/aws-sdk-go-v2",
	"github.com/aws/aws-sdk-go-v2/…",
	"github.com/aws/smithy-go",
	"golang.org/x/text", // NFC of the names people give
	"golang.org/x/time", // pacing of the vendor's rate limits
}

// A listed is one package as `go list -deps -json` prints it.
type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

func (l *listed) module() string {
	if l.Standard || l.Module == nil {
		return ""
	}
	return l.Module.Path
}

// deployed: the packages hold no module outside the allow-list. Each such module
// is reported once, where a file of ours begins the chain that leads to it.
func deployed(tree []*source, graph []*listed) []breach {
	byPath := map[string]*listed{}
	for _, l := range graph {
		byPath[l.ImportPath] = l
	}
	var all []breach
	seen := map[string]bool{}
	for _, s := range tree {
		if s.test || byPath[importPath(s.dir)] == nil {
			continue
		}
		for _, i := range s.imports() {
			if _, own := ours(i.path); own {
				continue
			}
			for _, chain := range strangers(byPath, i.path) {
				last := byPath[chain[len(chain)-1]].module()
				if seen[last] {
					continue
				}
				seen[last] = true
				all = append(all, s.at(i.pos, "module %s reaches the Lambdas through %s: keep it in local or cmd, or allow it in docs/rules/modules_test.go with the reason",
					last, strings.Join(chain, " → ")))
			}
		}
	}
	return all
}

// strangers finds, breadth first, a shortest chain of imports from one package to
// each module that is not allowed.
func strangers(byPath map[string]*listed, from string) [][]string {
	var found [][]string
	reached := map[string]bool{from: true}
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		chain := queue[0]
		l := byPath[chain[len(chain)-1]]
		if l == nil || l.Standard {
			continue // another platform's import, or nothing behind it
		}
		if m := l.module(); m != "" && m != module && !allowed(m) {
			found = append(found, chain)
			continue
		}
		for _, next := range l.Imports {
			if !reached[next] {
				reached[next] = true
				queue = append(queue, append(slices.Clone(chain), next))
			}
		}
	}
	return found
}

func allowed(m string) bool {
	return slices.ContainsFunc(allowedModules, func(a string) bool {
		if root, below := strings.CutSuffix(a, "/…"); below {
			return strings.HasPrefix(m, root+"/")
		}
		return m == a
	})
}

func importPath(dir string) string {
	if dir == "." {
		return module
	}
	return module + "/" + dir
}

// list asks the go command for the packages below the folders and all they
// import, as they are built for Lambda. Packages that do not compile are listed
// all the same: the compiler speaks about those.
func list(ctx context.Context, root string, folders ...string) ([]*listed, error) {
	args := []string{"list", "-e", "-deps", "-tags=lambda.norpc", "-json=ImportPath,Imports,Standard,Module"}
	for _, f := range folders {
		args = append(args, "./"+f+"/...")
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w: %s", strings.Join(folders, " "), err, said.String())
	}
	var all []*listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read go list: %w", err)
		}
		all = append(all, &l)
	}
}
