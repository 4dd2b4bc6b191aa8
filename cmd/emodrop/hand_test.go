package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/lookup"
	"emodrop/local/sample"
	"emodrop/shared/invoke"
	"emodrop/shared/job"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestSubmitChecksPricesAsksAndHandsIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"intro.wav": sample.Speech()})
	image, audio, intro := filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3"), filepath.Join(dir, "intro.wav")

	line := objects(t, d.good("submit", image, audio, "--dry-run", "--json"))[0]
	require.Equal(t, "0.426318", line["price_cny"])
	require.Equal(t, true, line["dry_run"])
	require.Empty(t, d.inbox(), "a dry run sends nothing")

	p := d.refused(exitUsage, "not_confirmed", "submit", image, audio)
	require.Contains(t, p.Fix, "--yes")
	require.Equal(t, exitUsage, d.run("submit", image, audio).code, "nobody can be asked in a pipe")
	require.Empty(t, d.inbox())

	o := d.run("submit", image, audio, intro, "--folder", "courses/第1周", "--yes")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "films: 2, for about ¥0.880718")
	require.Equal(t, line["id"] != "", true)
	require.Len(t, strings.Split(strings.TrimSpace(o.stdout), "\n"), 2)
	require.ElementsMatch(t, []string{"courses/第1周/anna.jpg", "courses/第1周/anna.mp3", "courses/第1周/intro.jpg", "courses/第1周/intro.wav"}, d.inbox(),
		"the picture goes along with each recording, under its name")
	id, _, _ := strings.Cut(o.stdout, "\t")
	require.NotEmpty(t, id)

	o = d.run("submit", image, audio, "--name", "Anna 2", "--watch", "--yes")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "SUCCEEDED\tAnna 2\tvideos/Anna 2.mp4")
	o = d.run("submit", image, audio, "--name", "Anna 2")
	require.Zero(t, o.code, "the same again costs nothing, so nobody is asked: %s", o.stderr)
	require.Contains(t, o.stderr, "the same was handed in before: done; nothing is sent")
	require.Equal(t, "SUCCEEDED", objects(t, d.good("submit", image, audio, "--name", "Anna 2", "--json"))[0]["state"])
}

func TestSubmitSendsNothingWhenAFileCannotBeUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"empty.mp3": nil, "letter.mp3": []byte("Dear Sir or Madam"), "small.bmp": bmp(100, 100)})
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		args []string
		code string
	}{
		{[]string{at("anna.jpg"), at("anna.mp3"), at("empty.mp3")}, job.CodeEmpty},
		{[]string{at("anna.jpg"), at("letter.mp3")}, job.CodeNotAudio},
		{[]string{at("anna.mp3"), at("anna.jpg"), "--name", "x"}, job.CodeNotImage},
		{[]string{at("small.bmp"), at("anna.mp3")}, job.CodeImageTooSmall},
	} {
		d.refused(exitJobFailed, c.code, append([]string{"submit", "--yes"}, c.args...)...)
		o := d.run(append([]string{"submit", "--yes"}, c.args...)...)
		require.Equal(t, exitJobFailed, o.code)
		require.Contains(t, o.stderr, "refused:", "each file is told")
		require.Contains(t, o.stderr, "Nothing was sent.")
	}
	require.Empty(t, d.inbox())
}

// bmp is the header of a bitmap, which is all that is looked at.
func bmp(w, h byte) []byte {
	b := make([]byte, 54+int(w)*int(h)*4)
	copy(b, "BM")
	b[2], b[3], b[4] = byte(len(b)), byte(len(b)>>8), byte(len(b)>>16)
	b[10], b[14], b[18], b[22], b[26], b[28] = 54, 40, w, h, 1, 32
	return b
}

func TestAFilmThatWasCanceledForANewerOneIsMadeWhenItIsHandedInAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, nil)
	image, audio := filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3")
	id := objects(t, d.good("submit", image, audio, "--dry-run", "--json"))[0]["id"].(string)
	j, err := d.st.Jobs.Create(t.Context(), job.Job{ID: id, State: job.Received, Name: job.Name{Stem: "anna"}, Received: time.Now(), Due: time.Now()})
	require.NoError(t, err)
	next := j
	next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced}
	_, err = d.st.Jobs.Move(t.Context(), j, next)
	require.NoError(t, err)
	o := d.run("submit", image, audio, "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "SUCCEEDED", "the end before is not taken for the end")

	require.Equal(t, exitJobFailed, func() int {
		j, err := d.st.Jobs.Create(t.Context(), job.Job{ID: strings.Repeat("0", 32), State: job.Rejected, Fault: &job.Fault{Code: job.CodeEmpty}})
		require.NoError(t, err)
		return d.run("watch", j.ID).code
	}())
}

