package template

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"emodrop/shared/app"
)

// sameEverywhere is what each variable comes to when nothing is chosen, for what
// would be wrong but legal if two were mixed up.
var sameEverywhere = map[string]string{
	"EMODROP_INBOX": "<InboxBucket>", "EMODROP_OUTBOX": "<OutboxBucket>", "EMODROP_TABLE": "<JobsTable>",
	"EMODROP_API_KEY_SECRET": "<ApiKeySecret>", "EMODROP_TOPIC_ARN": "<ResultsTopic>", "EMODROP_SIGNER_ROLE": "<SignerRole.Arn>",
	"EMODROP_SUBMIT_FUNCTION": "<SubmitFunction.Arn>", "EMODROP_FINALIZE_FUNCTION": "<FinalizeFunction.Arn>",
	"EMODROP_CALLBACK_TOKEN_SECRET": "<CallbackToken>", "EMODROP_WEBHOOK_SECRET": "<WebhookSecret>",
}

// byParameter is the parameter that a variable hands on.
var byParameter = map[string]string{
	"EMODROP_INBOX": "ExistingInbox", "EMODROP_OUTBOX": "ExistingOutbox", "EMODROP_API_KEY_SECRET": "ApiKeySecretArn",
	"EMODROP_CALLBACK_TOKEN_SECRET": "CallbackTokenSecretArn", "EMODROP_WEBHOOK_SECRET": "WebhookSecretArn", "EMODROP_WEBHOOK_URL": "WebhookUrl",
	"EMODROP_EVENT_BUS": "EventBusName", "EMODROP_VENDOR_URL": "VendorUrl", "EMODROP_WORKSPACE": "Workspace",
	"EMODROP_MAX_IN_FLIGHT": "MaxInFlight", "EMODROP_MODEL": "Model", "EMODROP_DETECT_MODEL": "DetectModel",
	"EMODROP_DAILY_BUDGET": "DailyBudget", "EMODROP_MONTHLY_BUDGET": "MonthlyBudget",
	"EMODROP_STYLE": "DefaultStyle", "EMODROP_RATIO": "DefaultRatio", "EMODROP_SETTLE": "Settle",
	"EMODROP_HALF_PAIR_AFTER": "HalfPairAfter", "EMODROP_POLL_INTERVAL": "PollInterval", "EMODROP_TRANSFER": "Transfer",
}

// everyFunction is what each function is told; ownWords what one is told beside.
var (
	everyFunction = []string{"EMODROP_API_KEY_SECRET", "EMODROP_EVENT_BUS", "EMODROP_INBOX", "EMODROP_MAX_IN_FLIGHT", "EMODROP_OUTBOX",
		"EMODROP_TABLE", "EMODROP_TOPIC_ARN", "EMODROP_VENDOR_URL", "EMODROP_WEBHOOK_URL", "EMODROP_WORKSPACE"}
	ownWords = map[string][]string{
		"submit": {"EMODROP_DAILY_BUDGET", "EMODROP_MONTHLY_BUDGET", "EMODROP_DETECT_MODEL", "EMODROP_HALF_PAIR_AFTER", "EMODROP_MODEL", "EMODROP_RATIO", "EMODROP_SETTLE",
			"EMODROP_SIGNER_ROLE", "EMODROP_STYLE", "EMODROP_TRANSFER"},
		"poll": {"EMODROP_DAILY_BUDGET", "EMODROP_MONTHLY_BUDGET", "EMODROP_FINALIZE_FUNCTION", "EMODROP_POLL_INTERVAL", "EMODROP_POLL_PERIOD", "EMODROP_SUBMIT_FUNCTION", "EMODROP_TRANSFER",
			"EMODROP_WEBHOOK_SECRET"},
		// Its lease on a film has to outlive it.
		"finalize": {"EMODROP_STORE_LEASE"},
		"callback": {"EMODROP_CALLBACK_TOKEN_SECRET", "EMODROP_FINALIZE_FUNCTION"},
	}
)

