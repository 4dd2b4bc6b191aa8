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
	{regexp.MustCompile(`^no MPEG frame behind the tag$`), "标签之后没有 MPEG 帧"},
	{regexp.MustCompile(`^(?:the header|the MP4) says (\d+) x (\d+) pixels$`), "文件头中的尺寸为 $1×$2 像素"},
	{regexp.MustCompile(`^(.+), not Layer III$`), "$1，而不是 Layer III"},
	{regexp.MustCompile(`^MP3 in free format, without a fixed bitrate$`), "自由格式的 MP3，没有固定码率"},
	{regexp.MustCompile(`^a WAV with an unknown subformat$`), "WAV 的子格式未知"},
	{regexp.MustCompile(`^a WAV with (?:format tag )?(.+) inside$`), "WAV 内为 $1"},
	{regexp.MustCompile(`(\d+)-bit `), "$1 位 "},
	{regexp.MustCompile(`^big-endian WAV \(RIFX\)$`), "大端序 WAV（RIFX）"},
	{regexp.MustCompile(`^(?:the|a|an|\d+)\b.*?\b(JPEG|PNG|BMP|WebP|WAV|MP3|MP4)\b.*$`), "$1 的内部结构有误"},
	// Of options: a path, what is wrong there, and perhaps what was meant.
	{regexp.MustCompile(`; perhaps "(.+)" is meant$`), "，可能应为“$1”"},
	{regexp.MustCompile(`: there is no such option`), "：没有这个选项"},
	{regexp.MustCompile(`: has to be one of (.+?)(，|$)`), "：必须是以下之一：$1$2"},
	{regexp.MustCompile(`: its name has to be a text of (\d+) to (\d+) characters$`), "：名称必须是 $1 到 $2 个字符的文本"},
	{regexp.MustCompile(`: has to be a text of (\d+) to (\d+) characters$`), "：必须是 $1 到 $2 个字符的文本"},
	{regexp.MustCompile(`: has to be a whole number from (\d+) to (\d+)$`), "：必须是 $1 到 $2 的整数"},
	{regexp.MustCompile(`: has to be four whole numbers: left, top, right, bottom$`), "：必须是四个整数：左、上、右、下"},
	{regexp.MustCompile(`: its right has to be greater than its left, and its bottom than its top$`), "：右必须大于左，下必须大于上"},
	{regexp.MustCompile(`: has to be of the shape 1:1 or 3:4; it is (.+)$`), "：宽高比必须为 1:1 或 3:4，现在是 $1"},
	{regexp.MustCompile(`: has to come together with (\w+)$`), "：必须与 $1 一起给出"},
	{regexp.MustCompile(`: has to lie within the picture, which is (\S+)$`), "：必须在图片范围内，图片为 $1"},
	{regexp.MustCompile(`: has to lie within ext_bbox$`), "：必须在 ext_bbox 之内"},
	{regexp.MustCompile(`: does not go with ext_bbox, which is (\S+)$`), "：与 ext_bbox 的宽高比 $1 不一致"},
	{regexp.MustCompile(`: has to be true or false$`), "：必须是 true 或 false"},
	{regexp.MustCompile(`: has to be an object$`), "：必须是对象"},
	{regexp.MustCompile(`: has to be a list$`), "：必须是列表"},
	{regexp.MustCompile(`: has more than (\d+) entries$`), "：超过 $1 项"},
	{regexp.MustCompile(`: stands there twice$`), "：重复出现"},
	{regexp.MustCompile(`: more than (\d+) bytes together$`), "：合计超过 $1 字节"},
	{regexp.MustCompile(`^the document has more than (\d+) bytes$`), "文件超过 $1 字节"},
	{regexp.MustCompile(`^the document is nested too deeply$`), "文件嵌套过深"},
	{regexp.MustCompile(`^the document is empty$`), "文件为空"},
	{regexp.MustCompile(`^the document is not UTF-8$`), "文件不是 UTF-8 编码"},
	{regexp.MustCompile(`^text$`), "文本"},
	// Of manifests.
	{regexp.MustCompile(`^the file has more than (\d+) bytes; split it$`), "文件超过 $1 字节，请拆分"},
	{regexp.MustCompile(`^the file has more than (\d+) rows; split it$`), "文件超过 $1 行，请拆分"},
	{regexp.MustCompile(`^the line has more than (\d+) bytes$`), "该行超过 $1 字节"},
	{regexp.MustCompile(`^the file has no rows$`), "文件没有任何行"},
	{regexp.MustCompile(`^the file is not UTF-8; save it as UTF-8 \(in Excel: CSV UTF-8\)$`), "文件不是 UTF-8 编码，请另存为 UTF-8（Excel 中选择“CSV UTF-8”）"},
	{regexp.MustCompile(`^a quotation mark is out of place$`), "引号位置不正确"},
	{regexp.MustCompile(`^the line: has to be an object$`), "该行：必须是对象"},
	{regexp.MustCompile(`^column (\d+): not valid JSON$`), "第 $1 列：不是有效的 JSON"},
	{regexp.MustCompile(`^column (\d+): has no title in the first line$`), "第 $1 列：首行没有列名"},
	{regexp.MustCompile(`: must not have a slash; the folder is the manifest's own$`), "：不能包含斜杠，文件夹即清单所在的文件夹"},
	{regexp.MustCompile(`: must not begin with a dot$`), "：不能以点开头"},
	{regexp.MustCompile(`: must not have a backslash \(\\\); put a slash \(/\) between folders$`), `：不能包含反斜杠（\），文件夹之间请用斜杠（/）`},
	{regexp.MustCompile(`: must not have control characters or line ends$`), "：不能包含控制字符或换行符"},
	{regexp.MustCompile(`^the first line has more than (\d+) columns$`), "首行超过 $1 列"},
	{regexp.MustCompile(`: stands on line (\d+) already$`), "：与第 $1 行重复"},
	{regexp.MustCompile(`: is missing; the first line has to name the columns name, image and audio$`), "：缺失，首行必须包含 name、image、audio 列"},
	{regexp.MustCompile(`: is missing$`), "：缺失"},
	{regexp.MustCompile(`: has to be the key of a file in the inbox, not an address$`), "：必须是收件桶中文件的键名，而不是网址"},
	{regexp.MustCompile(`: must not have \. or \.\. in its path; begin it with a slash to name another folder$`), "：路径中不能有 . 或 ..，如需其他文件夹请以斜杠开头"},
	{regexp.MustCompile(`: has to be a key of (\d+) to (\d+) bytes$`), "：必须是 $1 到 $2 字节的键名"},
	{regexp.MustCompile(`: has to be a text$`), "：必须是文本"},
	{regexp.MustCompile(`^line (\d+), column (\d+): not valid JSON$`), "第 $1 行第 $2 列：不是有效的 JSON"},
	{regexp.MustCompile(`; at most `), "，上限 "},
	{regexp.MustCompile(`; at least `), "，下限 "},
	{regexp.MustCompile(`(\d) bytes\b`), "$1 字节"},
	{regexp.MustCompile(`(\d) s\b`), "$1 秒"},
	{regexp.MustCompile(`CNY ([\d.]+) a day`), "每天 $1 元"},
	{regexp.MustCompile(`CNY ([\d.]+) a month`), "每月 $1 元"},
	{regexp.MustCompile(`at most CNY ([\d.]+) of `), "最多 $1 元，预算为"},
}

func factIn(lang Lang, detail string) string {
	if lang != Chinese {
		return detail
	}
	if strings.HasPrefix(detail, "“") { // names that are near: theirs, whatever they read like
		return strings.ReplaceAll(detail, "”, “", "”、“")
	}
	for _, f := range facts {
		detail = f.re.ReplaceAllString(detail, f.zh)
	}
	const oneOf = "：必须是以下之一："
	if path, values, ok := strings.Cut(detail, oneOf); ok {
		detail = path + oneOf + strings.ReplaceAll(values, ", ", "、")
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
	job.Checked:    {"checked, not ordered", "已检查，未提交"},
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
