package words

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
		t.Fatalf("%s differs (-update writes it anew):\n%s", file, diff)
	}
}

var (
	place = Place{Bucket: "emodrop-outbox", InboxBucket: "emodrop-inbox", Region: "eu-central-1"}
	at    = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
)

// outcomes are one message of each kind.
func outcomes() map[string]job.Message {
	base := job.Message{ID: "3f2a9c01d4e5f60718293a4b5c6d7e8f-1-SUCCEEDED-7", Job: "3f2a9c01d4e5f60718293a4b5c6d7e8f", Attempt: 1,
		Name: job.Name{Dir: "courses/week 1", Stem: "anna"}, Image: "courses/week 1/anna.jpg", Audio: "courses/week 1/anna.mp3",
		Ratio: job.Square, TaskID: "a8532587-fa8c-4ef8-82be-000000000000", Received: at.Add(-10 * time.Minute), At: at,
		Labels: "l", Said: job.Labels{Metadata: map[string]string{"order": "A&B <7>"}, Tags: []string{"spring", "秋"}}}
	with := func(change func(*job.Message)) job.Message {
		m := base
		change(&m)
		m.ID = m.Job + "-1-" + string(m.State) + "-7"
		return m
	}
	week := job.Manifest{Name: job.Name{Dir: "courses", Stem: "week 1"}, File: job.Half{Key: "courses/week 1.jobs.csv", ETag: "e", Modified: at}}
	news := func(b job.BatchNews, quoted, billed job.Money) job.Message {
		m := job.BatchMessage(week, b, at)
		m.Quoted, m.Billed = quoted, billed
		return m
	}
	film := &job.Film{Key: "videos/courses/week 1/anna.mp4", ETag: `"e"`, SHA256: strings.Repeat("ab", 32), Size: 5_400_321, Seconds: 13.93,
		Width: 512, Height: 512}
	return map[string]job.Message{
		"succeeded": with(func(m *job.Message) { m.State, m.Film, m.Billed = job.Succeeded, film, 1_114_400 }),
		"batch-refused": job.BatchMessage(week, job.BatchNews{Phase: job.BatchRefused, More: 7, FaultsFile: job.FaultsKey(week), Faults: []job.RowFault{
			{Text: "the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"}, {Line: 3, Text: "name: stands on line 2 already"},
			{Line: 4, Text: "ratio: has to be one of 1:1, 3:4, auto"}, {Line: 5, Text: "column 12: not valid JSON"}, {Line: 6, Text: "image: is missing"}}}, at),
		"batch-taken":         news(job.BatchNews{Phase: job.BatchTaken, Rows: 300, NotMade: 2, Results: job.ResultsKey(week.Name)}, 230_400_000, 0),
		"batch-taken-in-part": news(job.BatchNews{Phase: job.BatchTaken, Rows: 300, Unpriced: 2, Results: job.ResultsKey(week.Name)}, 230_400_000, 0),
		"batch-finished":      news(job.BatchNews{Phase: job.BatchFinished, Rows: 300, Made: 298, NotMade: 2, Results: job.ResultsKey(week.Name)}, 0, 229_000_000),
		"batch-checked":       news(job.BatchNews{Phase: job.BatchFinished, Rows: 3, Checked: 3, Results: job.ResultsKey(week.Name)}, 3_000_000, 0),
		"checked":             with(func(m *job.Message) { m.State, m.TaskID, m.Quoted = job.Checked, "", 1_114_400 }),
		"rejected-options": with(func(m *job.Message) {
			m.State, m.TaskID = job.Rejected, ""
			m.Fault = &job.Fault{Code: job.CodeOptionsRefused, File: "courses/week 1/anna.json",
				Detail: `ratoi: there is no such option; perhaps "ratio" is meant`}
		}),
		"rejected-budget": with(func(m *job.Message) {
			m.State, m.TaskID = job.Rejected, ""
			m.Fault = &job.Fault{Code: job.CodeOverBudget, Detail: "at most CNY 5.04 of CNY 5.00 a day"}
		}),
		"budget": job.BudgetMessage(job.Shortage{Period: job.Month, Limit: 2000 * job.Yuan, Spent: 1_998_320_000, Need: 2_400_000}, at),
		"rejected-file": with(func(m *job.Message) {
			m.State, m.TaskID = job.Rejected, ""
			m.Fault = &job.Fault{Code: job.CodeImageTooSmall, File: m.Image, Detail: "399×620; at least 400"}
		}),
		"rejected-face": with(func(m *job.Message) {
			m.State, m.TaskID = job.Rejected, ""
			m.Fault = &job.Fault{Code: job.CodeFaceRefused, File: m.Image, VendorCode: "InvalidFile.MultiHuman",
				VendorMessage: "The input image has multi human bodies.", RequestID: "c56f62df"}
		}),
		"failed": with(func(m *job.Message) {
			m.State = job.Failed
			m.Fault = &job.Fault{Code: job.CodeVendorFailed, VendorCode: "InternalError.Algo",
				VendorMessage: "see https://oss.example.com/a?Signature=secret now", RequestID: "r-1"}
		}),
		"held-create": with(func(m *job.Message) {
			m.State, m.TaskID, m.Fault = job.Held, "", &job.Fault{Code: job.CodeAmbiguous}
		}),
		"held-film": with(func(m *job.Message) {
			m.State, m.Film, m.Billed = job.Held, film, 1_114_400
			m.Fault = &job.Fault{Code: job.CodeFilmMisfit, Detail: "film 13.93 s, recording 20.00 s"}
		}),
		"expired": with(func(m *job.Message) { m.State, m.Fault = job.Expired, &job.Fault{Code: job.CodeTaskExpired} }),
		"link-ended": with(func(m *job.Message) {
			m.State, m.Wasted, m.Fault = job.Expired, 1_114_400, &job.Fault{Code: job.CodeLinkEnded}
		}),
		"replaced": with(func(m *job.Message) {
			m.State, m.TaskID, m.Fault = job.Canceled, "", &job.Fault{Code: job.CodeReplaced}
		}),
		"given-up": with(func(m *job.Message) { m.State, m.Fault = job.Canceled, &job.Fault{Code: job.CodeGivenUp} }),
		"canceled": with(func(m *job.Message) {
			m.State, m.TaskID, m.Fault = job.Canceled, "", &job.Fault{Code: job.CodeCanceled}
		}),
		"orphaned": job.OrphanMessage(job.Job{ID: base.Job, Attempt: 1, Name: base.Name, Image: job.Input{Key: base.Image},
			Audio: job.Input{Key: base.Audio, Seconds: 13.93}, Ratio: job.Square, Received: base.Received, State: job.Succeeded}, base.TaskID, 1_114_400, at),
		"waiting": job.Notice(job.Name{Dir: "课程/第一周", Stem: "张三"}, "etag",
			job.Fault{Code: job.CodePictureMissing, File: "课程/第一周/张三.mp3"}, at),
		"unknown-file": job.Notice(job.Name{Stem: "notes.docx"}, "etag", job.Fault{Code: job.CodeUnknownFile, File: "notes.docx"}, at),
	}
}

