package template

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An edit changes a parsed template at a path; what it puts there is a copy of its
// own for each test.
type edit func(t *testing.T, top map[string]any)

// set puts a value where one is, or beside others in a map.
func set(path string, v any) edit {
	return func(t *testing.T, top map[string]any) {
		t.Helper()
		i := strings.LastIndex(path, "/")
		switch parent := at(top, path[:i]).(type) {
		case map[string]any:
			parent[path[i+1:]] = clone(v)
		case []any:
			n, err := strconv.Atoi(path[i+1:])
			require.NoError(t, err)
			parent[n] = clone(v)
		default:
			t.Fatalf("the template has no %s to plant a mistake in", path[:i])
		}
	}
}

// drop takes away a key that is there.
func drop(path string) edit {
	return func(t *testing.T, top map[string]any) {
		t.Helper()
		i := strings.LastIndex(path, "/")
		parent, ok := at(top, path[:i]).(map[string]any)
		require.True(t, ok && parent[path[i+1:]] != nil, "the template has no %s to leave out", path)
		delete(parent, path[i+1:])
	}
}

// swap replaces a part of a text that is there.
func swap(path, old, with string) edit {
	return func(t *testing.T, top map[string]any) {
		t.Helper()
		s := textAt(top, path)
		require.Contains(t, s, old, "at %s", path)
		set(path, strings.Replace(s, old, with, 1))(t, top)
	}
}

func both(edits ...edit) edit {
	return func(t *testing.T, top map[string]any) {
		t.Helper()
		for _, e := range edits {
			e(t, top)
		}
	}
}

type kv = map[string]any

// A mistake, the check that has to find it, and words of what it has to say.
type mistake struct {
	name  string
	edit  edit
	check string
	says  string
}

