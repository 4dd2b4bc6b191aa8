package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

func (p *program) statusCommand() *cobra.Command {
	return p.command(verb{
		use:   "status [NAME|ID]...",
		short: text{"Show how a job stands, or the whole stack", "查看任务或整个部署的状态"},
		long: text{"NAME is a hand-in's name, such as courses/anna; ID a job's id, or its beginning. Without either: what is at the\n" +
			"video service, how many wait, when they may be done, and whether anything stops the stack.",
			"NAME 为提交时的名称，例如 courses/anna；ID 为任务 ID 或其开头。不带参数时显示：正在制作的、等待的数量、预计完成时间，以及是否已暂停。"},
		example: "  emodrop status\n  emodrop status anna\n  emodrop status 0a1b2c3d --json",
		most:    -1, offers: p.names(nil),
		run: func(cmd *cobra.Command, args []string) error {
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return p.overview(cmd.Context(), st)
			}
			return p.each(cmd.Context(), args, func(a string) error {
				j, err := p.lookUp(cmd.Context(), st, a)
				if err != nil {
					return err
				}
				return p.show(cmd.Context(), st, j)
			})
		},
	})
}

// show tells all there is to tell of a job.
func (p *program) show(ctx context.Context, st *reach.Stack, j job.Job) error {
	var o job.Outlook
	if !j.State.Told() {
		s, err := stand(ctx, st, j)
		if err != nil {
			return err
		}
		o = s.expected[j.ID]
	}
	if p.json {
		l := p.jobLine(j)
		l.Place, l.Expected = o.Place, o.Done.UTC().Truncate(time.Second)
		p.line(l)
		return nil
	}
	var b strings.Builder
	row := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %s%s%s\n", label, strings.Repeat(" ", max(1, 12-columns(label))), fmt.Sprintf(format, args...))
	}
	colour := p.colour(p.stdout)
	fmt.Fprintln(&b, paint(colour, bold, oneLine(j.Name.String())))
	state := p.state(j.State, colour)
	if o.Place > 0 {
		state += fmt.Sprintf(p.pick(", number %d in the queue", "，排在第 %d 位"), o.Place)
	}
	row(p.pick("state", "状态"), "%s", state)
	if !o.Done.IsZero() {
		row(p.pick("expected", "预计完成"), "%s", minute(o.Done))
	}
	row(p.pick("handed in", "提交时间"), "%s", moment(j.Received))
	if j.State.Final() {
		row(p.pick("took", "用时"), "%s", clock(j.Ended.Sub(j.Received)))
	} else {
		row(p.pick("for", "已用时"), "%s", clock(time.Since(j.Received)))
	}
	if s := j.Seconds(); s > 0 {
		row(p.pick("length", "时长"), "%s", length(s))
	}
	if j.Film != nil {
		row(p.pick("film", "视频"), "s3://%s/%s", st.Outbox, oneLine(j.Film.Key))
	}
	switch {
	case j.Billed > 0:
		row(p.pick("charged", "费用"), "%s%s", j.Billed, p.simulated(st))
	case !j.State.Final() && j.Quoted > 0:
		row(p.pick("price", "预计费用"), "%s%s", j.Quoted, p.simulated(st))
	}
	switch {
	case j.Wasted > 0 && j.Attempt > 1:
		// A film of an attempt before may have been given out: the record does not say.
		row(p.pick("earlier", "此前"), p.pick("%s, charged by attempts before this one, or in vain", "%s，此前各次的费用，或未得到视频的费用"), j.Wasted)
	case j.Wasted > 0:
		row(p.pick("lost", "损失"), "%s", j.Wasted)
	}
	if j.Fault != nil && j.State != job.Succeeded {
		pr := p.failed(j)
		row(p.pick("why", "原因"), "%s", pr.Message)
		row(p.pick("what to do", "解决方法"), "%s", pr.Fix)
		if v := strings.TrimSpace(j.Fault.VendorCode + " " + j.Fault.VendorMessage); v != "" {
			row(p.pick("they said", "服务返回"), "%s", oneLine(v))
		}
	}
	if len(j.Candidates) > 0 {
		row(p.pick("candidates", "候选任务"), "%s", strings.Join(j.Candidates, ", "))
	}
	if j.Task != nil {
		row(p.pick("task", "任务号"), "%s", j.Task.ID)
	}
	row(p.pick("job", "任务"), p.pick("%s, attempt %d", "%s，第 %d 次"), j.ID, j.Attempt)
	p.print("%s", b.String())
	return nil
}

func (p *program) simulated(st *reach.Stack) string {
	if !st.Simulated {
		return ""
	}
	return p.pick(" (simulated: nothing is charged)", "（模拟，不产生费用）")
}

