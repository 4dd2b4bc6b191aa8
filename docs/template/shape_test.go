package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// references: in every world each Ref, Fn::GetAtt, Fn::Sub and condition leads
// somewhere, and every condition is of use.
func references(t *tree, _ *code) []string {
	var wrong []string
	for _, w := range t.worlds() {
		for _, r := range w.there() {
			w.value(r.props)
			for _, id := range texts(r.all["DependsOn"]) {
				w.exists(id)
			}
		}
		for _, id := range sorted(mapAt(t.top, "Outputs")) {
			out := mapAt(t.top, "Outputs/"+id)
			if c := text(out["Condition"]); c == "" || w.holds(c) {
				w.value(out["Value"])
			}
		}
		for _, c := range sorted(mapAt(t.top, "Conditions")) {
			w.holds(c)
		}
		for _, s := range w.wrong {
			if !slices.Contains(wrong, s) {
				wrong = append(wrong, s)
			}
		}
	}
	used := map[string]bool{}
	walk(t.top, "", func(path string, v any) {
		m, _ := v.(map[string]any)
		used[text(m["Condition"])] = true
		if three := list(m["Fn::If"]); len(three) == 3 {
			used[text(three[0])] = true
		}
	})
	for _, c := range sorted(mapAt(t.top, "Conditions")) {
		if !used[c] {
			wrong = append(wrong, "Conditions/"+c+": nothing depends on it")
		}
	}
	return wrong
}

