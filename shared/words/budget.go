package words

import (
	"time"

	"emodrop/shared/job"
)

// budget is the limit that is reached, in a message that tells so.
type budget struct {
	Period string `json:"period"`
	// LimitCNY of the period, SpentCNY in it so far, and NextCNY, the most that the next
	// film may cost.
	LimitCNY string    `json:"limit_cny"`
	SpentCNY string    `json:"spent_cny"`
	NextCNY  string    `json:"next_cny"`
	Reopens  time.Time `json:"reopens"`
}

func budgetOf(s job.Shortage, at time.Time) *budget {
	return &budget{string(s.Period), s.Limit.Decimal(), s.Spent.Decimal(), s.Need.Decimal(), encodable(s.Period.End(at))}
}

// spent says how far a budget is used up, and when it begins anew.
func spent(s job.Shortage, at time.Time, lang Lang) string {
	so, zh := "today", "今天"
	if s.Period == job.Month {
		so, zh = "this month", "本月"
	}
	return sprint(pick(lang, "Spent "+so+": %s of %s; the next film costs %s at most. Sending goes on by itself from %s.",
		zh+"已用 %s，预算 %s；下一个视频最多 %s。自 %s 起自动继续。"),
		price(s.Spent, lang), price(s.Limit, lang), price(s.Need, lang), encodable(s.Period.End(at)).In(job.Bills).Format("2006-01-02 15:04 MST"))
}

// Budget says in a line what a budget still has for films, in the day or in the month.
// Empty where there is no limit.
func Budget(g job.Gate, p job.Period, now time.Time, lang Lang) string {
	left, limited := g.Left(p, now)
	if !limited {
		return ""
	}
	so := pick(lang, "budget: %s left of %s today", "预算：今天剩余 %s，共 %s")
	if p == job.Month {
		so = pick(lang, "budget: %s left of %s this month", "预算：本月剩余 %s，共 %s")
	}
	return sprint(so, price(left, lang), price(g.Budget.Of(p), lang))
}
