package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/shared/job"
)

func (p *program) listCommand() *cobra.Command {
	var (
		limit, days   int
		before, state string
	)
	cmd := p.command(verb{
		use:   "list",
		short: text{"List jobs, the newest first", "列出任务，最新的在前"},
		long: text{"Reads one page of the newest jobs, however many there are. In a pipe the columns are separated by tabs:\n" +
			"id, state, name, seconds, price in CNY, time of the hand-in.",
			"只读取最新的一页，无论共有多少任务。在管道中各列以制表符分隔：ID、状态、名称、秒数、费用（元）、提交时间。"},
		example: "  emodrop list\n  emodrop list --state held\n  emodrop list --days 90 --limit 200 --json\n  emodrop list --before 2026-11-26T00:00:00Z",
		run: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 10_000 {
				return p.usage("--limit %d: want 1 to 10000", "--limit %d：应为 1 至 10000", limit)
			}
			if days < 1 || days > 90 {
				return p.usage("--days %d: want 1 to 90; records are kept for 90 days", "--days %d：应为 1 至 90，记录保留 90 天", days)
			}
			want := job.State(strings.ToUpper(state))
			if state != "" && !slices.Contains(job.States(), want) {
				return p.usage("--state %s: want one of %s", "--state %s：应为 %s 之一", state, statesText())
			}
			var from time.Time
			if before != "" {
				var err error
				if from, err = time.Parse(time.RFC3339Nano, before); err != nil {
					return p.usage("--before %s: want a time such as 2026-11-26T00:00:00Z", "--before %s：应为形如 2026-11-26T00:00:00Z 的时间", before)
				}
			}
			return p.list(cmd, from, days, limit, want)
		},
	})
	fl := cmd.Flags()
	fl.IntVarP(&limit, "limit", "n", 20, p.pick("how many at most", "最多列出多少个"))
	fl.IntVar(&days, "days", 7, p.pick("how many days to look back, 90 at most", "查看最近多少天，最多 90"))
	fl.StringVar(&before, "before", "", p.pick("only jobs handed in before this time: the next page", "只列出此时间之前提交的任务，用于翻页"))
	fl.StringVar(&state, "state", "", p.pick("only jobs in this state: ", "只列出此状态的任务：")+statesText())
	must(cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(strings.Split(statesText(), ", "), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func statesText() string {
	var all []string
	for _, s := range job.States() {
		all = append(all, strings.ToLower(string(s)))
	}
	return strings.Join(all, ", ")
}

// searched is among how many jobs at most those in a state are looked for: what it
// costs must not grow with the table.
const searched = 500

// list shows one page; one that asks for a state looks through several.
func (p *program) list(cmd *cobra.Command, before time.Time, days, limit int, want job.State) error {
	ctx := cmd.Context()
	st, err := p.stack(ctx)
	if err != nil {
		return err
	}
	since := time.Now().AddDate(0, 0, 1-days)
	var jobs []job.Job
	next, looked := before, 0
	for first := true; first || !next.IsZero() && len(jobs) < limit && looked < searched; first = false {
		var ids []string
		if ids, next, err = st.Jobs.Page(ctx, next, since, max(limit-len(jobs), 20)); err != nil {
			return err
		}
		page, err := records(ctx, st, ids)
		if err != nil {
			return err
		}
		looked += len(ids)
		for _, j := range page {
			if want == "" || j.State == want {
				jobs = append(jobs, j)
			}
		}
	}
	if len(jobs) > limit {
		// The page after this one begins behind the last that is shown.
		jobs = jobs[:limit]
		next = jobs[limit-1].Received
	}
	colour := p.colour(p.stdout)
	rows := [][]string{{p.pick("NAME", "名称"), p.pick("STATE", "状态"), p.pick("LENGTH", "时长"), p.pick("PRICE", "费用"), p.pick("HANDED IN", "提交时间"), p.pick("JOB", "任务")}}
	for _, j := range jobs {
		switch {
		case p.json:
			p.line(p.jobLine(j))
		case p.live(p.stdout):
			rows = append(rows, []string{cut(oneLine(j.Name.String()), 40), p.state(j.State, colour), length(j.Seconds()), price(j), moment(j.Received), short(j.ID)})
		default:
			rows = append(rows, []string{j.ID, string(j.State), oneLine(j.Name.String()), secondsText(j.Seconds()), priceText(j), j.Received.UTC().Format(time.RFC3339)})
		}
	}
	if !p.json && len(jobs) > 0 {
		p.table(rows)
	}
	switch {
	case !next.IsZero() && len(jobs) < limit:
		p.say("%d jobs were looked through; further back: emodrop list --state %s --before %s", "已查找 %d 个任务；继续向前查找：emodrop list --state %s --before %s",
			looked, strings.ToLower(string(want)), next.UTC().Format(time.RFC3339Nano))
	case len(jobs) == 0 && want != "":
		p.say("No such job in the last %d days; --days 90 looks further back.", "最近 %d 天没有这样的任务；--days 90 可查看更早的。", days)
	case len(jobs) == 0:
		p.say("No jobs in the last %d days; --days 90 looks further back.", "最近 %d 天没有任务；--days 90 可查看更早的。", days)
	case !next.IsZero():
		p.say("There are more: emodrop list --before %s", "还有更多：emodrop list --before %s", next.UTC().Format(time.RFC3339Nano))
	}
	return nil
}

func must(err error) {
	if err != nil {
		panic(err) // a flag of that name does not exist: the first run of a test finds it
	}
}
