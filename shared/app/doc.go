// Package app wires the steps to their adapters: configuration and AWS clients in,
// a Lambda handler out. The functions' mains and nothing else build handlers
// from it; it is the one place that knows every package of shared and the one that
// reads the environment.
package app
