package template

// A grant is one action on one resource that a role has, and the code that needs it:
// a call in an adapter, and a step of that function that makes the adapter call it.
// Where no code of ours makes a call, because says who does.
type grant struct {
	action, resource string
	// asks is a package and a text of it; calls are operations of the SDK, in the
	// package of the adapter before the colon.
	asks    string
	calls   []string
	because string
}

const (
	inbox   = "arn:aws:s3:::<InboxBucket>"
	outbox  = "arn:aws:s3:::<OutboxBucket>"
	jobs    = "<JobsTable.Arn>"
	secret  = "<ApiKeySecret>"
	topic   = "<ResultsTopic>"
	bus     = "arn:aws:events:eu-central-1:123456789012:event-bus/default"
	dead    = "<FailedInvocations.Arn>"
	tooling = "Lambda itself writes the log and hands invocations over, with the function's role"
)

// logs are what every function has.
func logs(group string) []grant {
	return []grant{
		{"logs:CreateLogStream", "<" + group + ".Arn>", "", nil, tooling},
		{"logs:PutLogEvents", "<" + group + ".Arn>", "", nil, tooling},
	}
}

// told is what the step that tells outcomes needs, in whichever function it runs.
var told = []grant{
	{"s3:PutObject", outbox + "/failed/*", "tell: Outbox.PutRecord(", []string{"bucket: PutObject"}, ""},
	{"s3:DeleteObject", outbox + "/failed/*", "tell: Outbox.RemoveRecord(", []string{"bucket: DeleteObject"}, ""},
	{"dynamodb:GetItem", jobs, "tell: Messages.Message(", []string{"store: GetItem"}, ""},
	{"dynamodb:UpdateItem", jobs, "tell: Messages.PutMessage(", []string{"store: UpdateItem", "store: TransactWriteItems"}, ""},
	// A message that every channel has taken is deleted.
	{"dynamodb:DeleteItem", jobs, "tell: Messages.PutMessage(", []string{"store: DeleteItem"}, ""},
	{"secretsmanager:GetSecretValue", secret, "app: Key: key.Key", []string{"app: GetSecretValue"}, ""},
	{"sns:Publish", topic, "tell: Topic.Publish(", []string{"notify: Publish"}, ""},
	{"events:PutEvents", bus, "tell: Bus.PutEvent(", []string{"notify: PutEvents"}, ""},
}

// granted is what each role has: by function, the signer and the schedule.
var granted = map[string][]grant{
	"submit": join(logs("SubmitLogs"), told, []grant{
		{"sqs:ReceiveMessage", "<IntakeQueue.Arn>", "", nil, tooling},
		{"sqs:DeleteMessage", "<IntakeQueue.Arn>", "", nil, tooling},
		{"sqs:GetQueueAttributes", "<IntakeQueue.Arn>", "", nil, tooling},
		{"sqs:SendMessage", dead, "", nil, tooling},
		{"s3:GetObject", inbox + "/*", "intake: Inbox.Open(", []string{"bucket: GetObject", "bucket: HeadObject"}, ""},
		{"s3:GetObjectTagging", inbox + "/*", "", nil, "CopyObject takes the tags of a tagged hand-in along"},
		{"s3:ListBucket", inbox, "intake: Inbox.List(", []string{"bucket: ListObjectsV2"}, ""},
		{"s3:PutObject", outbox + "/staging/*", "submit: Staging.Stage(", []string{"bucket: CopyObject"}, ""},
		{"s3:PutObjectTagging", outbox + "/staging/*", "", nil, "CopyObject takes the tags of a tagged hand-in along"},
		{"dynamodb:Query", jobs + "/index/queue", "submit: Jobs.Queue(", []string{"store: Query"}, ""},
		{"sts:AssumeRole", "<SignerRole.Arn>", "submit: Staging.Sign(", []string{"bucket: AssumeRole"}, ""},
	}),
	"poll": join(logs("PollLogs"), told, []grant{
		{"lambda:InvokeFunction", "<SubmitFunction.Arn>", "poll: Functions.Submit(", []string{"invoke: Invoke"}, ""},
		{"lambda:InvokeFunction", "<FinalizeFunction.Arn>", "poll: Functions.Finalize(", []string{"invoke: Invoke"}, ""},
		{"s3:ListBucket", inbox, "poll: Inbox.Page(", []string{"bucket: ListObjectsV2"}, ""},
		{"s3:DeleteObject", outbox + "/staging/*", "poll: Staging.Remove(", []string{"bucket: DeleteObject"}, ""},
		// A film's record that finalize left unsent.
		{"s3:PutObject", outbox + "/videos/*.json", "tell: Outbox.PutRecord(", []string{"bucket: PutObject"}, ""},
		{"dynamodb:ConditionCheckItem", jobs, "poll: Slots.FreeSlot(", []string{"store: TransactWriteItems"}, ""},
		{"dynamodb:Query", jobs + "/index/due", "poll: Agenda.Due(", []string{"store: Query"}, ""},
		{"dynamodb:Query", jobs + "/index/queue", "poll: Agenda.Queue(", []string{"store: Query"}, ""},
	}),
	"finalize": join(logs("FinalizeLogs"), told, []grant{
		{"sqs:SendMessage", dead, "", nil, tooling},
		{"s3:GetObject", outbox + "/videos/*", "finalize: Outbox.CopyFilm(", []string{"bucket: HeadObject", "bucket: CopyObject"}, ""},
		{"s3:PutObject", outbox + "/videos/*", "finalize: Outbox.PutFilm(", []string{"bucket: PutObject", "bucket: CopyObject"}, ""},
		{"s3:ListBucket", outbox, "", nil, "without it S3 answers 403, not 404, for a film that is not there yet"},
	}),
	// It never writes, reads or deletes a file, and tells nobody: what would be told
	// is left to poll.
	"callback": join(logs("CallbackLogs"), []grant{
		{"lambda:InvokeFunction", "<FinalizeFunction.Arn>", "poll: Functions.Finalize(", []string{"invoke: Invoke"}, ""},
		{"dynamodb:GetItem", jobs, "poll: Jobs.Owner(", []string{"store: GetItem"}, ""},
		{"dynamodb:UpdateItem", jobs, "poll: Jobs.Move(", []string{"store: UpdateItem", "store: TransactWriteItems"}, ""},
		{"secretsmanager:GetSecretValue", secret, "app: Key: key.Key", []string{"app: GetSecretValue"}, ""},
		{"secretsmanager:GetSecretValue", "<CallbackToken>", "callback: s.Token(", []string{"app: GetSecretValue"}, ""},
	}),
	// The links that submit signs are used by the vendor in this role's name.
	"signer": {{"s3:GetObject", outbox + "/staging/*", "submit: Staging.Sign(", []string{"bucket: PresignGetObject"}, ""}},
	"schedule": {{"lambda:InvokeFunction", "<PollFunction.Arn>", "", nil,
		"the scheduler invokes poll with this role"}},
}

func join(all ...[]grant) []grant {
	var out []grant
	for _, a := range all {
		out = append(out, a...)
	}
	return out
}

// servedBy is the function whose code uses a role that is no function's own.
var servedBy = map[string]string{"signer": "submit", "schedule": "poll"}