func TestBatchPairsAsTheInboxDoesAndSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{
		"week1/portrait.jpg": sample.Portrait(), "week1/intro.wav": sample.Speech(), "week1/outro.mp3": sample.SpeechChinese(),
		"week1/outro.JPG": sample.Portrait(), "bad.jpg": sample.Portrait(), "bad.mp3": []byte("no sound"), "alone.mp3": sample.SpeechChinese(),
		"notes.txt": []byte("x"), "_later/x.jpg": sample.Portrait(), ".git/x.mp3": sample.SpeechChinese(), "anna.jpg.part": nil,
	})
	dry := d.run("batch", dir, "--dry-run", "--json", "--folder", "c")
	require.Equal(t, exitJobFailed, dry.code, "a dry run says that one pair cannot be used")
	got := map[string]any{}
	for _, l := range objects(t, dry.stdout) {
		if l["path"] != nil {
			got[filepath.Base(l["path"].(string))] = l["problem"].(map[string]any)["code"]
			continue
		}
		got[l["name"].(string)+" ← "+filepath.Base(l["image"].(string))] = l["upload"]
	}
	require.Equal(t, map[string]any{"c/anna ← anna.jpg": true, "c/bad ← bad.jpg": false, "c/week1/intro ← portrait.jpg": true, "c/week1/outro ← outro.JPG": true,
		"alone.mp3": "half_pair", "notes.txt": job.CodeUnknownFile}, got)
	require.Empty(t, d.inbox())

	o := d.run("batch", dir, "--folder", "c", "--yes", "--watch", "--timeout", "1m")
	require.Equal(t, exitJobFailed, o.code, "one pair could not be used\n%s\n%s", o.stdout, o.stderr)
	for _, said := range []string{"notes.txt: no picture and no recording", "alone.mp3: its other half is missing", "films: 3", "“bad.mp3” has a recording's name"} {
		require.Contains(t, o.stderr, said)
	}
	require.Equal(t, 3, strings.Count(o.stdout, "SUCCEEDED"), o.stdout)
	require.ElementsMatch(t, []string{"c/anna.jpg", "c/anna.mp3", "c/week1/portrait.jpg", "c/week1/intro.wav", "c/week1/outro.JPG", "c/week1/outro.mp3"}, d.inbox())

	require.Contains(t, d.run("batch", filepath.Join(dir, ".git")).stderr, "no pair")
	d.refused(exitUsage, "no_pairs", "batch", filepath.Join(dir, ".git"))
	require.Equal(t, exitUsage, d.run("batch", filepath.Join(dir, "notes.txt")).code)
}

func TestBatchFollowsLinksToFilesAndToItsOwnFolderAndSaysWhatItDoesNotFollow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"elsewhere/anna.jpg": sample.Portrait(), "elsewhere/anna.mp3": sample.SpeechChinese(), "week1/note": nil})
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, to := range map[string]string{
		"latest": "week1", "week1/anna.jpg": "../elsewhere/anna.jpg", "week1/anna.mp3": "../elsewhere/anna.mp3",
		"week1/more": "../elsewhere", "week1/lost.mp3": "nowhere.mp3", "week1/.hidden": "nowhere",
	} {
		require.NoError(t, os.Symlink(to, in(name)))
	}
	o := d.run("batch", in("latest"), "--dry-run")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "films: 1")
	require.Contains(t, o.stderr, in("latest/more")+": a link that leads to no file; left out")
	require.Contains(t, o.stderr, in("latest/lost.mp3")+": a link that leads to no file; left out")
	require.NotContains(t, o.stderr, ".hidden")
}

func TestBatchTakesOptionsAlongAndPricesThem(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{
		"anna.json": []byte(`{"ratio":"3:4","tags":["spring"]}`),
		"bad.jpg":   sample.Portrait(), "bad.mp3": sample.SpeechChinese(), "bad.json": []byte(`{"ratoi":"3:4"}`),
		"dry.jpg": sample.Portrait(), "dry.mp3": sample.SpeechChinese(), "dry.json": []byte(`{"dryRun":true}`), "alone.json": []byte(`{}`),
	})
	got := map[string]any{}
	for _, l := range objects(t, d.run("batch", dir, "--dry-run", "--json").stdout) {
		if l["path"] != nil {
			got[filepath.Base(l["path"].(string))] = l["problem"].(map[string]any)["code"]
			continue
		}
		got[l["name"].(string)] = l["price_cny"]
		if l["problem"] != nil {
			got[l["name"].(string)] = l["problem"].(map[string]any)["message"]
		}
	}
	require.Equal(t, map[string]any{"anna": "0.852637", "dry": "0.00", "alone.json": "half_pair",
		"bad": `The options in “bad.json” cannot be used: ratoi: there is no such option; perhaps "ratio" is meant.`}, got)

	o := d.run("batch", dir, "--yes", "--watch", "--timeout", "1m")
	require.Equal(t, exitJobFailed, o.code, "one pair could not be used")
	require.Contains(t, o.stdout, "SUCCEEDED\tanna")
	require.Contains(t, o.stdout, "CHECKED\tdry")
	require.ElementsMatch(t, []string{"anna.jpg", "anna.mp3", "anna.json", "dry.jpg", "dry.mp3", "dry.json"}, d.inbox())
}

