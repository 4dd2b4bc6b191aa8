// Package store keeps the jobs table: one DynamoDB table (or its like in
// memory) with one item per thing, and three sparse indexes.
//
// Its one invariant: every change of a job is conditional on the revision, the
// state and the attempt it was decided on, and whatever has to happen together
// with a move (a slot taken or freed, the posting lease given back, a task
// registered, a message written) is in the move's own transaction, decided by
// the move and not by the caller. Losing a race is job.ErrConflict.
//
// The rules are written once, over a small table interface with two drivers; one
// contract suite runs over both. Index reads lag behind (the memory driver lags
// on purpose), so nothing rests on them but what to look at next.
package store
