package template

import (
	"encoding/json"
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

// term is one comparison in a filter pattern on JSON.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
var term = regexp.MustCompile(`\$\.(\w+)\s*(=|!=|>=|<=|>|<)\s*(?:"([^"]*)"|(\d+))`)

// filters: each pattern is one that CloudWatch takes, on a line that the function
// whose log it reads really writes, at a level that is never switched off.
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
		pattern := text(f.props["FilterPattern"])
		rest := strings.NewReplacer("||", "", "&&", "", "(", "", ")", "", " ", "").Replace(term.ReplaceAllString(pattern, ""))
		if rest != "{}" || strings.Count(pattern, "(") != strings.Count(pattern, ")") {
			bad("%s is no pattern that these tests know", pattern)
			continue
		}
		// Each alternative names one message, and what else it asks of that line.
		for alternative := range strings.SplitSeq(pattern, "||") {
			if why := written(t, c, function, term.FindAllStringSubmatch(alternative, -1)); why != "" {
				bad("%s: %s", pattern, why)
			}
		}
		transformations := list(f.props["MetricTransformations"])
		if len(transformations) != 1 || textAt(transformations[0], "MetricValue") != "1" {
			bad("want one metric that counts lines")
		}
		if at(f.props, "MetricTransformations/0/DefaultValue") != nil {
			bad("a default value makes the metric cost every hour of the month")
		}
		if f.condition != "AlarmsOn" {
			bad("makes a metric though nobody watches it")
		}
	}
	return wrong
}