// stackLine is a stack as programs are told of it.
type stackLine struct {
	Stack    string   `json:"stack"`
	Region   string   `json:"region"`
	InFlight []string `json:"in_flight"`
	// Queued jobs; More tells that there are more than are counted.
	Queued int  `json:"queued"`
	More   bool `json:"more,omitempty"`
	// Finish is when all that waits may be done, or with More the part that is counted.
	Finish time.Time    `json:"finish,omitzero"`
	Gate   string       `json:"gate"` // open, closed, throttled
	Closed *closureLine `json:"closed,omitempty"`
	Until  time.Time    `json:"until,omitzero"`
	Budget []budgetLine `json:"budget,omitempty"`
}

// budgetLine is what a budget has left in a period; amounts are in CNY. ReservedCNY is
// the most that what is at the video service can still cost.
type budgetLine struct {
	Period      job.Period `json:"period"`
	LimitCNY    string     `json:"limit_cny"`
	SpentCNY    string     `json:"spent_cny"`
	ReservedCNY string     `json:"reserved_cny"`
	LeftCNY     string     `json:"left_cny"`
	Ends        time.Time  `json:"ends"`
}

func budgetLines(g job.Gate, now time.Time) (all []budgetLine) {
	for _, p := range job.Periods() {
		if left, limited := g.Left(p, now); limited {
			all = append(all, budgetLine{p, g.Budget.Of(p).Decimal(), g.Spent[p.Key(now)].Decimal(), g.Reserved().Decimal(), left.Decimal(), p.End(now)})
		}
	}
	return all
}

type closureLine struct {
	problem
	Since  time.Time `json:"since"`
	ByHand bool      `json:"by_hand"`
}

// overview tells how the whole stack stands, in a fixed number of reads.
func (p *program) overview(ctx context.Context, st *reach.Stack) error {
	now, err := stand(ctx, st)
	if err != nil {
		return err
	}
	g := now.gate
	l := stackLine{Stack: st.Name, Region: st.Region, InFlight: slices.AppendSeq([]string{}, maps.Keys(g.Slots)), Queued: len(now.queue), More: len(now.queue) == deep,
		Finish: now.last.UTC().Truncate(time.Second), Gate: "open"}
	slices.Sort(l.InFlight)
	if g.NotBefore.After(time.Now()) {
		l.Gate, l.Until = "throttled", g.NotBefore
	}
	if g.Closed != nil {
		l.Gate, l.Closed = "closed", p.closure(*g.Closed)
	}
	l.Budget = budgetLines(g, time.Now())
	if p.json {
		p.line(l)
		return nil
	}
	colour := p.colour(p.stdout)
	p.print("%s (%s)\n", paint(colour, bold, st.Name), st.Region)
	p.print("  "+p.pick("at the video service: %d", "制作中：%d")+"\n", len(now.there))
	for _, j := range now.there {
		p.print("    %s  %s  %s\n", oneLine(j.Name.String()), p.state(j.State, colour), clock(time.Since(j.Updated)))
	}
	more := ""
	if l.More {
		more = "+"
	}
	end := ""
	switch {
	case now.last.IsZero():
	case l.More:
		end = fmt.Sprintf(p.pick(", the first %d of them done about %s", "，预计前 %d 个 %s 完成"), l.Queued, minute(now.last))
	default:
		end = fmt.Sprintf(p.pick(", all of it done about %s", "，预计 %s 全部完成"), minute(now.last))
	}
	p.print("  "+p.pick("waiting: %d%s", "等待中：%d%s")+"%s\n", l.Queued, more, end)
	for _, b := range l.Budget {
		p.print("  %s\n", words.Budget(g, b.Period, time.Now(), p.lang))
	}
	p.print("%s", p.gateText(g, colour))
	return nil
}

func (p *program) closure(c job.Closure) *closureLine {
	what, fix := words.Explain(job.Fault{Code: c.Code, Detail: c.Detail}, job.Name{}, p.lang)
	return &closureLine{problem{Code: c.Code, Message: what, Fix: fix}, c.Since, c.ByHand}
}

func (p *program) gateText(g job.Gate, colour bool) string {
	switch {
	case g.Closed != nil:
		l := p.closure(*g.Closed)
		s := "  " + paint(colour, red, p.pick("nothing is being sent", "已停止提交")) + fmt.Sprintf(p.pick(", since %s: %s", "，始于 %s：%s"), moment(l.Since), l.Message)
		if g.Closed.ByHand && g.Closed.Detail != "" {
			s += " (" + oneLine(g.Closed.Detail) + ")"
		}
		return s + "\n    " + l.Fix + "\n"
	case g.NotBefore.After(time.Now()):
		return fmt.Sprintf("  "+p.pick("the video service asked to wait until %s", "视频服务要求等待至 %s")+"\n", moment(g.NotBefore))
	}
	return "  " + p.pick("sending: open", "提交：正常") + "\n"
}
