package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/words"
)

// program is one run of the command: where it reads and writes, and how it talks.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	// find finds the stack that is meant.
	find func(context.Context, reach.Wanted, func(string) string) (*reach.Stack, error)
	lang words.Lang
	// json: data and errors are JSON, one to a line, and nothing else is said.
	json   bool
	wanted reach.Wanted
	// called is the verb that was called, as it is written.
	called string

	mu sync.Mutex
}

func (p *program) pick(en, zh string) string {
	if p.lang == words.Chinese {
		return zh
	}
	return en
}

// say talks to a person, on standard error.
func (p *program) say(en, zh string, args ...any) {
	if p.json {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.stderr, p.pick(en, zh)+"\n", args...)
}

// print writes data for people, on standard output.
func (p *program) print(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.stdout, format, args...)
}

// line writes data for programs: one value on one line.
func (p *program) line(v any) { p.jsonTo(p.stdout, v) }

func (p *program) jsonTo(w io.Writer, v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // our own shapes, all of which JSON has a form for
}

// stack finds the stack that is meant.
func (p *program) stack(ctx context.Context) (*reach.Stack, error) {
	return p.find(ctx, p.wanted, p.env)
}

// live says whether somebody watches a stream: only there anything is drawn over.
func (p *program) live(stream any) bool {
	return !p.json && p.env("TERM") != "dumb" && isTerminal(stream)
}

// colour says whether a stream may be coloured: https://no-color.org.
func (p *program) colour(stream any) bool { return p.live(stream) && p.env("NO_COLOR") == "" }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// size is a terminal's columns and rows, with room left; a guess where it has none.
func size(stream any) (columns, rows int) {
	if f, ok := stream.(*os.File); ok {
		if w, h, err := term.GetSize(int(f.Fd())); err == nil && w > 20 && h > 5 {
			return w, h
		}
	}
	return 80, 24
}
