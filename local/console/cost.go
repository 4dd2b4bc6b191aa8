package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"emodrop/local/tally"
	"emodrop/shared/job"
)

const (
	// costDays is how many days are counted; the chart by day has each.
	costDays = 14
	// costJobs is how many jobs it counts at most; emodrop cost counts all.
	costJobs = 5000
	// costFresh is how long a count counts as now.
	costFresh = time.Minute
	// costPatience bounds one count.
	costPatience = time.Minute
)

// costs counts what hand-ins have cost, on demand: it is the one thing of the page that
// reads more than a screen shows, so it has a page of its own.
type costs struct {
	mu   sync.Mutex // held while counting: who comes meanwhile gets the same
	last map[tally.By]costed
}

// costed is one count.
type costed struct {
	taken time.Time
	tally.Sum
}

// costView is what the template "cost" shows.
type costView struct {
	Frame     frameView
	Ways      []wayView
	Head      string // a phrase of the catalogue
	Rows      []rowView
	Total     rowView
	Cut       int
	Unclear   int
	Simulated bool
	Tags      bool
}

// wayView is a way to add up, for the one who chooses.
type wayView struct {
	Phrase, URL string
	Current     bool
}

// rowView is a row of the chart; a day without hand-ins is empty. Key is text, or Phrase
// stands for it. Bar and Besides are widths in thousandths.
type rowView struct {
	Day                       moment
	Key, Phrase               string
	Films, Length             string
	Charged, Besides          string
	Expected                  string
	Bar, BesidesAt, BesidesOf int
}

// costWords are what a count by something is called, and the head of its first column:
// phrases of the catalogue.
var costWords = map[tally.By]struct{ title, head string }{
	tally.Day: {"cost_by_day", "cost_day"}, tally.Ratio: {"cost_by_ratio", "cost_ratio"}, tally.Tag: {"cost_by_tag", "cost_tag"},
}

func (h *console) cost(w http.ResponseWriter, r *http.Request) {
	lang := h.choose.of(w, r)
	by := tally.By(r.FormValue("by"))
	if !slices.Contains(tally.All(), by) {
		by = tally.Day
	}
	c, err := h.count(r.Context(), by)
	if err != nil {
		h.trouble(w, r, "count the cost", err)
		return
	}
	v := costView{Frame: h.frame(lang, "/cost?by="+string(by)), Head: costWords[by].head, Tags: by == tally.Tag, Total: viewOf(c.Total, 0), Unclear: c.Total.Unclear, Simulated: h.Simulated}
	v.Frame.Cost = costWords[by].title
	if c.Cut {
		v.Cut = costJobs
	}
	for _, b := range tally.All() {
		v.Ways = append(v.Ways, wayView{costWords[b].title, "/cost?by=" + string(b), b == by})
	}
	most := job.Money(0)
	for _, d := range c.Rows {
		most = max(most, d.Billed+d.Wasted)
	}
	if by == tally.Day {
		v.Rows = c.days(most)
	} else {
		for _, one := range c.Rows {
			row := viewOf(one.Spent, most)
			row.Key = one.Key
			switch {
			case by == tally.Tag && one.Key == "":
				row.Phrase = "cost_no_tag"
			case by == tally.Ratio && one.Key == tally.Unknown:
				row.Phrase = "cost_no_ratio"
			}
			v.Rows = append(v.Rows, row)
		}
	}
	h.send(w, r, http.StatusOK, lang, "cost", v)
}

// days are the rows of a count by day, with those between without hand-ins.
func (c costed) days(most job.Money) (all []rowView) {
	byDay := map[string]job.Spent{}
	for _, row := range c.Rows {
		byDay[row.Key] = row.Spent
	}
	for i := range costDays {
		day := c.taken.AddDate(0, 0, -i).Format(time.DateOnly)
		row := rowView{}
		if spent, any := byDay[day]; any {
			row = viewOf(spent, most)
		}
		row.Day = moment{day, day}
		all = append(all, row)
	}
	return all
}

func viewOf(s job.Spent, most job.Money) rowView {
	v := rowView{Films: strconv.Itoa(s.Films), Length: clock(time.Duration(s.Seconds * float64(time.Second)).Round(time.Second)),
		Charged: s.Billed.String(), Besides: s.Wasted.String(), Expected: s.Expected.String()}
	if most > 0 {
		v.Bar = int(1000 * s.Billed / most)
		v.BesidesAt, v.BesidesOf = v.Bar, int(1000*s.Wasted/most)
	}
	return v
}

// count reads the records of the last days' jobs, or returns the last count.
func (h *console) count(ctx context.Context, by tally.By) (costed, error) {
	h.costs.mu.Lock()
	defer h.costs.mu.Unlock()
	now := time.Now().UTC()
	if c, known := h.costs.last[by]; known && now.Sub(c.taken) < costFresh {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, costPatience)
	defer cancel()
	sum, err := tally.Count(ctx, h.Jobs, h.Labels, now.AddDate(0, 0, 1-costDays), by, costJobs)
	if err != nil {
		return costed{}, err
	}
	c := costed{now, sum}
	if h.costs.last == nil {
		h.costs.last = map[tally.By]costed{}
	}
	h.costs.last[by] = c
	return c, nil
}
