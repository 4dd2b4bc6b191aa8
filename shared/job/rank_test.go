package job_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// line is a queue that is served by its ranks.
type line struct {
	gate  job.Gate
	turns map[string]job.Turns
	ranks []string
	now   time.Time
	n     int
}

func newLine() *line {
	return &line{turns: map[string]job.Turns{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

// put queues films of a folder.
func (l *line) put(folder string, films int, seconds float64, p job.Priority) {
	for range films {
		l.n++
		j := job.Job{ID: fmt.Sprintf("%s %05d", folder, l.n), Name: job.Name{Dir: folder + "/sub"}, Audio: job.Input{Seconds: seconds}, Options: job.Options{Priority: p}}
		s := job.ShareOf(l.gate, j, l.now)
		if s.First {
			if l.gate.Clock == nil {
				l.gate.Clock = map[string]int64{}
			}
			l.gate.Clock[s.Class] = s.Clock
		}
		start, after := l.turns[s.Class+s.Folder].Take(s)
		l.turns[s.Class+s.Folder] = after
		l.ranks = append(l.ranks, job.Rank(p, start, j.ID))
	}
	slices.Sort(l.ranks)
}

// send sends the first films and says of which folders they are.
func (l *line) send(films int) (folders []string) {
	for range films {
		rank := l.ranks[0]
		l.ranks = l.ranks[1:]
		class, clock, ok := l.gate.Tick(rank)
		if ok {
			l.gate.Clock[class] = clock
		}
		l.now = l.now.Add(2 * time.Minute)
		folders = append(folders, rank[16:17])
	}
	return folders
}

func TestAFolderWithThousandsOfFilmsDelaysAnotherByOneOfEach(t *testing.T) {
	t.Parallel()
	for _, sent := range []int{0, 1, 700} {
		l := newLine()
		l.put("A", 5000, 15, "")
		l.send(sent)
		l.put("B", 1, 60, "")
		require.Contains(t, l.send(2), "B", "after %d", sent)
	}
	l := newLine()
	for _, folder := range []string{"A", "B", "C", "D"} {
		l.put(folder, 1000, 15, "")
	}
	l.send(555)
	l.put("E", 1, 15, "")
	require.Contains(t, l.send(5), "E", "one of each of the others at most")
}

func TestFoldersTakeTurnsBySecondsOfFilm(t *testing.T) {
	t.Parallel()
	l := newLine()
	l.put("A", 100, 10, "")
	l.put("B", 100, 30, "")
	count := map[string]int{}
	for _, f := range l.send(80) {
		count[f]++
	}
	require.InDelta(t, 60, count["A"], 1)
	require.InDelta(t, 20, count["B"], 1)
}

func TestWhoHasAskedForNothingHasSavedNothingUp(t *testing.T) {
	t.Parallel()
	l := newLine()
	l.put("B", 1, 15, "")
	l.send(1)
	l.put("A", 500, 15, "")
	l.send(100) // B is idle for hours
	l.put("B", 100, 15, "")
	count := map[string]int{}
	for _, f := range l.send(40) {
		count[f]++
	}
	require.InDelta(t, 20, count["A"], 1)
}

func TestEachPriorityHasAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	l := newLine()
	l.put("A", 300, 60, job.First)
	l.put("B", 100, 15, "")
	require.NotContains(t, l.send(300), "B", "high goes before all that wait")
	l.put("C", 1, 15, "")
	require.Contains(t, l.send(2), "C", "and does not make the ordinary queue older than it is")
	l.put("D", 1, 15, job.Later)
	require.NotContains(t, l.send(99), "D")
	require.Equal(t, []string{"D"}, l.send(1))
}

func TestRanksOfBeforeThereWasFairShareComeFirstInTheirOrder(t *testing.T) {
	t.Parallel()
	l := newLine()
	for n := range 3 {
		l.ranks = append(l.ranks, job.Rank("", l.now.Add(time.Duration(n-10)*time.Minute).UnixMilli(), fmt.Sprintf("%d", n)))
	}
	l.put("A", 2, 15, "")
	require.Equal(t, []string{"0", "1", "2", "A", "A"}, l.send(5))
}

func TestARankSaysItsParts(t *testing.T) {
	t.Parallel()
	class, start, ok := job.StartOf(job.Rank(job.Later, 42, "a-b"))
	require.True(t, ok)
	require.Equal(t, "7", class)
	require.Equal(t, int64(42), start)
	for _, no := range []string{"", "5", "5-1", "5-x-id"} {
		_, _, ok := job.StartOf(no)
		require.False(t, ok, no)
	}
	s := job.ShareOf(job.Gate{Clock: map[string]int64{"5": 7}}, job.Job{Name: job.Name{Dir: "课程/一"}, Audio: job.Input{Seconds: 1.5}}, time.Now())
	require.Equal(t, job.Share{Class: "5", Folder: "课程", Clock: 7, Cost: 1500}, s)
	require.Equal(t, int64(1), job.ShareOf(job.Gate{}, job.Job{}, time.Now()).Cost, "no film is for nothing")
}
