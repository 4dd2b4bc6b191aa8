package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A world is the template under one choice of parameters. What a resource will be
// called is not known before it is there: it stands as "<Id>", an attribute of it
// as "<Id.Attribute>".
type world struct {
	tree   *tree
	name   string
	params map[string]string
	// wrong collects what could not be resolved.
	wrong []string
}

// webhookURL is a receiver with a token in its address.
const webhookURL = "https://hooks.example.com:8443/in/to?token=a%2Bb"

// choices are the worlds that everything has to hold in. Every parameter that names
// something of the user's is set in "all of one's own", each to another text.
var choices = map[string]map[string]string{
	"as it comes": {},
	"all of one's own": {
		"ExistingInbox": "company-uploads", "ExistingOutbox": "company-films", "Callback": "true", "Architecture": "x86_64",
		"ApiKeySecretArn":        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:dashscope/key-AbCdEf",
		"CallbackTokenSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:eventbridge/token-AbCdEf",
		"Workspace":              "ws-1a2b", "Model": "emo-v1-dedicated", "DetectModel": "emo-detect-dedicated", "MaxInFlight": "12",
		"DailyBudget": "100", "MonthlyBudget": "1999.50",
		"VendorUrl": "https://proxy.example.com/api/v1", "DefaultStyle": "calm", "DefaultRatio": "3:4", "Settle": "60s",
		"HalfPairAfter": "99h", "PollInterval": "60s", "NotificationEmail": "anna@example.com", "AlarmEmail": "ops@example.com",
		"WebhookUrl": webhookURL, "WebhookSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emodrop/webhook-AbCdEf",
		"EventBusName": "films", "LogLevel": "DEBUG", "DeletionProtection": "false",
	},
	"as little as can be": {
		"Alarms": "false", "AlarmEmail": "ops@example.com", "EventBusName": "", "Settle": "1s", "HalfPairAfter": "1m",
		"PollInterval": "5s", "DefaultStyle": "active", "DefaultRatio": "auto", "MaxInFlight": "1",
	},
	"pushes":                  {"Callback": "true"},
	"a webhook":               {"WebhookUrl": webhookURL},
	"a secret and no webhook": {"WebhookSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:emodrop/webhook-AbCdEf"},
	"all that can be told":    {"Callback": "true", "WebhookUrl": webhookURL},
	"a token without pushes":  {"CallbackTokenSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:eventbridge/token-AbCdEf"},
	"an inbox of one's own":   {"ExistingInbox": "company-uploads"},
	"an outbox of one's own":  {"ExistingOutbox": "company-films"},
	"alarms nobody is mailed": {"AlarmEmail": "", "NotificationEmail": "anna@example.com"},
}

func (t *tree) worlds() []*world {
	var all []*world
	for _, name := range sorted(choices) {
		all = append(all, t.world(name, choices[name]))
	}
	return all
}

// plain is the world without any choice.
func (t *tree) plain() *world { return t.world("as it comes", nil) }

func (t *tree) world(name string, choice map[string]string) *world {
	w := &world{tree: t, name: name, params: map[string]string{}}
	for id := range mapAt(t.top, "Parameters") {
		w.params[id] = textAt(t.top, "Parameters/"+id+"/Default")
	}
	maps.Copy(w.params, choice)
	return w
}

func (w *world) fail(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(w.wrong, s) {
		w.wrong = append(w.wrong, s)
	}
}

var pseudo = map[string]string{
	"AWS::Region": "eu-central-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::StackName": "emodrop",
	"AWS::URLSuffix": "amazonaws.com",
}

// noValue is what AWS::NoValue comes to: nothing where it stands.
type noValue struct{}

// attributes are what Fn::GetAtt gives of the types in use.
// Source: the "Return values" of each page under
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html
var attributes = map[string][]string{
	"AWS::S3::Bucket": {"Arn"}, "AWS::SQS::Queue": {"Arn", "QueueName", "QueueUrl"}, "AWS::DynamoDB::Table": {"Arn"},
	"AWS::IAM::Role": {"Arn"}, "AWS::Logs::LogGroup": {"Arn"}, "AWS::Events::Rule": {"Arn"}, serverless: {"Arn"},
	"AWS::Lambda::Url": {"FunctionUrl"}, "AWS::SNS::Topic": {"TopicArn", "TopicName"}, "AWS::SecretsManager::Secret": {"Id"},
}

// lookup finds a resource, those included that SAM makes: a function's URL.
func (t *tree) lookup(id string) resource {
	r := t.resource(id)
	if of := t.resource(strings.TrimSuffix(id, "Url")); r.kind == "" && of.props["FunctionUrlConfig"] != nil {
		return resource{id: id, kind: "AWS::Lambda::Url", condition: of.condition}
	}
	return r
}

