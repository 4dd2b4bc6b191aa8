package rules

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the path in go.mod; the tree test compares the two.
const module = "emodrop"

// A source is one Go file of this module, of any platform and build tag: that is
// why the rules parse files instead of asking `go list`, which sees one platform.
type source struct {
	path      string // slash-separated, from the root
	dir       string // its folder, "." for the root
	test      bool   // named _test.go
	external  bool   // a test in package x_test
	generated bool   // marked "Code generated … DO NOT EDIT."
	lines     int
	fset      *token.FileSet
	ast       *ast.File
}

// A breach is one place that breaks a rule.
type breach struct {
	path string
	line int
	what string // what is wrong and what to do
}

func (b breach) String() string { return fmt.Sprintf("%s:%d: %s", b.path, b.line, b.what) }

// at makes a breach at pos.
func (s *source) at(pos token.Pos, format string, args ...any) breach {
	return breach{path: s.path, line: s.fset.Position(pos).Line, what: fmt.Sprintf(format, args...)}
}

// An importing is one import line.
type importing struct {
	path string // as written, unquoted
	name string // the local name, "" when the package's own
	pos  token.Pos
}

func (s *source) imports() []importing {
	var all []importing
	for _, spec := range s.ast.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has refused such a file already
		}
		i := importing{path: p, pos: spec.Path.Pos()}
		if spec.Name != nil {
			i.name = spec.Name.Name
		}
		all = append(all, i)
	}
	return all
}

// uses finds every mention of one of the package's names, called or not. It
// follows a renamed import; a dot import is reported as a mention itself.
func (s *source) uses(pkg string, names ...string) []token.Pos {
	local := ""
	for _, i := range s.imports() {
		if i.path != pkg {
			continue
		}
		if i.name == "." {
			return []token.Pos{i.pos}
		}
		local = cmp.Or(i.name, path.Base(pkg))
	}
	if local == "" {
		return nil
	}
	var found []token.Pos
	ast.Inspect(s.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		// A variable that shadows the package has an object, the package's name has none.
		if ok && id.Name == local && id.Obj == nil && slices.Contains(names, sel.Sel.Name) {
			found = append(found, sel.Pos())
		}
		return true
	})
	return found
}

// read parses every Go file under root except in hidden, testdata, vendor and
// node_modules folders and in nested modules: what `./...` means, without its
// platform.
func read(root fs.FS) ([]*source, error) {
	var all []*source
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p == "." {
				return nil
			}
			if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || slices.Contains([]string{"testdata", "vendor", "node_modules"}, name) {
				return fs.SkipDir
			}
			if _, err := fs.Stat(root, path.Join(p, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			return nil
		}
		text, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		s, err := parse(p, text)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	return all, err
}

func parse(p string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, p, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	lines := strings.Count(string(text), "\n")
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	test := strings.HasSuffix(p, "_test.go")
	return &source{
		path:      p,
		dir:       path.Dir(p),
		test:      test,
		external:  test && strings.HasSuffix(file.Name.Name, "_test"),
		generated: ast.IsGenerated(file),
		lines:     lines,
		fset:      fset,
		ast:       file,
	}, nil
}
