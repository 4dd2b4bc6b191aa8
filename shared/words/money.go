package words

import (
	"math"

	"emodrop/shared/job"
)

// Charged says truthfully, in a sentence or two, what an outcome cost and what is
// not known of it.
func Charged(m job.Message, lang Lang) string {
	say := func(en, zh string, args ...any) string { return sprint(pick(lang, en, zh), args...) }
	if m.Batch != nil {
		return batchCharged(m, lang)
	}
	lost := ""
	switch {
	case m.Wasted > 0 && m.Attempt > 1 && (m.Fault == nil || m.Fault.Code != job.CodeTaskOrphaned):
		// A film of an attempt before may have been given out: the record does not say.
		lost = say("Charged by earlier attempts, or in vain: %s.", "此前各次或未得到视频的费用：%s。", price(m.Wasted, lang))
	case m.Wasted > 0:
		lost = say("Charged and lost: %s.", "已计费但未得到视频：%s。", price(m.Wasted, lang))
	}
	then := func(s string) string {
		if lost == "" {
			return s
		}
		return s + pick(lang, " ", "") + lost
	}
	switch {
	case m.Job == "" && m.Fault != nil && catalogue[m.Fault.Code].charge == itself:
		charged, _ := Terms(m.Fault.Code, lang)
		return charged
	case m.Short != nil:
		return spent(*m.Short, m.At, lang)
	case m.Job == "":
		return say("Nothing was charged.", "未产生费用。")
	case m.State == job.Succeeded:
		return then(say("The film cost %s.", "视频费用：%s。", price(m.Billed, lang)))
	case m.State == job.Held && m.Billed > 0:
		return then(say("The video service charges %s for this film.", "视频服务对该视频计费 %s。", price(m.Billed, lang)))
	case m.State == job.Held:
		return then(say("Whether a film was charged is not known until this is settled; it would be at most %s.",
			"在处理之前无法确定是否已计费；最多为 %s。", price(most(m), lang)))
	case lost != "":
		return lost
	case m.State == job.Expired, m.Fault != nil && m.Fault.Code == job.CodeGivenUp:
		return say("The film may have been charged, at most %s; only the video service's bill can tell.",
			"该视频可能已计费，最多 %s，请以视频服务的账单为准。", price(most(m), lang))
	case m.State == job.Checked:
		return say("Nothing was charged but the check of the portrait, at most %s.", "除图片检测（最多 %s）外，未产生费用。",
			price(job.EMO().PricePerDetect, lang))
	case m.Fault != nil && catalogue[m.Fault.Code].charge == free:
		return say("Nothing was charged.", "未产生费用。")
	case m.Fault != nil && (m.Fault.Code == job.CodeVendorCanceled || m.Fault.Code == job.CodeCanceled && m.TaskID != ""):
		// ASSUMED: films are billed by the second that comes out of them, and the
		// documents do not speak of canceled tasks.
		return say("No film was made, so none should be charged. The check of the portrait costs at most %s.",
			"没有生成视频，应不会产生视频费用。图片检测最多 %s。", price(job.EMO().PricePerDetect, lang))
	}
	return say("No film was charged. The check of the portrait costs at most %s.",
		"没有产生视频费用。图片检测最多 %s。", price(job.EMO().PricePerDetect, lang))
}

// most is what the film can have cost: by its recording's length, or the longest
// film's where that is not known. Without a ratio it is the dearer one.
func most(m job.Message) job.Money {
	p := job.EMO()
	seconds := m.Seconds
	if seconds <= 0 {
		seconds = p.MaxAudio.Seconds()
	}
	if _, ok := p.PricePerSecond[m.Ratio]; ok {
		return p.Price(m.Ratio, seconds)
	}
	top := job.Money(0)
	for r := range p.PricePerSecond {
		top = max(top, p.Price(r, seconds))
	}
	return top
}

// price in words that no other currency uses.
func price(m job.Money, lang Lang) string {
	return pick(lang, "CNY "+m.Decimal(), m.Decimal()+" 元")
}

// charge is whether an outcome cost a film: "yes", "no", or "unknown" while only
// the service's bill can tell.
func charge(m job.Message) string {
	switch {
	case m.Billed > 0 || m.Wasted > 0:
		return "yes"
	case m.State == job.Held || m.State == job.Expired || m.Fault != nil && m.Fault.Code == job.CodeGivenUp:
		return "unknown"
	}
	return "no"
}

// finite makes a number of seconds fit for JSON, to the millisecond.
func finite(seconds float64) float64 {
	if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
		return 0
	}
	if r := math.Round(seconds * 1000); !math.IsInf(r, 0) {
		return r / 1000
	}
	return seconds
}
