package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/lookup"
	"emodrop/shared/job"
)

func TestListIsTabSeparatedInAPipeAndObjectsAsJSON(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.Empty(t, d.good("list"))
	require.Contains(t, d.run("list").stderr, "No jobs in the last 7 days")
	at := time.Now().UTC().Add(-time.Hour).Truncate(time.Second)
	when := func(n int) func(*job.Job) {
		return func(j *job.Job) { j.Received = at.Add(time.Duration(n) * time.Minute) }
	}
	d.job("anna", job.Succeeded, when(1))
	d.job("bert\nfake", job.Queued, when(2))
	carl := d.job("课程/carl", job.Held, when(3))
	rows := strings.Split(strings.TrimSpace(d.good("list")), "\n")
	require.Len(t, rows, 3)
	require.Equal(t, strings.Join([]string{carl.ID, "HELD", "课程/carl", "5.68", "0.4544", carl.Received.Format(time.RFC3339)}, "\t"), rows[0])
	require.Contains(t, rows[1], "bert fake", "a name does not fake a line")
	lines := objects(t, d.good("list", "--json", "--limit", "2"))
	require.Equal(t, "课程/carl", lines[0]["name"])
	require.Equal(t, []any{"task-a", "task-b"}, lines[0]["candidates"])
	require.Len(t, lines, 2)
	require.Empty(t, d.run("list", "--json", "--limit", "2").stderr, "nothing else is said")

	more := d.run("list", "--limit", "2").stderr
	_, next, found := strings.Cut(strings.TrimSpace(more), "--before ")
	require.True(t, found, more)
	require.Contains(t, d.good("list", "--before", next), "\tanna\t")
	require.Equal(t, 1, strings.Count(d.good("list", "--before", next), "\n"))
	require.Equal(t, 1, strings.Count(d.good("list", "--state", "succeeded"), "\n"))
	require.Contains(t, d.run("list", "--state", "failed", "--lang", "zh").stderr, "没有这样的任务")
	require.Equal(t, d.good("list", "--json"), d.good("--json", "list"), "the flag may stand before the verb")
}

func TestStatusFindsAJobByNameAndByItsIdOrTheBeginningOfIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.job("courses/安娜", job.Queued)
	j := d.job("bert", job.Queued)
	require.NotEqual(t, first.ID[:4], j.ID[:4])
	for _, arg := range []string{"bert", "bert.mp3", " bert ", "/bert", j.ID, j.ID[:6], j.ID[:4]} {
		require.Contains(t, d.good("status", arg), j.ID, arg)
	}
	require.Contains(t, d.good("status", "courses/安娜.JPG"), first.ID)
	require.Contains(t, d.good("status", "bert"), "number 2 in the queue")
	require.Equal(t, float64(2), objects(t, d.good("status", "bert", "--json"))[0]["place"])
	zh := d.good("status", "bert", "--lang", "zh")
	require.Contains(t, zh, "排队中，排在第 2 位")
	require.Contains(t, d.refused(exitOther, "not_found", "status", "nobody").Fix, "emodrop list")
	o := d.run("status", "nobody", "bert")
	require.Equal(t, exitOther, o.code)
	require.Contains(t, o.stdout, j.ID, "the others are shown")
	require.Contains(t, o.stderr, "nobody")
}

func TestAHalfPairIsNoUnknownName(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	put := func(n string, image, audio *job.Half) {
		st, err := d.st.Jobs.Stem(t.Context(), lookup.Name(n))
		require.NoError(t, err)
		next := st
		next.Image, next.Audio = image, audio
		_, err = d.st.Jobs.PutStem(t.Context(), st, next)
		require.NoError(t, err)
	}
	put("anna", &job.Half{Key: "anna.jpg"}, nil)
	put("bert", nil, &job.Half{Key: "bert.mp3"})
	put("carl", &job.Half{Key: "carl.jpg"}, &job.Half{Key: "carl.mp3"})
	require.Contains(t, d.refused(exitOther, "not_found", "status", "anna").Message, "waits for a recording")
	require.Contains(t, d.refused(exitOther, "not_found", "get", "bert").Message, "waits for a picture")
	require.Contains(t, d.refused(exitOther, "not_found", "watch", "carl").Message, "just been handed in")
}

