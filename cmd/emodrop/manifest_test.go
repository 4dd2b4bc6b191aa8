package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/sample"
	"emodrop/shared/job"
)

// week is a folder with a manifest of two films, and the files that it names.
func week(t *testing.T, manifest string) (path string) {
	t.Helper()
	if manifest == "" {
		manifest = "name,image,audio,ratio\nlesson 1,_files/face.jpg,_files/one.mp3,\n第二课,_files/face.jpg,_files/two.wav,3:4\n"
	}
	dir := files(t, map[string][]byte{"week.jobs.csv": []byte(manifest), "_files/face.jpg": sample.Portrait(), "_files/one.mp3": sample.SpeechChinese(),
		"_files/two.wav": sample.Speech(), "_files/bad.mp3": []byte("no sound")})
	return filepath.Join(dir, "week.jobs.csv")
}

func TestAManifestGoesInWithItsFilesAndIsPricedBefore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	name := week(t, "")
	lines := objects(t, d.good("batch", name, "--folder", "c", "--dry-run", "--json"))
	require.Len(t, lines, 2)
	require.Equal(t, []any{"c/lesson 1", 2.0, "0.426318", true}, []any{lines[0]["name"], lines[0]["line"], lines[0]["price_cny"], lines[0]["upload"]})
	require.Equal(t, []any{"c/第二课", 3.0, "0.9088"}, []any{lines[1]["name"], lines[1]["line"], lines[1]["price_cny"]}, "its options count")
	require.Empty(t, d.inbox())
	d.refused(exitUsage, "not_confirmed", "batch", name)
	require.Empty(t, d.inbox())

	o := d.run("batch", name, "--folder", "c", "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "lesson 1  ←  face.jpg + one.mp3")
	require.Contains(t, o.stderr, "films: 2, for about ¥1.3351")
	require.Contains(t, o.stderr, "what comes of its rows: s3://outbox/videos/c/week.results.jsonl")
	require.Contains(t, o.stdout, "SUCCEEDED\tc/lesson 1\tvideos/c/lesson 1.mp4")
	require.Contains(t, o.stdout, "SUCCEEDED\tc/第二课")
	require.ElementsMatch(t, []string{"c/_files/face.jpg", "c/_files/one.mp3", "c/_files/two.wav", "c/week.jobs.csv"}, d.inbox(), "a picture of several rows once")
	made := objects(t, d.good("list", "--json"))
	require.ElementsMatch(t, []any{lines[0]["id"], lines[1]["id"]}, []any{made[0]["id"], made[1]["id"]}, "they are the jobs that were announced")

	o = d.run("batch", name, "--folder", "c")
	require.Zero(t, o.code, "the same again costs nothing: %s", o.stderr)
	require.Equal(t, 2, strings.Count(o.stderr, "nothing is sent"))
}

func TestARowMadeBeforeKeepsItsFilmWhenItsManifestGoesInWithANewOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	name := week(t, "name,image,audio\none,_files/face.jpg,_files/one.mp3\n")
	o := d.run("batch", name, "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.NoError(t, d.aws.S3.Delete(t.Context(), "inbox", "_files/one.mp3"))
	require.NoError(t, os.WriteFile(name, []byte("name,image,audio\none,_files/face.jpg,_files/one.mp3\ntwo,_files/face.jpg,_files/two.wav\n"), 0o600))
	o = d.run("batch", name, "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "films: 1,")
	made := objects(t, d.good("list", "--json"))
	require.Len(t, made, 2)
	for _, j := range made {
		require.Equal(t, "SUCCEEDED", j["state"], j["name"])
	}
}

func TestARowWhoseOptionsComeTooLateIsSaidAndNotWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	name := week(t, "name,image,audio\none,_files/face.jpg,_files/one.mp3\n")
	d.good("batch", name, "--yes", "--watch", "--timeout", "1m")
	require.NoError(t, os.WriteFile(name, []byte("name,image,audio,ratio\none,_files/face.jpg,_files/one.mp3,3:4\ntwo,_files/face.jpg,_files/two.wav,\n"), 0o600))
	o := d.run("batch", name, "--yes", "--watch", "--timeout", "1m")
	require.Equal(t, exitJobFailed, o.code, o.stderr)
	require.Contains(t, o.stderr, "“week.jobs.csv” came too late")
	require.Contains(t, o.stderr, "films: 1,")
	require.Contains(t, o.stdout, "SUCCEEDED\ttwo")
}

func TestAManifestIsSentWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NoError(t, d.aws.S3.Put(t.Context(), "inbox", "voices/two.wav", "audio/wav", map[string]string{"emo-ratio": "3:4"}, strings.NewReader(string(sample.Speech()))))
	there := len(d.inbox())
	const good = "ok,_files/face.jpg,_files/one.mp3\n"
	for why, c := range map[string]struct {
		rows string
		code string
		exit int
		says []string
	}{
		"wrong lines":      {good + "ok,_files/face.jpg,_files/two.wav\n,_files/face.jpg,x.mp3\n", job.CodeManifestRefused, exitJobFailed, []string{"line 3: name: stands on line 2 already", "line 4: name: ", "wrong lines: 2"}},
		"no rows":          {"", job.CodeManifestRefused, exitJobFailed, []string{"the file has no rows"}},
		"a missing file":   {good + "two,_files/face.jpg,_files/nobody.mp3\n", job.CodeFileMissing, exitJobFailed, []string{"“_files/nobody.mp3” is neither beside the manifest nor in the inbox"}},
		"a file no sound":  {good + "two,_files/face.jpg,_files/bad.mp3\n", job.CodeNotAudio, exitJobFailed, []string{"“bad.mp3” has a recording's name", "Nothing was sent"}},
		"not set apart":    {good + "two,anna.jpg,_files/two.wav\n", "not_set_apart", exitUsage, []string{"anna.jpg for a hand-in of its own", "begins with _"}},
		"another's folder": {good + "two,_files/face.jpg,/nowhere/two.wav\n", job.CodeFileMissing, exitJobFailed, []string{"nowhere/two.wav"}},
	} {
		t.Run(why, func(t *testing.T) {
			name := week(t, "name,image,audio\n"+c.rows)
			d := *d
			d.t = t
			d.refused(c.exit, c.code, "batch", name, "--yes")
			o := d.run("batch", name, "--yes")
			require.Equal(t, c.exit, o.code)
			for _, says := range c.says {
				require.Contains(t, o.stderr, says)
			}
			zh := d.run("batch", name, "--yes", "--lang", "zh")
			require.Regexp(t, `\p{Han}`, zh.stderr)
			require.Len(t, d.inbox(), there, "nothing was sent")
		})
	}
	wrong := d.run("batch", week(t, "name,image,audio,style-level\nx,_files/face.jpg\ny,_files/face.jpg,_files/one.mp3,loud\n"), "--lang", "zh")
	require.Contains(t, wrong.stderr, "  第 2 行：audio：缺失\n  第 3 行：style-level：必须是以下之一：normal、calm、active\n")
	wrong = d.run("batch", week(t, "name,image,audio\n"+strings.Repeat("x\n", 250)))
	require.Contains(t, wrong.stderr, "line 101: image: is missing\n  … and 150 more\n")
	require.Contains(t, wrong.stderr, "wrong lines: 250")
	wrong = d.run("batch", week(t, "name,image,audio\nx,_files/face.jpg\n"), "--json")
	line := objects(t, wrong.stdout)[0]
	require.Equal(t, []any{2.0, false, job.CodeManifestRefused}, []any{line["line"], line["upload"], line["problem"].(map[string]any)["code"]})

	name := week(t, "name,image,audio\ntwo,_files/face.jpg,/voices/two.wav\n")
	line = objects(t, d.good("batch", name, "--dry-run", "--json"))[0]
	require.Equal(t, []any{"s3://inbox/voices/two.wav", "0.9088"}, []any{line["audio"], line["price_cny"]}, "what is there already is priced by its own options")
	o := d.run("batch", name, "--yes", "--watch", "--timeout", "1m")
	require.Zero(t, o.code, o.stderr)
	require.ElementsMatch(t, []string{"voices/two.wav", "_files/face.jpg", "week.jobs.csv"}, d.inbox())
}

func TestAManifestThatGoesInAnotherWayIsSaidTo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	name := week(t, "")
	dir := filepath.Dir(name)
	p := d.refused(exitUsage, "usage", "submit", name, filepath.Join(dir, "anna.mp3"))
	require.Contains(t, p.Message, "is a manifest")
	require.Contains(t, p.Fix, "emodrop batch")
	o := d.run("batch", dir, "--dry-run")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "week.jobs.csv: a manifest; it goes in by emodrop batch MANIFEST")
}
