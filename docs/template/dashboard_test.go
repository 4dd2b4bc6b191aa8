package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"emodrop/shared/job"
)

// A widget of a dashboard.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type widget struct {
	Type                string `json:"type"`
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, View, Query, Stat, Markdown string
		Period                                     int
		Metrics                                    [][]any
	}
}

var (
	sources  = regexp.MustCompile(`SOURCE '([^']*)'`)
	messages = regexp.MustCompile(`message = '([^']*)'`)
	states   = regexp.MustCompile(`\bto = '([^']*)'`)
)

// dashboard: its body is JSON once it is filled in, its widgets do not overlap, and
// each shows what somebody emits or logs.
func dashboard(t *tree, c *code) []string {
	var wrong []string
	w := t.plain()
	all := t.ofKind("AWS::CloudWatch::Dashboard")
	if len(all) != 1 {
		return []string{fmt.Sprintf("Resources: %d dashboards, want one", len(all))}
	}
	bad := func(format string, args ...any) {
		wrong = append(wrong, "Resources/"+all[0].id+": "+fmt.Sprintf(format, args...))
	}
	if name := text(w.value(all[0].props["DashboardName"])); !strings.Contains(name, "emodrop") || !strings.Contains(name, "eu-central-1") {
		bad("called %q, it collides with that of another stack or region", name)
	}
	var body struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(text(w.value(all[0].props["DashboardBody"]))), &body); err != nil {
		bad("its body is no JSON: %v", err)
		return wrong
	}
	if len(body.Widgets) < 4 {
		bad("shows %d things", len(body.Widgets))
	}
	for i, x := range body.Widgets {
		title := x.Properties.Title
		if x.Type == "text" {
			title = x.Properties.Markdown
		} else if x.Properties.Region != "eu-central-1" {
			bad("widget %d (%q) is of no region", i, title)
		}
		if title == "" || x.Width < 1 || x.Height < 1 || x.X < 0 || x.X+x.Width > 24 {
			bad("widget %d (%q) has no title or no room", i, title)
		}
		for _, y := range body.Widgets[:i] {
			if x.X < y.X+y.Width && y.X < x.X+x.Width && x.Y < y.Y+y.Height && y.Y < x.Y+x.Height {
				bad("%q lies over %q", title, y.Properties.Title)
			}
		}
		switch x.Type {
		case "metric":
			if len(x.Properties.Metrics) == 0 || x.Properties.Period%60 != 0 || x.Properties.Stat == "" {
				bad("%q shows nothing", title)
			}
			for _, m := range x.Properties.Metrics {
				var words []string
				for _, v := range m {
					if s, ok := v.(string); ok {
						words = append(words, s)
					}
				}
				if len(words) < 2 {
					bad("%q: a metric is a namespace and a name, not %v", title, m)
				} else if why := t.emits(w, words[0], words[1], words[2:]); why != "" {
					bad("%q: %s", title, why)
				}
			}
		case "text":
		case "log":
			for _, why := range query(t, c, x.Properties.Query) {
				bad("%q: %s", title, why)
			}
		default:
			bad("%q is a %q, which these tests do not know", title, x.Type)
		}
	}
	return wrong
}

// query says what is wrong with a query of the logs.
func query(t *tree, c *code, q string) []string {
	var wrong []string
	var from []string
	for _, m := range sources.FindAllStringSubmatch(q, -1) {
		group := referred(m[1], "")
		if t.resource(group).kind != "AWS::Logs::LogGroup" {
			wrong = append(wrong, m[1]+" is no log group")
		}
		for _, fn := range t.ofKind(serverless) {
			if textAt(fn.props, "LoggingConfig/LogGroup/Ref") == group {
				from = append(from, fn.name())
			}
		}
	}
	if len(from) == 0 {
		wrong = append(wrong, "reads no log")
	}
	for _, fn := range from {
		for _, m := range messages.FindAllStringSubmatch(q, -1) {
			if len(c.emits(fn, m[1])) == 0 {
				wrong = append(wrong, fmt.Sprintf("%s never logs %q", fn, m[1]))
			}
		}
		for _, m := range states.FindAllStringSubmatch(q, -1) {
			if !moves(c, fn, job.State(m[1])) {
				wrong = append(wrong, fmt.Sprintf("%s moves no job to %s", fn, m[1]))
			}
		}
	}
	return wrong
}
