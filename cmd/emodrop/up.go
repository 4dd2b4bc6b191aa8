package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/local/emo"
	"emodrop/local/stack"
	"emodrop/shared/dashscope"
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
	fl.StringVar(&f.home, "home", home, p.pick("folder for drop/, videos/, failed/, checked/, status/ and the state", "drop/、videos/、failed/、checked/、status/ 和状态所在的目录"))
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

// check refuses values that mean nothing.
func (f *stackFlags) check(p *program) error {
	switch {
	case f.port < 0 || f.port > 65535:
		return p.usage("--port %d: want a number from 0 to 65535", "--port %d：应为 0 至 65535", f.port)
	case f.maxInFlight < 1:
		return p.usage("--max-in-flight %d: must be at least 1", "--max-in-flight %d：应不小于 1", f.maxInFlight)
	case f.slots < 1:
		return p.usage("--slots %d: must be at least 1", "--slots %d：应不小于 1", f.slots)
	case !slices.Contains([]job.Transfer{"", job.TransferAuto, job.TransferPresign, job.TransferTemp}, job.Transfer(f.transfer)):
		return p.usage("--transfer %s: want auto, presign or temp", "--transfer %s：应为 auto、presign 或 temp", oneLine(f.transfer))
	}
	if f.speed != 0 { // which is the default, in whichever timing
		if err := p.checkSpeed(f.speed); err != nil {
			return err
		}
	}
	if _, err := f.budget(p); err != nil {
		return err
	}
	if f.webhook != "" && webhook.CheckURL(f.webhook, f.vendor != "dashscope") != nil {
		// The address may bear a token: it is not said again.
		return p.usage("--webhook: want an https address, or http on this machine, without a user or a fragment",
			"--webhook：应为 https 地址或本机 http 地址，不含用户名和片段")
	}
	if info, err := os.Stat(f.home); err == nil && !info.IsDir() {
		return p.usage("--home %s: want a folder", "--home %s：应为目录", oneLine(f.home))
	}
	return nil
}

// checkSpeed refuses what the emulated vendor cannot work at.
func (p *program) checkSpeed(speed float64) error {
	if speed >= 1e-3 && speed <= 1e6 { // no comparison holds for NaN
		return nil
	}
	return p.usage("--speed %g: want a number from 0.001 to 1000000", "--speed %g：应为 0.001 至 1000000 之间的数", speed)
}

// faultRules reads a file of faults for the emulated vendor.
func (p *program) faultRules(name string) ([]emo.Rule, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, p.usage("--faults %s: there is no such file, or it may not be read", "--faults %s：文件不存在或无法读取", oneLine(name))
	}
	defer func() { _ = file.Close() }()
	rules, err := emo.ReadRules(file)
	if err != nil {
		return nil, p.usage("--faults %s: %s", "--faults %s：规则有误：%s", oneLine(name), oneLine(err.Error()))
	}
	return rules, nil
}

// config makes the stack's configuration, building the functions on the way.
func (f *stackFlags) config(ctx context.Context, p *program) (stack.Config, error) {
	if err := f.check(p); err != nil {
		return stack.Config{}, err
	}
	src, err := source(p)
	if err != nil {
		return stack.Config{}, err
	}
	home, err := filepath.Abs(f.home)
	if err != nil {
		return stack.Config{}, err
	}
	budget, err := f.budget(p)
	if err != nil {
		return stack.Config{}, err
	}
	cfg := stack.Config{Home: home, Webhook: f.webhook, Port: f.port, Fresh: f.fresh, Transfer: job.Transfer(f.transfer), Budget: budget, MaxInFlight: f.maxInFlight, Slots: f.slots,
		Modules: filepath.Join(src, "local", "aws", "dynamo"), Binaries: filepath.Join(home, ".emodrop", "bin"),
		DynamoEndpoint: p.env("AWS_ENDPOINT_URL_DYNAMODB"), Timing: stack.Lively(), Lang: p.lang}
	if f.cloud {
		cfg.Timing = stack.Cloud()
	}
	if f.speed > 0 {
		cfg.Timing.Speed = f.speed
	}
	if f.verbose {
		cfg.Verbose = p.stderr
	}
	if f.faults != "" {
		if cfg.Faults, err = p.faultRules(f.faults); err != nil {
			return stack.Config{}, err
		}
	}
	if err := f.real(p, &cfg); err != nil {
		return stack.Config{}, err
	}
	return cfg, build(ctx, p, src, cfg.Binaries)
}

