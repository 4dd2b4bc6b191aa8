package memdb

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// path leads to an attribute, possibly inside maps.
type path []string

func (p path) String() string { return "[" + strings.Join(p, ", ") + "]" }

// maxExpression is the longest expression.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-expression-parameters
const maxExpression = 4096

// parser reads one expression by recursive descent. The first thing wrong stays
// in err, and from then on there are no more tokens.
type parser struct {
	*scope
	kind   string // of expression, as errors name it
	source string
	tokens []token
	next   int
	err    error
	// sizes is how often size() has been read.
	sizes int
	// group is the last group in parentheses that was read: its first and last token.
	group [2]int
}

// token is a word, #name, :value, operator or mark; empty at the end.
type token struct {
	text string
	at   int
}

func (sc *scope) parser(kind, source string) *parser {
	p := &parser{scope: sc, kind: kind, source: source}
	if len(source) > maxExpression {
		p.fail("Expression size has exceeded the maximum allowed size")
		return p
	}
	p.scan()
	if len(p.tokens) == 0 {
		p.fail("The expression can not be empty;")
	}
	return p
}

// scan cuts the source into tokens.
func (p *parser) scan() {
	for i := 0; i < len(p.source); {
		c, n := p.source[i], 1
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '#' || c == ':' || letter(c):
			for i+n < len(p.source) && (letter(p.source[i+n]) || p.source[i+n] >= '0' && p.source[i+n] <= '9') {
				n++
			}
		case c == '<' && i+1 < len(p.source) && strings.IndexByte("=>", p.source[i+1]) >= 0,
			c == '>' && i+1 < len(p.source) && p.source[i+1] == '=':
			n = 2
		case strings.IndexByte("=<>(),.", c) < 0:
			p.tokens = append(p.tokens, token{p.source[i:], i})
			p.next = len(p.tokens) - 1
			p.unexpected()
			return
		}
		p.tokens = append(p.tokens, token{p.source[i : i+n], i})
		i += n
	}
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid "+p.kind+": "+format, args...)
	}
	p.next = len(p.tokens)
}

// unexpected fails at the token that comes next.
func (p *parser) unexpected() {
	t, at := p.peek(), len(p.source)
	if p.next < len(p.tokens) {
		at = p.tokens[p.next].at
	}
	if t == "" {
		t = "<EOF>"
	}
	p.fail("Syntax error; token: %q, near: %q", t, p.source[max(0, at-20):min(len(p.source), at+20)])
}

// peek is the token that comes next, empty at the end.
func (p *parser) peek() string {
	if p.next < len(p.tokens) {
		return p.tokens[p.next].text
	}
	return ""
}

// take takes the next token if it is that one; keywords in any letter case.
func (p *parser) take(what string) bool {
	if t := p.peek(); t == "" || !strings.EqualFold(t, what) {
		return false
	}
	p.next++
	return true
}

func (p *parser) want(what string) {
	if !p.take(what) {
		p.unexpected()
	}
}

// end fails unless all has been read.
func (p *parser) end() error {
	if p.err == nil && p.next < len(p.tokens) {
		p.unexpected()
	}
	return p.err
}

// path reads names with dots between them.
func (p *parser) path() path {
	var out path
	for {
		out = append(out, p.name())
		if p.err != nil || !p.take(".") {
			return out
		}
	}
}

// name reads a #placeholder. Names that stand for themselves are not known: some
// six hundred reserved words are none.
func (p *parser) name() string {
	t := p.peek()
	if len(t) < 2 || t[0] != '#' {
		if t != "" && letter(t[0]) && p.err == nil {
			p.err = unknown("names without a #placeholder, such as %q in an %s", t, p.kind)
		}
		p.unexpected()
		return ""
	}
	name, ok := p.names[t]
	if !ok {
		p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t)
		return ""
	}
	p.used[t] = true
	p.next++
	return name
}

// literal reads a :placeholder.
func (p *parser) literal() value {
	t := p.peek()
	if len(t) < 2 || t[0] != ':' {
		p.unexpected()
		return null{}
	}
	v, ok := p.values[t]
	if !ok {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t)
		return null{}
	}
	p.used[t] = true
	p.next++
	return v
}

// operand is a path, the size of what is at a path, or a value.
type operand struct {
	path    path
	sized   bool
	literal value
}

// of is the operand's value for an item; nil when there is none.
func (o operand) of(it item) value {
	if o.path == nil {
		return o.literal
	}
	v := it.lookup(o.path)
	if !o.sized {
		return v
	}
	n := 0
	switch v := v.(type) {
	case text:
		n = utf8.RuneCountInString(string(v))
	case document:
		n = len(v)
	case list:
		n = len(v)
	default:
		return nil
	}
	return whole(n)
}

func (p *parser) operand() operand {
	switch t := p.peek(); {
	case strings.HasPrefix(t, ":"):
		return operand{literal: p.literal()}
	case t == "size":
		p.next++
		p.sizes++
		p.want("(")
		o := operand{path: p.path(), sized: true}
		p.want(")")
		return o
	case t != "" && letter(t[0]) && p.next+1 < len(p.tokens) && p.tokens[p.next+1].text == "(":
		if p.err == nil {
			p.err = unknown("the function %s in this place of a %s", t, p.kind)
		}
		p.next = len(p.tokens)
	}
	return operand{path: p.path()}
}

// distinct refuses an operator that compares a path with itself.
func (p *parser) distinct(op string, first operand, rest ...operand) {
	for _, o := range rest {
		if first.path != nil && first.sized == o.sized && slices.Equal(first.path, o.path) {
			p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", op, first.path)
		}
	}
}

// ordered refuses values that have no order.
func (p *parser) ordered(op string, operands ...operand) {
	for _, o := range operands {
		if o.literal == nil {
			continue
		}
		if k := o.literal.kind(); k != "S" && k != "N" {
			p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, k)
		}
	}
}
