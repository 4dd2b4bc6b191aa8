package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"emodrop/cmd/emodrop/reach"
	"emodrop/local/tally"
	"emodrop/shared/job"
)

// spent is what the hand-ins of a day, a ratio or a tag cost. Amounts are in CNY.
type spent struct {
	Day     string  `json:"day,omitempty"`
	Ratio   string  `json:"ratio,omitempty"`
	Tag     *string `json:"tag,omitempty"` // empty: hand-ins without a tag
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

	key string
	sum job.Spent
}

func (p *program) costCommand() *cobra.Command {
	var days int
	var said string
	var asCSV bool
	cmd := p.command(verb{
		use:   "cost",
		short: text{"Count the money, by the day of the hand-in, by ratio or by tag", "按提交日期、画面比例或标签统计费用"},
		long: text{"By emodrop's records: what films cost, what was charged besides, what is still to come. A hand-in whose film is made\n" +
			"anew (emodrop retry) counts once, by its last attempt: what attempts before it cost stands besides, with what was\n" +
			"charged in vain. The checks of portraits (CNY 0.004 each) are not in it, nor is AWS. Reads the record of every job\n" +
			"of these days. One with several tags counts under each, and once in the total. In a pipe: day (ratio, tag), films,\n" +
			"seconds, charged, besides, expected; separated by tabs. Days are UTC's; those of a budget are Beijing's.",
			"依 emodrop 的记录：视频费用、其他已计费用和预计费用。重新制作（emodrop retry）的任务只按最后一次计数：此前各次的费用\n" +
				"与未得到视频的费用一起列为“其他”。不含图片检测（每次 0.004 元）和 AWS 费用。会读取这些天内每个任务的记录。\n" +
				"有多个标签的任务在每个标签下各计一次，合计中只计一次。在管道中以制表符分隔：日期（比例、标签）、视频数、秒数、费用、\n" +
				"其他、预计。日期按 UTC；预算的日期按北京时间。"},
		example: "  emodrop cost\n  emodrop cost --days 31 --json\n  emodrop cost --days 31 --by tag --csv > cost.csv",
		run: func(cmd *cobra.Command, _ []string) error {
			if days < 1 || days > 90 {
				return p.usage("--days %d: want 1 to 90; records are kept for 90 days", "--days %d：应为 1 至 90，记录保留 90 天", days)
			}
			by := tally.By(said)
			if !slices.Contains(tally.All(), by) {
				return p.usage("--by %s: want day, ratio or tag", "--by %s：应为 day、ratio 或 tag", said)
			}
			if asCSV && p.json {
				return p.usage("--csv and --json: want one of them", "--csv 与 --json 只能选择其一")
			}
			st, err := p.stack(cmd.Context())
			if err != nil {
				return err
			}
			rows, total, err := counted(cmd.Context(), st, days, by)
			if err != nil {
				return err
			}
			if asCSV {
				return p.costCSV(rows, by)
			}
			p.cost(st, rows, total, by)
			return nil
		},
	})
	fl := cmd.Flags()
	fl.IntVar(&days, "days", 7, p.pick("how many days, up to today (UTC)", "统计到今天为止的多少天（UTC）"))
	fl.StringVar(&said, "by", string(tally.Day), p.pick("what to add up by: day, ratio or tag", "统计方式：day（日期）、ratio（比例）或 tag（标签）"))
	fl.BoolVar(&asCSV, "csv", false, p.pick("as a table for spreadsheets, with a head and without a total", "输出 CSV 表格，有表头，无合计"))
	must(cmd.RegisterFlagCompletionFunc("by", cobra.FixedCompletions([]string{string(tally.Day), string(tally.Ratio), string(tally.Tag)}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// counted adds up what the hand-ins of the last days cost.
func counted(ctx context.Context, st *reach.Stack, days int, by tally.By) (rows []*spent, total *spent, err error) {
	sum, err := tally.Count(ctx, st.Jobs, st.Jobs, time.Now().AddDate(0, 0, 1-days), by, 0)
	if err != nil {
		return nil, nil, err
	}
	line := func(of job.Spent) *spent {
		return &spent{Films: of.Films, Seconds: of.Seconds, Unclear: of.Unclear, Simulated: st.Simulated, sum: of,
			BilledCNY: of.Billed.Decimal(), WastedCNY: of.Wasted.Decimal(), ExpectedCNY: of.Expected.Decimal()}
	}
	for _, r := range sum.Rows {
		s := line(r.Spent)
		switch s.key = r.Key; by {
		case tally.Day:
			s.Day = s.key
		case tally.Ratio:
			s.Ratio = s.key
		default:
			s.Tag = &s.key
		}
		rows = append(rows, s)
	}
	total = line(sum.Total)
	total.Total = true
	return rows, total, nil
}

func (p *program) cost(st *reach.Stack, rows []*spent, total *spent, by tally.By) {
	head := map[tally.By]string{tally.Day: p.pick("DAY", "日期"), tally.Ratio: p.pick("RATIO", "比例"), tally.Tag: p.pick("TAG", "标签")}[by]
	table := [][]string{{head, p.pick("FILMS", "视频"), p.pick("LENGTH", "时长"), p.pick("CHARGED", "费用"), p.pick("BESIDES", "其他"), p.pick("EXPECTED", "预计")}}
	for _, s := range append(slices.Clone(rows), total) {
		key := oneLine(s.key)
		switch {
		case p.json:
			p.line(s)
		case p.live(p.stdout):
			switch {
			case s.Total:
				key = p.pick("together", "合计")
			case key == "":
				key = p.pick("(none)", "（无）")
			}
			table = append(table, []string{key, fmt.Sprint(s.Films), length(s.Seconds), s.sum.Billed.String(), s.sum.Wasted.String(), s.sum.Expected.String()})
		default:
			if s.Total {
				key = "total"
			}
			table = append(table, []string{key, fmt.Sprint(s.Films), secondsText(s.Seconds), s.BilledCNY, s.WastedCNY, s.ExpectedCNY})
		}
	}
	if !p.json {
		p.table(table)
	}
	if st.Simulated {
		p.say("Simulated: nothing was charged.", "模拟：未产生费用。")
	}
	if total.Unclear > 0 {
		p.say("%d jobs may have been charged without a film: only the video service's bill can tell.", "有 %d 个任务可能已计费而没有视频，请以视频服务的账单为准。", total.Unclear)
	}
	price := job.EMO()
	p.say("Prices as of %s: %s a second at 1:1, %s at 3:4; %s a check of a portrait (%s)", "价格（%s）：1:1 每秒 %s，3:4 每秒 %s；图片检测每次 %s（%s）",
		price.PricesAsOf, price.PricePerSecond[job.Square], price.PricePerSecond[job.Portrait], price.PricePerDetect, price.PricesFrom)
}

// costCSV writes the rows for spreadsheets. A tag is anybody's text: one that a
// spreadsheet would take for a formula gets an apostrophe before it, and before a table
// with letters of other languages stands the mark by which Excel knows UTF-8.
// Source: https://owasp.org/www-community/attacks/CSV_Injection
func (p *program) costCSV(rows []*spent, by tally.By) error {
	var b strings.Builder
	w := csv.NewWriter(&b)
	all := [][]string{{string(by), "films", "seconds", "billed_cny", "wasted_cny", "expected_cny", "unclear"}}
	for _, s := range rows {
		key := s.key
		if strings.ContainsAny(key[:min(1, len(key))], "=+-@\t\r") {
			key = "'" + key
		}
		all = append(all, []string{key, fmt.Sprint(s.Films), secondsText(s.Seconds), s.BilledCNY, s.WastedCNY, s.ExpectedCNY, fmt.Sprint(s.Unclear)})
	}
	if err := w.WriteAll(all); err != nil {
		return err
	}
	mark := ""
	if strings.ContainsFunc(b.String(), func(r rune) bool { return r > unicode.MaxASCII }) {
		mark = "\ufeff"
	}
	p.print("%s%s", mark, b.String())
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