// budget is what the flags say that films may cost.
func (f *stackFlags) budget(p *program) (b job.Budget, err error) {
	for _, of := range []struct {
		flag, value string
		to          *job.Money
	}{{"daily-budget", f.daily, &b.Daily}, {"monthly-budget", f.monthly, &b.Monthly}} {
		if of.value == "" {
			continue
		}
		if *of.to, err = job.ParseMoney(of.value); err != nil {
			return b, p.usage("--%s %s: want an amount in CNY above zero, such as 50 or 12.50", "--%s %s：应为大于零的人民币金额，例如 50 或 12.50", of.flag, oneLine(of.value))
		}
	}
	return b, nil
}

// real makes the stack use the real service, with what is fit for it.
func (f *stackFlags) real(p *program, cfg *stack.Config) error {
	switch f.vendor {
	case "", "emulator":
		return nil
	case "dashscope":
	default:
		return p.usage("--vendor %s: want emulator or dashscope", "--vendor %s：应为 emulator 或 dashscope", oneLine(f.vendor))
	}
	if f.speed > 0 || f.slots != 1 || f.faults != "" {
		return p.usage("--speed, --slots and --faults are the emulator's; they have no meaning with --vendor dashscope", "--speed、--slots 和 --faults 属于模拟器，不能与 --vendor dashscope 同用")
	}
	if cfg.Transfer == job.TransferPresign {
		return p.usage("--transfer presign: the video service cannot fetch from this machine; leave it out, and files are uploaded", "--transfer presign：视频服务无法从本机获取文件；请去掉该参数，文件将被上传")
	}
	key, err := p.realKey()
	if err != nil {
		return err
	}
	if _, err := p.realClient(key); err != nil {
		return err
	}
	cfg.Vendor = &stack.Vendor{Key: key, BaseURL: strings.TrimSpace(p.env("DASHSCOPE_BASE_URL")), Workspace: strings.TrimSpace(p.env("DASHSCOPE_WORKSPACE"))}
	cfg.Transfer, cfg.Timing = job.TransferTemp, stack.Cloud()
	// From a laptop the files may take minutes to get there.
	cfg.Timing.Redeliver = 10 * time.Minute
	return nil
}

// realKey is the key of the environment; it is never an argument, which others see.
func (p *program) realKey() (job.Secret, error) {
	key := job.Secret(strings.TrimSpace(p.env("DASHSCOPE_API_KEY")))
	if key == "" {
		return "", p.problem(exitKey, "no_key", "DASHSCOPE_API_KEY is not set.", "未设置 DASHSCOPE_API_KEY。",
			"Export the API key of the Beijing region (https://help.aliyun.com/zh/model-studio/get-api-key).",
			"请设置北京地域的 API Key（https://help.aliyun.com/zh/model-studio/get-api-key）。")
	}
	return key, nil
}

// realClient is the real service as the environment has it.
func (p *program) realClient(key job.Secret) (*dashscope.Client, error) {
	client, err := dashscope.New(dashscope.Config{BaseURL: strings.TrimSpace(p.env("DASHSCOPE_BASE_URL")), Workspace: strings.TrimSpace(p.env("DASHSCOPE_WORKSPACE")),
		Key: func(context.Context) (job.Secret, error) { return key, nil }})
	if err != nil { // of what is given, only these can be wrong
		return nil, p.usage("DASHSCOPE_BASE_URL: want an absolute http or https address without a user, a query or a fragment; and in DASHSCOPE_WORKSPACE plain ASCII",
			"DASHSCOPE_BASE_URL：应为不含用户名、查询和片段的完整 http 或 https 地址；DASHSCOPE_WORKSPACE 应为 ASCII 字符")
	}
	return client, nil
}

