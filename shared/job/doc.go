// Package job is the domain of emodrop: a job, its states and legal moves, how
// a job is identified by its content, what an answer of the vendor means for
// it, and the limits and prices of the model (Profile).
//
// It talks to nothing and imports nothing of ours. Its one invariant: every
// change of a job's state is a row of the table of moves (see Moves), and each
// row names who makes the move and who takes over if that one dies.
package job
