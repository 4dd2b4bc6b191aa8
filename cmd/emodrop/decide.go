package main

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
	"emodrop/shared/operate"
)

// later leaves the telling to poll: what a person's move wrote down stays due until
// it is told.
type later struct{}

func (later) Tell(context.Context, string) error { return nil }

func (p *program) operator(st *reach.Stack) (*operate.Step, error) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	return operate.New(operate.Config{Vendor: st.Vendor, Jobs: st.Jobs, Gate: st.Jobs, Messages: st.Jobs, Controls: st.Jobs, Tell: later{}, Log: log})
}

// charged is the flag by which a person accepts that a film may be paid for twice.
func (p *program) charged(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("accept-charge", false, p.pick("it may be charged a second time, and that is right", "可能会二次计费，本人接受"))
}

// on runs one decision over the jobs that are named.
func (p *program) on(cmd *cobra.Command, args []string, do func(context.Context, *operate.Step, *reach.Stack, job.Job) (job.Job, error)) error {
	st, err := p.stack(cmd.Context())
	if err != nil {
		return err
	}
	o, err := p.operator(st)
	if err != nil {
		return err
	}
	return p.each(cmd.Context(), args, func(a string) error {
		j, err := p.lookUp(cmd.Context(), st, a)
		if err != nil {
			return err
		}
		if j, err = do(cmd.Context(), o, st, j); err != nil {
			return err
		}
		if p.json {
			p.line(p.jobLine(j))
		} else {
			p.print("%s\t%s\t%s\n", j.ID, j.State, oneLine(j.Name.String()))
		}
		return nil
	})
}

// decisions are the verbs by which a person decides on jobs, and on the stack.
func (p *program) decisions() []*cobra.Command {
	return []*cobra.Command{p.cancelCommand(), p.retryCommand(), p.adoptCommand(), p.repostCommand(), p.acceptCommand(),
		p.giveUpCommand(), p.replayCommand(), p.holdCommand(), p.resumeCommand()}
}

const (
	// endWithin is how long cancel waits for poll to see what the vendor has
	// already said.
	endWithin = 90 * time.Second
	endLook   = time.Second
)

func (p *program) cancelCommand() *cobra.Command {
	return p.command(verb{
		use:   "cancel NAME|ID...",
		short: text{"Take jobs back that are not being made yet", "取消尚未开始制作的任务"},
		long: text{"What still waits here is taken back at once. What waits at the video service is canceled there, which works until\n" +
			"the film is begun; a film that is begun is paid for, so it is kept.",
			"仍在本系统排队的任务会立即取消；已提交到视频服务的任务在开始制作之前可以取消。已开始制作的视频会计费，因此会保留。"},
		example: "  emodrop cancel anna\n  emodrop cancel anna bert --json",
		least:   1, most: -1, offers: p.names(cancelable),
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, st *reach.Stack, j job.Job) (job.Job, error) {
				j, err := o.Cancel(ctx, j.ID)
				if err != nil || j.State == job.Canceled {
					return j, err
				}
				p.say("%s: the video service took it back; waiting until it says so …", "%s：视频服务已接受取消，等待确认……", oneLine(j.Name.String()))
				return p.until(ctx, st, j)
			})
		},
	})
}

// until waits until a job that was taken back at the vendor has ended.
func (p *program) until(ctx context.Context, st *reach.Stack, j job.Job) (job.Job, error) {
	bounded, cancel := context.WithTimeout(ctx, endWithin)
	defer cancel()
	tick := time.NewTicker(endLook)
	defer tick.Stop()
	for {
		now, err := st.Jobs.Job(bounded, j.ID)
		switch {
		case err == nil && now.State == job.Canceled:
			return now, nil
		case err == nil && now.State != job.Submitted:
			return now, p.problem(exitOther, operate.BeingMade, "“%s” was being made all the same: %s.", "“%s”仍在制作：%s。",
				"It is paid for, so it is kept.", "该视频会计费，因此会保留。", oneLine(now.Name.String()), p.state(now.State, false))
		}
		select {
		case <-bounded.Done():
			if ctx.Err() != nil {
				return j, ctx.Err()
			}
			return j, p.problem(exitTimeout, "timeout", "“%s” has not ended within %s.", "“%s”在 %s 内尚未结束。",
				"It ends by itself once the video service says so: emodrop watch.", "视频服务确认后会自动结束：emodrop watch。", oneLine(j.Name.String()), endWithin)
		case <-tick.C:
		}
	}
}

