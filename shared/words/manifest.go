package words

import (
	"bytes"
	"strings"

	"emodrop/shared/job"
)

// batch is what records and events say of a manifest as a whole.
type batch struct {
	Phase      job.BatchPhase `json:"phase"`
	Rows       int            `json:"rows"`
	Made       int            `json:"made"`
	Checked    int            `json:"checked"`
	NotMade    int            `json:"not_made"`
	Unpriced   int            `json:"unpriced,omitempty"`
	Results    *objectAt      `json:"results,omitempty"`
	Faults     []rowFault     `json:"faults,omitempty"`
	More       int            `json:"more_faults,omitempty"`
	FaultsFile *objectAt      `json:"faults_file,omitempty"`
}

type objectAt struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
}

type rowFault struct {
	Line  int             `json:"line,omitempty"`
	Field string          `json:"field,omitempty"`
	Text  map[Lang]string `json:"text"`
}

func batchOf(m job.Message, p Place) *batch {
	b := m.Batch
	if b == nil {
		return nil
	}
	out := &batch{Phase: b.Phase, Rows: b.Rows, Made: b.Made, Checked: b.Checked, NotMade: b.NotMade, Unpriced: b.Unpriced, More: b.More}
	if b.Results != "" {
		out.Results = &objectAt{p.Bucket, b.Results}
	}
	if b.FaultsFile != "" {
		out.FaultsFile = &objectAt{p.Bucket, b.FaultsFile}
	}
	for _, f := range b.Faults {
		out.Faults = append(out.Faults, faultOfRow(f))
	}
	return out
}

// faultOfRow says in each language what is wrong with a line.
func faultOfRow(f job.RowFault) rowFault {
	field, _, ok := strings.Cut(f.Text, ": ")
	if !ok || strings.HasPrefix(field, "column ") || strings.HasPrefix(field, "the ") {
		field = ""
	}
	out := rowFault{f.Line, field, map[Lang]string{}}
	for _, lang := range Languages() {
		out.Text[lang] = WrongLine(f, lang)
	}
	return out
}

// WrongLine says what is wrong with a line of a manifest.
func WrongLine(f job.RowFault, lang Lang) string { return factIn(lang, oneLine(f.Text)) }

// FaultLines say of each wrong line of a manifest what records say of the first: a line of
// JSON each.
func FaultLines(faults []job.RowFault) []byte {
	var b bytes.Buffer
	for _, f := range faults {
		b.Write(encode(faultOfRow(f), ""))
	}
	return b.Bytes()
}

// batchLetter is the part of a mail that only those about manifests have.
func batchLetter(m job.Message, p Place, lang Lang) (lines []string) {
	b := batchOf(m, p)
	if b == nil {
		return nil
	}
	for _, f := range b.Faults {
		where := ""
		if f.Line > 0 {
			where = sprint(pick(lang, "Line %d: ", "第 %d 行："), f.Line)
		}
		lines = append(lines, where+unlinked(f.Text[lang]))
	}
	if b.More > 0 {
		lines = append(lines, sprint(pick(lang, "… and %d more. All are listed here:", "……以及另外 %d 行。全部列在："), b.More))
	}
	at := b.Results
	if at == nil {
		at = b.FaultsFile
	}
	if at != nil {
		where := object(at.Bucket, at.Key)
		lines = append(lines, oneLine(where))
		if oneLine(where) == where {
			lines = append(lines, "aws s3 cp "+shellQuote(where)+" .")
		}
	}
	return lines
}

// batchHeadline is the answer of a message about a manifest that was taken in, or whose
// rows have all ended; one that was refused is a fault like others.
func batchHeadline(m job.Message, lang Lang) (what, fix string) {
	b, name := m.Batch, oneLine(m.Name.String())
	say := func(en, zh string, args ...any) string { return sprint(pick(lang, en, zh), args...) }
	ended := b.Made + b.Checked + b.NotMade
	switch {
	case b.Phase == job.BatchTaken && b.Unpriced > 0:
		what = say("“%s” has been taken in: %d rows, of which %d have ended and %d wait to be priced. The films still to be made cost %s without those.",
			"“%s”已接收：共 %d 行，其中 %d 行已结束，%d 行尚未计价。其余待制作视频的费用预计为 %s。", name, b.Rows, ended, b.Unpriced, price(m.Quoted, lang))
	case b.Phase == job.BatchTaken:
		what = say("“%s” has been taken in: %d rows, of which %d have ended. What is still to be made, and was checked in dry runs, comes to %s.",
			"“%s”已接收：共 %d 行，其中 %d 行已结束。待制作（含试运行检查）的费用预计为 %s。", name, b.Rows, ended, price(m.Quoted, lang))
	case b.Checked > 0:
		what = say("All %d rows of “%s” have ended: %d films made, %d checked in dry runs (%s if they were made), %d not made.",
			"“%[2]s”的 %[1]d 行已全部结束：制作 %[3]d 个视频，试运行检查 %[4]d 个（如制作预计 %[5]s），未制作 %[6]d 个。",
			b.Rows, name, b.Made, b.Checked, price(m.Quoted, lang), b.NotMade)
	default:
		what = say("All %d rows of “%s” have ended: %d films made, %d not made.", "“%[2]s”的 %[1]d 行已全部结束：制作 %[3]d 个视频，未制作 %[4]d 个。",
			b.Rows, name, b.Made, b.NotMade)
	}
	return what, say("The results say of each row what came of it.", "结果文件列出了每一行的情况。")
}

// batchCharged is what the rows of a manifest have cost together.
func batchCharged(m job.Message, lang Lang) string {
	if m.Batch.Phase == job.BatchRefused || m.Billed+m.Wasted == 0 {
		return pick(lang, "No film was charged.", "没有产生视频费用。")
	}
	// A manifest that is dropped again has no film charged again.
	s := sprint(pick(lang, "The films of its rows have cost %s, those made earlier included.", "各行视频的费用合计（含此前已制作的）：%s。"), price(m.Billed, lang))
	if m.Wasted > 0 {
		s += sprint(pick(lang, " Charged in vain, or by earlier attempts: %s.", "此前各次或未得到视频的费用：%s。"), price(m.Wasted, lang))
	}
	return s
}