func TestMailsReadAsTheyShould(t *testing.T) {
	t.Parallel()
	for name, m := range outcomes() {
		subject, body := Mail(m, place)
		golden(t, "mail-"+name+".golden", "Subject: "+subject+"\n\n"+body)
	}
}

func TestRecordsKeepTheirForm(t *testing.T) {
	t.Parallel()
	for name, m := range outcomes() {
		golden(t, "record-"+name+".golden.json", string(Record(m, place)))
	}
}

func TestTheCatalogueReadsAsItShould(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, code := range job.Codes() {
		for _, lang := range Languages() {
			what, fix := Explain(faultOf(code), name, lang)
			charged, retried := Terms(code, lang)
			b.WriteString(code + " " + string(lang) + "\n  " + what + "\n  " + fix + "\n  " + charged + "\n  " + retried + "\n")
		}
	}
	b.WriteString("\nWithout file and fact:\n")
	for _, code := range job.Codes() {
		for _, lang := range Languages() {
			what, _ := Explain(job.Fault{Code: code}, name, lang)
			b.WriteString(code + " " + string(lang) + ": " + what + "\n")
		}
	}
	b.WriteString("\nWhere the service says more:\n")
	for _, r := range reasons {
		f := job.Fault{Code: job.CodeInputRefused, VendorMessage: r.message}
		if len(r.codes) > 0 {
			f.VendorCode = r.codes[0]
		}
		for _, lang := range Languages() {
			what, fix := Explain(f, name, lang)
			b.WriteString(f.VendorCode + " " + r.message + " " + string(lang) + "\n  " + what + "\n  " + fix + "\n")
		}
	}
	golden(t, "catalogue.golden", b.String())
}

