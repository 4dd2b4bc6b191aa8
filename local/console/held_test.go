package console

import (
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// unclear is held because two tasks may be its own, odd because its film is too short.
func unclear() job.Job {
	j := one(1, job.Held, "anna")
	j.Fault, j.Candidates, j.Quoted = &job.Fault{Code: job.CodeAmbiguous}, []string{"task-a", "task-b"}, 454_400
	return j
}

func odd() job.Job {
	j := one(2, job.Held, "bert")
	j.Fault, j.Quoted, j.Billed = &job.Fault{Code: job.CodeFilmMisfit}, 454_400, 320_000
	j.Film = &job.Film{Key: "held/bert.mp4", Width: 512, Height: 512}
	return j
}

// cardOf is the part of a page that shows one job.
func cardOf(t *testing.T, body string, n int) string {
	t.Helper()
	_, after, found := strings.Cut(body, `id="job-`+idOf(n)+`"`)
	require.True(t, found, body)
	card, _, _ := strings.Cut(after, `<li class="job`)
	return card
}

func TestAJobThatIsHeldShowsItsWaysOutAndWhatEachCosts(t *testing.T) {
	t.Parallel()
	b, _ := desk(t, unclear(), odd(), one(3, job.Running, "carl"))
	body := b.get("/").Body.String()
	anna, bert := cardOf(t, body, 1), cardOf(t, body, 2)
	for card, want := range map[string][]string{
		anna: {"adopt", "repost", "give-up"},
		bert: {"accept", "repost", "give-up"},
	} {
		for _, way := range []string{"adopt", "accept", "repost", "give-up"} {
			require.Equal(t, strings.Contains(strings.Join(want, " "), way), strings.Contains(card, "/"+way+`"`), way)
		}
		require.Contains(t, card, "Choose one of the ways out below")
		require.NotContains(t, card, "emodrop adopt", "the card has the buttons")
	}
	for _, said := range []string{"value=\"task-a\"", "value=\"task-b\"", "it is paid for once, about ¥0.4544", "about ¥0.4544, besides what may have been charged already",
		"up to ¥0.4544, is lost"} {
		require.Contains(t, anna, said)
	}
	for _, said := range []string{"It has been charged already: ¥0.32. Nothing is added.", "about ¥0.4544, besides the ¥0.32 of this one", "The ¥0.32 that were charged are lost",
		`src="/film/` + idOf(2)} {
		require.Contains(t, bert, said)
	}
	require.NotContains(t, cardOf(t, body, 3), "give-up")
	require.Contains(t, b.get("/", "Accept-Language", "zh").Body.String(), "不会再次提交，只计费一次，约 ¥0.4544")

	looks := setup(t, nil, unclear()).get("/").Body.String()
	require.NotContains(t, looks, "give-up\"", "a page that cannot decide offers nothing")
	require.Contains(t, looks, "emodrop adopt")
	lost := unclear()
	lost.Candidates = nil
	none, _ := desk(t, lost)
	require.Contains(t, none.get("/").Body.String(), `<input type="text" name="task"`, "a task that is known from elsewhere can be named")
}

func TestEachWayOutIsTakenByAFormThatWorksWithoutScript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   job.Job
		way  string
		form url.Values
		then job.State
		done string
	}{
		{unclear(), "adopt", url.Values{"task": {"task-b"}}, job.Submitted, "did_adopted"},
		{unclear(), "repost", url.Values{"charge": {"1"}}, job.Queued, "did_reposted"},
		{odd(), "accept", nil, job.Storing, "did_accepted"},
		{odd(), "give-up", nil, job.Canceled, "did_given_up"},
	} {
		b, o := desk(t, c.of)
		n := 1
		if c.of.ID == idOf(2) {
			n = 2
		}
		w := b.decide(n, c.way, c.form)
		require.Equal(t, 303, w.Code, "%s: %s", c.way, w.Body)
		require.Equal(t, "/?did="+c.done+"#job-"+c.of.ID, w.Header().Get("Location"))
		require.Equal(t, c.then, b.table.jobs[c.of.ID].State, c.way)
		require.Equal(t, c.form.Get("task"), o.adopted)
		for _, lang := range words.Languages() {
			said, err := say(lang, c.done)
			require.NoError(t, err)
			require.Contains(t, html.UnescapeString(b.get("/?did="+c.done+"&lang="+string(lang)).Body.String()), said)
		}
		require.Equal(t, 409, b.decide(n, c.way, url.Values{"charge": {"1"}, "task": {"task-b"}}).Code, "it is decided")
	}
}

func TestAWayOutIsNotTakenByMistake(t *testing.T) {
	t.Parallel()
	b, o := desk(t, unclear(), odd())
	require.Equal(t, 422, b.decide(1, "adopt", nil).Code)
	w := b.decide(1, "adopt", nil, "Accept", "application/json", "Accept-Language", "zh")
	require.JSONEq(t, `{"ok":false,"text":"操作未成功：请先选择任务。"}`, w.Body.String())
	require.Zero(t, o.calls)
	require.Equal(t, 409, b.decide(1, "repost", nil).Code, "the second charge was not accepted")
	require.Equal(t, 409, b.decide(1, "accept", nil).Code, "it has no film")
	require.Equal(t, 409, b.decide(2, "adopt", url.Values{"task": {"task-b"}}).Code)
	require.Equal(t, 404, b.decide(3, "give-up", nil).Code)
	for _, way := range []string{"adopt", "accept", "repost", "give-up"} {
		require.Equal(t, 403, b.decide(1, way, url.Values{"charge": {"1"}, "task": {"task-a"}}, "Origin", "https://example.com").Code, way)
		require.Equal(t, 405, b.get("/jobs/"+idOf(1)+"/"+way).Code, way)
		require.Equal(t, 404, setup(t, nil, unclear()).decide(1, way, nil).Code, way)
	}
	for n := range 2 {
		require.Equal(t, job.Held, b.table.jobs[idOf(n+1)].State)
	}
}
