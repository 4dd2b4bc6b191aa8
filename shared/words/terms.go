package words

import "emodrop/shared/job"

// charging is what a code means for money, wherever it stands; what one outcome cost
// Charged says.
type charging int

const (
	// free: found before the video service is asked anything.
	free charging = iota + 1
	// itself: nothing for this; what the film costs is another message's to say.
	itself
	// check: no film, at most the check of the portrait.
	check
	// perhaps: only the service's bill can tell.
	perhaps
	// paid: a film was charged.
	paid
)

// again is what happens by itself after a code.
type again int

const (
	// otherFiles: nothing, until other files come.
	otherFiles again = iota + 1
	// otherHalf: the job begins when the missing file comes.
	otherHalf
	// tried: it has been tried several times already.
	tried
	// person: nothing, until a person decides.
	person
	// mended: waiting films go on when the trouble is over.
	mended
	// over: nothing.
	over
)

// Terms says what a code means for money and what happens by itself, a sentence each; a
// code that is not known is one of a newer version.
func Terms(code string, lang Lang) (charged, retried string) {
	e, ok := catalogue[code]
	if !ok {
		e = unknown
	}
	switch e.charge {
	case free:
		charged = pick(lang, "Nothing is charged.", "不产生费用。")
	case itself:
		charged = pick(lang, "Nothing is charged for this; what the film costs stands in its own record.", "此操作本身不产生费用；视频费用见其自身的记录。")
	case check:
		charged = sprint(pick(lang, "No film is charged; the check of the portrait costs at most %s.", "不产生视频费用；图片检测最多 %s。"),
			price(job.EMO().PricePerDetect, lang))
	case perhaps:
		charged = pick(lang, "A film may have been charged; only the video service's bill can tell.", "可能已产生视频费用，请以视频服务的账单为准。")
	case paid:
		charged = pick(lang, "A film was charged.", "已产生视频费用。")
	}
	switch e.again {
	case otherFiles:
		retried = pick(lang, "It is not tried again with the same files.", "不会用相同的文件重试。")
	case otherHalf:
		retried = pick(lang, "It begins by itself when the missing file comes.", "缺少的文件上传后会自动开始。")
	case tried:
		retried = pick(lang, "It was tried several times already, and is not tried again by itself.", "已自动重试多次，不会再自动重试。")
	case person:
		retried = pick(lang, "It goes on when a person has decided.", "人工处理之后才会继续。")
	case mended:
		retried = pick(lang, "What waits goes on by itself when this is mended.", "问题解决后，等待中的任务会自动继续。")
	case over:
		retried = pick(lang, "It is not tried again by itself.", "不会自动重试。")
	}
	return charged, retried
}
