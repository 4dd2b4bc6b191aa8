package console

import (
	"errors"
	"fmt"
	"html"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/words"
)

func everyState() []job.Job {
	var all []job.Job
	for i, s := range job.States() {
		j := one(i+1, s, fmt.Sprintf("shop/name-%d", i+1))
		switch s {
		case job.Held:
			j.Fault = &job.Fault{Code: job.CodeAmbiguous}
		case job.Failed:
			j.Fault = &job.Fault{Code: job.CodeVendorFailed, VendorCode: "InternalError.Algo", VendorMessage: "oops"}
		case job.Rejected:
			j.Fault = &job.Fault{Code: job.CodeFaceRefused, File: "shop/name-10.jpg"}
		case job.Expired:
			j.Fault = &job.Fault{Code: job.CodeTaskExpired}
		}
		all = append(all, j)
	}
	return all
}

func TestEveryStateIsShownInWordsOfTheReadersLanguage(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, everyState()...)
	for _, lang := range languages() {
		body := b.get("/?lang=" + string(lang)).Body.String()
		require.Contains(t, body, `<html lang="`+htmlLang(lang)+`">`)
		for i, s := range job.States() {
			entry := entryOf(t, body, i+1)
			require.Contains(t, entry, fmt.Sprintf(`>name-%d<`, i+1))
			require.Contains(t, entry, `<span class="badge">`+words.State(s, lang)+`</span>`, s)
			require.NotContains(t, entry, string(s), "the state's own name is not for people")
		}
	}
}

// entryOf cuts one job's entry out of a page.
func entryOf(t *testing.T, body string, n int) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `id="job-`+idOf(n)+`"`)
	require.True(t, ok, "job %d is not on the page", n)
	entry, _, _ := strings.Cut(rest, "</dl>")
	return entry
}

func TestJobsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	body := setup(t, nil, everyState()...).get("/").Body.String()
	last := 0
	for i := range job.States() {
		at := strings.Index(body, fmt.Sprintf(">name-%d<", i+1))
		require.Greater(t, at, last)
		last = at
	}
}

func TestAFaultSaysWhatHappenedAndWhatToDo(t *testing.T) {
	t.Parallel()
	j := one(1, job.Rejected, "shop/group")
	j.Fault = &job.Fault{Code: job.CodeFaceRefused, File: "shop/group.jpg", VendorCode: "InvalidFile.MultiHuman", VendorMessage: "multiple"}
	b := setup(t, nil, j)
	for _, lang := range languages() {
		what, fix := words.Explain(*j.Fault, j.Name, lang)
		entry := entryOf(t, b.get("/?lang="+string(lang)).Body.String(), 1)
		require.Contains(t, entry, escaped(what))
		require.Contains(t, entry, escaped(fix))
		require.Contains(t, entry, "InvalidFile.MultiHuman: multiple")
	}
}

func TestAFinishedFilmCanBePlayedAndSaved(t *testing.T) {
	t.Parallel()
	j := one(1, job.Succeeded, "shop/anna")
	j.Billed = 1_120_000
	body := setup(t, nil, j).get("/").Body.String()
	require.Contains(t, body, `<video controls playsinline preload="metadata" src="/film/`+j.ID+`#t=0.001"`, "from a moment on, so that a first picture is shown")
	require.Contains(t, body, `href="/film/`+j.ID+`?download" download="anna.mp4"`)
	require.Contains(t, body, "<dt>Charged</dt><dd>¥1.12</dd>")
	require.NotContains(t, body, "data-since=", "its clock has stopped")
}

func TestOnlyTheFirstFilmsAreLookedIntoBeforehand(t *testing.T) {
	t.Parallel()
	var jobs []job.Job
	for i := range preloaded + 5 {
		jobs = append(jobs, one(i+1, job.Succeeded, fmt.Sprintf("n%d", i)))
	}
	body := setup(t, nil, jobs...).get("/").Body.String()
	require.Equal(t, preloaded, strings.Count(body, `preload="metadata"`))
	require.Equal(t, 5, strings.Count(body, `preload="none"`))
}

