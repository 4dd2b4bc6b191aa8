// Package poll is the scheduled step: in batches inside the minute, and between them
// where a task is about to end, it asks the vendor how the open tasks stand, stores
// each answer on its job, hands finished ones to finalize and free slots to submit,
// sends unsent messages, and drives on whatever is past its due time.
//
// It creates no task. Its one invariant: it acts on nothing but what the table and
// the vendor say at that moment, so a tick that is missed, repeated or killed
// costs time and nothing else.
package poll