func TestStatusWithoutANameIsTheWholeStack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("anna", job.Running)
	d.job("bert", job.Queued)
	out := d.good("status")
	require.Contains(t, out, "anna  being made")
	require.Contains(t, out, "waiting: 1")
	require.Contains(t, d.good("status", "--lang", "zh"), "等待中：1")
	require.NoError(t, d.st.Jobs.Throttle(t.Context(), time.Now().Add(time.Hour)))
	require.Contains(t, d.good("status"), "asked to wait until")
	require.Equal(t, "throttled", objects(t, d.good("status", "--json"))[0]["gate"])
}

func TestWatchTellsEachChangeOnceAndEndsWithTheJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, watchesEachChange)
}

func watchesEachChange(t *testing.T) {
	d := newDesk(t)
	anna, bert := d.job("anna", job.Submitted), d.job("bert", job.Queued)
	step := func(j job.Job, to job.State, change func(*job.Job)) job.Job {
		next := j
		next.State, next.Due = to, time.Now()
		change(&next)
		j, err := d.st.Jobs.Move(context.Background(), j, next)
		if err != nil {
			t.Error(err)
		}
		return j
	}
	go func() {
		time.Sleep(12 * time.Second)
		j := step(anna, job.Running, func(*job.Job) {})
		time.Sleep(12 * time.Second)
		j = step(j, job.Storing, func(*job.Job) {})
		time.Sleep(12 * time.Second)
		step(j, job.Succeeded, func(j *job.Job) { j.Film = &job.Film{Key: "videos/anna.mp4"} })
		step(bert, job.Rejected, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeFileGone, File: "bert.mp3"} })
	}()
	o := d.run("watch")
	require.Equal(t, exitJobFailed, o.code, "one of them failed")
	var seen []string
	for line := range strings.Lines(o.stdout) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		seen = append(seen, strings.Join(parts[2:], " "))
	}
	require.Equal(t, []string{"SUBMITTED anna", "QUEUED bert", "RUNNING anna", "STORING anna", "SUCCEEDED anna videos/anna.mp4", "REJECTED bert file_gone"}, seen)
	require.Contains(t, o.stderr, "“bert.mp3” was deleted or replaced", "and why")
	o = d.run("watch", "anna", "--json")
	require.Zero(t, o.code)
	require.Equal(t, "SUCCEEDED", objects(t, o.stdout)[0]["state"], "one that has ended is told and that is all")
	o = d.run("watch", "bert", "--json")
	require.Equal(t, exitJobFailed, o.code)
	require.Equal(t, job.CodeFileGone, objects(t, o.stderr)[0]["code"])
	require.Contains(t, d.run("watch").stderr, "Nothing is open")
}

func TestAWatchThatEndsEarlySaysThatTheJobsGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.job("anna", job.Running)
		begin := time.Now()
		o := d.run("watch", "anna", "--timeout", "42s", "--json")
		require.Equal(t, exitTimeout, o.code)
		require.Equal(t, 42*time.Second, time.Since(begin))
		require.Equal(t, "timeout", objects(t, o.stderr)[0]["code"])
		require.Equal(t, "The time to wait is over; still open: 1.", objects(t, o.stderr)[0]["message"], "of which some may have gone before the watch")
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, interrupt)
		o = d.runIn(ctx, "watch")
		require.Equal(t, exitInterrupted, o.code)
		require.Contains(t, o.stderr, "goes on")
	})
}

func TestAJobThatNeedsAPersonEndsTheWatch(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("anna", job.Held)
	o := d.run("watch", "anna")
	require.Equal(t, exitJobFailed, o.code)
	require.Contains(t, o.stderr, "emodrop adopt")
}

