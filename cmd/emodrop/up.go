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
	daily, monthly  string
	port            int
	speed           float64
	maxInFlight     int
	slots           int
	fresh, cloud    bool
	verbose, noOpen bool
}

func (f *stackFlags) add(p *program, cmd *cobra.Command, home string) {
	fl := cmd.Flags()
	fl.StringVar(&f.home, "home", home, p.pick("folder for drop/, videos/, failed/, checked/ and the state", "drop/、videos/、failed/、checked/ 和状态所在的目录"))
	fl.IntVar(&f.port, "port", 0, p.pick("port on loopback (default: the last run's, or a free one)", "本机端口（默认沿用上次的，或任选空闲端口）"))
	fl.Float64Var(&f.speed, "speed", 0, p.pick("how many times faster than the real vendor the emulator works (default 10, with --cloud-timing 1)", "模拟器比真实服务快多少倍（默认 10；与 --cloud-timing 同用时为 1）"))
	fl.StringVar(&f.transfer, "transfer", string(job.TransferAuto), p.pick("how files get to the vendor: auto, presign (links to S3) or temp (its own storage)", "文件传给视频服务的方式：auto、presign（S3 链接）或 temp（其临时存储）"))
	fl.IntVar(&f.maxInFlight, "max-in-flight", 3, p.pick("how many tasks may be at the vendor at once", "视频服务中最多同时有多少个任务"))
	fl.StringVar(&f.daily, "daily-budget", "", p.pick("what films may cost in a day, in CNY (simulated ones too; Beijing's day); nothing is sent beyond it", "每天的视频预算（元，模拟费用也计入，按北京时间），用完即停止提交"))
	fl.StringVar(&f.monthly, "monthly-budget", "", p.pick("the same for a month", "每月的视频预算（元）"))
	fl.IntVar(&f.slots, "slots", 1, p.pick("how many tasks the emulated vendor works on at a time", "模拟的视频服务同时处理多少个任务"))
	fl.StringVar(&f.faults, "faults", "", p.pick("JSON file of faults for the emulated vendor (see docs/emulator.md)", "模拟故障的 JSON 文件（参见 docs/emulator.md）"))
	fl.StringVar(&f.webhook, "webhook", "", p.pick("post every outcome, signed, to this address: http on this machine, or https (docs/messages.md)", "将每个结果签名后发送到此地址：本机 http 或任意 https（docs/messages.zh-CN.md）"))
	fl.BoolVar(&f.cloud, "cloud-timing", false, p.pick("the deployed stack's own times: a tick a minute, batches every 15 s", "采用云端部署的节奏：每分钟一次，每 15 秒一批"))
	fl.BoolVar(&f.verbose, "verbose", false, p.pick("also show the functions' own log lines", "同时显示各函数的日志"))
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
	if !slices.Contains([]job.Transfer{"", job.TransferAuto, job.TransferPresign, job.TransferTemp}, transfer) {
		return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--transfer %s: want auto, presign or temp", f.transfer)}
	}
	budget, err := f.budget()
	if err != nil {
		return stack.Config{}, err
	}
	if f.webhook != "" {
		if err := webhook.CheckURL(f.webhook, f.vendor != "dashscope"); err != nil {
			return stack.Config{}, &exitError{exitUsage, fmt.Errorf("--webhook: %w", err)}
		}
	}
	cfg := stack.Config{Home: home, Webhook: f.webhook, Port: f.port, Fresh: f.fresh, Transfer: transfer, Budget: budget, MaxInFlight: f.maxInFlight, Slots: f.slots,
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

// budget is what the flags say that films may cost.
func (f *stackFlags) budget() (b job.Budget, err error) {
	for _, of := range []struct {
		flag, value string
		to          *job.Money
	}{{"daily-budget", f.daily, &b.Daily}, {"monthly-budget", f.monthly, &b.Monthly}} {
		if of.value == "" {
			continue
		}
		if *of.to, err = job.ParseMoney(of.value); err != nil {
			return b, &exitError{exitUsage, fmt.Errorf("--%s %w", of.flag, err)}
		}
	}
	return b, nil
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

func (p *program) upCommand(args cobra.PositionalArgs) *cobra.Command {
	f := &stackFlags{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: p.pick("Run the whole stack on this machine until Ctrl-C", "在本机运行整个系统，直到按下 Ctrl-C"),
		Long: p.pick("Runs the four Lambda functions, S3, DynamoDB, the messages and an emulator of the vendor behind one\n"+
			"address on loopback. Copy a picture and a recording of the same name into drop/; the film appears in videos/.",
			"在本机的一个地址上运行四个 Lambda 函数、S3、DynamoDB、消息服务和视频服务的模拟器。\n"+
				"把同名的图片和录音复制到 drop/，视频会出现在 videos/。"),
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
	f.add(p, cmd, ".")
	cmd.Flags().StringVar(&f.vendor, "vendor", "emulator", p.pick("who makes the films: emulator, or dashscope (the real service, by the key in DASHSCOPE_API_KEY; every film is paid)", "由谁制作视频：emulator（模拟器）或 dashscope（真实服务，使用 DASHSCOPE_API_KEY 中的密钥，每个视频都收费）"))
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, p.pick("forget earlier runs: their jobs, films and records (what is in drop/ stays)", "清除以前运行的任务、视频和记录（drop/ 中的文件保留）"))
	cmd.Flags().BoolVar(&f.noOpen, "no-open", false, p.pick("do not open the page in a browser", "不在浏览器中打开页面"))
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