func TestSubmitTakesOptionsAlongAndChecksThemBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"anna.json": []byte(`{"ratio":"3:4"}`), "intro.wav": sample.Speech(), "dry.JSON": []byte(`{"dryRun":true}`), "dry.wav": sample.Speech(),
		"wrong.json": []byte(`{"ratoi":"3:4"}`), "far.json": []byte(`{"face_bbox":[10,10,20,20],"ext_bbox":[0,0,6000,6000]}`), "voices/bert.wav": sample.Speech(), "bert.json": []byte(`{"tags":["b"]}`)})
	at := func(name string) string { return filepath.Join(dir, name) }
	line := objects(t, d.good("submit", at("anna.jpg"), at("anna.mp3"), "--dry-run", "--json"))[0]
	require.Equal(t, at("anna.json"), line["options"])
	require.Equal(t, "0.852637", line["price_cny"], "its options double the price")

	o := d.run("submit", at("anna.jpg"), at("anna.mp3"), at("intro.wav"), at("dry.wav"), "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "anna.jpg + anna.mp3 + anna.json")
	require.Contains(t, o.stderr, "checked and priced only")
	require.Contains(t, o.stdout, "CHECKED\tdry")
	require.ElementsMatch(t, []string{"anna.jpg", "anna.mp3", "anna.json", "intro.jpg", "intro.wav", "dry.jpg", "dry.wav", "dry.json"}, d.inbox())

	o = d.run("submit", at("anna.jpg"), at("intro.wav"), at("anna.mp3"), "--options", at("bert.json"), "--folder", "all", "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Subset(t, d.inbox(), []string{"all/intro.json", "all/anna.json"}, "the file that is named is that of all of them")
	o = d.run("submit", at("anna.jpg"), at("voices/bert.wav"), "--name", "Bert 2", "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, d.inbox(), "Bert 2.json", "options beside the picture, under the film's name")

	before := len(d.inbox())
	require.Contains(t, d.refused(exitJobFailed, job.CodeOptionsRefused, "submit", at("anna.jpg"), at("intro.wav"), "--options", at("wrong.json"), "--yes").Message,
		`“wrong.json” cannot be used: ratoi: there is no such option; perhaps "ratio" is meant`)
	require.Contains(t, d.refused(exitJobFailed, job.CodeOptionsRefused, "submit", at("anna.jpg"), at("intro.wav"), "--options", at("far.json"), "--yes").Message,
		"ext_bbox: has to lie within the picture")
	require.Len(t, d.inbox(), before, "nothing was sent")
}

func TestWhatComesTooLateIsSaidBeforehandAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"tall.json": []byte(`{"ratio":"3:4"}`), "week/portrait.jpg": sample.Portrait(), "week/one.mp3": sample.SpeechChinese()})
	at := func(name string) string { return filepath.Join(dir, name) }
	d.good("submit", at("anna.jpg"), at("anna.mp3"), "--yes", "--watch", "--timeout", "1m")
	made := objects(t, d.good("list", "--json"))
	before := d.inbox()

	late := d.refused(exitJobFailed, job.CodeOptionsLate, "submit", at("anna.jpg"), at("anna.mp3"), "--options", at("tall.json"), "--yes", "--watch")
	require.Contains(t, late.Message, "“tall.json” came too late")
	require.Contains(t, late.Fix, "under a new name")
	line := objects(t, d.run("submit", at("anna.jpg"), at("anna.mp3"), "--options", at("tall.json"), "--dry-run", "--json").stderr)[0]
	require.Equal(t, job.CodeOptionsLate, line["code"])
	require.Equal(t, before, d.inbox(), "nothing was sent")

	require.NoError(t, os.WriteFile(at("anna.json"), []byte(`{"ratio":"3:4"}`), 0o600))
	o := d.run("batch", dir, "--yes", "--watch", "--timeout", "1m")
	require.Equal(t, exitJobFailed, o.code, o.stderr)
	require.Contains(t, o.stderr, "“anna.json” came too late")
	require.Contains(t, o.stderr, "films: 1,", "the other pair is made")
	require.Contains(t, o.stdout, "SUCCEEDED\tweek/one")

	newer := append(sample.Portrait(), 0)
	require.NoError(t, os.WriteFile(at("week/portrait.jpg"), newer, 0o600))
	o = d.run("batch", at("week"), "--folder", "week", "--yes", "--watch", "--timeout", "1m")
	require.Equal(t, exitJobFailed, o.code, o.stderr)
	require.Contains(t, o.stderr, "“portrait.jpg” came too late")
	require.Len(t, objects(t, d.good("list", "--json")), len(made)+1)
}