// written says why no line of that function's log can meet the terms.
func written(t *tree, c *code, function string, terms [][]string) string {
	message := ""
	for _, m := range terms {
		if m[1] == "message" && m[2] == "=" {
			message = m[3]
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
			switch key := m[1]; {
			case key == "message":
			case !slices.Contains(l.keys, key):
				return fmt.Sprintf("the line %q of shared/%s has no %s", message, l.pkg, key)
			case key == "to":
				if !slices.Contains(job.States(), job.State(m[3])) {
					return fmt.Sprintf("%s is no state", m[3])
				}
				if !moves(c, function, job.State(m[3])) {
					return fmt.Sprintf("%s moves no job to %s", function, m[3])
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

// emitted are the metrics of AWS that are used here, and the one dimension of each:
// its name, the type of what it names, and by which attribute.
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html,
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
var emitted = map[string]struct {
	dimension, kind, attribute string
	metrics                    []string
}{
	"AWS/Lambda":   {"FunctionName", serverless, "", []string{"Invocations", "Errors", "Throttles", "Duration"}},
	"AWS/SQS":      {"QueueName", "AWS::SQS::Queue", "QueueName", []string{"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateAgeOfOldestMessage"}},
	"AWS/DynamoDB": {"TableName", "AWS::DynamoDB::Table", "", []string{"ReadThrottleEvents", "WriteThrottleEvents"}},
}

// emits says why nobody emits a metric, if so. Dimensions are name and rendered
// value, one after the other.
func (t *tree) emits(w *world, namespace, metric string, dimensions []string) string {
	if known, ok := emitted[namespace]; ok {
		switch {
		case !slices.Contains(known.metrics, metric):
			return fmt.Sprintf("%s has no metric %s that these tests know", namespace, metric)
		case len(dimensions) != 2 || dimensions[0] != known.dimension:
			return fmt.Sprintf("%s %s goes by %s, not by %v", namespace, metric, known.dimension, dimensions)
		case t.resource(referred(dimensions[1], known.attribute)).kind != known.kind:
			return fmt.Sprintf("%s %s: %s names no %s", namespace, metric, dimensions[1], known.kind)
		}
		return ""
	}
	for _, f := range t.ofKind("AWS::Logs::MetricFilter") {
		if text(w.value(at(f.props, "MetricTransformations/0/MetricNamespace"))) == namespace &&
			textAt(f.props, "MetricTransformations/0/MetricName") == metric && len(dimensions) == 0 {
			return ""
		}
	}
	return fmt.Sprintf("no filter makes %s %s", namespace, metric)
}

// A watched metric is one that an alarm looks at.
type watched struct {
	namespace, metric string
	dimensions        []string
	period            int
}

// watches are the metrics of an alarm, by itself or in a formula.
func watches(w *world, alarm resource) (all []watched, wrong string) {
	read := func(m any, period int) {
		x := watched{namespace: textAt(m, "Namespace"), metric: textAt(m, "MetricName"), period: period}
		for _, d := range list(at(m, "Dimensions")) {
			x.dimensions = append(x.dimensions, textAt(d, "Name"), textAt(d, "Value"))
		}
		all = append(all, x)
	}
	props := w.value(alarm.props)
	if at(props, "Metrics") == nil {
		read(props, number(at(props, "Period")))
		return all, ""
	}
	formula, ids, returned := "", []string{}, 0
	for _, m := range list(at(props, "Metrics")) {
		if textAt(m, "ReturnData") != "false" {
			returned++
		}
		if e := textAt(m, "Expression"); e != "" {
			formula = e
			continue
		}
		ids = append(ids, textAt(m, "Id"))
		read(at(m, "MetricStat/Metric"), number(at(m, "MetricStat/Period")))
	}
	for _, id := range ids {
		if !strings.Contains(formula, "FILL("+id+", 0)") {
			return all, fmt.Sprintf("the formula %q leaves out %s, or comes to nothing where it has no data", formula, id)
		}
	}
	if returned != 1 {
		return all, fmt.Sprintf("%d results, want one", returned)
	}
	return all, ""
}

// alarms: each watches a metric that somebody emits, says what to do, and is heard;
// what must be watched is.
func alarms(t *tree, _ *code) []string {
	var wrong []string
	w := t.plain()
	seen := map[string]bool{}
	for _, a := range t.ofKind("AWS::CloudWatch::Alarm") {
		bad := func(format string, args ...any) {
			wrong = append(wrong, "Resources/"+a.id+": "+fmt.Sprintf(format, args...))
		}
		metrics, why := watches(w, a)
		if why != "" {
			bad("%s", why)
		}
		missing := text(a.props["TreatMissingData"])
		for _, m := range metrics {
			if why := t.emits(w, m.namespace, m.metric, m.dimensions); why != "" {
				bad("%s", why)
			}
			if m.period < 60 || m.period%60 != 0 || m.period*number(a.props["EvaluationPeriods"]) > 24*3600 {
				bad("looks at %d periods of %d s", number(a.props["EvaluationPeriods"]), m.period)
			}
			seen[m.namespace+" "+m.metric+" "+strings.Join(m.dimensions, " ")] = true
			dead := m.metric == "Invocations"
			switch {
			case dead && (missing != "breaching" || text(a.props["ComparisonOperator"]) != "LessThanThreshold" ||
				m.period*number(a.props["EvaluationPeriods"]) != 600 || text(a.props["Threshold"]) != "1" || text(a.props["Statistic"]) != "Sum"):
				bad("does not tell when poll has not run for ten minutes")
			case !dead && (missing != "notBreaching" || text(a.props["ComparisonOperator"]) != "GreaterThanOrEqualToThreshold"):
				bad("TreatMissingData %q, %s: silence is no trouble here", missing, text(a.props["ComparisonOperator"]))
			}
		}
		if len(text(a.props["AlarmDescription"])) < 40 {
			bad("does not say what is wrong and what to do")
		}
		if !slices.Equal(texts(w.value(a.props["AlarmActions"])), []string{"<AlarmTopic>"}) {
			bad("nobody hears it")
		}
		if a.condition != "AlarmsOn" {
			bad("is there without the topic that it tells")
		}
		if text(a.props["ActionsEnabled"]) == "false" {
			bad("is silenced")
		}
	}
	must := []string{"AWS/Lambda Invocations FunctionName <PollFunction>",
		"AWS/DynamoDB ReadThrottleEvents TableName <JobsTable>", "AWS/DynamoDB WriteThrottleEvents TableName <JobsTable>",
		"AWS/SQS ApproximateAgeOfOldestMessage QueueName <IntakeQueue.QueueName>"}
	for _, fn := range t.ofKind(serverless) {
		if fn.name() != "callback" { // its caller is told, and sends again
			must = append(must, "AWS/Lambda Errors FunctionName <"+fn.id+">", "AWS/Lambda Throttles FunctionName <"+fn.id+">")
		}
	}
	for _, q := range t.ofKind("AWS::SQS::Queue") {
		if q.props["RedrivePolicy"] == nil {
			must = append(must, "AWS/SQS ApproximateNumberOfMessagesVisible QueueName <"+q.id+".QueueName>")
		}
	}
	for _, f := range t.ofKind("AWS::Logs::MetricFilter") {
		must = append(must, text(w.value(at(f.props, "MetricTransformations/0/MetricNamespace")))+" "+
			textAt(f.props, "MetricTransformations/0/MetricName")+" ")
	}
	for _, m := range must {
		if !seen[m] {
			wrong = append(wrong, "Resources: no alarm watches "+m)
		}
	}
	for _, s := range t.ofKind("AWS::SNS::Subscription") {
		topic, to := textAt(s.props, "TopicArn/Ref"), textAt(s.props, "Endpoint/Ref")
		if to != map[string]string{"ResultsTopic": "NotificationEmail", "AlarmTopic": "AlarmEmail"}[topic] {
			wrong = append(wrong, fmt.Sprintf("Resources/%s: mails what %s says to %s", s.id, topic, to))
		}
	}
	return wrong
}

// A widget of a dashboard.
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type widget struct {
	Type                string `json:"type"`
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, View, Query, Stat string
		Period                           int
		Metrics                          [][]any
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
		if title == "" || x.Properties.Region != "eu-central-1" || x.Width < 1 || x.Height < 1 || x.X < 0 || x.X+x.Width > 24 {
			bad("widget %d (%q) has no title, no region or no room", i, title)
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
