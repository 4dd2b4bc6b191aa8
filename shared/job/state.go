package job

// State is where a job stands, in our words. The vendor's words live in
// Task.Status.
type State string

// The open states. Each comment says who moves the job on, and what happens if
// that one dies.
const (
	// Received: the pair is complete and its files are sound; the vendor's
	// detect call is to be made. Moved by submit; poll hands the job to submit
	// again when it is past its due time.
	Received State = "RECEIVED"
	// Queued: accepted, waiting for a slot at the vendor. Moved by submit's
	// dispatch; poll invokes dispatch while slots are free.
	Queued State = "QUEUED"
	// Submitting: the intent is written, the create call may have happened.
	// Moved by submit; after the posting lease poll reconciles with the
	// vendor's task list. Never posted again blindly.
	Submitting State = "SUBMITTING"
	// Submitted: the vendor has the task. Moved by poll.
	Submitted State = "SUBMITTED"
	// Running: the vendor is working on it. Moved by poll.
	Running State = "RUNNING"
	// Storing: the vendor succeeded, the film is being brought home. Moved by
	// finalize; poll invokes it again when the job is past its due time.
	Storing State = "STORING"
	// Held: this job needs a person. Moved by the operator.
	Held State = "HELD"
)

// The final states. A retry asked for by a person makes a new attempt.
const (
	Succeeded State = "SUCCEEDED" // the film is in the outbox
	Checked   State = "CHECKED"   // a dry run: it could be made, at the price that is told; nothing was
	Failed    State = "FAILED"    // the vendor could not, or would not, make it
	Rejected  State = "REJECTED"  // the hand-in cannot be used; nothing was paid for a film
	Canceled  State = "CANCELED"  // taken back before it was made
	Expired   State = "EXPIRED"   // the vendor had it and it was lost; money may be gone
)

// States are all states in the order of a job's life.
func States() []State {
	return []State{Received, Queued, Submitting, Submitted, Running, Storing, Held,
		Succeeded, Checked, Failed, Rejected, Canceled, Expired}
}

// Final reports whether nothing moves the job by itself any more.
func (s State) Final() bool {
	switch s {
	case Succeeded, Checked, Failed, Rejected, Canceled, Expired:
		return true
	}
	return false
}

// HoldsSlot reports whether a job in this state counts against MaxInFlight: the
// vendor has a task for it, or may have.
func (s State) HoldsSlot() bool {
	return s == Submitting || s == Submitted || s == Running
}

// AtVendor reports whether the vendor is known to have a task that has not
// ended.
func (s State) AtVendor() bool { return s == Submitted || s == Running }

// Told reports whether people and machines are told when a job enters this
// state.
func (s State) Told() bool { return s.Final() || s == Held }

// New is the state before the first: the from side of a job's first move.
const New State = ""
