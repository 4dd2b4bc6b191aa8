package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"emodrop/shared/job"
)

// logGroups: a function writes JSON, which the filters and the dashboard read, into a
// group of its own with an end, and may write nowhere else.
func logGroups(t *tree, _ *code) []string {
	var wrong []string
	owner := map[string]string{}
	for _, fn := range t.ofKind(serverless) {
		bad := func(format string, args ...any) {
			wrong = append(wrong, "Resources/"+fn.id+": "+fmt.Sprintf(format, args...))
		}
		group := t.resource(textAt(fn.props, "LoggingConfig/LogGroup/Ref"))
		if group.kind != "AWS::Logs::LogGroup" {
			bad("logs into no group of this template")
			continue
		}
		if owner[group.id] != "" {
			bad("shares its log group with %s", owner[group.id])
		}
		owner[group.id] = fn.id
		if name := text(t.plain().value(group.props["LogGroupName"])); name != "/aws/lambda/emodrop/"+fn.name() {
			bad("its log group is called %s", name)
		}
		if textAt(group.props, "RetentionInDays/Ref") != "LogRetentionDays" {
			bad("its logs are kept for ever")
		}
		if group.condition != fn.condition {
			bad("is there when its log group is not")
		}
		if textAt(fn.props, "LoggingConfig/LogFormat") != "JSON" {
			bad("logs as text, which no filter reads")
		}
		if textAt(fn.props, "LoggingConfig/ApplicationLogLevel/Ref") != "LogLevel" || textAt(fn.props, "LoggingConfig/SystemLogLevel") != "INFO" {
			bad("its log levels are not those of the parameter, and INFO for Lambda's own lines")
		}
		may := false
		for _, s := range t.statements(t.roleOf(fn.name())) {
			may = may || slices.Equal(texts(at(s, "Action")), []string{"logs:CreateLogStream", "logs:PutLogEvents"}) &&
				textAt(s, "Resource/Fn::GetAtt/0") == group.id
		}
		if !may {
			bad("may not write into %s", group.id)
		}
	}
	return wrong
}

// filters: each pattern is one that CloudWatch takes, on a line that the function
// whose log it reads really writes, at a level that is never switched off; a line of
// a run of the functions matches it and gives the metric its value.
func filters(t *tree, c *code) []string {
	var wrong []string
	for _, f := range t.ofKind("AWS::Logs::MetricFilter") {
		bad := func(format string, args ...any) {
			wrong = append(wrong, "Resources/"+f.id+": "+fmt.Sprintf(format, args...))
		}
		function := ""
		for _, fn := range t.ofKind(serverless) {
			if textAt(fn.props, "LoggingConfig/LogGroup/Ref") == textAt(f.props, "LogGroupName/Ref") {
				function = fn.name()
			}
		}
		if function == "" {
			bad("reads a log group of no function")
			continue
		}
		p, err := parsePattern(text(f.props["FilterPattern"]))
		if err != nil {
			bad("%v", err)
			continue
		}
		for _, terms := range p {
			if why := written(t, c, function, terms); why != "" {
				bad("%s: %s", text(f.props["FilterPattern"]), why)
			}
		}
		transformations := list(f.props["MetricTransformations"])
		if len(transformations) != 1 {
			bad("want one metric, not %d", len(transformations))
			continue
		}
		if at(transformations[0], "DefaultValue") != nil {
			bad("a default value makes the metric cost every hour of the month")
		}
		if why := p.measures(c.lines[function], textAt(transformations[0], "MetricValue")); why != "" {
			bad("%s", why)
		}
		if f.condition != "AlarmsOn" {
			bad("makes a metric though nobody watches it")
		}
	}
	return wrong
}

// written says why no line of that function's log can meet the terms.
func written(t *tree, c *code, function string, terms []term) string {
	message := ""
	for _, m := range terms {
		if m.key == "message" && m.op == "=" {
			message = m.text
		}
	}
	if message == "" {
		return "it asks for no message (the key on Lambda is message, not msg)"
	}
	lines := c.emits(function, message)
	if len(lines) == 0 {
		return fmt.Sprintf("%s never logs %q", function, message)
	}
	for _, l := range lines {
		if slices.ContainsFunc(texts(at(t.top, "Parameters/LogLevel/AllowedValues")), func(v string) bool { return rank(v) > rank(l.level) }) {
			return fmt.Sprintf("%q is logged at %s, which LogLevel can switch off", message, l.level)
		}
		for _, m := range terms {
			switch {
			case m.key == "message":
			case !slices.Contains(l.keys, m.key):
				return fmt.Sprintf("the line %q of shared/%s has no %s", message, l.pkg, m.key)
			case m.key == "to":
				if !slices.Contains(job.States(), job.State(m.text)) {
					return fmt.Sprintf("%s is no state", m.text)
				}
				if !moves(c, function, job.State(m.text)) {
					return fmt.Sprintf("%s moves no job to %s", function, m.text)
				}
			}
		}
	}
	return ""
}

func rank(level string) int {
	return slices.Index([]string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}, level)
}

// moves says whether a function's own step makes that move: it names the state.
func moves(c *code, function string, to job.State) bool {
	name := "job." + string(to[0]) + strings.ToLower(string(to[1:]))
	return regexp.MustCompile(`State\b[^\n]*= ` + regexp.QuoteMeta(name) + `\b`).MatchString(c.text[function])
}
