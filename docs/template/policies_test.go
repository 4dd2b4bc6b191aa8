package template

import (
	"fmt"
	"slices"
	"strings"
)

// roleOf is the role that a key of granted is about.
func (t *tree) roleOf(name string) resource {
	switch name {
	case "signer":
		return t.resource("SignerRole")
	case "schedule":
		return t.resource("ScheduleRole")
	}
	return t.resource(textAt(t.function(name).props, "Role/Fn::GetAtt/0"))
}

// statements are all that a role's policies say, those included that stand apart.
func (t *tree) statements(role resource) []any {
	var all []any
	for _, p := range list(role.props["Policies"]) {
		all = append(all, list(at(p, "PolicyDocument/Statement"))...)
	}
	for _, p := range t.ofKind("AWS::IAM::RolePolicy") {
		if textAt(p.props, "RoleName/Ref") == role.id {
			all = append(all, list(at(p.props, "PolicyDocument/Statement"))...)
		}
	}
	return all
}

// permissions: each role has exactly what grants_test.go lists; the run made a call
// that needs each of them, or the list says why none does, and no call without one.
func permissions(t *tree, c *code) []string {
	return slices.Concat(t.asListed(granted), needed(c, granted))
}

// asListed: the template grants what is listed and nothing else.
func (t *tree) asListed(lists map[string][]grant) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	w := t.world("all on", choices["all that can be told"])
	seen := map[string]bool{}
	for _, name := range sorted(lists) {
		role := t.roleOf(name)
		seen[role.id] = true
		want, got := map[string]bool{}, map[string]bool{}
		for _, g := range lists[name] {
			want[g.action+" on "+g.resource] = true
		}
		statements, _ := w.value(t.statements(role)).([]any)
		for _, s := range statements {
			if textAt(s, "Effect") != "Allow" {
				continue
			}
			for _, action := range texts(at(s, "Action")) {
				for _, on := range texts(at(s, "Resource")) {
					got[action+" on "+on] = true
				}
			}
		}
		for _, g := range sorted(got) {
			if !want[g] {
				bad("Resources/%s: may %s: nothing in %s needs it (grants_test.go)", role.id, g, name)
			}
		}
		for _, g := range sorted(want) {
			if !got[g] {
				bad("Resources/%s: may not %s, which %s needs", role.id, g, name)
			}
		}
	}
	for _, role := range t.ofKind("AWS::IAM::Role") {
		if !seen[role.id] {
			bad("Resources/%s: a role that nobody has listed (grants_test.go)", role.id)
		}
		if role.props["ManagedPolicyArns"] != nil {
			bad("Resources/%s: a managed policy gives more than is listed", role.id)
		}
	}
	for _, fn := range t.ofKind(serverless) {
		if fn.props["Policies"] != nil {
			bad("Resources/%s: its role is written by hand; SAM ignores Policies beside Role", fn.id)
		}
	}
	return wrong
}

// needed: the lists and the calls of the run agree.
func needed(c *code, lists map[string][]grant) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, name := range sorted(lists) {
		for _, g := range lists[name] {
			used := false
			for u := range c.calls.made[name] {
				used = used || g.covers(u)
			}
			switch {
			case !used && g.because == "":
				bad("%s: %s on %s: no call of the run (calls_test.go) needs it", name, g.action, g.resource)
			case used && g.because != "":
				bad("%s: %s on %s: the run needs it, so no reason is wanted", name, g.action, g.resource)
			}
		}
	}
	for _, name := range sorted(c.calls.made) {
		for u := range c.calls.made[name] {
			if !slices.ContainsFunc(lists[name], func(g grant) bool { return g.covers(u) }) {
				bad("%s: calls for %s on %s and may not", name, u.action, u.resource)
			}
		}
	}
	for _, op := range sorted(c.calls.unknown) {
		bad("actions_test.go: says nothing of %s", op)
	}
	// A call that the run never makes would be granted to nobody.
	for _, call := range c.sdk {
		if _, op, _ := strings.Cut(call, ": "); !c.calls.operations[op] {
			bad("calls_test.go: the run never makes the call %s of shared/", call)
		}
	}
	return wrong
}

// tooWide says whether an action is allowed on more than it needs: a wildcard may
// only stand for the keys of a bucket, which are the user's.
func tooWide(action, on string) bool {
	if bucket, _, _ := strings.Cut(strings.TrimPrefix(on, "arn:aws:s3:::"), "/"); on == "" || strings.Contains(bucket, "*") {
		return true
	}
	if strings.Contains(on, "*") && !strings.HasPrefix(on, "arn:aws:s3:::") {
		return true
	}
	// An object's action on a bucket, or a bucket's on objects, grants nothing.
	object := strings.HasPrefix(action, "s3:") && action != "s3:ListBucket"
	return strings.HasPrefix(action, "s3:") && object != strings.Contains(on, "/")
}