// needs are the resources that a resource refers to.
func (t *tree) needs(r resource) []string {
	var all []string
	add := func(id string) {
		if t.resource(id).kind != "" && id != r.id && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	for _, id := range texts(r.all["DependsOn"]) {
		add(id)
	}
	own := maps.Clone(r.props)
	if r.kind == serverless {
		// SAM makes resources of their own of these.
		delete(own, "Events")
		delete(own, "EventInvokeConfig")
	}
	walk(own, "", func(_ string, v any) {
		m, _ := v.(map[string]any)
		add(text(m["Ref"]))
		if parts := list(m["Fn::GetAtt"]); len(parts) == 2 {
			add(text(parts[0]))
		}
		if sub := list(m["Fn::Sub"]); len(sub) > 0 {
			for _, name := range variable.FindAllStringSubmatch(text(sub[0]), -1) {
				id, _, _ := strings.Cut(name[1], ".")
				add(id)
			}
		}
	})
	return all
}

// circles: CloudFormation can put the resources in an order.
func circles(t *tree, _ *code) []string {
	var wrong []string
	done := map[string]bool{}
	var visit func(id string, way []string)
	visit = func(id string, way []string) {
		if i := slices.Index(way, id); i >= 0 {
			wrong = append(wrong, "Resources/"+id+": refers to itself by "+strings.Join(append(way[i:], id), " → "))
			return
		}
		if done[id] {
			return
		}
		for _, next := range t.needs(t.resource(id)) {
			visit(next, append(slices.Clone(way), id))
		}
		done[id] = true
	}
	for _, id := range sorted(mapAt(t.top, "Resources")) {
		visit(id, nil)
	}
	return wrong
}

// parameters: each stands in one group with a label, says what it is for, takes only
// what its pattern or list admits, and is used.
func parameters(t *tree, _ *code) []string {
	var wrong []string
	bad := func(id, format string, args ...any) {
		wrong = append(wrong, "Parameters/"+id+": "+fmt.Sprintf(format, args...))
	}
	grouped := map[string]int{}
	for _, g := range list(at(t.top, "Metadata/AWS::CloudFormation::Interface/ParameterGroups")) {
		if textAt(g, "Label/default") == "" {
			wrong = append(wrong, "Metadata: a group of parameters has no label")
		}
		for _, id := range texts(at(g, "Parameters")) {
			grouped[id]++
		}
	}
	used := map[string]bool{}
	for _, part := range []string{"Conditions", "Resources", "Globals", "Outputs"} {
		walk(t.top[part], "", func(_ string, v any) {
			m, _ := v.(map[string]any)
			used[text(m["Ref"])] = true
			if sub := list(m["Fn::Sub"]); len(sub) > 0 {
				for _, name := range variable.FindAllStringSubmatch(text(sub[0]), -1) {
					used[name[1]] = true
				}
			}
		})
	}
	all := mapAt(t.top, "Parameters")
	labels := mapAt(t.top, "Metadata/AWS::CloudFormation::Interface/ParameterLabels")
	for _, id := range sorted(all) {
		if grouped[id] != 1 {
			bad(id, "is in %d groups of the interface", grouped[id])
		}
		if textAt(labels, id+"/default") == "" {
			bad(id, "has no label")
		}
		if len(textAt(all, id+"/Description")) < 15 {
			bad(id, "does not say what it is for")
		}
		if !used[id] {
			bad(id, "nothing uses it")
		}
		if err := admits(all[id], textAt(all, id+"/Default")); err != nil {
			bad(id, "does not admit its own default: %v", err)
		}
		for _, name := range sorted(choices) {
			if v, ok := choices[name][id]; ok {
				if err := admits(all[id], v); err != nil {
					bad(id, "does not admit %q: %v", v, err)
				}
			}
		}
		for _, v := range notAdmitted[id] {
			if admits(all[id], v) == nil {
				bad(id, "admits %q", v)
			}
		}
	}
	for _, id := range append(sorted(labels), sorted(grouped)...) {
		if all[id] == nil {
			bad(id, "is in the interface, but is no parameter")
		}
	}
	return wrong
}

// notAdmitted is what would only fail later, in a function.
var notAdmitted = map[string][]string{
	"Settle": {"0s", "5", "61s", "5m", "2h"}, "HalfPairAfter": {"0m", "30", "100h"}, "PollInterval": {"0s", "61s", "15"},
	"MaxInFlight": {"0", "1001", "-1", "x"}, "DailyBudget": {"0", "-1", "0.50", "1e3", "1,000", "100 CNY"}, "MonthlyBudget": {"0", "-1", "x"}, "DefaultStyle": {"", "wild"}, "DefaultRatio": {"", "16:9"},
	"ExistingInbox": {"s3://bucket", "Bucket", "a"}, "ExistingOutbox": {"arn:aws:s3:::bucket"},
	"ApiKeySecretArn": {"sk-0123456789", "my-secret"}, "CallbackTokenSecretArn": {"a-token", "my-secret"},
	"WebhookUrl": {"http://example.com/in", "https://user@example.com/", "https://example.com/a b", "example.com"}, "WebhookSecretArn": {"whsec_abc", "my-secret"}, "VendorUrl": {"http://proxy.example.com", "proxy"},
	"NotificationEmail": {"anna", "a@b"}, "AlarmEmail": {"ops"}, "Callback": {"yes"}, "Alarms": {"on"},
	// What is above INFO takes the audit trail away, and the alarms that read it.
	"LogLevel": {"WARN", "ERROR", "FATAL"},
}

// admits says why a parameter would not take a text.
func admits(param any, v string) error {
	if pattern := textAt(param, "AllowedPattern"); pattern != "" {
		if !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$") {
			return fmt.Errorf("the pattern %s is open at its ends", pattern)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return err
		}
		if !re.MatchString(v) {
			return fmt.Errorf("it does not match %s", pattern)
		}
	}
	if allowed := texts(at(param, "AllowedValues")); allowed != nil && !slices.Contains(allowed, v) {
		return fmt.Errorf("it is none of %v", allowed)
	}
	if textAt(param, "Type") != "Number" {
		if at(param, "AllowedPattern") == nil && at(param, "AllowedValues") == nil {
			return fmt.Errorf("anything would do")
		}
		return nil
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		return err
	}
	least, most := textAt(param, "MinValue"), textAt(param, "MaxValue")
	if least != "" && n < number(least) || most != "" && n > number(most) {
		return fmt.Errorf("it is not from %s to %s", least, most)
	}
	return nil
}

// outputs: each is explained, and all that env.example.json and the commands of
// docs/deploy.md want is among them.
func outputs(t *tree, _ *code) []string {
	var wrong []string
	all := mapAt(t.top, "Outputs")
	given := map[string]bool{}
	w := t.world("all on", choices["all that can be told"])
	for _, id := range sorted(all) {
		if len(textAt(all, id+"/Description")) < 8 {
			wrong = append(wrong, "Outputs/"+id+": does not say what it is")
		}
		v := text(w.value(at(all, id+"/Value")))
		if v == "" {
			wrong = append(wrong, "Outputs/"+id+": comes to nothing")
		}
		given[v] = true
	}
	for _, want := range []string{"<InboxBucket>", "<OutboxBucket>", "<JobsTable>", "<ApiKeySecret>", "<ResultsTopic>", "<AlarmTopic>",
		"<SignerRole.Arn>", "<SubmitFunction.Arn>", "<PollFunction.Arn>", "<FinalizeFunction.Arn>",
		"<IntakeQueue>", "<IntakeQueue.Arn>", "<IntakeDeadLetters>", "<IntakeDeadLetters.Arn>", "<FailedInvocations>", "<CallbackFunctionUrl.FunctionUrl>", "<CallbackToken>", "<WebhookSecret>", "<Dashboard>"} {
		if !given[want] {
			wrong = append(wrong, "Outputs: none gives "+want)
		}
	}
	return wrong
}
