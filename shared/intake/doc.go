// Package intake turns "an object was created" into jobs: it takes every form of
// the event, pairs files by their names, waits until a hand-in has settled, reads
// each file once to hash and check it, and writes the job.
//
// It pays for nothing and calls the vendor for nothing. Its one invariant: an
// event is only a hint to look. What counts is read from the bucket and the
// table, so events may come twice, late, in any order or not at all, and any step
// may die and run again.
package intake
