package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/shared/job"
)

// spent is what the hand-ins of a time cost. Amounts are in CNY.
type spent struct {
	Day     string  `json:"day,omitempty"`
	Total   bool    `json:"total,omitempty"`
	Films   int     `json:"films"`
	Seconds float64 `json:"seconds"`
	// BilledCNY was charged for films, ExpectedCNY is the price of what is still open.
	// WastedCNY is what was charged besides: in vain, or by an attempt before the last,
	// whose film may have been given out. The record does not keep them apart.
	BilledCNY   string `json:"billed_cny"`
	WastedCNY   string `json:"wasted_cny"`
	ExpectedCNY string `json:"expected_cny"`
	// Unclear jobs may have been charged: only the vendor's bill can tell.
	Unclear   int  `json:"unclear"`
	Simulated bool `json:"simulated,omitempty"`

	sum job.Spent
}

func (p *program) costCommand() *cobra.Command {
	var days int
	cmd := p.command(verb{
		use:   "cost",
		short: text{"Count the money, by the day of the hand-in", "按提交日期统计费用"},
		long: text{"By emodrop's records: what films cost, what was charged besides, what is still to come. A hand-in whose film is made\n" +
			"anew (emodrop retry) counts once, by its last attempt: what attempts before it cost stands besides, with what was\n" +
			"charged in vain. The checks of portraits (CNY 0.004 each) are not in it, nor is AWS. Reads the record of every job\n" +
			"of these days. In a pipe: day, films, seconds, charged, besides, expected; separated by tabs.",
			"依 emodrop 的记录：视频费用、其他已计费用和预计费用。重新制作（emodrop retry）的任务只按最后一次计数：此前各次的费用\n" +
				"与未得到视频的费用一起列为“其他”。不含图片检测（每次 0.004 元）和 AWS 费用。会读取这些天内每个任务的记录。\n" +
				"在管道中以制表符分隔：日期、视频数、秒数、费用、其他、预计。"},
		example: "  emodrop cost\n  emodrop cost --days 31 --json",
		run: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 90 {
				return p.usage("--days %d: want 1 to 90; records are kept for 90 days", "--days %d：应为 1 至 90，记录保留 90 天", days)
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			return p.cost(cmd, st, days)
		},
	})
	cmd.Flags().IntVar(&days, "days", 7, p.pick("how many days, up to today (UTC)", "统计到今天为止的多少天（UTC）"))
	return cmd
}

func (p *program) cost(cmd *cobra.Command, st *reach.Stack, days int) error {
	since := time.Now().AddDate(0, 0, 1-days)
	total := spent{Total: true, Simulated: st.Simulated}
	var byDay []*spent
	var next time.Time
	for first := true; first || !next.IsZero(); first = false {
		ids, after, err := st.Jobs.Page(cmd.Context(), next, since, 500)
		if err != nil {
			return err
		}
		next = after
		jobs, err := records(cmd.Context(), st, ids)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			day := j.Received.UTC().Format(time.DateOnly)
			if len(byDay) == 0 || byDay[len(byDay)-1].Day != day {
				byDay = append(byDay, &spent{Day: day, Simulated: st.Simulated})
			}
			byDay[len(byDay)-1].sum.Add(j)
			total.sum.Add(j)
		}
	}
	rows := [][]string{{p.pick("DAY", "日期"), p.pick("FILMS", "视频"), p.pick("LENGTH", "时长"), p.pick("CHARGED", "费用"), p.pick("BESIDES", "其他"), p.pick("EXPECTED", "预计")}}
	for _, s := range append(byDay, &total) {
		s.Films, s.Seconds, s.Unclear = s.sum.Films, s.sum.Seconds, s.sum.Unclear
		s.BilledCNY, s.WastedCNY, s.ExpectedCNY = s.sum.Billed.Decimal(), s.sum.Wasted.Decimal(), s.sum.Expected.Decimal()
		switch {
		case p.json:
			p.line(s)
		case p.live(p.stdout):
			day := s.Day
			if s.Total {
				day = p.pick("together", "合计")
			}
			rows = append(rows, []string{day, fmt.Sprint(s.Films), length(s.Seconds), s.sum.Billed.String(), s.sum.Wasted.String(), s.sum.Expected.String()})
		default:
			day := s.Day
			if s.Total {
				day = "total"
			}
			rows = append(rows, []string{day, fmt.Sprint(s.Films), secondsText(s.Seconds), s.BilledCNY, s.WastedCNY, s.ExpectedCNY})
		}
	}
	if !p.json {
		p.table(rows)
	}
	if st.Simulated {
		p.say("Simulated: nothing was charged.", "模拟：未产生费用。")
	}
	if total.Unclear > 0 {
		p.say("%d jobs may have been charged without a film: only the video service's bill can tell.", "有 %d 个任务可能已计费而没有视频，请以视频服务的账单为准。", total.Unclear)
	}
	return nil
}

func secondsText(s float64) string { return fmt.Sprintf("%.2f", s) }

// priceText is a job's charge or expected price as a plain number.
func priceText(j job.Job) string {
	switch {
	case j.Billed > 0:
		return j.Billed.Decimal()
	case j.State.Final():
		return job.Money(0).Decimal()
	}
	return j.Quoted.Decimal()
}
