package template

import (
	"fmt"
	"slices"
	"strings"
)

// emitted are the metrics of AWS that are used here, and the one dimension of each:
// its name, the type of what it names, and by which attribute. A table's index has a
// second one.
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
		if namespace == "AWS/DynamoDB" && len(dimensions) == 4 && dimensions[2] == "GlobalSecondaryIndexName" {
			if !slices.Contains(indexes(t), dimensions[3]) {
				return fmt.Sprintf("%s %s: the table has no index %s", namespace, metric, dimensions[3])
			}
			dimensions = dimensions[:2]
		}
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

// indexes are the names of the jobs table's.
func indexes(t *tree) []string {
	var all []string
	for _, i := range list(t.resource("JobsTable").props["GlobalSecondaryIndexes"]) {
		all = append(all, textAt(i, "IndexName"))
	}
	return all
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

// A gauge is a metric that carries a value and is not counted: how it has to be
// looked at so that the worst of a period shows.
type gauge struct{ operator, statistic string }

var gauges = map[string]gauge{
	"OldestJob":     {"GreaterThanOrEqualToThreshold", "Maximum"},
	"UnclearCreate": {"GreaterThanOrEqualToThreshold", "Maximum"},
	"LinkLeft":      {"LessThanOrEqualToThreshold", "Minimum"},
	"OverBudget":    {"GreaterThanOrEqualToThreshold", "Maximum"},
	// One batch that was well is enough.
	"StandsStill": {"GreaterThanOrEqualToThreshold", "Minimum"},
}

// promised are thresholds that documents state.
var promised = map[string]string{"LinkLeft": "7200", "OldestJob": "7200", "StandsStill": "1", "OverBudget": "1", "JobsHeld": "1", "GateClosed": "1", "FilmsOrphaned": "1"}

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
			operator, statistic := text(a.props["ComparisonOperator"]), text(a.props["Statistic"])
			g, gauged := gauges[m.metric]
			if !gauged {
				g = gauge{"GreaterThanOrEqualToThreshold", statistic}
			}
			dead := m.metric == "Invocations"
			switch {
			case dead && (missing != "breaching" || operator != "LessThanThreshold" ||
				m.period*number(a.props["EvaluationPeriods"]) != 600 || text(a.props["Threshold"]) != "1" || statistic != "Sum"):
				bad("does not tell when poll has not run for ten minutes")
			case !dead && (missing != "notBreaching" || operator != g.operator):
				bad("TreatMissingData %q, %s: silence is no trouble here", missing, operator)
			case gauged && statistic != g.statistic:
				bad("the %s of %s says nothing of the worst", statistic, m.metric)
			case strings.HasPrefix(m.namespace, "emodrop/") && !gauged && statistic != "Sum":
				bad("%s counts lines: want their Sum", m.metric)
			}
			if want, ok := promised[m.metric]; ok && text(a.props["Threshold"]) != want {
				bad("its threshold is %s, want %s", text(a.props["Threshold"]), want)
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
	// An index has metrics of its own, and one that is throttled has the table's writes
	// refused. What no function queries nobody waits for.
	for _, index := range indexes(t) {
		of := " TableName <JobsTable> GlobalSecondaryIndexName " + index
		must = append(must, "AWS/DynamoDB WriteThrottleEvents"+of)
		for role := range granted {
			if slices.ContainsFunc(granted[role], func(g grant) bool {
				return g.action == "dynamodb:Query" && strings.HasSuffix(g.resource, "/index/"+index)
			}) {
				must = append(must, "AWS/DynamoDB ReadThrottleEvents"+of)
			}
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
