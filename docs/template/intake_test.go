package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"emodrop/shared/intake"
	"emodrop/shared/store"
)

// match says whether EventBridge would let an event through, for patterns of plain
// values and of the operators named here.
// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
func match(pattern, event any) (bool, error) {
	switch p := pattern.(type) {
	case map[string]any:
		e, ok := event.(map[string]any)
		if !ok {
			return false, nil
		}
		for key, sub := range p {
			if ok, err := match(sub, e[key]); !ok || err != nil {
				return false, err
			}
		}
		return len(p) > 0, nil
	case []any:
		values, many := event.([]any)
		if !many {
			values = []any{event}
		}
		for _, want := range p {
			for _, v := range values {
				ok, err := matchOne(want, v)
				if ok || err != nil {
					return ok, err
				}
			}
		}
		return false, nil
	}
	return false, fmt.Errorf("a pattern's value must be in a list: %v", pattern)
}

func matchOne(want, v any) (bool, error) {
	op, ok := want.(map[string]any)
	if !ok {
		return want == v, nil
	}
	s, isText := v.(string)
	for name, arg := range op {
		switch name {
		case "prefix":
			return isText && strings.HasPrefix(s, text(arg)), nil
		case "suffix":
			return isText && strings.HasSuffix(s, text(arg)), nil
		case "exists":
			return (v != nil) == (text(arg) == "true"), nil
		}
		return false, fmt.Errorf("an operator that these tests do not know: %s", name)
	}
	return false, fmt.Errorf("an empty operator")
}

// handIns: the rule lets through what S3 says of the inbox and nothing else, in
// every world; it leads by the queue to submit, which reports what failed.
func handIns(t *tree, _ *code) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	rules := t.ofKind("AWS::Events::Rule")
	if len(rules) != 1 {
		return []string{fmt.Sprintf("Resources: %d rules, want one", len(rules))}
	}
	rule := rules[0]
	samples, err := sampleEvents()
	if err != nil {
		return []string{err.Error()}
	}
	for _, w := range t.worlds() {
		inbox := w.environment(t.function("submit"))["EMODROP_INBOX"]
		outbox := w.environment(t.function("submit"))["EMODROP_OUTBOX"]
		pattern := w.value(rule.props["EventPattern"])
		check := func(what string, want bool, change func(e map[string]any)) {
			for _, sample := range samples {
				e := clone(sample).(map[string]any)
				at(e, "detail/bucket").(map[string]any)["name"] = inbox
				change(e)
				if got, err := match(pattern, e); err != nil || got != want {
					bad("Resources/%s: %s: %s: lets it through is %t, want %t (%v)", rule.id, w.name, what, got, want, err)
				}
			}
		}
		for _, direct := range []string{"events/s3-put.json", "events/s3-test-event.json"} {
			var e map[string]any
			if err := readJSON(direct, &e); err != nil {
				return []string{err.Error()}
			}
			if got, err := match(pattern, e); err != nil || got {
				bad("Resources/%s: %s: lets %s through, which S3 sends by another way", rule.id, w.name, direct)
			}
		}
		check("an object in the inbox", true, func(map[string]any) {})
		check("an empty object in the inbox", true, func(e map[string]any) { at(e, "detail/object").(map[string]any)["size"] = 0.0 })
		check("an object in the outbox", false, func(e map[string]any) { at(e, "detail/bucket").(map[string]any)["name"] = outbox })
		check("an object deleted", false, func(e map[string]any) { e["detail-type"] = "Object Deleted" })
		check("somebody else's event", false, func(e map[string]any) { e["source"] = "com.example" })
	}
	w := t.plain()
	targets := list(rule.props["Targets"])
	if text(rule.props["State"]) == "DISABLED" {
		bad("Resources/%s: is switched off", rule.id)
	}
	if len(targets) != 1 {
		bad("Resources/%s: %d targets, want one", rule.id, len(targets))
		return wrong
	}
	queue := referred(w.value(at(targets[0], "Arn")), "Arn")
	if t.resource(queue).kind != "AWS::SQS::Queue" {
		bad("Resources/%s: its target is no queue", rule.id)
	}
	if referred(w.value(at(targets[0], "DeadLetterConfig/Arn")), "Arn") == "" {
		bad("Resources/%s: what it cannot deliver is lost", rule.id)
	}
	if got := textAt(t.resource("InboxBucket").props, "NotificationConfiguration/EventBridgeConfiguration/EventBridgeEnabled"); got != "true" {
		bad("Resources/InboxBucket: tells EventBridge nothing")
	}
	var mapping map[string]any
	for _, e := range mapAt(t.function("submit").props, "Events") {
		if textAt(e, "Type") == "SQS" {
			mapping = mapAt(e, "Properties")
		}
	}
	if referred(w.value(mapping["Queue"]), "Arn") != queue {
		bad("Resources/SubmitFunction: takes nothing from %s", queue)
	}
	if !slices.Contains(texts(mapping["FunctionResponseTypes"]), "ReportBatchItemFailures") {
		bad("Resources/SubmitFunction: one bad message would send the whole batch again")
	}
	if n := number(mapping["BatchSize"]); n < 1 || n > 10 {
		bad("Resources/SubmitFunction: BatchSize %d; with a short window a queue gives up to 10", n)
	}
	if n := number(mapping["MaximumBatchingWindowInSeconds"]); n > 5 {
		bad("Resources/SubmitFunction: hand-ins wait %d s for company", n)
	}
	if n := number(at(mapping, "ScalingConfig/MaximumConcurrency")); n != 2 {
		bad("Resources/SubmitFunction: MaximumConcurrency %d, want 2: many drops must not take the account's concurrency", n)
	}
	return wrong
}

