package words

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestEveryFaultOfAManifestIsSaidInChineseToo(t *testing.T) {
	t.Parallel()
	sentence := regexp.MustCompile(`[a-z]+ [a-z]+ [a-z]+`)
	for _, fault := range []string{
		"the file has no rows", "the file has more than 10485760 bytes; split it", "the file has more than 10000 rows; split it",
		"the line has more than 16384 bytes", "the file is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)",
		"a quotation mark is out of place", "the line: has to be an object", "column 12: not valid JSON",
		"column 4: has no title in the first line", "name: must not have a slash; the folder is the manifest's own",
		"name: must not have control characters or line ends", "the first line has more than 40 columns",
		"name: must not begin with a dot", "name: stands on line 7 already", "name: has to be a text", "image: is missing",
		"name: has to be a text of 1 to 200 characters",
		"audio: is missing; the first line has to name the columns name, image and audio",
		"image: has to be the key of a file in the inbox, not an address",
		"image: must not have . or .. in its path; begin it with a slash to name another folder", "audio: has to be a key of 1 to 1024 bytes",
		`image: must not have a backslash (\); put a slash (/) between folders`,
		"Ratio: stands there twice", `ratoi: there is no such option; perhaps "ratio" is meant`, "style-level: has to be one of normal, calm, active",
	} {
		require.Equal(t, fault, factIn(English, fault))
		require.NotRegexp(t, sentence, factIn(Chinese, fault))
	}
}

func TestAResultSaysOfARowWhatItsJobSays(t *testing.T) {
	t.Parallel()
	row := job.Row{Number: 3, Line: 4, Name: "anna", Job: "j"}
	j := job.Job{ID: "j", Name: job.Name{Dir: "courses", Stem: "anna"}, State: job.Queued, Quoted: 800_000, Audio: job.Input{Seconds: 10},
		Fault: &job.Fault{Code: job.CodeVendorFailed}}
	open := ResultOf(row, j)
	require.Equal(t, []string{"", "0.80", "0.00"}, []string{open.Code, open.Quote, open.Billed})
	require.Equal(t, "“courses/anna”: waiting its turn.", open.Text[English], "an attempt that failed is not the job's end")

	j.State, j.Billed, j.Wasted, j.Film = job.Succeeded, 810_000, 5, &job.Film{Key: "videos/courses/anna.mp4"}
	made := ResultOf(row, j)
	require.Equal(t, []string{"", "", "0.81", "0.000005", "videos/courses/anna.mp4"}, []string{made.Code, made.Quote, made.Billed, made.Wasted, made.Film})
	row.Late = true
	late := ResultOf(row, j)
	require.Equal(t, job.CodeOptionsLate, late.Code)
	require.Contains(t, late.Text[Chinese], "来得太晚")

	failed := ResultOf(job.Row{}, job.Job{State: job.Failed, Fault: &job.Fault{Code: job.CodeVendorFailed, File: "f"}})
	require.Equal(t, []string{job.CodeVendorFailed, "f"}, []string{failed.Code, failed.File})
	checked := ResultOf(job.Row{}, job.Job{State: job.Checked, Quoted: 70_000})
	require.Equal(t, "0.07", checked.Quote)

	var b job.BatchNews
	var m job.Message
	for _, r := range []Result{open, made, failed, checked, ResultOf(job.Row{}, job.Job{State: job.Received})} {
		r.Count(&b, &m)
	}
	require.Equal(t, job.BatchNews{Made: 1, Checked: 1, NotMade: 1, Unpriced: 1}, b)
	require.Equal(t, []job.Money{870_000, 810_000, 5}, []job.Money{m.Quoted, m.Billed, m.Wasted})
}
