package job

import "fmt"

// Actor is who makes a move.
type Actor string

// The actors. Callback is none of them: a push moves no job, the look that it asks
// for may, and looks are poll's.
const (
	Submit   Actor = "submit"
	Poll     Actor = "poll"
	Finalize Actor = "finalize"
	Operator Actor = "operator"
)

// Move is one row of the table of legal moves.
type Move struct {
	From, To State
	By       Actor
	// When says what brings the move about, in a few words.
	When string
}

// moves is the one table of what may become of a job. Everything not in it is
// refused by the store before it is written.
var moves = []Move{
	{New, Received, Submit, "pair complete, files sound"},
	{New, Rejected, Submit, "a file cannot be used"},

	{Received, Queued, Submit, "face found"},
	{Received, Checked, Submit, "dry run: face found, film priced"},
	{Received, Rejected, Submit, "face or options refused, or dearer than the budget"},
	{Received, Failed, Submit, "detect kept failing"},
	{Received, Canceled, Submit, "replaced by a newer hand-in"},
	{Received, Canceled, Operator, "cancel"},

	{Queued, Submitting, Submit, "slot and posting lease taken, intent written"},
	{Queued, Rejected, Submit, "file gone before it was sent, or dearer than the budget"},
	{Queued, Failed, Submit, "files cannot be copied"},
	{Queued, Canceled, Submit, "replaced by a newer hand-in"},
	{Queued, Canceled, Operator, "cancel"},
	{Queued, Submitted, Poll, "the task of a create that was given up shows up"},

	{Submitting, Submitted, Submit, "the vendor answered with a task id"},
	{Submitting, Queued, Submit, "clear refusal that may pass, or never sent"},
	{Submitting, Rejected, Submit, "the vendor refuses the files"},
	{Submitting, Failed, Submit, "the vendor refuses for good"},
	{Submitting, Submitted, Poll, "found in the vendor's list and adopted"},
	{Submitting, Queued, Poll, "not in the vendor's list after the quiet period"},
	{Submitting, Failed, Poll, "no create call had an answer for a day"},
	{Submitting, Held, Poll, "several tasks could be this one"},

	{Submitted, Running, Poll, "the vendor works on it"},
	{Submitted, Storing, Poll, "the vendor succeeded"},
	{Submitted, Queued, Poll, "failed unbilled, may succeed again"},
	{Submitted, Rejected, Poll, "the vendor refuses the files"},
	{Submitted, Failed, Poll, "the vendor failed"},
	{Submitted, Canceled, Poll, "canceled at the vendor"},
	{Submitted, Canceled, Operator, "cancel, once the vendor says so"},
	{Submitted, Expired, Poll, "the vendor no longer knows it"},

	{Running, Storing, Poll, "the vendor succeeded"},
	{Running, Queued, Poll, "failed unbilled, may succeed again"},
	{Running, Rejected, Poll, "the vendor refuses the files"},
	{Running, Failed, Poll, "the vendor failed"},
	{Running, Canceled, Poll, "canceled at the vendor"},
	{Running, Expired, Poll, "the vendor no longer knows it"},

	{Storing, Succeeded, Finalize, "film verified and in the outbox"},
	{Storing, Held, Finalize, "the film does not fit its request"},
	{Storing, Expired, Finalize, "the film's link ended before it was copied"},

	{Held, Submitted, Operator, "adopt TASK"},
	{Held, Queued, Operator, "repost, accepting a charge"},
	{Held, Storing, Operator, "accept the film as it is"},
	{Held, Canceled, Operator, "give up"},

	{Failed, Storing, Poll, "a task that was given up succeeded"},
	{Rejected, Storing, Poll, "a task that was given up succeeded"},
	{Canceled, Storing, Poll, "a task that was given up succeeded"},
	{Expired, Storing, Poll, "a task that was given up succeeded"},

	{Checked, Received, Operator, "retry"},
	{Failed, Received, Operator, "retry"},
	{Rejected, Received, Operator, "retry"},
	{Canceled, Received, Operator, "retry"},
	{Expired, Received, Operator, "retry"},
	{Succeeded, Received, Operator, "retry, accepting a second charge"},
}

// Moves are the rows of the table, in the order of a job's life.
func Moves() []Move { return append([]Move(nil), moves...) }

// CanMove reports whether some row of the table leads from one state to the
// other.
func CanMove(from, to State) bool {
	for _, m := range moves {
		if m.From == from && m.To == to {
			return true
		}
	}
	return false
}

// MoveError is returned for a change of state that is not in the table: a
// defect of ours, never a race.
type MoveError struct{ From, To State }

func (e *MoveError) Error() string {
	return fmt.Sprintf("no move from %q to %q", string(e.From), string(e.To))
}
