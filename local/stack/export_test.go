package stack

// For tests of what a start asks before anything runs.
var (
	SameAccount = sameAccount
	ProbeNow    = probeNow
)

// Refusals are what a start is refused with.
var Refusals = refusals

// Talker says what happens.
type Talker = talker

// The talker as the stack uses it, and its words.
var (
	NewTalker    = newTalker
	InChinese    = inChinese
	TellFunction = (*talker).function
	TellMessage  = (*talker).published
	TellLine     = (*talker).line
	EndTalk      = (*talker).close
)
