package template

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

const root = "../.." // of the repository, seen from this package

// A tree is a parsed template: maps, lists and texts. Numbers and booleans are
// texts too, as they are to CloudFormation, and its short forms (!Ref x) are
// spelled out ({"Ref": "x"}).
type tree struct{ top map[string]any }

// load is the repository's template, a copy of one's own that a test may edit.
func load() (*tree, error) {
	t, err := read()
	if err != nil {
		return nil, err
	}
	return &tree{clone(t.top).(map[string]any)}, nil
}

var read = sync.OnceValues(func() (*tree, error) {
	text, err := os.ReadFile(root + "/template.yaml")
	if err != nil {
		return nil, err
	}
	return parse(text)
})

func parse(text []byte) (*tree, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("no document")
	}
	v, err := plain(doc.Content[0])
	if err != nil {
		return nil, err
	}
	top, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the document is no map")
	}
	return &tree{top}, nil
}

var shortForms = []string{"Sub", "If", "Equals", "Not", "And", "Or", "Join", "Select", "Split", "GetAtt"}

func plain(n *yaml.Node) (any, error) {
	v, err := bare(n)
	if err != nil || strings.HasPrefix(n.Tag, "!!") || n.Tag == "" {
		return v, err
	}
	switch form := strings.TrimPrefix(n.Tag, "!"); {
	case form == "Ref" || form == "Condition":
		return map[string]any{form: v}, nil
	case form == "GetAtt" && n.Kind == yaml.ScalarNode:
		of, name, _ := strings.Cut(n.Value, ".")
		return map[string]any{"Fn::GetAtt": []any{of, name}}, nil
	case slices.Contains(shortForms, form):
		return map[string]any{"Fn::" + form: v}, nil
	}
	return nil, fmt.Errorf("line %d: %s is no form that these tests know", n.Line, n.Tag)
}

// bare is a node's value without its own tag.
func bare(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil, nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			v, err := plain(c)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return list, nil
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if _, twice := m[key]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, key)
			}
			v, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[key] = v
		}
		return m, nil
	}
	return nil, fmt.Errorf("line %d: CloudFormation knows no anchors", n.Line)
}

// at follows a path of keys and list indexes, separated by slashes; nil where there
// is nothing.
func at(v any, path string) any {
	for part := range strings.SplitSeq(path, "/") {
		switch c := v.(type) {
		case map[string]any:
			v = c[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

func textAt(v any, path string) string { return text(at(v, path)) }

func text(v any) string { s, _ := v.(string); return s }

func number(v any) int { n, _ := strconv.Atoi(text(v)); return n }

func mapAt(v any, path string) map[string]any { m, _ := at(v, path).(map[string]any); return m }

// list is a list as it stands, or the one thing in its place: CloudFormation's
// policies allow both.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func texts(v any) []string {
	var all []string
	for _, e := range list(v) {
		all = append(all, text(e))
	}
	return all
}

// walk visits every value, parents first, with its path.
func walk(v any, path string, visit func(path string, v any)) {
	visit(path, v)
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sorted(v) {
			walk(v[k], path+"/"+k, visit)
		}
	case []any:
		for i, e := range v {
			walk(e, path+"/"+strconv.Itoa(i), visit)
		}
	}
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// A resource is one entry of Resources.
type resource struct {
	id, kind, condition string
	props, all          map[string]any
}

const serverless = "AWS::Serverless::Function"

// resource is the one of that id; its kind is empty when there is none. Of a
// function, the properties in Globals count as its own.
func (t *tree) resource(id string) resource {
	all := mapAt(t.top, "Resources/"+id)
	r := resource{id: id, kind: textAt(all, "Type"), condition: textAt(all, "Condition"), props: mapAt(all, "Properties"), all: all}
	if r.kind == serverless {
		r.props = merge(mapAt(t.top, "Globals/Function"), r.props)
	}
	return r
}

// ofKind is every resource of that type, in the order of their ids.
func (t *tree) ofKind(kind string) []resource {
	var all []resource
	for _, id := range sorted(mapAt(t.top, "Resources")) {
		if r := t.resource(id); r.kind == kind {
			all = append(all, r)
		}
	}
	return all
}

// name of a function: its folder.
func (r resource) name() string {
	return strings.Trim(strings.TrimPrefix(text(r.props["CodeUri"]), "functions"), "/")
}

// function is the one of that name.
func (t *tree) function(name string) resource {
	for _, r := range t.ofKind(serverless) {
		if r.name() == name {
			return r
		}
	}
	return resource{}
}

func merge(under, over map[string]any) map[string]any {
	m := make(map[string]any, len(under)+len(over))
	for k, v := range under {
		m[k] = v
	}
	for k, v := range over {
		a, both := m[k].(map[string]any)
		b, maps := v.(map[string]any)
		if both && maps {
			v = merge(a, b)
		}
		m[k] = v
	}
	return m
}
