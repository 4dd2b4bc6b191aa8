package console

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

func TestCostIsCountedByDayWithABarForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no midnight in between
		now := time.Now().UTC().Add(time.Minute)
		day := func(n, ago int, billed, wasted job.Money) job.Job {
			j := one(n, job.Succeeded, "x")
			j.Received, j.Billed, j.Wasted = now.AddDate(0, 0, -ago), billed, wasted
			return j
		}
		time.Sleep(time.Hour)
		open := one(9, job.Queued, "y")
		open.Quoted = 700_000
		b := setup(t, nil, day(1, 0, 2_000_000, 0), day(2, 0, 2_000_000, 1_000_000), day(3, 3, 1_000_000, 0), day(4, 20, 9_000_000, 0), open)
		body := b.get("/cost").Body.String()
		rows := regexp.MustCompile(`<time datetime="([^"]*)">`).FindAllStringSubmatch(body, -1)
		require.Len(t, rows, costDays)
		require.Equal(t, now.Format(time.DateOnly), rows[0][1])
		require.Contains(t, body, "<td class=\"n\">¥4.00</td><td class=\"n\">¥1.00</td><td class=\"n\">¥0.70</td>")
		require.Contains(t, body, `class="charged" width="800"`)
		require.Contains(t, body, `class="besides" x="800" width="200"`)
		require.Contains(t, body, `class="charged" width="200"`)
		require.Contains(t, body, "<td class=\"n\">3</td><td class=\"n\">0:42</td><td class=\"n\">¥5.00</td>", "together, without what is too long ago")
		require.Contains(t, b.get("/cost?lang=zh").Body.String(), "每日费用")
		_, before, _ := b.table.counts()
		b.get("/cost")
		_, after, _ := b.table.counts()
		require.Equal(t, before, after, "it is not counted for every reader")
	})
}

func TestCostIsNotCountedWithoutEnd(t *testing.T) {
	race.Leave(t)
	synctest.Test(t, func(t *testing.T) {
		var jobs []job.Job
		for i := range costJobs + 1000 {
			jobs = append(jobs, one(i+1, job.Succeeded, fmt.Sprint(i)))
		}
		b := setup(t, nil, jobs...)
		require.Contains(t, b.get("/cost").Body.String(), fmt.Sprintf("Only the newest %d jobs are counted", costJobs))
		_, read, _ := b.table.counts()
		require.Equal(t, costJobs, read)
		b.table.set(func() { b.table.fail = errors.New("down") })
		time.Sleep(costFresh)
		require.Equal(t, 503, b.get("/cost").Code)
	})
}

func TestCostIsCountedByRatioAndByTagToo(t *testing.T) {
	t.Parallel()
	film := func(n int, r job.Ratio, labels string) job.Job {
		j := one(n, job.Succeeded, "x")
		j.Ratio, j.Labels, j.Billed = r, labels, job.Yuan
		return j
	}
	b := setup(t, nil, film(1, job.Square, "l"), film(2, job.Portrait, "l"), film(3, job.Square, ""), one(4, job.Rejected, "y"))
	b.table.labels = map[string]job.Labels{"l": {Tags: []string{"spring", "<b>shop"}}}
	rows := func(target string) map[string]string {
		body := b.get(target).Body.String()
		all := map[string]string{}
		for _, m := range regexp.MustCompile(`(?s)<th scope="row">(.*?)</th>\s*<td.*?</td>\s*<td class="n">(\d+)</td>`).FindAllStringSubmatch(body, -1) {
			all[regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "")] = m[2]
		}
		return all
	}
	require.Equal(t, map[string]string{"1:1": "2", "3:4": "1", "refused before": "0", "Together": "3"}, rows("/cost?by=ratio"))
	require.Equal(t, map[string]string{"spring": "2", "&lt;b&gt;shop": "2", "(none)": "1", "Together": "3"}, rows("/cost?by=tag"), "two tags count twice, and once in the total")
	require.Equal(t, rows("/cost"), rows("/cost?by=nonsense"))
	page := b.get("/cost?by=tag&lang=zh").Body.String()
	for _, says := range []string{"<h1>按标签统计的费用</h1>", `href="/cost?by=tag" aria-current="page"`, `href="/cost?by=ratio">按比例统计的费用`, `href="/cost?by=tag&amp;lang=en"`, "在每个标签下各计一次"} {
		require.Contains(t, page, says)
	}
}
