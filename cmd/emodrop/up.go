package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"emodrop/local/emo"
	"emodrop/local/stack"
	"emodrop/shared/job"
	"emodrop/shared/webhook"
)

// stackFlags are what up and demo have in common.
type stackFlags struct {
	home, faults    string
	transfer        string
	vendor          string
	webhook         string
	port            int
	speed           float64
	maxInFlight     int
	slots           int
	fresh, cloud    bool
	verbose, noOpen bool
}

func (f *stackFlags) add(cmd *cobra.Command, home string) {
	fl := cmd.Flags()
	fl.StringVar(&f.home, "home", home, "folder for drop/, videos/, failed/, checked/ and the state")
	fl.IntVar(&f.port, "port", 0, "port on loopback (default: the last run's, or a free one)")
	fl.Float64Var(&f.speed, "speed", 0, "how many times faster than the real vendor the emulator works (default 10, with --cloud-timing 1)")
	fl.StringVar(&f.transfer, "transfer", string(job.TransferAuto), "how files get to the vendor: auto, presign (links to S3) or temp (its own storage)")
	fl.IntVar(&f.maxInFlight, "max-in-flight", 3, "how many tasks may be at the vendor at once")
	fl.IntVar(&f.slots, "slots", 1, "how many tasks the emulated vendor works on at a time")
	fl.StringVar(&f.faults, "faults", "", "JSON file of faults for the emulated vendor (see docs/emulator.md)")
	fl.StringVar(&f.webhook, "webhook", "", "post every outcome, signed, to this address: http on this machine, or https (docs/messages.md)")
	fl.BoolVar(&f.cloud, "cloud-timing", false, "the deployed stack's own times: a tick a minute, batches every 15 s")
	fl.BoolVar(&f.verbose, "verbose", false, "also show the functions' own log lines")
}

// config makes the stack's configuration, building the functions on the way.
func (f *stackFlags) config(ctx context.Context, stderr io.Writer) (stack.Config, error) {
	src, err := source()
	if err != nil {
		return stack.Config{}, err
	}
	home, err := filepath.Abs(f.home)
	if err != nil {
		return stack.Config{}, err
	}
	if f.port < 0 || f.port > 65535 {
		return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--port %d: want a number from 0 to 65535", f.port)}
	}
	if f.speed < 0 || f.maxInFlight < 1 || f.slots < 1 {
		return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--speed must not be negative, --max-in-flight and --slots must be at least 1")}
	}
	transfer := job.Transfer(f.transfer)
	if !slices.Contains([]job.Transfer{job.TransferAuto, job.TransferPresign, job.TransferTemp}, transfer) {
		return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--transfer %s: want auto, presign or temp", f.transfer)}
	}
	if f.webhook != "" {
		if err := webhook.CheckURL(f.webhook, f.vendor != "dashscope"); err != nil {
			return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--webhook: %w", err)}
		}
	}
	cfg := stack.Config{Home: home, Webhook: f.webhook, Port: f.port, Fresh: f.fresh, Transfer: transfer, MaxInFlight: f.maxInFlight, Slots: f.slots,
		Modules: filepath.Join(src, "local", "aws", "dynamo"), Binaries: filepath.Join(home, ".emodrop", "bin"),
		DynamoEndpoint: os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), Timing: stack.Lively()}
	if f.cloud {
		cfg.Timing = stack.Cloud()
	}
	if f.speed > 0 {
		cfg.Timing.Speed = f.speed
	}
	if f.verbose {
		cfg.Verbose = stderr
	}
	if f.faults != "" {
		file, err := os.Open(f.faults)
		if err != nil {
			return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--faults: %w", err)}
		}
		defer func() { _ = file.Close() }()
		if cfg.Faults, err = emo.ReadRules(file); err != nil {
			return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--faults %s: %w", f.faults, err)}
		}
	}
	if err := f.real(&cfg); err != nil {
		return stack.Config{}, err
	}
	return cfg, build(ctx, src, cfg.Binaries, stderr)
}

// real makes the stack use the real service, with what is fit for it.
func (f *stackFlags) real(cfg *stack.Config) error {
	wrong := func(format string, args ...any) error { return &exitError{exitUsage, fmt.Errorf(format, args...)} }
	switch f.vendor {
	case "", "emulator":
		return nil
	case "dashscope":
	default:
		return wrong("--vendor %s: want emulator or dashscope", f.vendor)
	}
	if f.speed > 0 || f.slots != 1 || f.faults != "" {
		return wrong("--speed, --slots and --faults are the emulator's; they have no meaning with --vendor dashscope")
	}
	if cfg.Transfer == job.TransferPresign {
		return wrong("--transfer presign: the video service cannot fetch from this machine; leave it out, and files are uploaded")
	}
	key, err := realKey(os.Getenv)
	if err != nil {
		return err
	}
	cfg.Vendor = &stack.Vendor{Key: key, BaseURL: strings.TrimSpace(os.Getenv("DASHSCOPE_BASE_URL")), Workspace: strings.TrimSpace(os.Getenv("DASHSCOPE_WORKSPACE"))}
	cfg.Transfer, cfg.Timing = job.TransferTemp, stack.Cloud()
	return nil
}