func TestPricesAreExpectedUntilChargedAndSaidToBeNobodysInPracticeMode(t *testing.T) {
	t.Parallel()
	open := one(1, job.Running, "open")
	open.Quoted = 1_120_000
	lost := one(2, job.Expired, "lost")
	lost.Quoted, lost.Wasted = 1_120_000, 2_000_000
	again := one(3, job.Succeeded, "again")
	again.Attempt, again.Wasted = 2, 3_000_000
	b := setup(t, nil, open, lost, again)
	body := b.get("/").Body.String()
	require.Contains(t, entryOf(t, body, 1), "<dt>Expected price</dt><dd>¥1.12</dd>")
	require.NotContains(t, entryOf(t, body, 2), "¥1.12")
	require.Contains(t, entryOf(t, body, 2), "<dt>Charged in vain</dt><dd>¥2.00</dd>")
	require.Contains(t, entryOf(t, body, 3), "<dt>Charged before, or in vain</dt><dd>¥3.00</dd>")
	require.NotContains(t, body, "Practice mode")

	practice := setup(t, func(c *Config) { c.Simulated = true }, open).get("/").Body.String()
	require.Contains(t, practice, "Practice mode")
	require.Contains(t, practice, "<dt>Would cost</dt><dd>¥1.12</dd>")
}

func TestStepsShowHowFarAJobHasCome(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		job  job.Job
		want string
	}{
		{"received", job.Job{State: job.Received}, "done now"},
		{"queued", job.Job{State: job.Queued}, "done done now"},
		{"submitting", job.Job{State: job.Submitting}, "done done now"},
		{"at the vendor", job.Job{State: job.Submitted}, "done done done now"},
		{"running", job.Job{State: job.Running}, "done done done now"},
		{"storing", job.Job{State: job.Storing}, "done done done done now"},
		{"succeeded", job.Job{State: job.Succeeded}, "done done done done done"},
		{"refused at once", job.Job{State: job.Rejected}, "done stop"},
		{"gone while queued", job.Job{State: job.Rejected, Rank: "5"}, "done done stop"},
		{"failed at the vendor", job.Job{State: job.Failed, Rank: "5", Task: &job.Task{}}, "done done done stop"},
		{"film lost", job.Job{State: job.Expired, Rank: "5", Task: &job.Task{}, Result: &job.Result{}}, "done done done done stop"},
		{"queued again after a failure", job.Job{State: job.Queued, Rank: "5", Task: &job.Task{}}, "done done now"},
	} {
		var marks []string
		for _, s := range stepsOf(c.job) {
			marks = append(marks, s.Mark)
		}
		require.Equal(t, c.want, strings.TrimSpace(strings.Join(marks, " ")), c.name)
	}
}

func TestAClosedGateIsTheFirstThingSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, one(1, job.Queued, "a"), one(2, job.Queued, "b"))
	b.table.gate = job.Gate{Slots: map[string]job.Slot{"x": {}, "y": {}, "z": {}},
		Closed: &job.Closure{Code: job.CodeKeyRefused, Detail: "InvalidApiKey", Since: time.Now()}}
	body := b.get("/").Body.String()
	what, fix := words.Explain(job.Fault{Code: job.CodeKeyRefused, Detail: "InvalidApiKey"}, job.Name{}, words.English)
	require.Contains(t, body, escaped(what))
	require.Contains(t, body, escaped(fix))
	require.Less(t, strings.Index(body, "Nothing is being sent"), strings.Index(body, `id="jobs"`))
	require.Contains(t, body, "At work: 3")
	require.Contains(t, body, "Waiting: 2")

	open := setup(t, nil).get("/").Body.String()
	require.NotContains(t, open, "Nothing is being sent")
}

