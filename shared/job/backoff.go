package job

import "time"

// MaxWait is the longest time that passes before what may succeed is tried again:
// however long a trouble lasted, all goes on within five minutes of its end.
const MaxWait = 4 * time.Minute

// Backoff is how long to wait after that many failures in a row before this one: first,
// then twice as long each time, to MaxWait at most.
func Backoff(first time.Duration, tries int) time.Duration {
	wait := first
	for ; tries > 0 && wait < MaxWait; tries-- {
		wait *= 2
	}
	return min(wait, MaxWait)
}
