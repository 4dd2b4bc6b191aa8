// Command mutants shows what the simulation is worth: it takes one guard after the
// other out of the real code and demands that the seeds of TestSeeds notice.
//
// It changes no file: the go command builds each mutant through an overlay. It does
// not look for guards by itself and proves nothing of those that are not in its
// table. Its one invariant: a mutant that was not applied exactly as the table says,
// or that no seed has caught by a broken promise, makes the run fail.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

func main() {
	seeds := flag.Int("seeds", 500, "how many seeds a mutant may live through")
	only := flag.String("run", "", "only mutants whose name matches this regular expression")
	atOnce := flag.Int("at-once", min(2, runtime.NumCPU()), "how many mutants are built and run at the same time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, *only, *seeds, *atOnce)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run plays all mutants whose name matches and prints what became of them, in the
// order of the table. An error says that not all were caught.
func run(ctx context.Context, out io.Writer, only string, seeds, atOnce int) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "emodrop-mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l := lab{root: root, dir: dir, seeds: seeds}
	began := time.Now()

	// The control: with every guard in its place nothing may be found, or all that
	// follows says nothing.
	control := l.play(ctx, mutant{name: "no guard removed"})
	if control.err != nil || control.caught() {
		return fmt.Errorf("the code as it is: %s", control)
	}
	fmt.Fprintf(out, "%d seeds find nothing in the code as it is (%s)\n\n", seeds, control.took.Round(time.Second))

	var chosen []mutant
	for _, m := range table() {
		if match.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	results := make([]result, len(chosen))
	done := make([]chan struct{}, len(chosen))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var wg sync.WaitGroup
	places := make(chan struct{}, max(1, atOnce))
	wg.Go(func() {
		for i, m := range chosen {
			places <- struct{}{}
			wg.Go(func() {
				results[i] = l.play(ctx, m)
				<-places
				close(done[i])
			})
		}
	})
	lived := 0
	for i, m := range chosen {
		<-done[i]
		if !results[i].caught() {
			lived++
		}
		fmt.Fprintf(out, "%2d  %-36s %s\n", i+1, m.name, results[i])
	}
	wg.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	fmt.Fprintf(out, "\n%d mutants in %s\n", len(chosen), time.Since(began).Round(time.Second))
	if lived > 0 {
		return fmt.Errorf("%d of %d mutants were not caught", lived, len(chosen))
	}
	return nil
}

// moduleRoot is the folder of go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(mod))), nil
}
