package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"emodrop/local/lookup"
	"emodrop/shared/job"
)

const (
	// costDays is how many days the chart has.
	costDays = 14
	// costJobs is how many jobs it counts at most; emodrop cost counts all.
	costJobs = 5000
	// costFresh is how long a count counts as now.
	costFresh = time.Minute
	// costPatience bounds one count.
	costPatience = time.Minute
	// costPage is how many jobs are listed at a time.
	costPage = 500
)

// costs counts what hand-ins have cost, on demand: it is the one thing of the page that
// reads more than a screen shows, so it has a page of its own.
type costs struct {
	mu   sync.Mutex // held while counting: who comes meanwhile gets the same
	last *costed
}

// costed is one count.
type costed struct {
	taken time.Time
	days  []dayCost // the newest first
	total job.Spent
	// cut tells that there are more than are counted.
	cut bool
}

type dayCost struct {
	day time.Time
	job.Spent
}

// costView is what the template "cost" shows.
type costView struct {
	Frame     frameView
	Days      []dayView
	Total     dayView
	Cut       int
	Unclear   int
	Simulated bool
}

// dayView is a row of the chart; a day without hand-ins is empty. Bar and Besides are widths in thousandths.
type dayView struct {
	Day                       moment
	Films, Length             string
	Charged, Besides          string
	Expected                  string
	Bar, BesidesAt, BesidesOf int
}

func (h *console) cost(w http.ResponseWriter, r *http.Request) {
	lang := h.choose.of(w, r)
	c, err := h.count(r.Context())
	if err != nil {
		h.trouble(w, r, "count the cost", err)
		return
	}
	v := costView{Frame: h.frame(lang, "/cost"), Total: viewOf(dayCost{Spent: c.total}, 0), Unclear: c.total.Unclear, Simulated: h.Simulated}
	if c.cut {
		v.Cut = costJobs
	}
	most := job.Money(0)
	for _, d := range c.days {
		most = max(most, d.Billed+d.Wasted)
	}
	for _, d := range c.days {
		v.Days = append(v.Days, viewOf(d, most))
	}
	h.send(w, r, http.StatusOK, lang, "cost", v)
}

func viewOf(d dayCost, most job.Money) dayView {
	day := moment{d.day.Format(time.DateOnly), d.day.Format(time.DateOnly)}
	if d.Spent == (job.Spent{}) && !d.day.IsZero() {
		return dayView{Day: day}
	}
	v := dayView{Day: day, Films: strconv.Itoa(d.Films),
		Length:  clock(time.Duration(d.Seconds * float64(time.Second)).Round(time.Second)),
		Charged: d.Billed.String(), Besides: d.Wasted.String(), Expected: d.Expected.String()}
	if most > 0 {
		v.Bar = int(1000 * d.Billed / most)
		v.BesidesAt, v.BesidesOf = v.Bar, int(1000*d.Wasted/most)
	}
	return v
}

// count reads the records of the last days' jobs, or returns the last count.
func (h *console) count(ctx context.Context) (*costed, error) {
	h.costs.mu.Lock()
	defer h.costs.mu.Unlock()
	now := time.Now().UTC()
	if c := h.costs.last; c != nil && now.Sub(c.taken) < costFresh {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, costPatience)
	defer cancel()
	c := &costed{taken: now}
	today := now.Truncate(24 * time.Hour)
	since := today.AddDate(0, 0, 1-costDays)
	for i := range costDays {
		c.days = append(c.days, dayCost{day: today.AddDate(0, 0, -i)})
	}
	var next time.Time
	counted := 0
	for first := true; first || !next.IsZero(); first = false {
		ids, after, err := h.Jobs.Page(ctx, next, since, costPage)
		if err != nil {
			return nil, fmt.Errorf("list the jobs: %w", err)
		}
		jobs, err := lookup.Read(ctx, h.Jobs, ids)
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			if i := int(today.Sub(j.Received.UTC().Truncate(24*time.Hour)) / (24 * time.Hour)); i >= 0 && i < costDays {
				c.days[i].Add(j)
				c.total.Add(j)
			}
		}
		next = after
		if counted += len(ids); counted >= costJobs && !next.IsZero() {
			c.cut = true
			break
		}
	}
	h.costs.last = c
	return c, nil
}
