package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"emodrop/shared/job"
)

// Trace is all that happened, a line each: when, who, what, about what, and what went
// wrong. Calls that only read and went well are left out unless all is wanted.
func (w *World) Trace(all bool) string {
	type line struct {
		at   time.Duration
		text string
	}
	var lines []line
	for _, c := range w.Calls() {
		if !all && !c.Effect && c.Fate == Pass {
			continue
		}
		fate := ""
		if c.Fate != Pass {
			fate = "  !! " + c.Fate.String()
		}
		lines = append(lines, line{c.At, fmt.Sprintf("%-9s%-24s %s%s   [%s]", c.Function, c.Op, c.About, fate, c.By)})
	}
	for _, c := range w.Emulator.History() {
		if !all && c.Fault == "" && c.Status < 300 && c.Op != "create" {
			continue
		}
		fault := ""
		if c.Fault != "" {
			fault = "  !! " + c.Fault
		}
		lines = append(lines, line{c.Time.Sub(w.began), fmt.Sprintf("%-9s%-24s %d %s %s%s", "vendor", c.Op, c.Status, c.Code, c.TaskID, fault)})
	}
	for _, t := range w.Emulator.Tasks() {
		if !t.Ended.IsZero() {
			lines = append(lines, line{t.Ended.Sub(w.began), fmt.Sprintf("%-9s%-24s %s %s %s", "vendor", "task ended", t.ID, t.Status, t.Code)})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.at - b.at) })
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%12s  %s\n", l.at.Round(time.Microsecond), l.text)
	}
	b.WriteString("in the end:\n")
	jobs, err := w.Jobs()
	if err != nil {
		fmt.Fprintf(&b, "  %v\n", err)
	}
	for _, j := range jobs {
		task, code := "", ""
		if j.Task != nil {
			task = j.Task.ID
		}
		if j.Fault != nil {
			code = j.Fault.Code
		}
		fmt.Fprintf(&b, "  %s %-10s %s attempt %d, task %s, film %s, billed %s, wasted %s %s\n", j.ID, j.State, j.Name, j.Attempt, task,
			filmKey(j.Film), j.Billed, j.Wasted, code)
	}
	for _, c := range w.Films() {
		fmt.Fprintf(&b, "  paid: task %s, %.2f s\n", c.TaskID, c.Seconds)
	}
	return b.String()
}

func filmKey(f *job.Film) string {
	if f == nil {
		return "-"
	}
	return f.Key
}
