package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

const (
	// completeWithin bounds what a press of the tab key may take.
	completeWithin = 3 * time.Second
	// completed is among how many of the newest jobs it chooses.
	completed = 50
)

// offer gives the completions of an argument, in cobra's form.
type offer func(cmd *cobra.Command, args []string) []string

// completer completes arguments that are no files; nil offers nothing.
func (p *program) completer(o offer, most int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if o == nil || most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return o(cmd, args), cobra.ShellCompDirectiveNoFileComp
	}
}

// names offers the newest jobs that a verb can do something with, by name and by
// id. Trouble offers nothing: there is nobody to tell it to.
func (p *program) names(fits func(job.Job) bool) offer {
	return func(cmd *cobra.Command, args []string) []string {
		ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
		defer cancel()
		st, err := p.stack(ctx)
		if err != nil {
			return nil
		}
		ids, _, err := st.Jobs.Page(ctx, time.Time{}, time.Now().AddDate(0, 0, -recentDays), completed)
		if err != nil {
			return nil
		}
		jobs, err := records(ctx, st, ids)
		if err != nil {
			return nil
		}
		var out []string
		seen := map[string]bool{}
		for _, a := range args {
			seen[a] = true
		}
		for _, j := range jobs {
			if fits != nil && !fits(j) {
				continue
			}
			for _, s := range []string{j.Name.String(), j.ID} {
				// A tab or a line's end would be cobra's own syntax.
				if !seen[s] && !strings.ContainsAny(s, "\t\n\r") {
					out = append(out, s+"\t"+words.State(j.State, p.lang))
				}
				seen[s] = true
			}
		}
		return out
	}
}

func isOpen(j job.Job) bool   { return !j.State.Final() }
func hasEnded(j job.Job) bool { return j.State.Final() }
func isHeld(j job.Job) bool   { return j.State == job.Held }
func wasTold(j job.Job) bool  { return j.State.Told() }
func hasFilm(j job.Job) bool  { return j.State == job.Succeeded }
func cancelable(j job.Job) bool {
	return j.State == job.Received || j.State == job.Queued || j.State == job.Submitted
}