// leftAlone are the variables that the code reads and the template does not set.
var leftAlone = map[string]string{
	"AWS_REGION":                    "Lambda sets it",
	"EMODROP_LOOPBACK":              "the local stack alone may fetch from its own machine",
	"EMODROP_RESULT_HOSTS":          "the vendor's hosts stand in the code",
	"EMODROP_CALLBACK_REGION":       "EMO is in one region only",
	"EMODROP_CALLBACK_CERTIFICATES": "the local stack alone may fetch from its own machine",
	"EMODROP_CONSOLE":               "without it messages lead to the AWS console",
	"EMODROP_CREATE_WITHIN":         "the protocol's own time", "EMODROP_POST_LEASE": "the protocol's own time",
	"EMODROP_ASK_FIRST": "the protocol's own time", "EMODROP_QUIET": "the protocol's own time",
	"EMODROP_BACKOFF": "the protocol's own time", "EMODROP_SWEEP": "the protocol's own time", "EMODROP_HORIZON": "the protocol's own time",
}

type builder func(context.Context, app.Config, aws.Config, *slog.Logger) (app.Handler, error)

var builders = map[string]builder{"submit": app.Submit, "poll": app.Poll, "finalize": app.Finalize, "callback": app.Callback}

// environment: every variable in the template is read, every variable that is read is
// set or left alone for a reason, and in every world the real wiring takes what
// it is given.
func environment(t *tree, _ *code) []string {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	read := map[string]bool{}
	_, _ = app.FromEnv(func(name string) string { read[name] = true; return "" })
	set := map[string]bool{}
	for _, fn := range t.ofKind(serverless) {
		where := "Resources/" + fn.id + "/Environment"
		vars := sorted(mapAt(fn.props, "Environment/Variables"))
		want := slices.Sorted(slices.Values(slices.Concat(everyFunction, ownWords[fn.name()])))
		for _, v := range vars {
			set[v] = true
			if !read[v] {
				bad("%s/%s: the code does not read it", where, v)
			}
			if !slices.Contains(want, v) {
				bad("%s/%s: %s has no use for it", where, v, fn.name())
			}
		}
		for _, v := range want {
			if !slices.Contains(vars, v) {
				bad("%s/%s: %s needs it", where, v, fn.name())
			}
		}
		plain := t.world("all on", choices["all that can be told"]).environment(fn)
		for _, v := range vars {
			if want, ok := sameEverywhere[v]; ok && plain[v] != want {
				bad("%s/%s: is %s, want %s", where, v, plain[v], want)
			}
		}
		for _, w := range t.worlds() {
			if fn.condition != "" && !w.holds(fn.condition) {
				continue
			}
			env := w.environment(fn)
			for _, v := range vars {
				if p, ok := byParameter[v]; ok && w.params[p] != "" && env[v] != w.params[p] {
					bad("%s/%s: is %q where %s is %q", where, v, env[v], p, w.params[p])
				}
			}
			if err := start(fn.name(), env); err != nil {
				bad("%s: %s: %v", where, w.name, err)
			}
		}
	}
	for _, v := range sorted(read) {
		if !set[v] && leftAlone[v] == "" {
			bad("Environment/%s: the code reads it and no function is given it", v)
		}
		if set[v] && leftAlone[v] != "" {
			bad("Environment/%s: is set, though %s", v, leftAlone[v])
		}
	}
	return wrong
}

// start builds a function as Lambda would.
func start(name string, env map[string]string) error {
	cfg, err := app.FromEnv(func(v string) string {
		if v == "AWS_REGION" {
			return pseudo["AWS::Region"]
		}
		return env[v]
	})
	if err != nil {
		return err
	}
	build, ok := builders[name]
	if !ok {
		return fmt.Errorf("there is no function %q", name)
	}
	_, err = build(context.Background(), cfg, aws.Config{Region: cfg.Region}, slog.New(slog.DiscardHandler))
	return err
}

