package console

import (
	"errors"
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
	synctest.Test(t, func(t *testing.T) {
		var jobs []job.Job
		for i := range costJobs + 2*costPage {
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
