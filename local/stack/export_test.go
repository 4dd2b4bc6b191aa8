package stack

// For tests of what a start asks before anything runs.
var (
	SameAccount = sameAccount
	ProbeNow    = probeNow
)