func TestTheBudgetIsShownAndWhyItStopsTheQueue(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, one(1, job.Queued, "a"))
	b.table.gate = job.Gate{Budget: job.Budget{Daily: 5 * job.Yuan}, Spent: map[string]job.Money{job.Day.Key(time.Now()): 4_900_000},
		Closed: &job.Closure{Code: job.CodeBudget, Detail: "CNY 5.00 a day", Since: time.Now()}}
	body := b.get("/").Body.String()
	require.Contains(t, body, "budget: CNY 0.10 left of CNY 5.00 today")
	require.NotContains(t, body, "this month")
	require.Contains(t, body, "The budget is used up: CNY 5.00 a day.")
	require.Contains(t, b.get("/?lang=zh").Body.String(), "预算已用完：每天 5.00 元")
}

func escaped(s string) string {
	return strings.NewReplacer("'", "&#39;", `"`, "&#34;", "<", "&lt;", ">", "&gt;", "&", "&amp;", "+", "&#43;").Replace(s)
}

func TestNamesThatAreMarkupStayText(t *testing.T) {
	t.Parallel()
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}javascript:alert(1)`
	j := one(1, job.Succeeded, evil)
	j.Name = job.Name{Dir: evil, Stem: evil}
	bad := one(2, job.Failed, "x")
	bad.Name = job.Name{Stem: evil}
	bad.Fault = &job.Fault{Code: job.CodeInputRefused, Detail: evil, File: evil, VendorCode: evil, VendorMessage: evil}
	b := setup(t, func(c *Config) {
		c.Messages = func() []Message { return []Message{{time.Now(), evil, evil, evil}} }
		c.DropDir, c.VideosDir, c.Endpoint, c.Region = evil, evil, evil, evil
	}, j, bad)
	b.table.gate.Closed = &job.Closure{Code: evil, Detail: evil}
	for _, target := range []string{"/", "/?lang=zh", "/?handed=2&waiting=%3Cscript%3E&renamed=%3Cscript%3E&day=%3Cscript%3E&lang=%3Cscript%3E"} {
		body := b.get(target).Body.String()
		require.Equal(t, 1, strings.Count(body, "<script"), "only the page's own")
		require.NotContains(t, body, "<img src=x")
		require.NotContains(t, body, "<script>alert")
		require.Contains(t, body, "&lt;script&gt;alert(1)")
	}
	w := b.send(t, nil, file{"picture", "a.jpg", "p"}, file{"recording", `<script>alert(1)<b>.exe`, "r"})
	require.Equal(t, 422, w.Code)
	require.Contains(t, w.Body.String(), "&lt;script&gt;alert(1)")
	require.Equal(t, 1, strings.Count(w.Body.String(), "<script"))
}

func TestTheLanguageIsTheReadersChoiceThenTheBrowsers(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, c := range []struct {
		name, target string
		headers      []string
		want         string
	}{
		{"nothing said", "/", nil, "en"},
		{"a browser in Chinese", "/", []string{"Accept-Language", "zh-CN,zh;q=0.9,en;q=0.8"}, "zh-CN"},
		{"a browser in traditional Chinese", "/", []string{"Accept-Language", "zh-TW"}, "zh-CN"},
		{"a browser in English first", "/", []string{"Accept-Language", "en-GB,zh;q=0.5"}, "en"},
		{"a browser in neither", "/", []string{"Accept-Language", "fr-FR"}, "en"},
		{"nonsense", "/", []string{"Accept-Language", strings.Repeat("zh-", 5000)}, "en"},
		{"a choice made before", "/", []string{"Accept-Language", "zh", "Cookie", langCookie + "=en"}, "en"},
		{"a choice made now", "/?lang=zh", []string{"Accept-Language", "en", "Cookie", langCookie + "=en"}, "zh-CN"},
		{"no language of ours", "/?lang=xx", []string{"Cookie", langCookie + "=yy"}, "en"},
	} {
		w := b.get(c.target, c.headers...)
		require.Contains(t, w.Body.String(), `<html lang="`+c.want+`">`, c.name)
		require.Equal(t, strings.Contains(c.target, "lang=zh"), strings.Contains(w.Header().Get("Set-Cookie"), langCookie+"=zh"), c.name)
	}
}

func TestNoPhraseLacksALanguageAndNoneIsIdle(t *testing.T) {
	t.Parallel()
	var source strings.Builder
	for _, glob := range []string{".", "assets"} {
		all, err := os.ReadDir(glob)
		require.NoError(t, err)
		for _, f := range all {
			if f.IsDir() || f.Name() == "catalogue.go" || strings.HasSuffix(f.Name(), "_test.go") {
				continue
			}
			b, err := os.ReadFile(glob + "/" + f.Name())
			require.NoError(t, err)
			source.Write(b)
		}
	}
	verbs := regexp.MustCompile(`%[a-z]`)
	for key, x := range catalogue {
		require.NotEmpty(t, x.en, key)
		require.NotEmpty(t, x.zh, key)
		require.Regexp(t, `\p{Han}`, x.zh, key)
		require.NotRegexp(t, `\p{Han}`, x.en, key)
		require.Equal(t, verbs.FindAllString(x.en, -1), verbs.FindAllString(x.zh, -1), "%s: the blanks of both come in one order", key)
		if !strings.HasPrefix(key, "step_") {
			require.Contains(t, source.String(), `"`+key+`"`, "nothing says it")
		}
	}
	for _, used := range regexp.MustCompile(`{{-? ?t "([a-z_0-9]+)"`).FindAllStringSubmatch(source.String(), -1) {
		require.Contains(t, catalogue, used[1])
	}
	for _, used := range regexp.MustCompile(`refuse\("([a-z_]+)"`).FindAllStringSubmatch(source.String(), -1) {
		require.Contains(t, catalogue, used[1])
	}
}

func TestOlderFilmsAreOneLinkAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the clock stands still
		now := time.Now().UTC()
		var jobs []job.Job
		for i := range 20 {
			j := one(i+1, job.Canceled, fmt.Sprintf("name-%d", i))
			j.Received = now.AddDate(0, 0, -i)
			jobs = append(jobs, j)
		}
		b := setup(t, nil, jobs...)
		first := b.get("/").Body.String()
		require.Len(t, names(first), window, "a week at a time")
		require.NotContains(t, first, "Back to the newest")
		older := link(t, first, "Show older films")

		second := b.get(older).Body.String()
		require.Equal(t, "name-7", names(second)[0])
		require.Contains(t, second, "Back to the newest")
		require.Contains(t, second, `data-events="/events?`+strings.TrimPrefix(escaped(older), "/?")+"&amp;mark=", "the stream follows what is shown")
		require.Equal(t, "name-14", names(b.get(link(t, second, "Show older films")).Body.String())[0])

		for _, odd := range []string{now.Add(time.Hour).Format(time.RFC3339), now.AddDate(0, 0, -100).Format(time.RFC3339), "2026-13-01", "x", "0001-01-01T00:00:00Z"} {
			require.Equal(t, names(first), names(b.get("/?before="+odd).Body.String()), odd)
		}
		b.table.set(func() { b.table.gate.Installed = now.AddDate(0, 0, -3) })
		require.NotContains(t, setupOn(t, b.table).get("/").Body.String(), "Show older", "there is nothing before the installation")
	})
}