func (p *program) retryCommand() *cobra.Command {
	var charge *bool
	cmd := p.command(verb{
		use:   "retry NAME|ID...",
		short: text{"Make ended jobs anew", "重新制作已结束的任务"},
		long: text{"A new attempt of the same hand-in. Where a film was paid for, or may have been, --accept-charge is needed.",
			"对同一次提交再做一次。如已计费或可能已计费，需要 --accept-charge。"},
		example: "  emodrop retry anna\n  emodrop retry anna --accept-charge && emodrop watch anna",
		least:   1, most: -1, offers: p.names(hasEnded),
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.Retry(ctx, j.ID, *charge)
			})
		},
	})
	charge = p.charged(cmd)
	return cmd
}

func (p *program) adoptCommand() *cobra.Command {
	return p.command(verb{
		use:   "adopt NAME|ID TASK",
		short: text{"Give a held job the video service's task that is its own", "为待处理的任务认领视频服务中的任务"},
		long: text{"For a job that is held because several tasks could be the one: emodrop status shows them. The film of the task\n" +
			"becomes the job's; nothing is sent again.",
			"用于因存在多个可能的任务而等待处理的情况：emodrop status 会列出候选任务。认领后该任务的视频即归此作业，不会再次提交。"},
		example: "  emodrop status anna\n  emodrop adopt anna a8532587-fa8c-4ef8-82be-000000000000",
		least:   2, most: 2,
		offers: func(cmd *cobra.Command, args []string) []string {
			if len(args) == 0 {
				return p.names(isHeld)(cmd, args)
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return nil
			}
			j, err := p.lookUp(cmd.Context(), st, args[0])
			if err != nil {
				return nil
			}
			return j.Candidates
		},
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args[:1], func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.Adopt(ctx, j.ID, args[1])
			})
		},
	})
}

func (p *program) repostCommand() *cobra.Command {
	var charge *bool
	cmd := p.command(verb{
		use:   "repost NAME|ID",
		short: text{"Send a held job again", "重新提交待处理的任务"},
		long: text{"For a held job whose film is wanted at the price of a second charge, which has to be accepted: --accept-charge.",
			"用于宁可二次计费也要得到视频的情况，需要 --accept-charge。"},
		example: "  emodrop repost anna --accept-charge",
		least:   1, most: 1, offers: p.names(isHeld),
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.Repost(ctx, j.ID, *charge)
			})
		},
	})
	charge = p.charged(cmd)
	return cmd
}

func (p *program) acceptCommand() *cobra.Command {
	return p.command(verb{
		use:     "accept NAME|ID",
		short:   text{"Take a held film as it is", "按原样接受待处理的视频"},
		long:    text{"For a job that is held because its film is not what was ordered.", "用于因视频与要求不符而等待处理的任务。"},
		example: "  emodrop accept anna",
		least:   1, most: 1, offers: p.names(isHeld),
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.Accept(ctx, j.ID)
			})
		},
	})
}

func (p *program) giveUpCommand() *cobra.Command {
	return p.command(verb{
		use:     "give-up NAME|ID",
		short:   text{"End a held job without a film", "放弃待处理的任务"},
		long:    text{"What it may have cost stays with it; retry can make it anew.", "可能产生的费用会保留在记录中；之后可用 retry 重新制作。"},
		example: "  emodrop give-up anna",
		least:   1, most: 1, offers: p.names(isHeld),
		run: func(cmd *cobra.Command, args []string) error {
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.GiveUp(ctx, j.ID)
			})
		},
	})
}

