package console

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// found are the numbers of the jobs that a page shows, in its order.
func found(body string) (all []int) {
	for part := range strings.SplitSeq(body, `id="job-`) {
		var n int
		if _, err := fmt.Sscanf(part[:min(32, len(part))], "%x", &n); err == nil && strings.HasPrefix(part, "0") {
			all = append(all, n)
		}
	}
	return all
}

func TestAPersonSearchesByNameFolderOrId(t *testing.T) {
	t.Parallel()
	b := setup(t, nil, one(1, job.Succeeded, "Courses/Anna"), one(2, job.Running, "courses/bert"), one(3, job.Failed, "shop/anna 2"), one(0xabc, job.Queued, "课程/第1周"))
	for text, want := range map[string][]int{
		"anna": {1, 3}, "COURSES/": {1, 2}, "courses/bert.mp3": {2}, "第1周": {0xabc}, "  bert ": {2}, idOf(3): {3}, idOf(0xabc)[:31]: {0xabc},
		"nobody": nil, "": {1, 2, 3, 0xabc},
	} {
		w := b.get("/?q=" + url.QueryEscape(text))
		require.Equal(t, 200, w.Code)
		require.ElementsMatch(t, want, found(w.Body.String()), "%q", text)
	}
	body := b.get("/?q=nobody").Body.String()
	require.Contains(t, body, "None of the jobs that were looked through")
	require.Contains(t, body, "Jobs looked through: 4")
	require.Contains(t, body, `<a href="/">Show all</a>`)
	body = b.get("/?q=%22%3E%3Cscript%3E&lang=zh").Body.String()
	require.Contains(t, body, "按名称、文件夹或任务 ID 查找")
	require.Contains(t, body, `value="&#34;&gt;&lt;script&gt;"`)
	require.NotContains(t, body, "\"><script>")
	require.Contains(t, body, `href="/?q=%22%3E%3Cscript%3E&amp;lang=en"`, "the other language shows the same")
	require.Equal(t, []int{1, 2, 3, 0xabc}, found(b.get("/?q="+strings.Repeat("x", 2000)).Body.String()), "what no name could be is not looked for")
}

func TestASearchLooksThroughAPageAndGoesOnByItsKey(t *testing.T) {
	t.Parallel()
	var all []job.Job
	for i := 1; i <= 1200; i++ {
		name := "other"
		if i%400 == 0 {
			name = "anna"
		}
		all = append(all, one(i, job.Failed, fmt.Sprintf("%s %d", name, i)))
	}
	b := setup(t, nil, all...)
	var seen []int
	pages := 0
	for at := "/?q=anna"; at != "" && pages < 3; pages++ {
		b.table.set(func() { b.table.read, b.table.recent = 0, 0 })
		body := b.get(at).Body.String()
		_, read, _ := b.table.counts()
		require.LessOrEqual(t, read, most)
		seen = append(seen, found(body)...)
		_, after, _ := strings.Cut(body, `<p class="links">`)
		_, after, more := strings.Cut(after, `<a href="/?before=`)
		next, _, _ := strings.Cut(after, `"`)
		at = ""
		if more {
			require.Contains(t, after, "Search further back")
			at = "/?before=" + strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	require.Equal(t, []int{400, 800, 1200}, seen)
	require.Equal(t, 3, pages, "of 500 each")
	b.table.set(func() { b.table.names = 0 })
	require.Equal(t, []int{1200}, found(b.get("/?q="+url.QueryEscape("anna 1200")).Body.String()), "its very name finds it, however far back")
	require.Equal(t, 1, b.table.names)
	require.Equal(t, []int{1200}, found(b.get("/?q="+idOf(1200)).Body.String()), "and its id")
}

func TestASearchFollowsWhatItHasFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := setup(t, nil, one(1, job.Running, "anna"), one(2, job.Running, "bert"))
		require.Regexp(t, `data-events="/events\?mark=[0-9a-f]+&amp;q=anna"`, b.get("/?q=anna").Body.String())
		r := b.follow("/events?q=anna")
		defer r.end()
		synctest.Wait()
		require.Equal(t, []int{1}, found(r.taken()))
		time.Sleep(2 * time.Second)
		b.table.put(one(2, job.Succeeded, "bert"), one(3, job.Queued, "carl"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Empty(t, found(r.taken()), "others are none of its concern")
		b.table.put(one(1, job.Succeeded, "anna"))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []int{1}, found(r.taken()))
	})
}
