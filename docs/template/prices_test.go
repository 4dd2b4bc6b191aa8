package template

// What AWS asks in us-east-1 beyond all free allowances, in USD, as published in late
// 2025. Other regions ask a tenth to a third more.
const (
	// https://aws.amazon.com/lambda/pricing/ (arm64)
	lambdaRequest  = 0.20 / 1e6
	lambdaGBSecond = 0.0000133334
	// https://aws.amazon.com/dynamodb/pricing/on-demand/
	tableWrite = 0.625 / 1e6
	tableRead  = 0.125 / 1e6
	// https://aws.amazon.com/s3/pricing/
	s3Put = 0.005 / 1e3 // and COPY, LIST; DELETE is free
	s3Get = 0.0004 / 1e3
	// https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer: to the vendor
	transferGB = 0.09
	// https://aws.amazon.com/sqs/pricing/, https://aws.amazon.com/sns/pricing/,
	// https://aws.amazon.com/eventbridge/pricing/
	queueRequest = 0.40 / 1e6
	topicPublish = 0.50 / 1e6
	mail         = 2.00 / 1e5
	busEvent     = 1.00 / 1e6
	// https://aws.amazon.com/cloudwatch/pricing/
	logGB = 0.50
	// https://aws.amazon.com/secrets-manager/pricing/
	secretCall = 0.05 / 1e4
)

// A bill is what is paid for, by the rows of docs/operations.md.
type bill map[string]float64

const (
	rowFunctions = "functions"
	rowTable     = "jobs table"
	rowFiles     = "S3 requests"
	rowMessages  = "mail, topic, bus, queue"
	rowRest      = "log, secret"
	rowTransfer  = "inputs to the vendor"
)

// A charge is one kind of request, or what stands for several.
type charge struct {
	row   string
	price float64
}

func reads(n float64) charge  { return charge{rowTable, n * tableRead} }
func writes(n float64) charge { return charge{rowTable, n * tableWrite} }

// portCharges is what each call of the simulation's ports costs on AWS. Writes are
// reckoned high: a written item of a transaction counts twice, an index entry that
// moves twice, and a job's record is taken to have two KB.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
var portCharges = map[string]charge{
	// One consistent read of up to 4 KB each.
	"store.Job": reads(1), "store.Owner": reads(1), "store.Gate": reads(1), "store.Face": reads(1), "store.Stem": reads(1),
	"store.Folder": reads(1), "store.Message": reads(1), "store.Sweep": reads(1),
	// A query of keys in an index, which is never consistent.
	"store.Queue": reads(0.5), "store.Due": reads(0.5), "store.Held": reads(0.5),
	"store.Lease": writes(1), "store.EndLease": writes(1), "store.LearnKey": writes(1), "store.Throttle": writes(1), "store.PutFace": writes(1), "store.Turns": writes(1),
	// An item and its place in the due index.
	"store.PutStem": writes(3), "store.PutFolder": writes(3), "store.PutSweep": writes(3), "store.PutMessage": writes(3),
	"store.AddNotice": writes(3), "store.CloseGate": writes(3), "store.OpenGate": writes(3), "store.NextProbe": writes(3),
	"store.Create": writes(4),
	// A folder's turn is read and taken; once a priority, the gate's clock begins.
	"store.Share": {rowTable, tableRead + 3*tableWrite},
	// The gate and a check of the job.
	"store.FreeSlot": writes(4), "store.TakeSlot": writes(4),
	// The job (4), its places in two indexes (3), the gate (2), a task's owner (2), a
	// message with its place (3).
	"store.Move": writes(14), "store.Admit": writes(9),

	"inbox.head": {rowFiles, s3Get}, "inbox.open": {rowFiles, s3Get}, "inbox.list": {rowFiles, s3Put}, "inbox.page": {rowFiles, s3Put},
	"staging.stage": {rowFiles, s3Put}, "staging.sign": {}, "staging.remove": {},
	"outbox.head": {rowFiles, s3Get}, "outbox.put": {rowFiles, s3Put}, "outbox.copy": {rowFiles, s3Put},
	"outbox.record": {rowFiles, s3Put}, "outbox.unrecord": {}, "outbox.status": {rowFiles, s3Put}, "outbox.get": {rowFiles, s3Get},

	"topic.publish": {rowMessages, topicPublish + mail}, "bus.put": {rowMessages, busEvent},
	// Sent, received, deleted.
	"event": {rowMessages, 3 * queueRequest},

	// An invocation is charged as one, see functionSeconds; films come in for nothing,
	// and the vendor's calls are the vendor's.
	"invoke.submit": {}, "invoke.finalize": {}, "film.fetch": {},
	"vendor.create": {}, "vendor.detect": {}, "vendor.list": {}, "vendor.task": {},
}

// functionSeconds is how long an invocation is charged for; poll's is taken from its
// calls. ASSUMED: submit waits its 5 s of settling and reads two files,
// finalize moves a film of some MB; the simulation's calls take no real time.
var functionSeconds = map[string]float64{"submit": 7, "finalize": 5}
