package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

// finding is what one check found.
type finding struct {
	Check   string `json:"check"`
	OK      bool   `json:"ok"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
	exit    int
}

// check is one thing that doctor looks at.
type check struct {
	name string
	of   text
	run  func(context.Context, *reach.Stack) finding
}

func (p *program) doctorCommand() *cobra.Command {
	var vendor string
	cmd := p.command(verb{
		use:   "doctor",
		short: text{"Look whether a stack is in order, and say what to do", "检查部署是否正常，并给出解决方法"},
		long: text{"Looks at credentials and permissions, the buckets and their events, the schedule, the API key and its region (by a\n" +
			"free call), the clock, the gate, and in AWS at the mail subscriptions and at what was given up. Changes nothing\n" +
			"and costs nothing. It ends with 0 when all is well, 4 when a key or permission is the trouble, 1 otherwise.",
			"检查凭证与权限、存储桶及其事件、定时任务、API Key 及其地域（免费调用）、时钟、提交状态；在 AWS 中还检查邮件订阅和被放弃的\n事件。不做任何更改，不产生费用。一切正常时退出码为 0，密钥或权限有问题时为 4，其他问题为 1。"},
		example: "  emodrop doctor\n  emodrop doctor --stack emodrop --json\n  DASHSCOPE_API_KEY=sk-… emodrop doctor --vendor dashscope",
		run: func(cmd *cobra.Command, _ []string) error {
			switch vendor {
			case "":
			case "dashscope":
				return p.doctorVendor(cmd.Context())
			default:
				return p.usage("--vendor %s: want dashscope.", "--vendor %s：应为 dashscope。", vendor)
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			return p.doctor(cmd.Context(), st)
		},
	})
	cmd.Flags().StringVar(&vendor, "vendor", "", p.pick("without a stack: look at the video service alone, with the key in DASHSCOPE_API_KEY (dashscope)",
		"不检查部署：仅用 DASHSCOPE_API_KEY 中的密钥检查视频服务（dashscope）"))
	return cmd
}

// doctorVendor looks at the real service with the key of the environment: by calls that
// cost nothing.
func (p *program) doctorVendor(ctx context.Context) error {
	key, err := p.realKey()
	if err != nil {
		return err
	}
	client, err := p.realClient(key)
	if err != nil {
		return err
	}
	return p.examine(ctx, &reach.Stack{Vendor: client}, []check{
		{"key", text{"API key", "API Key"}, p.checkKey},
		{"upload", text{"uploads", "上传"}, p.checkUpload},
		{"clock", text{"clock", "时钟"}, p.checkVendorClock},
	})
}

// checkUpload asks for a permit to upload, and uploads nothing.
func (p *program) checkUpload(ctx context.Context, st *reach.Stack) finding {
	if err := st.Vendor.MayUpload(ctx, job.EMO().Model); err != nil {
		return p.ill(err)
	}
	return p.fine("permitted, for %s", "允许为 %s 上传", job.EMO().Model)
}

func (p *program) checkVendorClock(ctx context.Context, st *reach.Stack) finding {
	at, err := st.Vendor.Clock(ctx)
	if err != nil {
		return p.ill(err)
	}
	return p.clock(time.Since(at))
}

// checkWithin bounds one check.
const checkWithin = 15 * time.Second

func (p *program) doctor(ctx context.Context, st *reach.Stack) error {
	checks := []check{
		{"credentials", text{"credentials", "凭证"}, p.checkCaller},
		{"table", text{"jobs table", "任务表"}, p.checkTable},
		{"inbox", text{"inbox", "收件桶"}, p.checkInbox},
		{"outbox", text{"outbox", "成品桶"}, p.checkOutbox},
		{"schedule", text{"schedule", "定时任务"}, p.checkSchedule},
		{"key", text{"API key", "API Key"}, p.checkKey},
		{"clock", text{"clock", "时钟"}, p.checkClock},
		{"gate", text{"sending", "提交"}, p.checkGate},
	}
	if !st.Local {
		checks = append(checks, check{"events", text{"events of the inbox", "收件桶事件"}, p.checkEvents},
			check{"mail", text{"mail", "邮件"}, p.checkMail}, check{"dead_letters", text{"given up", "被放弃的事件"}, p.checkDeadLetters})
	}
	return p.examine(ctx, st, checks)
}

// examine makes the checks one after the other and says what each has found.
func (p *program) examine(ctx context.Context, st *reach.Stack, checks []check) error {
	wide := 0
	for _, c := range checks {
		wide = max(wide, columns(p.pick(c.of.en, c.of.zh)))
	}
	colour := p.colour(p.stdout)
	worst := 0
	for _, c := range checks {
		bounded, cancel := context.WithTimeout(ctx, checkWithin)
		f := c.run(bounded, st)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.Check = c.name
		if !f.OK && worst != exitKey {
			worst = max(exitOther, f.exit)
		}
		if p.json {
			p.line(f)
			continue
		}
		mark, tone := "ok", green
		if !f.OK {
			mark, tone = "!!", red
		}
		label := p.pick(c.of.en, c.of.zh)
		p.print("%s  %s%*s  %s\n", paint(colour, tone, mark), label, wide-columns(label), "", f.Message)
		if f.Fix != "" {
			p.print("      %s\n", f.Fix)
		}
	}
	if worst != 0 {
		return &told{worst}
	}
	return nil
}

func (p *program) fine(en, zh string, args ...any) finding {
	return finding{OK: true, Message: fmt.Sprintf(p.pick(en, zh), args...)}
}

// ill is a finding of what an error says.
func (p *program) ill(err error) finding {
	pr := p.problemOf(err)
	return finding{Message: pr.Message, Fix: pr.Fix, exit: pr.exit}
}

func (p *program) bad(en, zh, fixEN, fixZH string, args ...any) finding {
	return finding{Message: fmt.Sprintf(p.pick(en, zh), args...), Fix: p.pick(fixEN, fixZH)}
}

func (p *program) checkCaller(ctx context.Context, st *reach.Stack) finding {
	out, err := sts.NewFromConfig(st.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return p.ill(err)
	}
	return p.fine("%s", "%s", *out.Arn)
}

// checkTable reads, and tries a write whose condition cannot hold: that shows the
// permission and changes nothing.
func (p *program) checkTable(ctx context.Context, st *reach.Stack) finding {
	if _, _, err := st.Jobs.Page(ctx, time.Time{}, time.Now(), 1); err != nil {
		return p.ill(err)
	}
	never := job.Stem{Name: job.Name{Dir: "_emodrop", Stem: "doctor"}, Rev: 1 << 52}
	if _, err := st.Jobs.PutStem(ctx, never, never); err != nil && !errors.Is(err, job.ErrConflict) {
		return p.ill(err)
	}
	return p.fine("%s can be read and written", "%s 可读写", st.Table)
}

// checkInbox lists, and tries a put on a condition that cannot hold.
func (p *program) checkInbox(ctx context.Context, st *reach.Stack) finding {
	if _, err := st.Listed.Page(ctx, "", 1); err != nil {
		return p.ill(err)
	}
	return p.fine("%s can be listed", "%s 可列出", st.Inbox)
}

func (p *program) checkOutbox(ctx context.Context, st *reach.Stack) finding {
	if _, err := st.Files.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &st.Outbox}); err != nil {
		return p.ill(err)
	}
	return p.fine("%s is there", "%s 正常", st.Outbox)
}

// late is how far past its time the sweep's record may be: poll looks at it every
// minute.
const late = 5 * time.Minute

// checkSchedule goes by the sweep, which poll plans at its first run and drives on
// at every later one that is due.
func (p *program) checkSchedule(ctx context.Context, st *reach.Stack) finding {
	sw, err := st.Jobs.Sweep(ctx)
	switch {
	case err != nil:
		return p.ill(err)
	case sw.Rev == 0:
		return p.bad("poll has never run", "poll 从未运行",
			"A stack that was just made runs it within a minute; else see its schedule and log.", "刚部署的系统会在一分钟内运行；否则请检查其定时任务和日志。")
	case time.Since(sw.Due) > late:
		return p.bad("poll has not run since %s", "poll 自 %s 起没有运行", "See its schedule, its log and the account's concurrency.",
			"请检查其定时任务、日志和账户的并发限额。", moment(sw.Due))
	}
	return p.fine("poll runs", "poll 正常运行")
}

// checkKey asks the vendor for a list, which costs nothing. A key of another region
// is refused like a wrong one.
// Source: https://help.aliyun.com/zh/model-studio/error-code (2025)
func (p *program) checkKey(ctx context.Context, st *reach.Stack) finding {
	_, err := st.Vendor.List(ctx, job.ListQuery{Page: 1, PageSize: 1})
	if err != nil {
		return p.ill(err)
	}
	return p.fine("accepted by %s", "已被 %s 接受", st.Vendor.BaseURL())
}

// skewed is how far this machine's clock may be off. AWS refuses signatures that are
// 15 minutes off, long before people notice.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
const skewed = time.Minute

func (p *program) checkClock(ctx context.Context, st *reach.Stack) finding {
	out, err := st.Files.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &st.Inbox})
	if err != nil {
		return p.ill(err)
	}
	at, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		return p.bad("AWS did not say what time it is", "AWS 未返回时间", "Look at this machine's clock yourself.", "请自行检查本机时钟。")
	}
	return p.clock(time.Since(at))
}

func (p *program) clock(off time.Duration) finding {
	if off.Abs() > skewed {
		return p.bad("this machine's clock is off by %s", "本机时钟偏差 %s", "Set it, or switch time synchronisation on.", "请校准时钟或开启时间同步。", off.Round(time.Second))
	}
	return p.fine("right", "准确")
}

func (p *program) checkGate(ctx context.Context, st *reach.Stack) finding {
	g, err := st.Jobs.Gate(ctx)
	switch {
	case err != nil:
		return p.ill(err)
	case g.Closed != nil:
		l := p.closure(*g.Closed)
		return finding{Message: l.Message, Fix: l.Fix, exit: exitOther}
	case g.NotBefore.After(time.Now()):
		return p.fine("the video service asked to wait until %s", "视频服务要求等待至 %s", moment(g.NotBefore))
	}
	return p.fine("open, %d at the video service", "正常，%d 个在制作中", len(g.Slots))
}