// link is where a link of a page leads.
func link(t *testing.T, body, text string) string {
	t.Helper()
	m := regexp.MustCompile(`<a href="([^"]*)">` + regexp.QuoteMeta(text)).FindStringSubmatch(body)
	require.NotNil(t, m, "no link %q", text)
	return html.UnescapeString(m[1])
}

func names(body string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`<span class="stem">([^<]*)</span>`).FindAllStringSubmatch(body, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestAPageShowsAScreenfulAndLeadsToTheRest(t *testing.T) {
	race.Leave(t)
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the clock stands still
		var jobs []job.Job
		for i := range 700 {
			jobs = append(jobs, one(i+1, job.Canceled, fmt.Sprintf("name-%d", i)))
		}
		b := setup(t, nil, jobs...)
		body := b.get("/").Body.String()
		require.Len(t, names(body), shown)
		require.Contains(t, body, "the newest 100 of them are shown")
		next := b.get(link(t, body, "Show older films")).Body.String()
		require.Equal(t, "name-100", names(next)[0], "the next page begins where this one ends")

		large := b.get(link(t, body, "Show up to 500")).Body.String()
		require.Len(t, names(large), most)
		require.NotContains(t, large, "Show up to")
		require.Equal(t, "name-500", names(b.get(link(t, large, "Show older films")).Body.String())[0])
		require.Len(t, names(b.get("/?jobs=100000").Body.String()), shown, "nobody makes it read the whole table")
	})
}