// functions: one for each folder, found and built where CodeUri says, run by the
// runtime that runs a Go binary, and short enough for the code's leases.
func functions(t *tree, c *code) []string {
	var wrong []string
	bad := func(id, format string, args ...any) {
		wrong = append(wrong, "Resources/"+id+": "+fmt.Sprintf(format, args...))
	}
	folders, _ := filepath.Glob(root + "/functions/*/main.go")
	for _, f := range folders {
		if name := filepath.Base(filepath.Dir(f)); t.function(name).kind == "" {
			bad("", "no function for functions/%s", name)
		}
	}
	for _, fn := range t.ofKind(serverless) {
		name := fn.name()
		main, err := os.ReadFile(filepath.Join(root, text(fn.props["CodeUri"]), "main.go"))
		starts := "app.Start(app." + strings.ToUpper(name[:min(1, len(name))]) + name[min(1, len(name)):] + ")"
		switch {
		case err != nil:
			bad(fn.id, "CodeUri %s holds no main.go", text(fn.props["CodeUri"]))
		case !strings.Contains(string(main), starts):
			bad(fn.id, "CodeUri %s does not say %s", text(fn.props["CodeUri"]), starts)
		}
		if fn.id != strings.ToUpper(name[:min(1, len(name))])+name[min(1, len(name)):]+"Function" {
			bad(fn.id, "builds %s", name)
		}
		for property, want := range map[string]string{"Runtime": "provided.al2023", "Handler": "bootstrap", "MemorySize": "256"} {
			if got := text(fn.props[property]); got != want {
				bad(fn.id, "%s is %q, want %q", property, got, want)
			}
		}
		if m := textAt(fn.all, "Metadata/BuildMethod"); m != "go1.x" {
			bad(fn.id, "BuildMethod is %q, want go1.x", m)
		}
		if at(fn.all, "Properties/Architectures") != nil {
			bad(fn.id, "SAM would add its Architectures to those in Globals")
		}
		if got := text(at(t.plain().value(fn.props["Architectures"]), "0")); got != "arm64" {
			bad(fn.id, "runs on %q unless told otherwise, want arm64", got)
		}
		if fn.props["ReservedConcurrentExecutions"] != nil {
			bad(fn.id, "reserves concurrency, which fails in a new account")
		}
		if text(fn.props["Description"]) == "" {
			bad(fn.id, "has no description")
		}
		role := referred(t.world("", map[string]string{"Callback": "true"}).value(fn.props["Role"]), "Arn")
		if t.resource(role).kind != "AWS::IAM::Role" {
			bad(fn.id, "Role is not the ARN of a role of this template")
		}
		for _, other := range t.ofKind(serverless) {
			if other.id < fn.id && textAt(other.props, "Role/Fn::GetAtt/0") == role {
				bad(fn.id, "shares its role with %s", other.id)
			}
		}
		if fn.props["FunctionUrlConfig"] != nil && (name != "callback" || t.plain().holds(fn.condition)) {
			bad(fn.id, "has a public address that nobody asked for")
		}
	}
	timeout := func(name string) time.Duration {
		return time.Duration(number(t.function(name).props["Timeout"])) * time.Second
	}
	grace := time.Duration(c.minutes("intake", "grace")) * time.Minute
	if d := timeout("submit"); d < time.Minute || d >= grace {
		bad("SubmitFunction", "runs up to %s; intake takes it for dead after %s", d, grace)
	}
	lease, _ := time.ParseDuration(t.plain().environment(t.function("finalize"))["EMODROP_STORE_LEASE"])
	if d := timeout("finalize"); d < 2*time.Minute || d >= lease {
		bad("FinalizeFunction", "runs up to %s; it is taken for dead after %s", d, lease)
	}
	// The last batch begins at 45 s and may take as long.
	if d := timeout("poll"); d < 75*time.Second || d > 2*time.Minute {
		bad("PollFunction", "runs up to %s; batches begin inside a minute", d)
	}
	if d := timeout("callback"); d < 3*time.Second || d > 30*time.Second {
		bad("CallbackFunction", "runs up to %s; the vendor waits for it", d)
	}
	return wrong
}

