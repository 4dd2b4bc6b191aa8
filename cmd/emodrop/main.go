// Command emodrop runs emodrop on one machine: the whole stack, a demonstration of
// it, or the emulator of the vendor alone.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes. They are stable: scripts rely on them.
const (
	exitOther       = 1
	exitUsage       = 2
	exitJobFailed   = 3
	exitTimeout     = 5
	exitInterrupted = 130
)

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with everything it touches as parameters.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "emodrop",
		Short: "Drop a portrait and a voice recording, get a talking-head video",
		Long: "emodrop runs the whole pipeline on this machine, with an emulator of the vendor: no account, no key.\n" +
			"Data goes to standard output, talk to standard error.",
		Example:       "  emodrop up            # the whole stack; a page opens, drop/ takes files\n  emodrop demo          # one sample pair from drop to film\n  emodrop emulator      # DashScope EMO alone, for your own client",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &exitError{exitUsage, fmt.Errorf("%w\n  see: %s --help", err, cmd.CommandPath())}
	})
	// An argument nobody asked for, or a command nobody knows.
	usage := func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return &exitError{exitUsage, fmt.Errorf("%q is more than %s takes\n  see: %s --help", args[0], cmd.CommandPath(), cmd.CommandPath())}
		}
		return nil
	}
	root.Args = usage
	root.AddCommand(upCommand(usage), demoCommand(usage), invokeCommand(), emulatorCommand(usage), versionCommand(usage))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var e *exitError
	switch {
	case errors.As(err, &e):
		fmt.Fprintln(stderr, "emodrop:", e.err)
		return e.code
	case ctx.Err() != nil:
		return exitInterrupted
	}
	fmt.Fprintln(stderr, "emodrop:", err)
	return exitOther
}
