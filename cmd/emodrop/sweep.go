package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/lookup"
	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// handedOver is how many keys one invocation of submit is given.
const handedOver = 100

func (p *program) sweepCommand() *cobra.Command {
	var s struct{ dry, yes bool }
	var days int
	var all bool
	cmd := p.command(verb{
		use:   "sweep",
		short: text{"Find files in the inbox that nobody has taken", "查找收件桶中尚未处理的文件"},
		long: text{"Goes through the inbox for pictures and recordings that the records know nothing of, and hands them to submit as\n" +
			"if they had just come. The stack does so by itself for files that came since it was installed; older ones are\n" +
			"taken in by --all alone. Each complete pair becomes a job and costs what its film costs.",
			"查找收件桶中没有记录的图片和录音，并像刚上传一样处理。安装之后上传的文件系统会自动处理；更早的文件只有加上 --all\n才会处理。每个完整的配对都会成为任务并产生费用。"},
		example: "  emodrop sweep --dry-run\n  emodrop sweep --all --yes",
		run: func(cmd *cobra.Command, _ []string) error {
			if days < 1 {
				return p.usage("--days %d: want 1 or more", "--days %d：应不小于 1", days)
			}
			if all && cmd.Flags().Changed("days") {
				return p.usage("--all and --days contradict one another", "--all 与 --days 互相矛盾")
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			since := time.Now().AddDate(0, 0, -days)
			if all {
				since = time.Time{}
			}
			return p.sweep(cmd.Context(), st, since, s.dry, s.yes)
		},
	})
	fl := cmd.Flags()
	fl.BoolVar(&s.dry, "dry-run", false, p.pick("show what would be handed over, and do nothing", "只显示，不处理"))
	fl.BoolVarP(&s.yes, "yes", "y", false, p.pick("do not ask before it may cost money", "产生费用前不再询问"))
	fl.IntVar(&days, "days", 7, p.pick("files of how many days", "最近多少天的文件"))
	fl.BoolVar(&all, "all", false, p.pick("files of any age", "不限时间"))
	return cmd
}

// stray is a file that nobody has taken, as programs are told of it.
type stray struct {
	Key      string    `json:"key"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Kind     string    `json:"kind"`
}

func (p *program) sweep(ctx context.Context, st *reach.Stack, since time.Time, dry, yes bool) error {
	var found []string
	looked := 0
	for after := ""; ; {
		page, err := st.Listed.Page(ctx, after, 1000)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Key
		looked += len(page)
		strays, err := p.strays(ctx, st, page, since)
		if err != nil {
			return err
		}
		for _, s := range strays {
			found = append(found, s.Key)
			if p.json {
				p.line(s)
			} else {
				p.print("%s\t%s\t%d\n", oneLine(s.Key), s.Kind, s.Size)
			}
		}
	}
	p.say("%d objects looked at, %d of them new", "共查看 %d 个对象，其中 %d 个未处理", looked, len(found))
	if dry || len(found) == 0 {
		return nil
	}
	if st.Submit == "" {
		return p.problem(exitUsage, "no_function", "The submit function is not named.", "未指定 submit 函数。",
			"Set EMODROP_SUBMIT_FUNCTION, or name the stack: --stack NAME.", "请设置 EMODROP_SUBMIT_FUNCTION，或使用 --stack NAME。")
	}
	if err := p.confirm(st, yes, fmt.Sprintf(p.pick("Take %d files in?", "处理 %d 个文件？"), len(found))); err != nil {
		return err
	}
	for len(found) > 0 {
		n := min(len(found), handedOver)
		if err := st.Invoke.Submit(ctx, job.Work{Keys: found[:n]}); err != nil {
			return err
		}
		found = found[n:]
	}
	p.say("Handed over; emodrop list shows what becomes of them.", "已交付处理；用 emodrop list 查看结果。")
	return nil
}

// strays are the files of a page that the records do not know as they are.
func (p *program) strays(ctx context.Context, st *reach.Stack, page []job.Half, since time.Time) ([]stray, error) {
	register := intake.Register{HandIns: st.Jobs, Manifests: st.Jobs}
	out := make([]*stray, len(page))
	errs := make([]error, len(page))
	var wg sync.WaitGroup
	places := make(chan struct{}, lookup.Readers)
	for i, o := range page {
		kind, _ := intake.Classify(o.Key)
		if o.Modified.Before(since) || kind == intake.Ignored || kind == intake.Unknown || kind == intake.Cancel || kind == intake.Retry {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			known, err := register.Knows(ctx, o)
			if err != nil || known {
				errs[i] = err
				return
			}
			out[i] = &stray{o.Key, o.Size, o.Modified, string(kind)}
		})
	}
	wg.Wait()
	var all []stray
	for i := range page {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if out[i] != nil {
			all = append(all, *out[i])
		}
	}
	return all, nil
}