func (p *program) upCommand() *cobra.Command {
	f := &stackFlags{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: p.pick("Run the whole stack on this machine until Ctrl-C", "在本机运行整个系统，直到按下 Ctrl-C"),
		Long: p.pick("Runs the four Lambda functions, S3, DynamoDB, the messages and an emulator of the vendor behind one\n"+
			"address on loopback. Copy a picture and a recording of the same name into drop/; the film appears in videos/.",
			"在本机的一个地址上运行四个 Lambda 函数、S3、DynamoDB、消息服务和视频服务的模拟器。\n"+
				"把同名的图片和录音复制到 drop/，视频会出现在 videos/。"),
		Example: "  emodrop up\n  emodrop up --fresh --speed 60\n  emodrop up --cloud-timing\n  DASHSCOPE_API_KEY=sk-… emodrop up --vendor dashscope --home ~/films",
		Args:    p.arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.config(cmd.Context(), p)
			if err != nil {
				return err
			}
			say := p.talk()
			cfg.Say = say
			s, err := stack.Start(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			p.greet(s, cfg.Home, cfg.Webhook != "")
			if cfg.Vendor != nil {
				price := job.EMO().PricePerSecond
				say(fmt.Sprintf(p.pick("the real service makes the films: each is paid, ¥%s a second at 1:1, ¥%s at 3:4", "由真实服务制作视频，每个都收费：1:1 每秒 ¥%s，3:4 每秒 ¥%s"), price[job.Square].Decimal(), price[job.Portrait].Decimal()))
			}
			if !f.noOpen {
				openPage(s.URL())
			}
			select {
			case <-cmd.Context().Done():
				say(p.pick("stopping …", "正在停止……"))
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
func (p *program) greet(s *stack.Stack, home string, posted bool) {
	key, secret, region := s.Credentials()
	if p.json {
		l := running{URL: s.URL(), Drop: filepath.Join(home, "drop"), Videos: filepath.Join(home, "videos"), Inbox: stack.Inbox, Outbox: stack.Outbox,
			Region: region, AccessKeyID: key, SecretAccessKey: secret}
		if posted {
			l.WebhookSecret = s.WebhookSecret()
		}
		p.line(l)
		return
	}
	const aws = "    aws --endpoint-url $AWS_ENDPOINT_URL s3 cp "
	p.print("\n"+p.pick("emodrop is up:  %s", "emodrop 已启动：  %s")+"\n\n", s.URL())
	p.print("  "+p.pick("drop files into  %s\n  films appear in  %s", "文件放入  %s\n  视频出现在  %s")+"\n\n", filepath.Join(home, "drop"), filepath.Join(home, "videos"))
	if posted {
		p.print("  "+p.pick("outcomes are posted to the webhook, signed with\n    %s", "结果发送到 webhook，签名密钥为\n    %s")+"\n\n", s.WebhookSecret())
	}
	p.print("  "+p.pick("AWS's command line and SDKs:", "AWS 命令行与 SDK：")+"\n"+
		"    export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_DEFAULT_REGION=%s\n"+
		"    export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", s.URL(), region, region, key, secret)
	p.print(aws+"anna.jpg s3://%s/\n"+aws+"anna.mp3 s3://%s/\n"+aws+"s3://%s/videos/anna.mp4 .\n\n  "+p.pick("stop with Ctrl-C", "按 Ctrl-C 停止")+"\n\n",
		stack.Inbox, stack.Inbox, stack.Outbox)
}

// running is a local stack as programs are told of it. The keys are this stack's own
// and open nothing else.
type running struct {
	URL             string `json:"url"`
	Drop            string `json:"drop"`
	Videos          string `json:"videos"`
	Inbox           string `json:"inbox"`
	Outbox          string `json:"outbox"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
	WebhookSecret   string `json:"webhook_secret,omitempty"`
}

// source is the folder of the source tree, whose functions are built and whose
// DynamoDB stand-in is used.
func source(p *program) (string, error) {
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
			return "", p.usage("run this inside emodrop's source tree: the Lambda functions are built from it", "请在 emodrop 源码目录中运行：Lambda 函数由源码构建")
		}
		dir = up
	}
}

// build builds the four functions for this machine, with the flags of `go run`, so
// that what is compiled for this command is not compiled a second time, and without
// what only debuggers read, which takes as long to link as the rest.
func build(ctx context.Context, p *program, src, into string) error {
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	note := time.AfterFunc(3*time.Second, func() {
		p.say("building the four functions; with an empty build cache this takes a minute or two …", "正在构建四个函数；构建缓存为空时需要一两分钟……")
	})
	defer note.Stop()
	cmd := exec.CommandContext(ctx, "go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", into+string(filepath.Separator), "./functions/...")
	cmd.Dir = src
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the functions: %w\n%s", err, out)
	}
	if d := time.Since(begin); d > 3*time.Second {
		p.say("built in %s", "构建用时 %s", d.Round(time.Second))
	}
	return nil
}

// talk is how a stack talks to a person: by lines, whatever the names in them hold.
func (p *program) talk() func(string) {
	return func(line string) { p.say("%s", "%s", oneLine(line)) }
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
