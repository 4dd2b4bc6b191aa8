package template

// A grant is one action on one resource that a role has. Why it has it the run
// shows (calls_test.go), which makes a call that needs it. Where no code of ours
// makes such a call, because says who does.
type grant struct{ action, resource, because string }

const (
	inbox   = "arn:aws:s3:::<InboxBucket>"
	outbox  = "arn:aws:s3:::<OutboxBucket>"
	jobs    = "<JobsTable.Arn>"
	secret  = "<ApiKeySecret>"
	topic   = "<ResultsTopic>"
	bus     = "arn:aws:events:eu-central-1:123456789012:event-bus/default"
	dead    = "<FailedInvocations.Arn>"
	tooling = "Lambda itself writes the log and hands invocations over, with the function's role"
	tags    = "CopyObject takes the tags of a tagged hand-in along"
)

// logs are what every function has.
func logs(group string) []grant {
	return []grant{{"logs:CreateLogStream", "<" + group + ".Arn>", tooling}, {"logs:PutLogEvents", "<" + group + ".Arn>", tooling}}
}

// told is what the step that tells outcomes needs, in whichever function it runs,
// and the table and the key, which all need.
var told = []grant{
	{"s3:PutObject", outbox + "/failed/*", ""},
	{"s3:DeleteObject", outbox + "/failed/*", ""},
	{"s3:GetObject", outbox + "/status/*", ""},
	{"s3:PutObject", outbox + "/status/*", ""},
	{"s3:ListBucket", outbox, "without it S3 answers 403, not 404, for a film or a status that is not there yet"},
	{"dynamodb:GetItem", jobs, ""},
	{"dynamodb:UpdateItem", jobs, ""},
	{"dynamodb:DeleteItem", jobs, ""}, // of a message that every channel has taken
	{"secretsmanager:GetSecretValue", secret, ""},
	{"sns:Publish", topic, ""},
	{"events:PutEvents", bus, ""},
}

// granted is what each role has: by function, the signer and the schedule.
var granted = map[string][]grant{
	"submit": join(logs("SubmitLogs"), told, []grant{
		{"sqs:ReceiveMessage", "<IntakeQueue.Arn>", tooling},
		{"sqs:DeleteMessage", "<IntakeQueue.Arn>", tooling},
		{"sqs:GetQueueAttributes", "<IntakeQueue.Arn>", tooling},
		{"sqs:SendMessage", dead, tooling},
		{"s3:GetObject", inbox + "/*", ""},
		{"s3:GetObjectTagging", inbox + "/*", tags},
		{"s3:ListBucket", inbox, ""},
		{"s3:PutObject", outbox + "/staging/*", ""},
		{"s3:PutObject", outbox + "/checked/*", ""},
		{"s3:PutObject", outbox + "/manifests/*", ""},
		{"s3:PutObjectTagging", outbox + "/staging/*", tags},
		{"dynamodb:Query", jobs + "/index/queue", ""},
		{"sts:AssumeRole", "<SignerRole.Arn>", ""},
	}),
	"poll": join(logs("PollLogs"), told, []grant{
		{"lambda:InvokeFunction", "<SubmitFunction.Arn>", ""},
		{"lambda:InvokeFunction", "<FinalizeFunction.Arn>", ""},
		{"s3:ListBucket", inbox, ""},
		{"s3:DeleteObject", outbox + "/staging/*", ""},
		{"s3:PutObject", outbox + "/checked/*", ""},
		{"s3:PutObject", outbox + "/videos/*.json", ""}, // a film's record that finalize left unsent
		{"s3:GetObject", outbox + "/manifests/*", ""},
		{"s3:PutObject", outbox + "/manifests/*", ""},
		{"s3:PutObject", outbox + "/videos/*.results.jsonl", ""},
		{"s3:GetObject", outbox + "/videos/*.results.jsonl", "S3 asks for it where a write has an If-Match"},
		{"secretsmanager:GetSecretValue", "<WebhookSecret>", ""},
		{"dynamodb:ConditionCheckItem", jobs, ""},
		{"dynamodb:Query", jobs + "/index/due", ""},
		{"dynamodb:Query", jobs + "/index/queue", ""},
	}),
	"finalize": join(logs("FinalizeLogs"), told, []grant{
		{"sqs:SendMessage", dead, tooling},
		{"s3:GetObject", outbox + "/videos/*", ""},
		{"s3:PutObject", outbox + "/videos/*", ""},
	}),
	// It never writes, reads or deletes a file, and tells nobody: what would be told
	// is left to poll.
	"callback": join(logs("CallbackLogs"), []grant{
		{"lambda:InvokeFunction", "<FinalizeFunction.Arn>", ""},
		{"dynamodb:GetItem", jobs, ""},
		{"dynamodb:UpdateItem", jobs, ""},
		{"secretsmanager:GetSecretValue", secret, ""},
		{"secretsmanager:GetSecretValue", "<CallbackToken>", ""},
	}),
	// The links that submit signs are used by the vendor in this role's name.
	"signer":   {{"s3:GetObject", outbox + "/staging/*", ""}},
	"schedule": {{"lambda:InvokeFunction", "<PollFunction.Arn>", "the scheduler invokes poll with this role"}},
}

func join(all ...[]grant) []grant {
	var out []grant
	for _, a := range all {
		out = append(out, a...)
	}
	return out
}