func (p *program) replayCommand() *cobra.Command {
	var channel string
	cmd := p.command(verb{
		use:   "replay NAME|ID...",
		short: text{"Tell the outcome of jobs once more", "重新发送任务结果通知"},
		long: text{"The last outcome of each job goes out again: record, mail, event and webhook, or the one channel that is named.\n" +
			"It keeps its id, so programs that had it drop it; people get a second mail. What is still waiting for its next\n" +
			"try is tried now. poll sends it, within a minute.",
			"重新发送每个任务的最近一次结果：记录、邮件、事件和 webhook，或仅指定的一个渠道。消息 ID 不变，已收到的程序会忽略重复消息；\n" +
				"邮件会再发一封。正在等待重试的消息会立即重试。由 poll 在一分钟内发出。"},
		example: "  emodrop replay anna\n  emodrop replay anna bert --channel webhook",
		least:   1, most: -1, offers: p.names(wasTold),
		run: func(cmd *cobra.Command, args []string) error {
			var by []job.Channel
			if channel != "" {
				if by = []job.Channel{job.Channel(channel)}; !slices.Contains(job.Channels(), by[0]) {
					return p.usage("--channel %s: want one of %s", "--channel %s：应为 %s 之一", oneLine(channel), channels())
				}
			}
			return p.on(cmd, args, func(ctx context.Context, o *operate.Step, _ *reach.Stack, j job.Job) (job.Job, error) {
				return o.Replay(ctx, j.ID, by...)
			})
		},
	})
	cmd.Flags().StringVar(&channel, "channel", "", p.pick("one channel alone: ", "仅使用一个渠道：")+channels())
	return cmd
}

// channels are all of them, for people.
func channels() string {
	all := make([]string, 0, 4)
	for _, c := range job.Channels() {
		all = append(all, string(c))
	}
	return strings.Join(all, ", ")
}

func (p *program) holdCommand() *cobra.Command {
	var reason string
	cmd := p.command(verb{
		use:   "hold",
		short: text{"Stop sending, until resume", "暂停提交，直到 resume"},
		long: text{"Nothing new goes to the video service; what is there goes on, and what is handed in waits.",
			"不再向视频服务提交新任务；已提交的继续，新提交的等待。"},
		example: "  emodrop hold --reason \"maintenance until noon\"\n  emodrop resume",
		run: func(cmd *cobra.Command, _ []string) error {
			return p.gate(cmd, func(ctx context.Context, o *operate.Step) error { return o.Pause(ctx, reason) })
		},
	})
	cmd.Flags().StringVar(&reason, "reason", "", p.pick("why, for those who look", "原因，供他人查看"))
	return cmd
}

func (p *program) resumeCommand() *cobra.Command {
	return p.command(verb{
		use:   "resume",
		short: text{"Send again, whatever had stopped it", "恢复提交"},
		long: text{"What still is the matter stops it again before anything is paid.",
			"如果问题仍然存在，会在产生费用之前再次暂停。"},
		example: "  emodrop resume",
		run: func(cmd *cobra.Command, _ []string) error {
			return p.gate(cmd, func(ctx context.Context, o *operate.Step) error { return o.Resume(ctx) })
		},
	})
}

// gate changes the gate and shows how the stack stands then.
func (p *program) gate(cmd *cobra.Command, do func(context.Context, *operate.Step) error) error {
	st, err := p.stack(cmd.Context())
	if err != nil {
		return err
	}
	o, err := p.operator(st)
	if err != nil {
		return err
	}
	if err := do(cmd.Context(), o); err != nil {
		return err
	}
	return p.overview(cmd.Context(), st)
}
