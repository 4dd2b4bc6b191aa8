package job

import (
	"fmt"
	"strconv"
	"strings"
)

// Rank is a place in the queue: ordered as text, by priority, then by start, then by
// id. start is the job's virtual start, see Share; in ranks of before there was fair
// share, the milliseconds of its receipt, which go before all that come after them.
func Rank(p Priority, start int64, id string) string {
	return fmt.Sprintf("%s-%013d-%s", p.class(), start, id)
}

// class is the first part of a rank.
func (p Priority) class() string {
	switch p {
	case First:
		return "3"
	case Later:
		return "7"
	}
	return "5"
}

// StartOf is the start in a rank, and the class that it is one of; false for what is
// no rank.
func StartOf(rank string) (class string, start int64, ok bool) {
	parts := strings.SplitN(rank, "-", 3)
	if len(parts) != 3 {
		return "", 0, false
	}
	start, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[0], start, err == nil
}

// Tick is the gate's clock when a job is sent.
func (g Gate) Tick(rank string) (class string, clock int64, ok bool) {
	class, start, ok := StartOf(rank)
	return class, max(start, g.Clock[class]), ok
}
