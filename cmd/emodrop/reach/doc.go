// Package reach finds a stack, on this machine or in an AWS account, and holds what
// is needed to work with it from outside: its names, and a client of each part.
//
// It uses the person's own AWS credentials and changes nothing by itself. Its one
// invariant: neither a region nor a stack is guessed. What is not said, and is not
// the one local stack that runs here, is refused with what to say.
package reach