// trust: no wildcard and no NotAction allows anything; roles are assumed by whom they
// are for; resource policies name a service and what it speaks for, and refuse
// what does not come over TLS.
func trust(t *tree, _ *code) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, w := range []*world{t.world("all on", choices["all that can be told"]), t.world("own", choices["all of one's own"])} {
		for _, r := range w.there() {
			walk(w.value(r.props), "Resources/"+r.id, func(path string, v any) {
				s, ok := v.(map[string]any)
				effect := text(s["Effect"])
				if !ok || effect != "Allow" && effect != "Deny" {
					return
				}
				if s["NotAction"] != nil || s["NotResource"] != nil || s["NotPrincipal"] != nil {
					bad("%s: says what it does not mean", path)
				}
				if effect == "Deny" {
					return
				}
				for _, action := range texts(s["Action"]) {
					if strings.Contains(action, "*") || !strings.Contains(action, ":") {
						bad("%s: allows %s", path, action)
					}
					for _, on := range list(s["Resource"]) {
						if tooWide(action, text(on)) {
							bad("%s: allows %s on %q", path, action, text(on))
						}
					}
				}
				if p := s["Principal"]; text(p) == "*" || textAt(p, "AWS") == "*" {
					bad("%s: allows everybody", path)
				}
			})
		}
	}
	w := t.world("all on", choices["all that can be told"])
	want := map[string]string{"signer": "", "schedule": "scheduler.amazonaws.com"}
	for _, fn := range t.ofKind(serverless) {
		want[fn.name()] = "lambda.amazonaws.com"
	}
	for _, name := range sorted(want) {
		role := t.roleOf(name)
		all, _ := w.value(at(role.props, "AssumeRolePolicyDocument/Statement")).([]any)
		if len(all) != 1 {
			bad("Resources/%s: %d statements of trust, want one", role.id, len(all))
			continue
		}
		if got := textAt(all[0], "Principal/Service"); got != want[name] || textAt(all[0], "Action") != "sts:AssumeRole" {
			bad("Resources/%s: is assumed by %q, want %q", role.id, got, want[name])
		}
	}
	signer := w.value(at(t.resource("SignerRole").props, "AssumeRolePolicyDocument/Statement/0"))
	if textAt(signer, "Principal/AWS") != "arn:aws:iam::123456789012:root" || textAt(signer, "Condition/ArnEquals/aws:PrincipalArn") != "<SubmitRole.Arn>" {
		bad("Resources/SignerRole: is assumed by others than submit")
	}
	scheduler := w.value(at(t.resource("ScheduleRole").props, "AssumeRolePolicyDocument/Statement/0/Condition/StringEquals"))
	if textAt(scheduler, "aws:SourceAccount") != "123456789012" ||
		textAt(scheduler, "aws:SourceArn") != "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/default" {
		bad("Resources/ScheduleRole: schedules of others may use it")
	}
	return append(wrong, resourcePolicies(t)...)
}

// resourcePolicies: who else may reach a queue or a topic, and over what.
func resourcePolicies(t *tree) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	w := t.plain()
	rule := t.ofKind("AWS::Events::Rule")[0]
	sends := map[string]bool{}
	tls := map[string]bool{}
	for _, p := range t.ofKind("AWS::SQS::QueuePolicy") {
		on := texts(w.value(p.props["Queues"]))
		for _, s := range list(w.value(at(p.props, "PolicyDocument/Statement"))) {
			for _, arn := range texts(at(s, "Resource")) {
				id := referred(arn, "Arn")
				if !slices.Contains(on, "<"+id+">") {
					bad("Resources/%s: speaks of %s, which it is not put on", p.id, id)
				}
				switch {
				case isTLSOnly(s, "sqs:*"):
					tls[id] = true
				case textAt(s, "Effect") != "Allow":
				case textAt(s, "Principal/Service") != "events.amazonaws.com" || textAt(s, "Action") != "sqs:SendMessage" ||
					textAt(s, "Condition/ArnEquals/aws:SourceArn") != "<"+rule.id+".Arn>":
					bad("Resources/%s: lets others than the rule send to %s", p.id, id)
				default:
					sends[id] = true
				}
			}
		}
	}
	for _, path := range []string{"Arn", "DeadLetterConfig/Arn"} {
		id := referred(w.value(at(rule.props, "Targets/0/"+path)), "Arn")
		if !sends[id] || !tls[id] {
			bad("Resources/%s: no policy lets the rule, and nobody without TLS, send to it", id)
		}
	}
	for _, topic := range t.ofKind("AWS::SNS::Topic") {
		if topic.id != "AlarmTopic" {
			if text(topic.props["KmsMasterKeyId"]) == "" {
				bad("Resources/%s: is not encrypted", topic.id)
			}
			continue
		}
		if topic.props["KmsMasterKeyId"] != nil {
			bad("Resources/%s: CloudWatch cannot publish with SNS's own key", topic.id)
		}
		s := w.value(at(t.resource("AlarmTopicPolicy").props, "PolicyDocument/Statement/0"))
		if textAt(s, "Principal/Service") != "cloudwatch.amazonaws.com" || textAt(s, "Action") != "sns:Publish" ||
			textAt(s, "Resource") != "<AlarmTopic>" || textAt(s, "Condition/StringEquals/aws:SourceAccount") != "123456789012" {
			bad("Resources/AlarmTopicPolicy: CloudWatch of this account, and nobody else, has to be let in")
		}
	}
	return wrong
}

// isTLSOnly says whether a statement refuses everything that is not over TLS.
func isTLSOnly(s any, action string) bool {
	return textAt(s, "Effect") == "Deny" && textAt(s, "Principal") == "*" && textAt(s, "Action") == action &&
		textAt(s, "Condition/Bool/aws:SecureTransport") == "false"
}