func TestATableThatCannotBeReadIsSaidAndWhatWasSeenStays(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.table.fail = errors.New("table is down")
	w := b.get("/")
	require.Equal(t, 200, w.Code)
	require.Contains(t, w.Body.String(), "could not be read just now")
	require.NotContains(t, w.Body.String(), "table is down", "the reader can do nothing with that")
	require.Contains(t, w.Body.String(), `action="/upload"`)
}

func TestThePageTellsHowToDoTheSameWithoutIt(t *testing.T) {
	t.Parallel()
	body := setup(t, func(c *Config) {
		c.DropDir, c.VideosDir, c.Endpoint, c.Region = "/home/anna/drop", "/home/anna/videos", "http://127.0.0.1:4566", "us-east-1"
		c.Inbox, c.Outbox = "in-bucket", "out-bucket"
	}).get("/").Body.String()
	require.Contains(t, body, "<code>/home/anna/drop</code>")
	require.Contains(t, body, "<code>/home/anna/videos</code>")
	require.Contains(t, body, "aws --endpoint-url http://127.0.0.1:4566 --region us-east-1 s3 cp anna.jpg s3://in-bucket/")
	require.Contains(t, body, "s3://out-bucket/videos/anna.mp4 .")
	require.Contains(t, body, "printed in the terminal")

	require.NotContains(t, setup(t, nil).get("/").Body.String(), "--endpoint-url")
}

func TestTheLastMessagesAreShownNewestFirst(t *testing.T) {
	t.Parallel()
	body := setup(t, func(c *Config) {
		c.Messages = func() []Message {
			var all []Message
			for i := range keepMessages + 10 {
				all = append(all, Message{time.Now(), "sns", fmt.Sprintf("subject-%02d", i), "text"})
			}
			return all
		}
	}).get("/").Body.String()
	got := regexp.MustCompile(`subject-\d\d`).FindAllString(body, -1)
	require.Len(t, got, keepMessages)
	require.Equal(t, "subject-29", got[0])
	require.True(t, slices.IsSortedFunc(got, func(a, b string) int { return strings.Compare(b, a) }))
}

func TestWithoutScriptThePageReloadsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.NotContains(t, b.get("/").Body.String(), `http-equiv="refresh"`)
	require.Contains(t, b.get("/").Body.String(), `href="/?every=10"`)
	require.Contains(t, b.get("/?every=10").Body.String(), `<noscript><meta http-equiv="refresh" content="10"></noscript>`)
}

func TestAMissingDependencyIsSaidByName(t *testing.T) {
	t.Parallel()
	_, err := New(Config{})
	for _, name := range []string{"Jobs", "OpenResult", "HandIn", "Profile"} {
		require.ErrorContains(t, err, name)
	}
}

func TestClocksReadTheSameInEveryLanguage(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{-time.Second: "0:00", 0: "0:00", 7 * time.Second: "0:07",
		12*time.Minute + 5*time.Second: "12:05", time.Hour + 3*time.Minute + 20*time.Second: "1:03:20", 49 * time.Hour: "49:00:00"} {
		require.Equal(t, want, clock(d))
	}
}
