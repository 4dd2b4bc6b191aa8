package stack

import (
	"context"

	"emodrop/shared/store"
)

// For tests of what a start asks before anything runs.
var (
	SameAccount = sameAccount
	ProbeNow    = probeNow
	Clear       = clear
	Forgotten   = forgotten
)

// KnowKey has a home with those jobs start with a key.
func KnowKey(ctx context.Context, home string, jobs *store.Store, v *Vendor) (err error) {
	s := &Stack{cfg: Config{Home: home, Vendor: v}, Jobs: jobs}
	if s.ident, err = loadIdentity(s.state(identityFile)); err != nil {
		return err
	}
	return s.knowKey(ctx)
}

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
