package console

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/shared/job"
)

func optionsFile(path, doc string) file { return file{"file", path, doc} }

func TestOptionsThatAreDroppedAlongPairPriceAndGoIn(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	tall := `{"ratio":"3:4"}`
	for what, files := range map[string][]file{
		"one picture":      {dropped("w/anna.jpg"), dropped("w/anna.wav"), optionsFile("w/anna.JSON", tall)},
		"one of two names": {dropped("w/me.jpg"), dropped("w/anna.wav"), optionsFile("w/anna.json", tall)},
		"several":          {dropped("w/anna.jpg"), dropped("w/anna.wav"), optionsFile("w/anna.json", tall), dropped("w/bert.jpg")},
	} {
		c := b.plan(t, "shop", nil, files...)
		require.Equal(t, 1, c.Films, what)
		require.Equal(t, "Films: 1. Make them for ¥0.9088", c.Button, what)
		require.Equal(t, []int{0, 1, 2}, c.Send, what)
		require.Contains(t, c.HTML, `<th scope="col">Options</th>`, what)
		require.Contains(t, strings.ToLower(c.HTML), "<bdi>anna.json</bdi>", what)
	}
	require.NotContains(t, b.plan(t, "", nil, dropped("anna.jpg"), dropped("anna.wav")).HTML, "Options", "no column for nothing")

	w := b.sendTo(t, "/upload", []string{"Accept", "application/json"}, file{"folder", "", "shop"}, dropped("w/me.jpg"), dropped("w/anna.wav"), optionsFile("w/anna.json", tall),
		dropped("w/bert.wav"), optionsFile("w/bert.json", "{}"))
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Equal(t, []string{"shop/w/anna.json", "shop/w/anna.jpg", "shop/w/bert.json", "shop/w/bert.jpg", "shop/w/anna.wav", "shop/w/bert.wav"}, b.shelf.keys,
		"no recording is taken before its options")
	require.Equal(t, tall, b.shelf.in["shop/w/anna.json"])
}

func TestOptionsThatCannotBeUsedAreSaidBeforehand(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c := b.plan(t, "", nil, dropped("a.jpg"), dropped("a.wav"), optionsFile("a.json", `{"ratoi":"3:4"}`),
		dropped("b.jpg"), dropped("b.wav"), optionsFile("b.json", `{"dryRun":true}`), optionsFile("alone.json", `{}`),
		dropped("c.jpg"), dropped("c.wav"), optionsFile("c.json", `{"face_bbox":[1,1,2,2],"ext_bbox":[0,0,6999,6999]}`))
	require.Equal(t, 1, c.Films)
	require.Equal(t, []int{3, 4, 5}, c.Send)
	require.Equal(t, "Films: 1. Make them for ¥0.00", c.Button)
	require.Contains(t, c.HTML, `“a.json” cannot be used: ratoi: there is no such option; perhaps "ratio" is meant`)
	require.Contains(t, c.HTML, "ext_bbox: has to lie within the picture")
	require.Contains(t, c.HTML, "Checked and priced only")
	require.Contains(t, c.HTML, "alone.json</bdi>: options: no picture and recording of the same name")
}

func TestTheSameFilesWithOtherOptionsAreAnotherFilmUntilOneWasSent(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	old := one(1, job.Succeeded, "anna")
	old.ID = job.Identity(job.Name{Stem: "anna"}, sha(sample.Portrait()), sha(sample.Speech()), job.Options{Style: job.Calm})
	b.table.put(old)
	pair := []file{dropped("anna.jpg"), dropped("anna.wav")}
	require.Equal(t, 1, b.plan(t, "", nil, pair...).Films)
	require.Contains(t, b.plan(t, "", nil, append(pair, optionsFile("anna.json", `{"style_level":"calm"}`))...).HTML, "was handed in before: done")

	// Once it was sent, they come too late, and nothing is priced that will not be made.
	old.Posts = 1
	old.Image.SHA256, old.Audio.SHA256 = sha(sample.Portrait()), sha(sample.Speech())
	b.table.put(old)
	c := b.plan(t, "", nil, append(pair, optionsFile("anna.json", `{"ratio":"3:4"}`))...)
	require.Zero(t, c.Films)
	require.Empty(t, c.Send)
	require.Contains(t, c.HTML, "“anna.json” came too late")
	require.Contains(t, c.HTML, "under a new name")
	require.Contains(t, b.plan(t, "", nil, pair...).HTML, "was handed in before: done", "without options of its own it is the same hand-in")
}

func TestWithoutScriptOneFileOfOptionsIsThatOfAllRecordings(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.Contains(t, b.get("/").Body.String(), `name="options"`)
	w := b.send(t, nil, file{"picture", "me.jpg", "p"}, file{"recording", "a.mp3", "r"}, file{"recording", "b.mp3", "r"}, file{"options", "calm.json", "{}"})
	require.Equal(t, 303, w.Code)
	require.Equal(t, []string{"a.json", "a.jpg", "b.json", "b.jpg", "a.mp3", "b.mp3"}, b.shelf.keys)

	half := setup(t, nil)
	half.send(t, nil, file{"recording", "a.mp3", "r"}, file{"options", "calm.json", "{}"})
	require.Equal(t, []string{"a.json", "a.mp3"}, half.shelf.keys)

	for says, files := range map[string][]file{
		"is no file of options":          {{"options", "calm.txt", "{}"}},
		"Choose one file of options":     {{"options", "calm.json", "{}"}, {"options", "more.json", "{}"}},
		"“calm.json” is empty":           {{"options", "calm.json", ""}},
		"“calm.json” is larger than 1 M": {{"options", "calm.json", strings.Repeat("x", formRoom+1)}},
	} {
		w := setup(t, nil).send(t, nil, append([]file{{"picture", "a.jpg", "p"}, {"recording", "a.mp3", "r"}}, files...)...)
		require.Equal(t, 422, w.Code, says)
		require.Contains(t, w.Body.String(), says)
	}
}