func (w *world) ref(id string) any {
	if id == "AWS::NoValue" {
		return noValue{}
	}
	if v, ok := pseudo[id]; ok {
		return v
	}
	if v, ok := w.params[id]; ok {
		return v
	}
	w.exists(id)
	return "<" + id + ">"
}

func (w *world) attribute(id, name string) any {
	r := w.exists(id)
	if r.kind != "" && !slices.Contains(attributes[r.kind], name) {
		w.fail("%s has no attribute %s", id, name)
	}
	return "<" + id + "." + name + ">"
}

func (w *world) exists(id string) resource {
	r := w.tree.lookup(id)
	switch {
	case r.kind == "":
		w.fail("there is no %s", id)
	case r.condition != "" && !w.holds(r.condition):
		w.fail("%s is not there (%s), but it is referred to", id, w.name)
	}
	return r
}

// holds says whether a condition is met.
func (w *world) holds(condition string) bool {
	c, ok := mapAt(w.tree.top, "Conditions")[condition]
	if !ok {
		w.fail("there is no condition %s", condition)
		return false
	}
	return w.truth(c)
}

func (w *world) truth(v any) bool {
	m, _ := v.(map[string]any)
	switch {
	case m["Condition"] != nil:
		return w.holds(text(m["Condition"]))
	case m["Fn::Equals"] != nil:
		two := list(m["Fn::Equals"])
		return len(two) == 2 && w.value(two[0]) == w.value(two[1])
	case m["Fn::Not"] != nil:
		one := list(m["Fn::Not"])
		return len(one) == 1 && !w.truth(one[0])
	case m["Fn::And"] != nil:
		return !slices.ContainsFunc(list(m["Fn::And"]), func(c any) bool { return !w.truth(c) })
	case m["Fn::Or"] != nil:
		return slices.ContainsFunc(list(m["Fn::Or"]), w.truth)
	}
	w.fail("a condition that these tests do not know: %v", v)
	return false
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// value is what a value comes to in this world.
func (w *world) value(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			if e = w.value(e); e != (noValue{}) {
				out = append(out, e)
			}
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for k, arg := range v {
				if out, ok := w.call(k, arg); ok {
					return out
				}
			}
		}
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e = w.value(e); e != (noValue{}) {
				out[k] = e
			}
		}
		return out
	}
	return v
}

func (w *world) call(form string, arg any) (any, bool) {
	switch form {
	case "Ref":
		return w.ref(text(arg)), true
	case "Fn::GetAtt":
		parts := list(arg)
		if len(parts) != 2 {
			w.fail("Fn::GetAtt wants two parts: %v", arg)
			return nil, true
		}
		return w.attribute(text(parts[0]), text(parts[1])), true
	case "Fn::If":
		three := list(arg)
		if len(three) != 3 {
			w.fail("Fn::If wants three parts: %v", arg)
			return nil, true
		}
		if w.holds(text(three[0])) {
			return w.value(three[1]), true
		}
		return w.value(three[2]), true
	case "Fn::Sub":
		parts := list(arg)
		own := map[string]any{}
		if len(parts) == 2 {
			own, _ = parts[1].(map[string]any)
		}
		return variable.ReplaceAllStringFunc(text(parts[0]), func(s string) string {
			name := s[2 : len(s)-1]
			if lit, ok := strings.CutPrefix(name, "!"); ok {
				return "${" + lit + "}"
			}
			if v, ok := own[name]; ok {
				return text(w.value(v))
			}
			if id, attr, ok := strings.Cut(name, "."); ok {
				return text(w.attribute(id, attr))
			}
			return text(w.ref(name))
		}), true
	}
	return nil, strings.HasPrefix(form, "Fn::")
}

// there is every resource that this world has, in the order of their ids.
func (w *world) there() []resource {
	var all []resource
	for _, id := range sorted(mapAt(w.tree.top, "Resources")) {
		if r := w.tree.resource(id); r.condition == "" || w.holds(r.condition) {
			all = append(all, r)
		}
	}
	return all
}

// environment of a function.
func (w *world) environment(fn resource) map[string]string {
	env := map[string]string{}
	for k, v := range mapAt(fn.props, "Environment/Variables") {
		env[k] = text(w.value(v))
	}
	return env
}

// referred is the id that a rendered text refers to as a whole: "<Id>" with no
// attribute, or "<Id.Attribute>" with that one.
func referred(v any, attribute string) string {
	s, ok := strings.CutPrefix(text(v), "<")
	if !ok || !strings.HasSuffix(s, ">") {
		return ""
	}
	id, attr, _ := strings.Cut(strings.TrimSuffix(s, ">"), ".")
	if attr != attribute {
		return ""
	}
	return id
}
