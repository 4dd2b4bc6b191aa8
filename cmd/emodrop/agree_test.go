package main

import (
	"bytes"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

var (
	// named is a command as texts name it, with what follows on its line.
	named = regexp.MustCompile(`emodrop ([a-z][a-z-]+)([^\n;。；）)|]*)`)
	flag  = regexp.MustCompile(`--[a-z][a-z-]+`)
	// code is what documents mark as to be typed.
	code = regexp.MustCompile("`[^`\n]+`|(?m)^(?:  |    |)(?:\\$ )?(?:emodrop|go run ./cmd/emodrop) .*$")
	// prose follows the name of the project in sentences.
	prose = map[string]bool{"runs": true, "is": true}
)

// Whatever a message, a help or a document tells people to type must be there.
func TestEveryCommandThatATextNamesExistsWithItsFlags(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, c := range job.Codes() {
		for _, lang := range words.Languages() {
			what, fix := words.Explain(job.Fault{Code: c, File: "a.jpg"}, job.Name{Stem: "a"}, lang)
			texts["the text of "+c+" in "+string(lang)] = what + "\n" + fix
		}
	}
	for _, pattern := range []string{"*.go", "reach/*.go", "../../shared/operate/*.go", "../../local/stack/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, f := range files {
			if !strings.HasSuffix(f, "_test.go") {
				texts[f] = literals(t, f)
			}
		}
	}
	docs, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	for _, f := range append(docs, "../../README.md", "../../README.zh-CN.md") {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		texts[f] = strings.ReplaceAll(strings.Join(code.FindAllString(string(b), -1), "\n"), "./cmd/emodrop", "emodrop")
	}
	found := 0
	for where, text := range texts {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if prose[m[1]] {
				continue
			}
			found++
			root := (&program{env: func(string) string { return "" }, stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, lang: words.English}).root()
			cmd, _, err := root.Find([]string{m[1]})
			require.NoError(t, err, "%s names %q", where, m[0])
			require.True(t, root != cmd, "%s names %q", where, m[0])
			rest, _, _ := strings.Cut(m[2], ". ")
			for _, f := range flag.FindAllString(rest, -1) {
				name := strings.TrimPrefix(f, "--")
				require.True(t, cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil || name == "help", "%s names %q", where, m[0])
			}
		}
	}
	require.Greater(t, found, 60, "the texts have been read")
}

// literals are the strings of a Go file.
func literals(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile(file, fset.Base(), len(src)), src, nil, 0)
	var b strings.Builder
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return b.String()
		case token.STRING:
			b.WriteString(strings.ReplaceAll(lit, `\n`, "\n") + "\n")
		}
	}
}
