// Package finalize brings a finished film home: it downloads it, checks that it
// is whole and what was asked for, and only then puts it into the outbox and ends
// the job.
//
// It creates no task and pays for nothing: a copy that failed is tried again from
// the vendor's link, never made anew. Its one invariant: what stands in the outbox
// under a film's plain name has been verified, byte for byte, before it was put there.
// What will not be verified in all the time that its link works goes apart, for a person.
package finalize
