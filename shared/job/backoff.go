package job

import (
	"context"
	"time"
)

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

// Pause waits that long, not at all if it is not positive, or returns the context's error.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
