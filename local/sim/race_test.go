//go:build race

package sim_test

// racing: the race detector makes everything ten times as slow, so a share has to do;
// `make test` plays the whole without it too.
const racing = true