var planted = []mistake{
	{"a misspelt resource", set("Resources/JobsTable/Properties/X", kv{"Ref": "JobTable"}),
		"everything that is referred to is there", "no JobTable"},
	{"an attribute that a type does not have", set("Outputs/Inbox/Value", kv{"Fn::GetAtt": []any{"IntakeQueue", "Name"}}),
		"everything that is referred to is there", "no attribute Name"},
	{"an own bucket where an existing one was given", set("Globals/Function/Environment/Variables/EMODROP_INBOX", kv{"Ref": "InboxBucket"}),
		"everything that is referred to is there", "InboxBucket is not there"},
	{"an alarm that is made without its topic", drop("Resources/PollErrorsAlarm/Condition"),
		"everything that is referred to is there", "AlarmTopic is not there"},
	{"a condition that nothing depends on", set("Conditions/Unused", kv{"Fn::Equals": []any{"a", "b"}}),
		"everything that is referred to is there", "Unused"},
	{"a role that names the signer whose trust names the role",
		set("Resources/SubmitRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource", kv{"Fn::GetAtt": []any{"SignerRole", "Arn"}}),
		"nothing refers in a circle", "SignerRole"},
	{"an event of S3 straight to a function that knows the bucket", set("Resources/InboxBucket/Properties/NotificationConfiguration",
		kv{"LambdaConfigurations": []any{kv{"Function": kv{"Fn::GetAtt": []any{"SubmitFunction", "Arn"}}}}}),
		"nothing refers in a circle", "InboxBucket"},

	{"a parameter in no group", swap("Metadata/AWS::CloudFormation::Interface/ParameterGroups/0/Parameters/0", "ApiKeySecretArn", "Model"),
		"parameters are explained, bounded and used", "ApiKeySecretArn"},
	{"a parameter that nothing uses", set("Resources/SubmitFunction/Properties/Environment/Variables/EMODROP_MODEL", "emo-v1"),
		"parameters are explained, bounded and used", "Model: nothing uses it"},
	{"a pattern that is open at its end", set("Parameters/Settle/AllowedPattern", "^[0-9]+s"),
		"parameters are explained, bounded and used", "open at its ends"},
	{"a time that the function would not live to see", set("Parameters/Settle/AllowedPattern", "^[0-9]+(s|m)$"),
		"parameters are explained, bounded and used", `admits "5m"`},
	{"a default that its own list does not have", set("Parameters/DefaultStyle/Default", "lively"),
		"parameters are explained, bounded and used", "own default"},
	{"a log level that takes the audit trail away", set("Parameters/LogLevel/AllowedValues", []any{"DEBUG", "INFO", "WARN"}),
		"parameters are explained, bounded and used", `admits "WARN"`},
	{"an unencrypted address of the vendor", set("Parameters/VendorUrl/AllowedPattern", "^(https?://.*)?$"),
		"parameters are explained, bounded and used", "VendorUrl"},

	{"a misspelt variable", both(drop("Globals/Function/Environment/Variables/EMODROP_WORKSPACE"),
		set("Globals/Function/Environment/Variables/EMODROP_WORK_SPACE", kv{"Ref": "Workspace"})),
		"the functions' environment is what the code reads", "EMODROP_WORK_SPACE: the code does not read it"},
	{"a variable that is missing", drop("Resources/SubmitFunction/Properties/Environment/Variables/EMODROP_SIGNER_ROLE"),
		"the functions' environment is what the code reads", "SIGNER_ROLE is not set"},
	{"a variable at the wrong function", both(drop("Resources/SubmitFunction/Properties/Environment/Variables/EMODROP_SETTLE"),
		set("Resources/PollFunction/Properties/Environment/Variables/EMODROP_SETTLE", kv{"Ref": "Settle"})),
		"the functions' environment is what the code reads", "poll has no use for it"},
	{"inbox and outbox mixed up", both(
		set("Globals/Function/Environment/Variables/EMODROP_INBOX", kv{"Fn::If": []any{"OwnOutbox", kv{"Ref": "OutboxBucket"}, kv{"Ref": "ExistingOutbox"}}}),
		set("Globals/Function/Environment/Variables/EMODROP_OUTBOX", kv{"Fn::If": []any{"OwnInbox", kv{"Ref": "InboxBucket"}, kv{"Ref": "ExistingInbox"}}})),
		"the functions' environment is what the code reads", "EMODROP_INBOX: is <OutboxBucket>"},
	{"style and ratio mixed up", set("Resources/SubmitFunction/Properties/Environment/Variables/EMODROP_STYLE", kv{"Ref": "DefaultRatio"}),
		"the functions' environment is what the code reads", "EMODROP_STYLE"},
	{"the local stack's loophole in the cloud", set("Globals/Function/Environment/Variables/EMODROP_LOOPBACK", "1"),
		"the functions' environment is what the code reads", "EMODROP_LOOPBACK"},
	{"a value that the code refuses", set("Resources/PollFunction/Properties/Environment/Variables/EMODROP_POLL_PERIOD", "1 minute"),
		"the functions' environment is what the code reads", "want a time"},
	{"the names of functions mixed up", set("Resources/PollFunction/Properties/Environment/Variables/EMODROP_SUBMIT_FUNCTION", kv{"Fn::GetAtt": []any{"FinalizeFunction", "Arn"}}),
		"the functions' environment is what the code reads", "EMODROP_SUBMIT_FUNCTION"},

	{"a folder that is not there", set("Resources/PollFunction/Properties/CodeUri", "functions/polls/"),
		"each function can be built and fits the code's own times", "holds no main.go"},
	{"another function's folder", set("Resources/PollFunction/Properties/CodeUri", "functions/finalize/"),
		"each function can be built and fits the code's own times", "builds finalize"},
	{"a handler of the old Go runtime", set("Globals/Function/Handler", "main"),
		"each function can be built and fits the code's own times", "Handler"},
	{"an architecture beside that in Globals", set("Resources/PollFunction/Properties/Architectures", []any{"arm64"}),
		"each function can be built and fits the code's own times", "add its Architectures"},
	{"reserved concurrency", set("Resources/PollFunction/Properties/ReservedConcurrentExecutions", "1"),
		"each function can be built and fits the code's own times", "new account"},
	{"a role by its name", set("Resources/PollFunction/Properties/Role", kv{"Ref": "PollRole"}),
		"each function can be built and fits the code's own times", "Role is not the ARN"},
	{"finalize outliving its lease", set("Resources/FinalizeFunction/Properties/Timeout", "400"),
		"each function can be built and fits the code's own times", "taken for dead after 6m"},
	{"submit outliving intake's patience", set("Resources/SubmitFunction/Properties/Timeout", "200"),
		"each function can be built and fits the code's own times", "after 3m"},
	{"a public address for submit", set("Resources/SubmitFunction/Properties/FunctionUrlConfig", kv{"AuthType": "NONE"}),
		"each function can be built and fits the code's own times", "public address"},

	{"rate(1 minutes)", set("Resources/PollFunction/Properties/Events/EveryMinute/Properties/ScheduleExpression", "rate(1 minutes)"),
		"the schedule runs poll", "is no rate"},
	{"a rate in seconds", set("Resources/PollFunction/Properties/Events/EveryMinute/Properties/ScheduleExpression", "rate(15 seconds)"),
		"the schedule runs poll", "is no rate"},
	{"a schedule with SAM's name", drop("Resources/PollFunction/Properties/Events/EveryMinute/Properties/OmitName"),
		"the schedule runs poll", "OmitName"},
	{"a schedule without an input", drop("Resources/PollFunction/Properties/Events/EveryMinute/Properties/Input"),
		"the schedule runs poll", "Input"},
	{"a slower schedule than the function is told", set("Resources/PollFunction/Properties/Events/EveryMinute/Properties/ScheduleExpression", "rate(5 minutes)"),
		"the schedule runs poll", "the function is told"},
	{"a schedule with poll's own role", set("Resources/PollFunction/Properties/Events/EveryMinute/Properties/RoleArn", kv{"Fn::GetAtt": []any{"PollRole", "Arn"}}),
		"the schedule runs poll", "not by the scheduler"},
	{"ticks that pile up", drop("Resources/PollFunction/Properties/EventInvokeConfig"),
		"the schedule runs poll", "pile up"},
	{"a failed invocation that leaves no trace", drop("Resources/FinalizeFunction/Properties/EventInvokeConfig/DestinationConfig"),
		"the schedule runs poll", "no trace"},

	{"a misspelt detail-type", set("Resources/HandInRule/Properties/EventPattern/detail-type", []any{"Object created"}),
		"hand-ins reach submit", "lets it through is false, want true"},
	{"a pattern that misses the bucket's level", set("Resources/HandInRule/Properties/EventPattern/detail", kv{"bucket": []any{kv{"Ref": "InboxBucket"}}}),
		"hand-ins reach submit", "want true"},
	{"a pattern for every bucket of the account", drop("Resources/HandInRule/Properties/EventPattern/detail"),
		"hand-ins reach submit", "an object in the outbox: lets it through is true"},
	{"a pattern for every event of S3", drop("Resources/HandInRule/Properties/EventPattern/detail-type"),
		"hand-ins reach submit", "an object deleted"},
	{"a value that is in no list", set("Resources/HandInRule/Properties/EventPattern/source", "aws.s3"),
		"hand-ins reach submit", "must be in a list"},
	{"a bucket that tells EventBridge nothing", set("Resources/InboxBucket/Properties/NotificationConfiguration/EventBridgeConfiguration/EventBridgeEnabled", "false"),
		"hand-ins reach submit", "tells EventBridge nothing"},
	{"one bad message that spoils a batch", drop("Resources/SubmitFunction/Properties/Events/HandIns/Properties/FunctionResponseTypes"),
		"hand-ins reach submit", "whole batch"},
	{"no bound on concurrency", drop("Resources/SubmitFunction/Properties/Events/HandIns/Properties/ScalingConfig"),
		"hand-ins reach submit", "MaximumConcurrency"},

	{"a queue that shows a message again too early", set("Resources/IntakeQueue/Properties/VisibilityTimeout", "120"),
		"queues keep, protect and give up", "six times"},
	{"a queue without dead letters", drop("Resources/IntakeQueue/Properties/RedrivePolicy"),
		"queues keep, protect and give up", "no queue of dead letters"},
	{"a queue that is not encrypted", drop("Resources/FailedInvocations/Properties/SqsManagedSseEnabled"),
		"queues keep, protect and give up", "not encrypted"},

	{"a number index by text", set("Resources/JobsTable/Properties/AttributeDefinitions/2/AttributeType", "S"),
		"the table is the store's", "attributes"},
	{"an index that is missing", func(t *testing.T, top map[string]any) {
		const path = "Resources/JobsTable/Properties/GlobalSecondaryIndexes"
		set(path, list(at(top, path))[:2])(t, top)
	}, "the table is the store's", "indexes"},
	{"an index that carries everything", set("Resources/JobsTable/Properties/GlobalSecondaryIndexes/0/Projection/ProjectionType", "ALL"),
		"the table is the store's", "indexes"},
	{"another TTL attribute", set("Resources/JobsTable/Properties/TimeToLiveSpecification/AttributeName", "expires"),
		"the table is the store's", "not deleted by ttl"},
	{"no way back in time", set("Resources/JobsTable/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", "false"),
		"the table is the store's", "earlier time"},

	{"an action too many", set("Resources/FinalizeRole/Properties/Policies/0/PolicyDocument/Statement/4/Action", []any{"s3:PutObject", "s3:DeleteObject", "s3:GetObject"}),
		"each role may do what its function does and no more", "may s3:GetObject on"},
	{"an action too few", set("Resources/SubmitRole/Properties/Policies/0/PolicyDocument/Statement/3/Action", "s3:GetObjectTagging"),
		"each role may do what its function does and no more", "may not s3:GetObject"},
	{"the right action on another bucket", swap("Resources/FinalizeRole/Properties/Policies/0/PolicyDocument/Statement/2/Resource/Fn::Sub/0", "videos/", "films/"),
		"each role may do what its function does and no more", "films/*"},
	{"an index forgotten", set("Resources/PollRole/Properties/Policies/0/PolicyDocument/Statement/7/Resource", kv{"Fn::Sub": "${JobsTable.Arn}/index/due"}),
		"each role may do what its function does and no more", "index/queue"},
	{"the signer reading everything", swap("Resources/SignerRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource/Fn::Sub/0", "staging/*", "*"),
		"each role may do what its function does and no more", "SignerRole"},
	{"a managed policy", set("Resources/PollRole/Properties/ManagedPolicyArns", []any{"arn:aws:iam::aws:policy/AmazonS3FullAccess"}),
		"each role may do what its function does and no more", "managed policy"},
	{"SAM's policies beside a role", set("Resources/PollFunction/Properties/Policies", []any{"S3CrudPolicy"}),
		"each role may do what its function does and no more", "ignores Policies"},

	{"s3:*", set("Resources/SubmitRole/Properties/Policies/0/PolicyDocument/Statement/3/Action", "s3:*"),
		"policies are narrow and trust whom they should", "allows s3:*"},
	{"every resource", set("Resources/PollRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource", "*"),
		"policies are narrow and trust whom they should", `on "*"`},
	{"every bucket", set("Resources/PollRole/Properties/Policies/0/PolicyDocument/Statement/3/Resource", "arn:aws:s3:::*/staging/*"),
		"policies are narrow and trust whom they should", "s3:DeleteObject"},
	{"an action on objects, allowed on the bucket", set("Resources/SubmitRole/Properties/Policies/0/PolicyDocument/Statement/3/Resource", "arn:aws:s3:::company-uploads"),
		"policies are narrow and trust whom they should", "s3:GetObject on"},
	{"a queue that takes from everybody", set("Resources/IntakeQueuePolicy/Properties/PolicyDocument/Statement/0/Principal", "*"),
		"policies are narrow and trust whom they should", "allows everybody"},
	{"a queue that takes from every rule", drop("Resources/IntakeQueuePolicy/Properties/PolicyDocument/Statement/0/Condition"),
		"policies are narrow and trust whom they should", "others than the rule"},
	{"a role for another service", set("Resources/PollRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal/Service", "ec2.amazonaws.com"),
		"policies are narrow and trust whom they should", "is assumed by"},
	{"a signer for the whole account", drop("Resources/SignerRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition"),
		"policies are narrow and trust whom they should", "others than submit"},
	{"a schedule's role for everybody's schedules", drop("Resources/ScheduleRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition/StringEquals/aws:SourceAccount"),
		"policies are narrow and trust whom they should", "schedules of others"},
	{"alarms that SNS's own key makes silent", set("Resources/AlarmTopic/Properties/KmsMasterKeyId", "alias/aws/sns"),
		"policies are narrow and trust whom they should", "cannot publish"},

	{"a bucket open to requests without TLS", drop("Resources/InboxPolicy"),
		"buckets are private and keep what was paid for", "without TLS"},
	{"a TLS rule that forgets the objects", set("Resources/OutboxPolicy/Properties/PolicyDocument/Statement/0/Resource", kv{"Fn::GetAtt": []any{"OutboxBucket", "Arn"}}),
		"buckets are private and keep what was paid for", "without TLS"},
	{"a public bucket", set("Resources/OutboxBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy", "false"),
		"buckets are private and keep what was paid for", "BlockPublicPolicy"},
	{"a bucket that is not encrypted", drop("Resources/InboxBucket/Properties/BucketEncryption"),
		"buckets are private and keep what was paid for", "not encrypted"},
	{"films that are deleted after a day", drop("Resources/OutboxBucket/Properties/LifecycleConfiguration/Rules/0/Prefix"),
		"buckets are private and keep what was paid for", "deletes what people"},
	{"staged inputs that stay as old versions", drop("Resources/OutboxBucket/Properties/LifecycleConfiguration/Rules/0/NoncurrentVersionExpiration"),
		"buckets are private and keep what was paid for", "old versions included"},
	{"an outbox without versions", drop("Resources/OutboxBucket/Properties/VersioningConfiguration"),
		"buckets are private and keep what was paid for", "overwritten for good"},

	{"a bucket that stays and takes requests without TLS", drop("Resources/OutboxPolicy/DeletionPolicy"),
		"what is deleted with the stack is chosen", "OutboxPolicy"},
	{"films that go with the stack", set("Resources/OutboxBucket/DeletionPolicy", "Delete"),
		"what is deleted with the stack is chosen", "OutboxBucket"},
	{"a table that a change of its key would delete", drop("Resources/JobsTable/UpdateReplacePolicy"),
		"what is deleted with the stack is chosen", "UpdateReplacePolicy"},
	{"a key in the template", set("Resources/ApiKeySecret/Properties/SecretString", "sk-0123456789abcdef"),
		"what is deleted with the stack is chosen", "placeholder"},
	{"a token that can be guessed", set("Resources/CallbackToken/Properties/GenerateSecretString/PasswordLength", 8),
		"what is deleted with the stack is chosen", "CallbackToken"},
	{"a token of everybody's", both(drop("Resources/CallbackToken/Properties/GenerateSecretString"), set("Resources/CallbackToken/Properties/SecretString", "")),
		"what is deleted with the stack is chosen", "CallbackToken"},
	{"a webhook's secret that can be guessed", set("Resources/WebhookSecret/Properties/GenerateSecretString/PasswordLength", 8),
		"what is deleted with the stack is chosen", "WebhookSecret"},
	{"a webhook without its secret", drop("Resources/PollFunction/Properties/Environment/Variables/EMODROP_WEBHOOK_SECRET"),
		"the functions' environment is what the code reads", "EMODROP_WEBHOOK_SECRET"},
	{"a webhook that nobody watches", drop("Resources/WebhookGivenUpAlarm"), "alarms watch what is emitted, and somebody hears", "WebhooksGivenUp"},
	{"a callback without its token", drop("Resources/CallbackFunction/Properties/Environment/Variables/EMODROP_CALLBACK_TOKEN_SECRET"),
		"the functions' environment is what the code reads", "EMODROP_CALLBACK_TOKEN_SECRET"},
	{"a public function that may delete", set("Resources/CallbackRole/Properties/Policies/0/PolicyDocument/Statement/2/Action", []any{"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}),
		"each role may do what its function does and no more", "dynamodb:DeleteItem"},
	{"a key in the environment", set("Globals/Function/Environment/Variables/EMODROP_API_KEY_SECRET", "{{resolve:secretsmanager:key}}"),
		"what is deleted with the stack is chosen", "lies open"},

	{"logs as text", set("Resources/PollFunction/Properties/LoggingConfig/LogFormat", "Text"),
		"each function logs as JSON into a group of its own", "logs as text"},
	{"a log group of another function", set("Resources/PollFunction/Properties/LoggingConfig/LogGroup", kv{"Ref": "SubmitLogs"}),
		"each function logs as JSON into a group of its own", "SubmitLogs"},
	{"a log group that Lambda does not write to", drop("Resources/FinalizeFunction/Properties/LoggingConfig"),
		"each function logs as JSON into a group of its own", "no group"},
	{"logs for ever", drop("Resources/SubmitLogs/Properties/RetentionInDays"),
		"each function logs as JSON into a group of its own", "for ever"},

	{"a filter on slog's own key", set("Resources/GateClosedBySubmit/Properties/FilterPattern", `{ $.msg = "gate closed" }`),
		"filters match lines that the code writes", "not msg"},
	{"a filter on a line that nobody writes", set("Resources/GateClosedBySubmit/Properties/FilterPattern", `{ $.message = "gate shut" }`),
		"filters match lines that the code writes", `never logs "gate shut"`},
	{"a filter on a line of another function", set("Resources/FilmStuck/Properties/LogGroupName", kv{"Ref": "SubmitLogs"}),
		"filters match lines that the code writes", "submit never logs"},
	{"a filter on a key that the line does not have", set("Resources/FilmStuck/Properties/FilterPattern", `{ ($.message = "film not home yet") && ($.attempts >= 10) }`),
		"filters match lines that the code writes", "has no attempts"},
	{"a filter on a state that there is not", set("Resources/JobHeldByPoll/Properties/FilterPattern", `{ ($.message = "job") && ($.to = "ON_HOLD") }`),
		"filters match lines that the code writes", "no state"},
	{"a filter that is no pattern", set("Resources/JobHeldByPoll/Properties/FilterPattern", `{ $.message = job AND $.to = "HELD" }`),
		"filters match lines that the code writes", "no pattern"},

	{"a filter that no line ever meets", set("Resources/FilmStuck/Properties/FilterPattern", `{ ($.message = "film not home yet") && ($.tries >= 1000) }`),
		"filters match lines that the code writes", "met no line"},
	{"one alternative of two that no line ever meets", set("Resources/GateClosedByPoll/Properties/FilterPattern", `{ ($.message = "gate closed") || ($.message = "gate open" && $.code = "paused") }`),
		"filters match lines that the code writes", "1 of its 2 alternatives"},
	{"a filter on a number as a text", set("Resources/LinkLeft/Properties/FilterPattern", `{ ($.message = "gauges") && ($.link_left_s != "0") }`),
		"filters match lines that the code writes", "met no line"},
	{"a metric of a key that holds no number", set("Resources/OldestJob/Properties/MetricTransformations/0/MetricValue", "$.oldest"),
		"filters match lines that the code writes", "is no number"},
	{"a metric that counts what it should measure", set("Resources/OldestJob/Properties/MetricTransformations/0/MetricValue", "oldest_s"),
		"filters match lines that the code writes", "neither counts lines"},

	{"a metric that does not exist", set("Resources/PollErrorsAlarm/Properties/MetricName", "Error"),
		"alarms watch what is emitted, and somebody hears", "no metric Error"},
	{"a dimension by another name", set("Resources/PollErrorsAlarm/Properties/Dimensions/0/Name", "Function"),
		"alarms watch what is emitted, and somebody hears", "goes by FunctionName"},
	{"a queue by its address", set("Resources/HandInsDeadAlarm/Properties/Dimensions/0/Value", kv{"Ref": "IntakeDeadLetters"}),
		"alarms watch what is emitted, and somebody hears", "names no AWS::SQS::Queue"},
	{"a dead man's switch that takes silence for health", set("Resources/PollStoppedAlarm/Properties/TreatMissingData", "notBreaching"),
		"alarms watch what is emitted, and somebody hears", "ten minutes"},
	{"no dead man's switch", drop("Resources/PollStoppedAlarm"),
		"alarms watch what is emitted, and somebody hears", "no alarm watches AWS/Lambda Invocations"},
	{"an alarm on a metric that no filter makes", drop("Resources/FilmStuck"),
		"alarms watch what is emitted, and somebody hears", "no filter makes"},
	{"a metric that no alarm watches", drop("Resources/JobHeldAlarm"),
		"alarms watch what is emitted, and somebody hears", "no alarm watches emodrop/emodrop JobsHeld"},
	{"an alarm that nobody hears", drop("Resources/GateClosedAlarm/Properties/AlarmActions"),
		"alarms watch what is emitted, and somebody hears", "nobody hears"},
	{"an alarm that is told to those who wait for films", set("Resources/GateClosedAlarm/Properties/AlarmActions", []any{kv{"Ref": "ResultsTopic"}}),
		"alarms watch what is emitted, and somebody hears", "nobody hears"},
	{"the mean of a film's time left", set("Resources/LinkEndsAlarm/Properties/Statistic", "Average"),
		"alarms watch what is emitted, and somebody hears", "nothing of the worst"},
	{"an alarm when a link lives long", set("Resources/LinkEndsAlarm/Properties/ComparisonOperator", "GreaterThanOrEqualToThreshold"),
		"alarms watch what is emitted, and somebody hears", "silence is no trouble"},
	{"a link that ends before anybody is told", set("Resources/LinkEndsAlarm/Properties/Threshold", "72"),
		"alarms watch what is emitted, and somebody hears", "want 7200"},
	{"one batch that stands still", set("Resources/StandsStillAlarm/Properties/Statistic", "Maximum"),
		"alarms watch what is emitted, and somebody hears", "nothing of the worst"},
	{"a count of which the mean is taken", set("Resources/JobHeldAlarm/Properties/Statistic", "Average"),
		"alarms watch what is emitted, and somebody hears", "want their Sum"},
	{"a formula that leaves a function out", set("Resources/ThrottledAlarm/Properties/Metrics/0/Expression", "FILL(submit, 0) + FILL(poll, 0)"),
		"alarms watch what is emitted, and somebody hears", "leaves out finalize"},

	{"an index whose throttling nobody sees", set("Resources/TableThrottledAlarm/Properties/Metrics/5/MetricStat/Metric/Dimensions/1/Value", "queue"),
		"alarms watch what is emitted, and somebody hears", "WriteThrottleEvents TableName <JobsTable> GlobalSecondaryIndexName due"},
	{"an index that is not there", set("Resources/TableThrottledAlarm/Properties/Metrics/5/MetricStat/Metric/Dimensions/1/Value", "overdue"),
		"alarms watch what is emitted, and somebody hears", "no index overdue"},
	{"a film charged for nobody, of which nobody hears", drop("Resources/FilmOrphanedAlarm"),
		"alarms watch what is emitted, and somebody hears", "no alarm watches emodrop/emodrop FilmsOrphaned"},

	{"a dashboard that is no JSON", swap("Resources/Dashboard/Properties/DashboardBody/Fn::Sub", `{"label": "waiting"}`, `{"label": "waiting",}`),
		"the dashboard shows what is there", "no JSON"},
	{"a dashboard of another log line", swap("Resources/Dashboard/Properties/DashboardBody/Fn::Sub", "message = 'job'", "message = 'jobs'"),
		"the dashboard shows what is there", "never logs"},
	{"a dashboard of a metric that is not there", swap("Resources/Dashboard/Properties/DashboardBody/Fn::Sub", "FilmsStuck", "StuckFilms"),
		"the dashboard shows what is there", "no filter makes"},
	{"widgets that overlap", swap("Resources/Dashboard/Properties/DashboardBody/Fn::Sub", `"x": 8, "y": 8`, `"x": 7, "y": 8`),
		"the dashboard shows what is there", "lies over"},

	{"an output that the next command needs", drop("Outputs/PutTheKey/Description"),
		"outputs name all that the next command needs", "PutTheKey"},
	{"no word of where to drop files", set("Outputs/Inbox/Value", "inbox"),
		"outputs name all that the next command needs", "<InboxBucket>"},

	{"a variable that sam local would drop", drop("Globals/Function/Environment/Variables/EMODROP_TABLE"),
		"the files beside the template agree with it", "SAM drops it"},
	{"an alarm that no page explains", set("Resources/NewAlarm", kv{"Type": "AWS::CloudWatch::Alarm", "Properties": kv{}}),
		"the files beside the template agree with it", "does not say what NewAlarm means"},
	{"an alarm that is only a word any more", drop("Resources/LinkEndsAlarm"),
		"the files beside the template agree with it", "there is no LinkEndsAlarm"},
	{"a command of the operator's without what it needs", drop("Outputs/IntakeDeadLettersArn"),
		"the files beside the template agree with it", "no output IntakeDeadLettersArn"},
	{"a function by another name than the pages'", both(set("Resources/PollerFunction", kv{}), drop("Resources/PollFunction")),
		"the files beside the template agree with it", "PollFunction is no function"},
	{"a parameter that no document explains", set("Parameters/Speed", kv{"Type": "Number"}),
		"the files beside the template agree with it", "nothing of the parameter Speed"},
}

func TestEachPlantedMistakeIsFound(t *testing.T) {
	t.Parallel()
	code := theCode(t)
	for _, p := range planted {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			tree, err := load()
			require.NoError(t, err)
			p.edit(t, tree.top)
			i := slices.IndexFunc(checks, func(c check) bool { return c.name == p.check })
			require.GreaterOrEqual(t, i, 0, "there is no check %q", p.check)
			found := checks[i].find(tree, code)
			require.Contains(t, fmt.Sprint(found), p.says)
		})
	}
}

func TestEveryCheckHasAPlantedMistake(t *testing.T) {
	t.Parallel()
	for _, c := range checks {
		require.True(t, slices.ContainsFunc(planted, func(p mistake) bool { return p.check == c.name }), "nothing shows that %q finds anything", c.name)
	}
}
