package console

import (
	"encoding/json"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/shared/job"
)

// plan is what /check answers to files that were dropped together.
func (b *bench) plan(t *testing.T, folder string, headers []string, files ...file) checked {
	t.Helper()
	w := b.sendTo(t, "/check", append([]string{"Accept", "application/json"}, headers...), append(files, file{"folder", "", folder})...)
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	var c checked
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &c))
	c.HTML = html.UnescapeString(c.HTML)
	return c
}

func dropped(path string) file {
	switch {
	case strings.HasSuffix(path, ".jpg"):
		return file{"file", path, string(sample.Portrait())}
	case strings.HasSuffix(path, ".wav"):
		return file{"file", path, string(sample.Speech())}
	}
	return file{"file", path, "x"}
}

func TestPairsAndPriceAreKnownBeforeAnythingIsHandedIn(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.plan(t, "", nil, dropped("week 1/anna.jpg"), dropped("week 1/anna.wav"), dropped("week 2/portrait.jpg"), dropped("week 2/a.wav"),
		dropped("week 2/b.wav"), dropped("week 1/alone.wav"), dropped("week 1/notes.txt"), dropped("week 1/.DS_Store"), dropped("week 2/_x/c.wav"))
	require.True(t, c.OK)
	require.Equal(t, 3, c.Films)
	require.Equal(t, "Films: 3. Make them for ¥1.3632", c.Button)
	require.Equal(t, []int{0, 1, 2, 3, 4}, c.Send, "what makes no film is not sent")
	require.Contains(t, c.HTML, "alone.wav</bdi>: no picture of the same name")
	require.Contains(t, c.HTML, "notes.txt</bdi>: neither a picture nor a recording")
	require.NotContains(t, c.HTML, "DS_Store")
	require.Equal(t, 3, strings.Count(c.HTML, "¥0.4544"))
	require.Empty(t, b.shelf.in, "nothing is handed in")
	requireEmptyDir(t, b.spool)

	zh := b.plan(t, "", []string{"Accept-Language", "zh"}, dropped("anna.jpg"), dropped("bert.wav"))
	require.Equal(t, "生成 1 个视频，费用 ¥0.4544", zh.Button, "one picture is the picture of what came with it")

	mixed := b.plan(t, "", nil, dropped("anna.jpg"), dropped("anna.wav"), dropped("bert.wav"))
	require.Equal(t, 1, mixed.Films, "it is anna's picture, and not bert's")
	require.Equal(t, 2, b.plan(t, "", nil, dropped("me.jpg"), dropped("anna.wav"), dropped("bert.wav")).Films, "it is nobody's, so everybody's")

	tall := setup(t, func(c *Config) { c.Ratio, c.Simulated = job.Portrait, true }).plan(t, "", nil, dropped("anna.jpg"), dropped("anna.wav"))
	require.Equal(t, "Films: 1. Make them (the real price would be ¥0.9088)", tall.Button)
}

func TestWhatTheInboxWouldRefuseIsSaidBeforehandAndNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.plan(t, "", nil, dropped("a.jpg"), dropped("a.wav"), dropped("b.jpg"), file{"file", "b.wav", "no sound"})
	require.Equal(t, 1, c.Films)
	require.Equal(t, []int{0, 1}, c.Send)
	require.Contains(t, c.HTML, "“b.wav” has a recording's name but holds no recording we can use")
	require.Contains(t, c.HTML, "What to do:")

	none := b.plan(t, "", nil, dropped("a.jpg"))
	require.Zero(t, none.Films)
	require.Equal(t, "No film comes of these files.", none.Text)
}

func TestTheSameHandInIsKnownAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	first := b.plan(t, "shop", nil, dropped("anna.jpg"), dropped("anna.wav"))
	require.Equal(t, 1, first.Films)
	n := job.Name{Dir: "shop", Stem: "anna"}
	sum := func(f file) string { return sha([]byte(f.content)) }
	old := one(1, job.Succeeded, "shop/anna")
	old.ID = job.Identity(n, sum(dropped("a.jpg")), sum(dropped("a.wav")), job.Options{})
	b.table.put(old)
	again := b.plan(t, "shop", nil, dropped("anna.jpg"), dropped("anna.wav"))
	require.Zero(t, again.Films)
	require.Contains(t, again.HTML, "was handed in before: done")
	require.NotContains(t, again.HTML, "¥")

	old.State, old.Fault = job.Rejected, &job.Fault{Code: job.CodeFileGone}
	b.table.put(old)
	require.Equal(t, 1, b.plan(t, "shop", nil, dropped("anna.jpg"), dropped("anna.wav")).Films, "that one waits for its files")
}

func TestAFolderIsHandedInAsItIsButForWhatMakesNoFilm(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	w := b.sendTo(t, "/upload", []string{"Accept", "application/json"}, file{"folder", "", "shop"}, dropped("w/a.jpg"), dropped("w/a.wav"),
		dropped("v/portrait.jpg"), dropped("v/b.wav"), dropped("v/c.wav"), dropped("w/half.wav"), dropped("w/x.txt"))
	require.Equal(t, 200, w.Code)
	require.JSONEq(t, `{"ok":true,"text":"Handed in: 5 files. The film appears below."}`, w.Body.String())
	require.Equal(t, []string{"shop/v/portrait.jpg", "shop/w/a.jpg", "shop/v/b.wav", "shop/v/c.wav", "shop/w/a.wav"}, b.shelf.keys,
		"pictures before recordings")

	w = b.sendTo(t, "/upload", []string{"Accept", "application/json"}, dropped("w/x.txt"), dropped("v/y.txt"))
	require.Equal(t, 422, w.Code)
	require.Contains(t, w.Body.String(), `"ok":false`)
	for _, bad := range []string{"../a.jpg", "a/../../a.jpg", ".git/a.jpg", `a\..\a.jpg`, "a/\x7f/a.jpg", "a//../a.jpg"} {
		c := setup(t, nil)
		c.sendTo(t, "/upload", nil, dropped(bad), file{"file", strings.Replace(bad, ".jpg", ".wav", 1), "r"})
		require.Empty(t, c.shelf.keys, "%q", bad)
	}
	requireEmptyDir(t, b.spool)
}

func TestANewcomerMakesAFilmWithoutFilesOfHisOwn(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Sample = map[string][]byte{"sample.jpg": []byte("p"), "sample.wav": []byte("r")} })
	require.Contains(t, b.get("/").Body.String(), `action="/sample"`)
	w := b.ask("POST", "/sample", nil)
	require.Equal(t, 303, w.Code)
	require.Equal(t, map[string]string{"sample.jpg": "p", "sample.wav": "r"}, b.shelf.in)
	require.Contains(t, b.get(w.Header().Get("Location")).Body.String(), "Handed in: 2 files.")

	none := setup(t, nil)
	require.NotContains(t, none.get("/").Body.String(), "/sample")
	require.Equal(t, 404, none.ask("POST", "/sample", nil).Code)
}

func TestAManifestIsSaidToGoInAnotherWay(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for lang, says := range map[string]string{"en": "week.jobs.csv</bdi>: a manifest: hand it in, with the files that it names, by emodrop batch", "zh": "week.jobs.csv</bdi>: 清单：请用 emodrop batch"} {
		c := b.plan(t, "", []string{"Accept-Language", lang}, dropped("w/week.jobs.csv"), dropped("w/anna.jpg"), dropped("w/anna.wav"), dropped("w/_files/face.jpg"))
		require.Equal(t, 1, c.Films)
		require.Equal(t, []int{1, 2}, c.Send)
		require.Contains(t, c.HTML, says)
	}
	alone := b.plan(t, "", nil, dropped("week.jobs.jsonl"))
	require.Zero(t, alone.Films)
	require.Contains(t, alone.HTML, "week.jobs.jsonl</bdi>: a manifest")
}
