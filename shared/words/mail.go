package words

import (
	"maps"
	"slices"
	"strings"

	"emodrop/shared/job"
)

// maxSubject is the longest subject SNS takes, in characters.
// Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxSubject = 99

// Between stands between the texts of a mail, English before Chinese.
const Between = "\n----------------------------------------\n\n"

// Mail is the readable text of an outcome: the answer first, where things are on
// lines of their own; in English and then in Chinese.
func Mail(m job.Message, p Place) (subject, body string) {
	texts := make([]string, 0, 2)
	for _, lang := range Languages() {
		texts = append(texts, letter(m, p, lang))
	}
	return subjectOf(m), strings.Join(texts, Between)
}

// letter is the mail in one language.
func letter(m job.Message, p Place, lang Lang) string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	say := func(en, zh string, args ...any) { line(sprint(pick(lang, en, zh), args...)) }

	what, fix := headline(m, lang)
	line(what)
	if fix != "" {
		line(fix)
	}
	line()
	if lines := batchLetter(m, p, lang); lines != nil {
		for _, l := range lines {
			line(l)
		}
		line()
	}
	if m.Film != nil {
		where := object(p.Bucket, m.Film.Key)
		line(oneLine(where))
		if oneLine(where) == where {
			line("aws s3 cp ", shellQuote(where), " .")
		}
		line()
		say("Length: %.2f s, %d×%d pixels, %s", "时长：%.2f 秒，%d×%d 像素，%s", finite(m.Film.Seconds), m.Film.Width, m.Film.Height, size(m.Film.Size))
	} else if upload(m) {
		say("Upload to:", "上传到：")
		line(oneLine(object(p.InboxBucket, folder(m))))
		line()
	}
	line(Charged(m, lang))
	if next := retried(m, lang); next != "" {
		line(next)
	}
	if f := m.Fault; f != nil && f.VendorCode+f.VendorMessage != "" {
		said := strings.TrimSpace(clipped(oneLine(f.VendorCode), maxVendorCode) + " " + clipped(unlinked(oneLine(f.VendorMessage)), maxVendorMessage))
		say("The video service said: %s", "视频服务返回：%s", said)
		if f.RequestID != "" {
			say("Request: %s", "请求 ID：%s", clipped(oneLine(f.RequestID), maxVendorCode))
		}
	}
	if m.TaskID != "" {
		say("Task at the video service: %s", "视频服务任务 ID：%s", clipped(oneLine(m.TaskID), maxVendorCode))
	}
	for _, l := range labels(m.Said, lang) {
		line(l)
	}
	if m.Job != "" {
		say("Job: %s, attempt %d", "任务编号：%s，第 %d 次尝试", m.Job, m.Attempt)
	}
	line(page(m, p))
	return b.String()
}

// What is kept of the service's own words, in bytes.
const (
	maxVendorCode    = 128
	maxVendorMessage = 500
)

// headline is the answer: what became of it, and what to do if anything.
func headline(m job.Message, lang Lang) (what, fix string) {
	name := oneLine(m.Name.String())
	switch {
	case m.Batch != nil && m.Fault == nil:
		return batchHeadline(m, lang)
	case m.State == job.Succeeded:
		return sprint(pick(lang, "The film of “%s” is ready.", "“%s”的视频已完成。"), name), ""
	case m.State == job.Checked:
		return sprint(pick(lang, "“%s” has been checked and can be made: the film would cost %s. It was a dry run, so nothing has been ordered.",
				"“%s”已通过检查，可以制作，视频费用预计为 %s。本次为试运行，未提交制作。"), name, price(m.Quoted, lang)),
			pick(lang, "To have it made, take dryRun out of its options, or set it to false, and upload the file that holds them again.",
				"如需制作，请在选项中去掉 dryRun（或设为 false），并重新上传选项所在的文件。")
	case m.Fault != nil:
		return Explain(*m.Fault, m.Name, lang)
	case m.State == job.Canceled:
		return sprint(pick(lang, "The film of “%s” was called off.", "“%s”的视频已取消。"), name), ""
	}
	return sprint(pick(lang, "“%s”: %s.", "“%s”：%s。"), name, State(m.State, lang)), ""
}