// usersFault are the codes that whoever hands files in can bring about, each with how it
// ends: a job's state, or none for files that are no job.
var usersFault = map[string]job.State{
	job.CodeEmpty: job.Rejected, job.CodeTooLarge: job.Rejected, job.CodeNotImage: job.Rejected, job.CodeNotAudio: job.Rejected,
	job.CodeUnknownFormat: job.Rejected, job.CodeTruncated: job.Rejected, job.CodeCorrupt: job.Rejected, job.CodeUnsupportedCode: job.Rejected,
	job.CodeNoSound: job.Rejected, job.CodeImageTooSmall: job.Rejected, job.CodeImageTooBig: job.Rejected, job.CodeAudioTooLong: job.Rejected,
	job.CodeFileGone: job.Failed, job.CodeReplaced: job.Canceled, job.CodeFaceRefused: job.Rejected, job.CodeInputRefused: job.Rejected,
	job.CodeOptionsRefused: job.Rejected, job.CodeOverBudget: job.Rejected, job.CodeFileMissing: job.Rejected, job.CodeCanceled: job.Canceled,
	job.CodeAudioMissing: "", job.CodePictureMissing: "", job.CodeTooLate: "", job.CodeUnknownFile: "", job.CodeFilesMissing: "", job.CodeOptionsLate: "",
	job.CodeControlAlone: "", job.CodeControlOld: "", job.CodeCancelSending: "", job.CodeCancelLate: "", job.CodeCancelHeld: "", job.CodeCancelEnded: "",
	job.CodeRetryOpen: "", job.CodeRetryFilm: "", job.CodeRetryCharge: "", job.CodeRetryFiles: "", job.CodeRetryUnread: "",
	job.CodeManifestRefused: "", job.CodeManifestStuck: "", job.CodeResultsLost: "",
}

// othersFault are the codes that no files or objects of a user bring about, but the
// service, the account, or those who run the stack.
var othersFault = []string{job.CodeUnreadable, job.CodeDetectFails, job.CodeVendorRefused, job.CodeVendorFailed, job.CodeCannotDownload,
	job.CodeCannotUpload, job.CodeVendorSilent, job.CodeVendorCanceled, job.CodeVendorLost, job.CodeTaskExpired, job.CodeLinkEnded,
	job.CodeTaskOrphaned, job.CodeAmbiguous, job.CodeFilmMisfit, job.CodeGivenUp, job.CodeKeyRefused, job.CodeNoMoney, job.CodeNoAccess, job.CodePaused,
	job.CodeBudget}

// Every failure that a user can cause ends in a record that names the file, the cause and
// the way out in both languages, and says what it cost and what happens next.
func TestEveryFailureOfAUserEndsInARecordThatNamesTheFile(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, job.Codes(), slices.Concat(slices.Collect(maps.Keys(usersFault)), othersFault), "each is somebody's")
	for code, state := range usersFault {
		f := faultOf(code)
		m := job.Notice(job.Name{Dir: "courses", Stem: "anna"}, "etag", f, at)
		if state != "" {
			m.Job, m.Attempt, m.State, m.Image, m.Audio = "3f2a9c01d4e5f60718293a4b5c6d7e8f", 1, state, "courses/anna.jpg", "courses/anna.mp3"
			m.ID = m.Job + "-1-" + string(state) + "-2"
		}
		golden(t, "user-"+code+".golden.json", string(Record(m, place)))
		for _, lang := range Languages() {
			said := outcomeOf(m, place).Text[lang]
			require.Contains(t, said.What, "courses/anna", "%s %s", code, lang)
			for _, s := range []string{said.What, said.Fix, said.Money, said.Retry} {
				require.NotEmpty(t, s, "%s %s", code, lang)
				require.Equal(t, lang == Chinese, hasHan(s), "%s %s: %s", code, lang, s)
			}
		}
		_, body := Mail(m, place)
		for _, lang := range Languages() {
			what, fix := Explain(f, m.Name, lang)
			require.Contains(t, body, what+"\n"+fix+"\n", code)
		}
	}
}
