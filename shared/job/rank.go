package job

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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

// Reranked is a rank with another priority. The start stays: it says how much its
// folder had asked for before.
func Reranked(rank string, p Priority) string {
	_, rest, found := strings.Cut(rank, "-")
	if !found {
		return rank
	}
	return p.class() + "-" + rest
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

// Share is whose turn a job takes: that of its top-level folder, among those of its
// priority.
type Share struct {
	Class, Folder string
	// Clock is the start of the job of that class that was sent last, in virtual
	// milliseconds; Cost is how much of the folder's turn the job takes.
	Clock, Cost int64
	// First says that the class has no clock yet: it begins here.
	First bool
}

// ShareOf is the share that a job is to be queued by, the gate being so. The clock of a
// class begins with ours, behind all ranks of before there was one.
func ShareOf(g Gate, j Job, now time.Time) Share {
	top, _, _ := strings.Cut(j.Name.Dir, "/")
	s := Share{Class: j.Options.Priority.class(), Folder: top, Cost: max(1, int64(j.Audio.Seconds*1000))}
	clock, ok := g.Clock[s.Class]
	if !ok {
		clock = now.UnixMilli()
	}
	s.Clock, s.First = clock, !ok
	return s
}

// Start is where a job of a folder begins whose last one ends there: not before the
// clock, so that who has asked for nothing for a while has saved nothing up.
func (s Share) Start(finish int64) int64 { return max(s.Clock, finish) }

// Tick is the gate's clock when a job is sent.
func (g Gate) Tick(rank string) (class string, clock int64, ok bool) {
	class, start, ok := StartOf(rank)
	return class, max(start, g.Clock[class]), ok
}