// realKey is the key of the environment; it is never an argument, which others see.
func realKey(env func(string) string) (job.Secret, error) {
	key := job.Secret(strings.TrimSpace(env("DASHSCOPE_API_KEY")))
	if key == "" {
		return "", &exitError{exitKey, errors.New("DASHSCOPE_API_KEY is not set: export the API key of the Beijing region (https://help.aliyun.com/zh/model-studio/get-api-key)")}
	}
	return key, nil
}

func upCommand(args cobra.PositionalArgs) *cobra.Command {
	f := &stackFlags{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run the whole stack on this machine until Ctrl-C",
		Long: "Runs the four Lambda functions, S3, DynamoDB, the messages and an emulator of the vendor behind one\n" +
			"address on loopback. Copy a picture and a recording of the same name into drop/; the film appears in videos/.",
		Example: "  emodrop up\n  emodrop up --fresh --speed 60\n  emodrop up --cloud-timing\n  DASHSCOPE_API_KEY=sk-… emodrop up --vendor dashscope --home ~/films",
		Args:    args,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			say := lines(cmd.ErrOrStderr())
			cfg.Say = say
			s, err := stack.Start(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			greet(cmd.OutOrStdout(), s, cfg.Home, cfg.Webhook != "")
			if cfg.Vendor != nil {
				p := job.EMO().PricePerSecond
				say(fmt.Sprintf("the real service makes the films: each is paid, ¥%s a second at 1:1, ¥%s at 3:4", p[job.Square].Decimal(), p[job.Portrait].Decimal()))
			}
			if !f.noOpen {
				openPage(s.URL())
			}
			select {
			case <-cmd.Context().Done():
				say("stopping …")
				err = nil
			case err = <-s.Failed():
			}
			end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if e := s.Close(end); err == nil {
				err = e
			}
			return err
		},
	}
	f.add(cmd, ".")
	cmd.Flags().StringVar(&f.vendor, "vendor", "emulator", "who makes the films: emulator, or dashscope (the real service, by the key in DASHSCOPE_API_KEY; every film is paid)")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "forget earlier runs: their jobs, films and records (what is in drop/ stays)")
	cmd.Flags().BoolVar(&f.noOpen, "no-open", false, "do not open the page in a browser")
	return cmd
}

// greet prints all that somebody needs who has just started the stack. The lines
// for AWS's command line can be pasted: releases before 2.13 do not know
// AWS_ENDPOINT_URL, those before 2 not AWS_REGION.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func greet(w io.Writer, s *stack.Stack, home string, posted bool) {
	key, secret, region := s.Credentials()
	const aws = "    aws --endpoint-url $AWS_ENDPOINT_URL s3 cp "
	fmt.Fprintf(w, "\nemodrop is up:  %s\n\n", s.URL())
	fmt.Fprintf(w, "  drop files into  %s\n  films appear in  %s\n\n", filepath.Join(home, "drop"), filepath.Join(home, "videos"))
	if posted {
		fmt.Fprintf(w, "  outcomes are posted to the webhook, signed with\n    %s\n\n", s.WebhookSecret())
	}
	fmt.Fprintf(w, "  AWS's command line and SDKs:\n"+
		"    export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s\n"+
		"    export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", s.URL(), region, region, key, secret)
	fmt.Fprintf(w, aws+"anna.jpg s3://%s/\n"+aws+"anna.mp3 s3://%s/\n"+aws+"s3://%s/videos/anna.mp4 .\n\n  stop with Ctrl-C\n\n",
		stack.Inbox, stack.Inbox, stack.Outbox)
}

// source is the folder of the source tree, whose functions are built and whose
// DynamoDB stand-in is used.
func source() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module emodrop\n") {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", &exitError{exitUsage, fmt.Errorf("run this inside emodrop's source tree: the Lambda functions are built from it")}
		}
		dir = up
	}
}

// build builds the four functions for this machine, with the flags of `go run`, so
// that what is compiled for this command is not compiled a second time, and without
// what only debuggers read, which takes as long to link as the rest.
func build(ctx context.Context, src, into string, stderr io.Writer) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	note := time.AfterFunc(3*time.Second, func() {
		fmt.Fprintln(stderr, "building the four functions; with an empty build cache this takes a minute or two …")
	})
	defer note.Stop()
	cmd := exec.CommandContext(ctx, "go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", into+string(filepath.Separator), "./functions/...")
	cmd.Dir = src
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the functions: %w\n%s", err, out)
	}
	if d := time.Since(begin); d > 3*time.Second {
		fmt.Fprintf(stderr, "built in %s\n", d.Round(time.Second))
	}
	return nil
}

// lines writes whole lines, one at a time.
func lines(w io.Writer) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, line)
	}
}

// openPage opens the page where somebody is there to see it; trouble with it is
// nobody's concern, the address is printed.
func openPage(url string) {
	if info, err := os.Stdout.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