func TestSweepHandsOverOnlyWhatNobodyHasTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"anna.json": []byte("{}")})
	o := d.run("submit", filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "anna.mp3"), "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Empty(t, d.good("sweep"), "all is taken, options too")

	asked := &lambdas{}
	cfg := d.aws.Config()
	cfg.HTTPClient = &http.Client{Transport: asked}
	d.st.Invoke = invoke.New(lambda.NewFromConfig(cfg), "submit", "")
	stem, err := d.st.Jobs.Stem(t.Context(), lookup.Name("anna"))
	require.NoError(t, err)
	lost := stem
	lost.Audio = nil
	_, err = d.st.Jobs.PutStem(t.Context(), stem, lost)
	require.NoError(t, err)
	require.NoError(t, d.aws.S3.Put(t.Context(), "inbox", "_later/x.mp3", "audio/mpeg", nil, strings.NewReader("x")))
	require.NoError(t, d.aws.S3.Put(t.Context(), "inbox", "notes.txt", "text/plain", nil, strings.NewReader("x")))

	line := objects(t, d.good("sweep", "--dry-run", "--json"))
	require.Len(t, line, 1)
	require.Equal(t, "anna.mp3", line[0]["key"])
	require.Empty(t, asked.bodies)
	d.refused(exitUsage, "not_confirmed", "sweep", "--all")
	require.Empty(t, asked.bodies)
	require.Contains(t, d.good("sweep", "--yes"), "anna.mp3\trecording\t")
	require.Equal(t, []string{`{"dispatch":false,"keys":["anna.mp3"]}`}, asked.bodies)
	d.st.Submit = ""
	d.refused(exitUsage, "no_function", "sweep", "--yes")
}

// lambdas is a Lambda that takes every event.
type lambdas struct{ bodies []string }

func (f *lambdas) RoundTrip(r *http.Request) (*http.Response, error) {
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		return nil, err
	}
	f.bodies = append(f.bodies, b.String())
	return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, nil)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder.mp3"), 0o755))
	require.Contains(t, d.refused(exitUsage, "usage", "submit", filepath.Join(dir, "anna.jpg"), filepath.Join(dir, "folder.mp3")).Message, "folder.mp3 is a folder")
	p := d.refused(exitUsage, "usage", "submit", filepath.Join(dir, "anna.jpg"), os.DevNull) // as a pipe, which would be waited for
	require.Contains(t, p.Message, "is no file that can be read twice")
	p = d.refused(exitUsage, "usage", "submit", filepath.Join(dir, "nobody.jpg"), filepath.Join(dir, "anna.mp3"))
	require.Regexp(t, `^There is no file .*nobody\.jpg\.$`, p.Message)
	require.NotEmpty(t, p.Fix)
	p = d.refused(exitUsage, "usage", "submit", "--lang", "zh", filepath.Join(dir, "nobody.jpg"), filepath.Join(dir, "anna.mp3"))
	require.Regexp(t, `^没有文件 .*nobody\.jpg。$`, p.Message)
	require.Contains(t, d.refused(exitUsage, "usage", "batch", filepath.Join(dir, "nowhere")).Message, "There is no file")
}

// What a person is told of is the file that was given, not what it would be called in
// the inbox.
func TestAFileThatIsNeitherPictureNorRecordingIsCalledByItsOwnName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	dir := files(t, map[string][]byte{"Makefile": []byte("all:\n"), "small.bmp": bmp(100, 100)})
	at := func(name string) string { return filepath.Join(dir, name) }
	p := d.refused(exitJobFailed, job.CodeNotImage, "submit", at("Makefile"), at("anna.mp3"))
	require.Equal(t, "“Makefile” is no picture (JPEG, PNG, BMP or WebP).", p.Message)
	require.Contains(t, p.Fix, "IMAGE AUDIO")
	p = d.refused(exitJobFailed, job.CodeNotAudio, "submit", "--lang", "zh", at("anna.jpg"), at("Makefile"))
	require.Equal(t, "“Makefile”不是录音（MP3 或 WAV）。", p.Message)
	require.Contains(t, d.refused(exitJobFailed, job.CodeImageTooSmall, "submit", at("small.bmp"), at("anna.mp3")).Message, "small.bmp")
	require.Contains(t, d.run("submit", at("Makefile"), at("anna.mp3")).stderr, "“Makefile” is no picture")
}
