package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxSidecar is the largest document of options, in bytes: it is read whole. maxNesting
// is how deep it may go: deeper than any that means something.
const (
	maxSidecar = 16 << 10
	maxNesting = 8
)

// kindOf is what a node of a document is.
type kindOf int

const (
	object kindOf = iota
	list
	text
	number
	boolean
	null
)

// node is a value of a document as it was written: names in their order, and numbers
// in their own digits.
type node struct {
	kind    kindOf
	text    string // of a text, a number, or a boolean
	members []member
	items   []node
}

type member struct {
	name string
	node
}

// parse reads a document of options. Its error says, for people, what is wrong where.
//
// It is stricter than encoding/json, which takes the last of two members of one name
// and makes characters up for bytes that are none: two readers of such a document may
// see two things in it.
func parse(doc []byte) (node, error) {
	if len(doc) > maxSidecar {
		return node{}, errTooLong
	}
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf")) // as editors of Windows begin a file
	if !utf8.Valid(doc) {
		return node{}, errors.New("the document is not UTF-8")
	}
	if len(bytes.TrimSpace(doc)) == 0 {
		return node{}, errors.New("the document is empty")
	}
	var wrong *json.SyntaxError
	var whole json.RawMessage
	if err := json.Unmarshal(doc, &whole); errors.As(err, &wrong) {
		before := doc[:max(0, min(int(wrong.Offset)-1, len(doc)))]
		line := bytes.Count(before, []byte("\n")) + 1
		column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
		return node{}, fmt.Errorf("line %d, column %d: not valid JSON", line, column)
	} else if err != nil {
		return node{}, errors.New("line 1, column 1: not valid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	return value(d, "", 0)
}

var errTooLong = fmt.Errorf("the document has more than %d bytes", maxSidecar)

// value reads the next value of a valid document.
func value(d *json.Decoder, path string, depth int) (node, error) {
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := t.(type) {
	case string:
		return node{kind: text, text: t}, nil
	case json.Number:
		return node{kind: number, text: t.String()}, nil
	case bool:
		return node{kind: boolean, text: fmt.Sprint(t)}, nil
	case json.Delim:
		if depth == maxNesting {
			return node{}, errors.New("the document is nested too deeply")
		}
		n := node{kind: list}
		if t == '{' {
			n.kind = object
		}
		for d.More() {
			if n.kind == list {
				v, err := value(d, fmt.Sprintf("%s[%d]", path, len(n.items)), depth+1)
				if err != nil {
					return node{}, err
				}
				n.items = append(n.items, v)
				continue
			}
			name, err := d.Token()
			if err != nil {
				return node{}, err
			}
			m := member{name: fmt.Sprint(name)}
			at := below(path, m.name)
			if _, twice := n.member(m.name); twice {
				return node{}, fmt.Errorf("%s: stands there twice", at)
			}
			if m.node, err = value(d, at, depth+1); err != nil {
				return node{}, err
			}
			n.members = append(n.members, m)
		}
		_, err := d.Token()
		return n, err
	}
	return node{kind: null}, nil
}

func (n node) member(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.node, true
		}
	}
	return node{}, false
}

// maxPath bounds what is said of a name that somebody else has chosen, in bytes.
const maxPath = 60

// below is the path of a member, cut where its name is no name any more.
func below(path, name string) string {
	if len(name) > maxPath {
		cut := maxPath
		for cut > 0 && !utf8.RuneStart(name[cut]) {
			cut--
		}
		name = name[:cut] + "…"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