// retried says what happens by itself after something went wrong.
func retried(m job.Message, lang Lang) string {
	if m.Fault == nil || m.State == job.Succeeded {
		return ""
	}
	_, again := Terms(m.Fault.Code, lang)
	return again
}

// maxLabel bounds what a mail says of one of a hand-in's labels, in bytes; machines
// get them whole.
const maxLabel = 200

// labels are what a hand-in wanted carried along, on lines of their own.
func labels(l job.Labels, lang Lang) (lines []string) {
	tidy := func(s string) string { return clipped(unlinked(oneLine(s)), maxLabel) }
	if len(l.Tags) > 0 {
		tags := make([]string, len(l.Tags))
		for i, t := range l.Tags {
			tags[i] = tidy(t)
		}
		lines = append(lines, pick(lang, "Tags: ", "标签：")+strings.Join(tags, pick(lang, ", ", "、")))
	}
	for _, k := range slices.Sorted(maps.Keys(l.Metadata)) {
		lines = append(lines, pick(lang, "Metadata: ", "附加信息：")+tidy(k)+" = "+tidy(l.Metadata[k]))
	}
	return lines
}

// upload says whether the way out is another file.
func upload(m job.Message) bool {
	if m.Fault == nil || m.State == job.Held {
		return false
	}
	if catalogue[m.Fault.Code].charge == itself {
		return false
	}
	switch m.Fault.Code {
	case job.CodeBudget, job.CodeTaskOrphaned, job.CodeReplaced, job.CodeCanceled, job.CodeGivenUp, job.CodeUnknownFile, job.CodeOptionsLate, job.CodeVendorRefused, job.CodeLinkEnded:
		return false
	}
	return true
}

// subjectOf is ASCII, one line, and short enough: SNS takes no other.
func subjectOf(m job.Message) string {
	head := "emodrop: "
	switch {
	case m.Short != nil:
		return head + "budget reached: " + m.Short.Fact()
	case m.State == job.Succeeded:
		head += "film ready: "
	case m.Batch != nil:
		head += "manifest " + string(m.Batch.Phase) + ": "
	case m.State == job.Held:
		head += "needs a person: "
	case m.Fault != nil && m.Fault.Code == job.CodeTaskOrphaned:
		head += "charged in vain: "
	case m.Job != "":
		head += State(m.State, English) + ": "
	case m.Fault != nil && (m.Fault.Code == job.CodeManifestStuck || m.Fault.Code == job.CodeResultsLost):
		head += "manifest: "
	case m.Fault != nil && catalogue[m.Fault.Code].charge == itself:
		head += "not done: "
	case m.Fault != nil && m.Fault.Code == job.CodeUnknownFile:
		head += "unknown file: "
	case m.Fault != nil && (m.Fault.Code == job.CodeTooLate || m.Fault.Code == job.CodeOptionsLate):
		head += "too late: "
	default:
		head += "waiting: "
	}
	head, _ = ascii(clipped(oneLine(head), 40))
	name, lost := ascii(oneLine(m.Name.String()))
	tail := ""
	if lost {
		// Names of other letters would all look the same.
		id := m.ID
		for _, kind := range []string{"notice-", "manifest-", "orphan-"} {
			id = strings.TrimPrefix(id, kind)
		}
		id, _ = ascii(oneLine(id))
		tail = " (" + id[:min(len(id), 8)] + ")"
	}
	if room := maxSubject - len(head) - len(tail); len(name) > room {
		// The end of a long name tells more than its folders.
		name = "..." + name[len(name)-room+3:]
	}
	return head + name + tail
}

// size is a file's size for people.
func size(bytes int64) string {
	if bytes < 1<<20 {
		return sprint("%d KB", (bytes+1023)/1024)
	}
	return sprint("%.1f MB", float64(bytes)/(1<<20))
}
