package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// lab builds mutants and plays the seeds with them. Safe for concurrent use.
type lab struct {
	root, dir string
	seeds     int
}

// patience is how long one mutant may take. One that takes longer is not caught: a
// slow machine must not count as a good test.
const patience = 5 * time.Minute

// result is what became of a mutant.
type result struct {
	// seed is the first that failed, problem what it found; 0 when none did.
	seed    int
	problem string
	took    time.Duration
	// err says why nothing is known.
	err error
}

func (r result) caught() bool { return r.err == nil && r.seed > 0 }

func (r result) String() string {
	switch {
	case r.err != nil:
		return "FAILED  " + r.err.Error()
	case r.seed == 0:
		return fmt.Sprintf("LIVED   %6.1f s  no seed finds anything", r.took.Seconds())
	}
	return fmt.Sprintf("seed %-3d%6.1f s  %s", r.seed, r.took.Seconds(), r.problem)
}

// play builds a mutant and plays seeds until one fails. The time it says is that of
// the seeds alone.
func (l lab) play(ctx context.Context, m mutant) result {
	name := filepath.Join(l.dir, strings.Map(plain, m.name))
	overlay, err := l.overlay(name, m)
	if err != nil {
		return result{err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	binary := name + ".test"
	defer func() { _ = os.Remove(binary) }()
	// #nosec G204 -- the go command, with paths of our own
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "-overlay", overlay, "-ldflags=-s -w", "./local/sim")
	build.Dir = l.root
	if out, err := build.CombinedOutput(); err != nil {
		return result{err: fmt.Errorf("build: %w: %s", err, firstLines(out))}
	}
	began := time.Now()
	// One process, one seed after the other: which seed is the first does not depend
	// on the machine.
	// #nosec G204 -- the binary that was just built
	test := exec.CommandContext(ctx, binary, "-test.run=^TestSeeds$", "-test.failfast", fmt.Sprintf("-seeds=%d", l.seeds))
	test.Dir = filepath.Join(l.root, "local", "sim")
	test.Env = append(os.Environ(), "GOMAXPROCS=1")
	out, err := test.CombinedOutput()
	r := judge(out, err)
	r.took = time.Since(began)
	if ctx.Err() != nil {
		r.err = ctx.Err()
	}
	return r
}

// finding is a line in which TestSeeds says what is wrong with a seed.
var finding = regexp.MustCompile(`(?m)^\s+seeds_test\.go:\d+: seed (\d+): (.*)$`)

// judge reads the output of TestSeeds. Only a promise that is seen to be broken counts
// as caught: a crash says nothing of the guard.
func judge(out []byte, err error) result {
	if err == nil {
		return result{}
	}
	var exit *exec.ExitError
	m := finding.FindSubmatch(out)
	if !errors.As(err, &exit) || m == nil {
		return result{err: fmt.Errorf("%w: %s", err, firstLines(out))}
	}
	seed, err := strconv.Atoi(string(m[1]))
	return result{seed: seed, problem: shorten(string(m[2]), 110), err: err}
}

// overlay writes a mutant's files and says, in the form that the go command takes,
// what they stand for.
func (l lab) overlay(name string, m mutant) (string, error) {
	files, err := m.sources(l.root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, src := range files {
		to := name + "-" + strings.ReplaceAll(file, "/", "-")
		if err := os.WriteFile(to, []byte(src), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(l.root, filepath.FromSlash(file))] = to
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	return name + ".json", os.WriteFile(name+".json", raw, 0o600)
}

func plain(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return '-'
}

func firstLines(out []byte) string {
	lines := bytes.SplitN(bytes.TrimSpace(out), []byte("\n"), 4)
	return shorten(string(bytes.Join(lines[:min(len(lines), 3)], []byte(" / "))), 300)
}

func shorten(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most]) + "…"
}
