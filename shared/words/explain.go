package words

import (
	"regexp"
	"strings"

	"emodrop/shared/job"
)

// Explain says what went wrong and what to do, each on one line, in plain words;
// a language that is none is taken for English. name is the hand-in's, for texts
// that speak of the whole.
func Explain(f job.Fault, name job.Name, lang Lang) (what, fix string) {
	e, ok := reasonOf(f)
	if !ok {
		e, ok = catalogue[f.Code]
	}
	if !ok {
		e = unknown
		f.Detail = f.Code
	}
	whole := oneLine(name.String())
	if whole == "" {
		whole = pick(lang, "this hand-in", "本次提交")
	}
	file, picture, recording := oneLine(f.File), "", ""
	if file != "" {
		picture = "“" + file + "”"
		recording = picture
	} else {
		file = whole
		picture = pick(lang, "the picture of “"+whole+"”", "“"+whole+"”的图片")
		recording = pick(lang, "the recording of “"+whole+"”", "“"+whole+"”的录音")
	}
	detail := factIn(lang, unlinked(oneLine(f.Detail)))
	fill := strings.NewReplacer("{file}", file, "{name}", whole, "{picture}", picture, "{recording}", recording, "{detail}", detail)
	t := e.in(lang)
	what, fix = fill.Replace(optional(t.what, detail != "")), fill.Replace(optional(t.fix, detail != ""))
	return capital(what), fix
}

// optional keeps or leaves out what stands in square brackets.
func optional(s string, keep bool) string {
	head, rest, ok := strings.Cut(s, "[")
	middle, tail, closed := strings.Cut(rest, "]")
	switch {
	case !ok || !closed:
		return s
	case keep:
		return head + middle + tail
	}
	return head + tail
}

// capital begins a sentence that begins with "the picture of …".
func capital(s string) string {
	if strings.HasPrefix(s, "the ") {
		return "T" + s[1:]
	}
	return s
}

// facts are the forms of the details that intake, media and finalize write, and
// how Chinese says them. What is in none of them stays as it is: file formats and
// box names are the same in every language.
var facts = []struct {
	re *regexp.Regexp
	zh string
}{
	{regexp.MustCompile(`^film (.+), recording (.+)$`), "视频 $1，录音 $2"},
	{regexp.MustCompile(`^film (.+), asked for (.+)$`), "视频 $1，要求 $2"},
	{regexp.MustCompile(`^more than (.+)$`), "超过 $1"},
	{regexp.MustCompile(`^the (\w+) has (\S+) of (\S+)((?: bytes)?)(?: of sound)?$`), "$1 只有 $2，应有 $3$4"},
	{regexp.MustCompile(`^the (\w+) ends .+$`), "$1 中途结束"},
	{regexp.MustCompile(`^a checksum of the (\w+) is wrong .+$`), "$1 校验和错误"},
	{regexp.MustCompile(`^the (\w+) has no (?:picture in it|data chunk|samples|whole frame of sound)$`), "$1 没有内容"},
	{regexp.MustCompile(`; at most `), "，上限 "},
	{regexp.MustCompile(`; at least `), "，下限 "},
	{regexp.MustCompile(`(\d) bytes\b`), "$1 字节"},
	{regexp.MustCompile(`(\d) s\b`), "$1 秒"},
}

func factIn(lang Lang, detail string) string {
	if lang != Chinese {
		return detail
	}
	for _, f := range facts {
		detail = f.re.ReplaceAllString(detail, f.zh)
	}
	return detail
}

// State is a job's state in a few words; a state that is none stays as it is.
func State(s job.State, lang Lang) string {
	if t, ok := states[s]; ok {
		return pick(lang, t[0], t[1])
	}
	return string(s)
}

// states in English and Chinese.
var states = map[job.State][2]string{
	job.Received:   {"checking", "检查中"},
	job.Queued:     {"waiting its turn", "排队中"},
	job.Submitting: {"being sent", "提交中"},
	job.Submitted:  {"waiting at the video service", "已提交，等待生成"},
	job.Running:    {"being made", "生成中"},
	job.Storing:    {"being brought home", "取回中"},
	job.Held:       {"needs a person", "需要人工处理"},
	job.Succeeded:  {"done", "已完成"},
	job.Failed:     {"failed", "失败"},
	job.Rejected:   {"refused", "已拒绝"},
	job.Canceled:   {"canceled", "已取消"},
	job.Expired:    {"lost", "已丢失"},
}

func pick(lang Lang, en, zh string) string {
	if lang == Chinese {
		return zh
	}
	return en
}