func TestGetFetchesTheFilmWholeAndNeverOverAnother(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.job("courses/anna", job.Succeeded)
	dir := t.TempDir()
	path := filepath.Join(dir, "films", "anna.mp4")
	require.Equal(t, path+"\n", d.good("get", "courses/anna", "--to", filepath.Join(dir, "films")))
	film, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "the film of courses/anna", string(film))
	line := objects(t, d.good("get", "courses/anna", "--to", filepath.Join(dir, "films"), "--json"))[0]
	require.Equal(t, sha(film), line["sha256"], "fetched again it is the same file")
	require.Equal(t, string(film), d.good("get", "courses/anna", "-o", "-"))

	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	d.refused(exitOther, "file_exists", "get", "courses/anna", "--output", path)
	kept, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))
	d.good("get", "courses/anna", "--output", path, "--force")
	require.Equal(t, sha(film), must1(sumOf(path)))

	require.NoError(t, d.aws.S3.Put(t.Context(), "outbox", "videos/courses/anna.mp4", "video/mp4", nil, strings.NewReader("another")))
	d.refused(exitOther, "film_differs", "get", "courses/anna", "--output", filepath.Join(dir, "new.mp4"))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "what is not the film is not left behind")
	p := d.refused(exitOther, "file", "get", "courses/anna", "--to", path)
	require.Contains(t, p.Message, path)
	require.NotEmpty(t, p.Fix)
	j := d.job("bert", job.Running)
	d.refused(exitOther, "not_done", "get", "bert")
	d.job("carl", job.Rejected)
	require.Contains(t, d.refused(exitJobFailed, job.CodeFaceRefused, "get", "carl").Message, "turned or tilted")
	require.Equal(t, job.Running, d.now(j).State)
}

func must1[T any](v T, err error) T {
	must(err)
	return v
}

func TestCostAddsUpByDay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	day := time.Now().UTC().Truncate(24 * time.Hour)
	on := func(days int) func(*job.Job) {
		return func(j *job.Job) { j.Received = day.AddDate(0, 0, -days).Add(time.Minute) }
	}
	d.job("anna", job.Succeeded, on(0))
	d.job("bert", job.Queued, on(0))
	d.job("carl", job.Succeeded, on(3))
	d.job("dora", job.Succeeded, on(30))
	d.good("give-up", d.job("emil", job.Held, on(3)).ID)
	require.Equal(t, strings.Join([]string{
		day.Format(time.DateOnly) + "\t1\t5.68\t0.4544\t0.00\t0.4544",
		day.AddDate(0, 0, -3).Format(time.DateOnly) + "\t1\t5.68\t0.4544\t0.00\t0.00",
		"total\t2\t11.36\t0.9088\t0.00\t0.4544", ""}, "\n"), d.good("cost"))
	require.Contains(t, d.run("cost").stderr, "1 jobs may have been charged")
	lines := objects(t, d.good("cost", "--days", "31", "--json"))
	require.Len(t, lines, 4)
	require.Equal(t, map[string]any{"total": true, "films": 3.0, "seconds": 17.04, "billed_cny": "1.3632", "wasted_cny": "0.00",
		"expected_cny": "0.4544", "unclear": 1.0}, lines[3])
}

func TestExplainKnowsEveryCodeAndTheVendors(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.st = nil // it asks nobody
	require.Contains(t, d.good("explain", job.CodeAmbiguous), "emodrop adopt")
	require.Contains(t, d.good("explain", "InvalidFile.FacePose", "--lang", "zh"), "面部偏转角度过大")
	require.Contains(t, d.good("explain", "InvalidFile.FacePose"), "No film is charged")
	lines := objects(t, d.good("explain", "--json"))
	require.Contains(t, lines[0]["charged"], "charged")
	require.Contains(t, lines[0]["retried"], "tried again")
	require.Len(t, lines, len(job.Codes()))
	for i, code := range job.Codes() {
		require.Equal(t, code, lines[i]["code"])
		require.NotEmpty(t, lines[i]["message"])
		require.NotEmpty(t, lines[i]["fix"])
	}
	d.refused(exitUsage, "usage", "explain", "Sabotage")
	b, err := json.Marshal(lines[0])
	require.NoError(t, err)
	require.NotContains(t, string(b), "exit")
}

func TestSentencesOfChineseStandWithoutSpaces(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	require.NotContains(t, d.good("explain", "--lang", "zh"), "。 ")
	require.Contains(t, d.good("explain", "file_empty", "--lang", "en"), "charged. It is not tried")
	dir := files(t, nil)
	o := d.run("submit", filepath.Join(dir, "anna.mp3"), filepath.Join(dir, "anna.jpg"), "--lang", "zh")
	require.NotContains(t, o.stderr, "。 ")
}