// sampleEvents are the "Object Created" events in events/, one as it is and one as
// the queue wraps it. Submit's own decoder has to take each.
func sampleEvents() ([]map[string]any, error) {
	var plain map[string]any
	if err := readJSON("events/s3-eventbridge-object-created.json", &plain); err != nil {
		return nil, err
	}
	var batch events.SQSEvent
	if err := readJSON("events/sqs-batch.json", &batch); err != nil {
		return nil, err
	}
	all := []map[string]any{plain}
	for _, m := range batch.Records {
		var e map[string]any
		if json.Unmarshal([]byte(m.Body), &e) == nil && e["detail-type"] != nil {
			all = append(all, e)
		}
	}
	for _, e := range all {
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		if ev, err := intake.Decode(raw); err != nil || len(ev.Objects) != 1 {
			return nil, fmt.Errorf("submit takes %d objects of a sample event: %w", len(ev.Objects), err)
		}
	}
	if len(all) < 2 {
		return nil, fmt.Errorf("events/sqs-batch.json holds no event of EventBridge")
	}
	return all, nil
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = clone(e)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, e := range v {
			l[i] = clone(e)
		}
		return l
	}
	return v
}

// queues: long memory, encryption, TLS, and dead letters where somebody takes from
// them; a message is hidden for as long as its function may be busy with it.
func queues(t *tree, _ *code) []string {
	var wrong []string
	w := t.plain()
	intakeID := referred(w.value(at(t.function("submit").props, "Events/HandIns/Properties/Queue")), "Arn")
	for _, q := range t.ofKind("AWS::SQS::Queue") {
		bad := func(format string, args ...any) {
			wrong = append(wrong, "Resources/"+q.id+": "+fmt.Sprintf(format, args...))
		}
		if textAt(q.props, "SqsManagedSseEnabled") != "true" {
			bad("is not encrypted")
		}
		if n := number(q.props["MessageRetentionPeriod"]); n != 14*24*3600 {
			bad("forgets after %d s; a message that nobody looked at for two weeks is soon enough", n)
		}
		if q.id != intakeID {
			continue
		}
		if hidden, busy := number(q.props["VisibilityTimeout"]), number(t.function("submit").props["Timeout"]); hidden < 6*busy || hidden > 43200 {
			bad("VisibilityTimeout %d s, want at least six times submit's %d s", hidden, busy)
		}
		dead := t.resource(referred(w.value(at(q.props, "RedrivePolicy/deadLetterTargetArn")), "Arn"))
		if dead.kind != "AWS::SQS::Queue" || dead.id == q.id {
			bad("has no queue of dead letters")
		}
		if n := number(at(q.props, "RedrivePolicy/maxReceiveCount")); n < 3 || n > 10 {
			bad("gives up after %d tries", n)
		}
	}
	if t.resource(intakeID).kind == "" {
		wrong = append(wrong, "Resources/SubmitFunction: no queue to take from")
	}
	return wrong
}

