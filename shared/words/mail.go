package words

import (
	"fmt"
	"strings"
	"unicode"

	"emodrop/shared/job"
)

// maxSubject is the longest subject SNS takes, in characters.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxSubject = 99

// Mail is the readable text of an outcome: the answer first, in English and then
// in Chinese.
func Mail(m job.Message, p Place) (subject, body string) {
	var b strings.Builder
	for i, lang := range []Lang{English, Chinese} {
		if i > 0 {
			b.WriteString("\n----\n\n")
		}
		mailIn(&b, lang, m, p)
	}
	return subjectOf(m), b.String()
}

func mailIn(b *strings.Builder, lang Lang, m job.Message, p Place) {
	t := func(en, zh string) string {
		if lang == Chinese {
			return zh
		}
		return en
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	name := oneLine(m.Name.String())
	if m.State == job.Succeeded && m.Film != nil {
		line(t("The film of %s is ready.", "%s 的视频已完成。"), name)
	} else if m.Fault != nil {
		f := *m.Fault
		f.File, f.Detail = oneLine(f.File), oneLine(f.Detail)
		what, fix := Explain(f, job.Name{Stem: name}, lang)
		line("%s", what)
		line("%s", fix)
	} else {
		line("%s: %s", name, State(m.State, lang))
	}
	line("")
	if m.Film != nil {
		where := "s3://" + p.Bucket + "/" + m.Film.Key
		line("%s", oneLine(where))
		if oneLine(where) == where {
			line("aws s3 cp %s .", shellQuote(where))
		}
		line("")
		line(t("Length: %.2f s, %d×%d pixels", "时长：%.2f 秒，%d×%d 像素"), m.Film.Seconds, m.Film.Width, m.Film.Height)
	}
	line("%s", Charged(m, lang))
	if m.TaskID != "" {
		line(t("Task at the vendor: %s", "服务商任务：%s"), m.TaskID)
	}
	if m.Job != "" {
		line(t("Job: %s, attempt %d", "任务：%s，第 %d 次"), m.Job, m.Attempt)
	}
	line("%s", consoleLine(p))
}

func consoleLine(p Place) string {
	if p.Console != "" {
		return p.Console
	}
	return "https://console.aws.amazon.com/s3/buckets/" + p.Bucket + "?region=" + p.Region
}

// subjectOf is ASCII, one line, and short enough: SNS takes no other.
func subjectOf(m job.Message) string {
	head := "emodrop: "
	switch {
	case m.State == job.Succeeded:
		head += "film ready: "
	case m.State == job.Held:
		head += "needs a person: "
	case m.Job == "" && m.Fault != nil && m.Fault.Code == job.CodeUnknownFile:
		head += "unknown file: "
	case m.Job == "":
		head += "waiting: "
	default:
		head += strings.ToLower(string(m.State)) + ": "
	}
	name := ascii(m.Name.String())
	if room := maxSubject - len(head); len(name) > room {
		name = "..." + name[len(name)-room+3:]
	}
	return head + name
}

// ascii keeps what is printable and plain, and puts one '?' for each run of the
// rest.
func ascii(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if r >= ' ' && r < 0x7f {
			b.WriteRune(r)
			gap = false
			continue
		}
		if !gap {
			b.WriteByte('?')
		}
		gap = true
	}
	return b.String()
}

// oneLine keeps a name from faking lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

// shellQuote makes one word of a POSIX shell of any text.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