func TestCompletionOffersTheJobsThatAVerbCanTake(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	done, held, queued := d.job("anna", job.Succeeded), d.job("bert", job.Held), d.job("carl", job.Queued)
	for verb, want := range map[string][]job.Job{
		"get": {done}, "adopt": {held}, "repost": {held}, "accept": {held}, "give-up": {held}, "cancel": {queued},
		"retry": {done}, "replay": {done, held}, "watch": {held, queued}, "status": {done, held, queued},
	} {
		out := d.good("__complete", verb, "")
		n := 0
		for _, j := range want {
			require.Contains(t, out, j.Name.String()+"\t", verb)
			require.Contains(t, out, j.ID+"\t", verb)
			n += 2
		}
		require.Equal(t, n+1, strings.Count(out, "\n"), "%s: %s", verb, out)
	}
	require.Contains(t, d.good("__complete", "adopt", "bert", ""), "task-b")
	require.NotContains(t, d.good("__complete", "watch", "carl", ""), "carl\t", "not twice")
	require.Contains(t, d.good("__complete", "list", "--state", ""), "held")
	require.Contains(t, d.good("__complete", "explain", "pa"), job.CodePaused)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		require.Contains(t, d.good("completion", shell), "emodrop", shell)
	}
}

// inbox are the keys in it.
func (d *desk) inbox() []string {
	d.t.Helper()
	page, err := d.st.Listed.Page(d.t.Context(), "", 1000)
	require.NoError(d.t, err)
	var keys []string
	for _, o := range page {
		keys = append(keys, o.Key)
	}
	return keys
}

func TestEveryVerbHelpsInEnglishAndChineseWithExamplesFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.st = nil
	for _, verb := range strings.Fields("submit batch get status watch list cost explain cancel retry adopt repost accept give-up replay hold resume doctor sweep") {
		en, zh := d.good(verb, "--help"), d.good("help", verb, "--lang", "zh")
		for i, heads := range [][]string{{"Examples:", "Usage:", "Flags:"}, {"示例：", "用法：", "参数："}} {
			text := []string{en, zh}[i]
			last := -1
			for _, h := range heads {
				at := strings.Index(text, h)
				require.Greater(t, at, last, "%s: %s", verb, text)
				last = at
			}
			require.Contains(t, text, "emodrop "+verb)
		}
		require.NotEqual(t, strings.Split(en, "\n")[0], strings.Split(zh, "\n")[0], verb)
	}
	d.env["LC_ALL"], d.env["LANG"] = "zh_CN.UTF-8", "en_US.UTF-8"
	require.Contains(t, d.good(), "维护：")
	require.Contains(t, d.good("--lang", "en"), "Look after the stack:")
	d.env["LC_ALL"] = "C"
	require.Contains(t, d.good(), "Look after the stack:")
	require.Contains(t, fmt.Sprint(d.run("fly")), "see: emodrop --help")
}

func TestStatusSaysWhenTheQueueEndsAndWhenAFilmIsExpected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		nine := func(j *job.Job) { j.Audio.Seconds = 20 }
		require.NotContains(t, objects(t, d.good("status", "--json"))[0], "finish", "nothing waits")
		d.job("anna", job.Running, nine)
		began := time.Now()
		time.Sleep(time.Second)
		d.job("bert", job.Queued, nine)
		time.Sleep(time.Second)
		d.job("carl", job.Queued, nine)
		// 8.5 s of work for a second, one film after the other.
		after := func(d time.Duration) string { return began.Add(d + 5*time.Second).UTC().Format(time.RFC3339) }
		time.Sleep(28 * time.Second)
		at := func(name string) any {
			l := objects(t, d.good("status", name, "--json"))[0]
			return l["expected"]
		}
		began = began.Add(30 * time.Second) // what runs is not known to have begun before
		require.Equal(t, after(170*time.Second), at("anna"))
		require.Equal(t, after(340*time.Second), at("bert"))
		require.Equal(t, after(510*time.Second), at("carl"))
		require.Equal(t, after(510*time.Second), objects(t, d.good("status", "--json"))[0]["finish"])
		shown := began.Add(515 * time.Second).Local().Format("2006-01-02 15:04")
		require.Contains(t, d.good("status"), "waiting: 2, all of it done about "+shown)
		require.Contains(t, d.good("status", "--lang", "zh"), "等待中：2，预计 "+shown+" 全部完成")
		require.Regexp(t, `expected +`+shown, d.good("status", "carl"))
		require.Regexp(t, `预计完成 +`+shown, d.good("status", "carl", "--lang", "zh"))

		d.good("hold")
		require.NotContains(t, objects(t, d.good("status", "--json"))[0], "finish", "while nothing is sent nobody can tell")
		require.Nil(t, at("carl"))
		require.Contains(t, d.good("status", "carl"), "number 2 in the queue")
	})
}