// table: what template.yaml declares is what the store expects.
func table(t *tree, _ *code) []string {
	var wrong []string
	bad := func(format string, args ...any) {
		wrong = append(wrong, "Resources/JobsTable: "+fmt.Sprintf(format, args...))
	}
	tables := t.ofKind("AWS::DynamoDB::Table")
	if len(tables) != 1 {
		bad("%d tables, want one", len(tables))
		return wrong
	}
	p := tables[0].props
	want := store.Schema("")
	keys := func(v any) string {
		var s []string
		for _, k := range list(v) {
			s = append(s, textAt(k, "AttributeName")+" "+textAt(k, "KeyType"))
		}
		return strings.Join(s, ", ")
	}
	var wantKeys []string
	for _, k := range want.KeySchema {
		wantKeys = append(wantKeys, aws.ToString(k.AttributeName)+" "+string(k.KeyType))
	}
	if got := keys(p["KeySchema"]); got != strings.Join(wantKeys, ", ") {
		bad("its key is %s, the store's %s", got, wantKeys)
	}
	got, expected := map[string]string{}, map[string]string{}
	for _, a := range list(p["AttributeDefinitions"]) {
		got[textAt(a, "AttributeName")] = textAt(a, "AttributeType")
	}
	for _, a := range want.AttributeDefinitions {
		expected[aws.ToString(a.AttributeName)] = string(a.AttributeType)
	}
	if fmt.Sprint(got) != fmt.Sprint(expected) {
		bad("attributes %v, the store's %v", got, expected)
	}
	gotIndexes, wantIndexes := map[string]string{}, map[string]string{}
	for _, ix := range list(p["GlobalSecondaryIndexes"]) {
		gotIndexes[textAt(ix, "IndexName")] = keys(at(ix, "KeySchema")) + ", " + textAt(ix, "Projection/ProjectionType")
	}
	for _, ix := range want.GlobalSecondaryIndexes {
		var s []string
		for _, k := range ix.KeySchema {
			s = append(s, aws.ToString(k.AttributeName)+" "+string(k.KeyType))
		}
		wantIndexes[aws.ToString(ix.IndexName)] = strings.Join(append(s, string(ix.Projection.ProjectionType)), ", ")
	}
	if fmt.Sprint(gotIndexes) != fmt.Sprint(wantIndexes) {
		bad("indexes %v, the store's %v", gotIndexes, wantIndexes)
	}
	if got := text(p["BillingMode"]); got != string(want.BillingMode) {
		bad("BillingMode %q, want %q", got, want.BillingMode)
	}
	if textAt(p, "TimeToLiveSpecification/AttributeName") != store.TTLAttribute() || textAt(p, "TimeToLiveSpecification/Enabled") != "true" {
		bad("ended records are not deleted by %s", store.TTLAttribute())
	}
	if textAt(p, "PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled") != "true" {
		bad("cannot be brought back to an earlier time")
	}
	if textAt(p, "DeletionProtectionEnabled/Ref") != "DeletionProtection" {
		bad("its protection from deletion is nobody's choice")
	}
	return wrong
}
