// Package rules holds what this repository demands of itself and no compiler
// checks: who may import whom, how long a file may be, where the environment is
// read, which modules the Lambda binaries may contain. It is all tests: `go test
// ./docs/rules` prints every breach as file:line with what to do about it.
//
// It does not judge style (go vet, staticcheck and errcheck do, see `make lint`)
// and no other package may import it. Its one invariant: each rule has, beside
// the test that holds it against the real tree, one that holds it against a small
// planted breach, so that no rule can pass because it has stopped looking.
package rules
