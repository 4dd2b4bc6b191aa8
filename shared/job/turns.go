package job

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

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
	s := Share{Class: j.Options.Priority.class(), Folder: topOf(j), Cost: costOf(j)}
	clock, ok := g.Clock[s.Class]
	if !ok {
		clock = now.UnixMilli()
	}
	s.Clock, s.First = clock, !ok
	return s
}

func topOf(j Job) string {
	top, _, _ := strings.Cut(j.Name.Dir, "/")
	return top
}

func costOf(j Job) int64 { return max(1, int64(j.Audio.Seconds*1000)) }

// Turn is what a job has taken of its folder's turns.
type Turn struct {
	Class, Folder string
	Stretch
}

// TurnBack is the turn that a job gives back when it leaves its place in the queue as it
// does between from and to; false when it had none, keeps it, or was sent in it.
func TurnBack(g Gate, from, to Job) (Turn, bool) {
	class, start, ok := StartOf(from.Rank)
	if !ok || from.State != Queued || !to.State.Final() && to.Rank == from.Rank {
		return Turn{}, false
	}
	if from.Posts > 0 && start <= g.Clock[class] {
		return Turn{}, false // the clock stands there, or further on, when it has been sent
	}
	return Turn{class, topOf(from), Stretch{start, start + costOf(from)}}, true
}

// Stretch is a part of a folder's virtual time, in virtual milliseconds; To is not in it.
type Stretch struct{ From, To int64 }

// maxFree bounds how many stretches a folder's record keeps, so that it stays a small
// one. Films that are taken back together lie side by side, and make one.
const maxFree = 16

// Turns are what a folder has taken, with films of one priority. The zero value has taken
// nothing. Neither method changes the receiver.
type Turns struct {
	// Finish is where the last of its films ends.
	Finish int64
	// Free is what was given back before that: in order, and no two touch.
	Free []Stretch
}

// Take is where the folder's next film begins, and what is taken then: in the first
// stretch that was given back and is long enough, else behind the last film; and never
// before the clock, so that who has asked for nothing for a while has saved nothing up.
func (t Turns) Take(s Share) (start int64, after Turns) {
	after = Turns{Finish: t.Finish}
	found := false
	for _, f := range t.Free {
		f.From = max(f.From, s.Clock)
		if !found && f.To-f.From >= s.Cost {
			found, start = true, f.From
			f.From += s.Cost
		}
		if f.From < f.To {
			after.Free = append(after.Free, f)
		}
	}
	if !found {
		start = max(s.Clock, t.Finish)
		after.Finish = start + s.Cost
	}
	return start, after
}

// Back is what is taken when a stretch was given back. One that ends behind the last film
// is none of these turns, and nothing changes.
func (t Turns) Back(b Stretch) Turns {
	if b.To > t.Finish || b.From >= b.To {
		return t
	}
	free := append(slices.Clone(t.Free), b)
	slices.SortFunc(free, func(a, b Stretch) int { return cmp.Compare(a.From, b.From) })
	joined := free[:1]
	for _, f := range free[1:] {
		if last := &joined[len(joined)-1]; f.From <= last.To {
			last.To = max(last.To, f.To)
		} else {
			joined = append(joined, f)
		}
	}
	if last := joined[len(joined)-1]; last.To == t.Finish {
		return Turns{Finish: last.From, Free: slices.Clip(joined[:len(joined)-1])}
	}
	if len(joined) > maxFree {
		// The shortest is lost: so much of its turns the folder goes without.
		shortest := slices.MinFunc(joined, func(a, b Stretch) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
		joined = slices.DeleteFunc(joined, func(f Stretch) bool { return f == shortest })
	}
	return Turns{Finish: t.Finish, Free: joined}
}
