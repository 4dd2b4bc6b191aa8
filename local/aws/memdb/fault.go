package memdb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fault is what goes wrong with a request.
type Fault int

// The faults. All but LoseAnswer strike before anything is done, and consume
// nothing.
const (
	// None lets the request be.
	None Fault = iota
	// Throttled is a ThrottlingException.
	Throttled
	// OverCapacity is a ProvisionedThroughputExceededException.
	OverCapacity
	// Internal is an InternalServerError.
	Internal
	// Conflict is another transaction in the way: a TransactionConflictException
	// of a write, a cancellation of a transaction by its first item. Reads are not
	// struck by it.
	Conflict
	// LoseAnswer does what is asked and breaks the connection.
	LoseAnswer
)

// errLost is never answered: the connection breaks instead.
var errLost = errors.New("the answer is lost")

// before is the refusal of a request that is struck before it does anything.
func (f Fault) before(op string, items int) error {
	switch f {
	case Throttled:
		return refuse("ThrottlingException", "Throughput exceeds the current capacity of your table or index.")
	case OverCapacity:
		return refuse("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded.")
	case Internal:
		return refuse("InternalServerError", "Internal server error")
	case Conflict:
		switch op {
		case "PutItem", "UpdateItem", "DeleteItem":
			return refuse("TransactionConflictException", "Transaction is ongoing for the item")
		case "TransactWriteItems":
			reasons := make([]reason, items)
			reasons[0] = reason{"TransactionConflict", "Transaction is ongoing for the item"}
			return canceled(reasons)
		}
	}
	return nil
}

// reason is why one item canceled its transaction; the zero value: it did not.
type reason struct{ Code, Message string }

// refusal is an error in the words of DynamoDB.
type refusal struct {
	code, message string
	reasons       []reason
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(code, format string, args ...any) error {
	return &refusal{code: code, message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refuse("ValidationException", format, args...)
}

// unknown refuses what DynamoDB may know and memdb does not.
func unknown(format string, args ...any) error {
	return invalid("memdb does not know "+format, args...)
}

func canceled(reasons []reason) error {
	codes := make([]string, len(reasons))
	for i := range reasons {
		if reasons[i].Code == "" {
			reasons[i].Code = "None"
		}
		codes[i] = reasons[i].Code
	}
	return &refusal{code: "TransactionCanceledException", reasons: slices.Clone(reasons),
		message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"}
}

// refusalOf is what goes over the wire.
func refusalOf(err error) (status int, body any) {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{code: "InternalServerError", message: err.Error()}
	}
	type cancellation struct {
		Code    string
		Message string `json:",omitempty"`
	}
	out := struct {
		Type    string         `json:"__type"`
		Message string         `json:"message"`
		Reasons []cancellation `json:"CancellationReasons,omitempty"`
	}{Type: "com.amazonaws.dynamodb.v20120810#" + r.code, Message: r.message}
	for _, why := range r.reasons {
		out.Reasons = append(out.Reasons, cancellation(why))
	}
	if r.code == "InternalServerError" {
		return 500, out
	}
	return 400, out
}