var rate = regexp.MustCompile(`^rate\((?:1 (minute|hour|day)|([2-9]|[1-9][0-9]+) (minute|hour|day)s)\)$`)

// schedule: rightly spelled, named by CloudFormation, with a role of its own and the
// input that the sample event shows; what is late is dropped.
func schedule(t *tree, _ *code) []string {
	var wrong []string
	bad := func(format string, args ...any) {
		wrong = append(wrong, "Resources/PollFunction: "+fmt.Sprintf(format, args...))
	}
	w := t.plain()
	poll := t.function("poll")
	count := 0
	for _, fn := range t.ofKind(serverless) {
		for id, e := range mapAt(fn.props, "Events") {
			switch kind := textAt(e, "Type"); {
			case kind == "ScheduleV2" && fn.id == poll.id:
				count++
			case kind == "SQS" && fn.name() == "submit":
			default:
				bad("the event %s of %s is none that was planned", id, fn.id)
			}
		}
	}
	e := mapAt(poll.props, "Events/EveryMinute/Properties")
	if count != 1 || e == nil {
		bad("want one schedule, EveryMinute, found %d", count)
		return wrong
	}
	expression := text(e["ScheduleExpression"])
	period := w.environment(poll)["EMODROP_POLL_PERIOD"]
	switch d, err := time.ParseDuration(period); {
	case !rate.MatchString(expression):
		bad("%q is no rate: one minute, but two minutes", expression)
	case err != nil || d != time.Minute || expression != "rate(1 minute)":
		bad("the schedule says %s, the function is told %q", expression, period)
	}
	if textAt(e, "OmitName") != "true" {
		bad("without OmitName a second stack collides")
	}
	if text(e["State"]) == "DISABLED" {
		bad("the schedule is switched off")
	}
	if role := t.resource(referred(w.value(e["RoleArn"]), "Arn")); role.kind != "AWS::IAM::Role" {
		bad("RoleArn is not the ARN of a role of this template")
	} else if principals := texts(at(role.props, "AssumeRolePolicyDocument/Statement/0/Principal/Service")); !slices.Equal(principals, []string{"scheduler.amazonaws.com"}) {
		bad("%s is assumed by %v, not by the scheduler", role.id, principals)
	}
	var input, sample map[string]any
	if err := json.Unmarshal([]byte(text(e["Input"])), &input); err != nil {
		bad("Input is no JSON object: %v", err)
	} else if err := readJSON("events/scheduler-poll.json", &sample); err != nil {
		bad("%v", err)
	} else if !slices.Equal(sorted(input), sorted(sample)) || input["kind"] != sample["kind"] {
		bad("Input has %v, the sample event %v", sorted(input), sorted(sample))
	}
	if n := textAt(e, "RetryPolicy/MaximumRetryAttempts"); n != "0" {
		bad("a tick that could not be delivered is sent again (%q times)", n)
	}
	for _, fn := range t.ofKind(serverless) {
		c := mapAt(fn.props, "EventInvokeConfig")
		retries, age, to := text(c["MaximumRetryAttempts"]), number(c["MaximumEventAgeInSeconds"]), at(c, "DestinationConfig/OnFailure")
		switch fn.name() {
		case "poll":
			if retries != "0" || age != 60 {
				bad("ticks that were throttled pile up: %q retries, %d s", retries, age)
			}
		case "submit", "finalize":
			if retries != "1" && retries != "0" || age < 60 || age > 900 {
				wrong = append(wrong, fmt.Sprintf("Resources/%s: poll asks again by itself; %q retries in %d s are too many", fn.id, retries, age))
			}
			if textAt(to, "Type") != "SQS" || t.resource(referred(w.value(at(to, "Destination")), "Arn")).kind != "AWS::SQS::Queue" {
				wrong = append(wrong, "Resources/"+fn.id+": an invocation that fails leaves no trace in a queue")
			}
		}
	}
	return wrong
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
