package job_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// grid is the whole table of moves: a row per state a job leaves, a column per
// state it enters, in the order of States. x is legal.
const grid = `
            REC QUE SBG SBD RUN STO HEL | SUC CHE FAI REJ CAN EXP
NEW          x   .   .   .   .   .   .  |  .   .   .   x   .   .
RECEIVED     .   x   .   .   .   .   .  |  .   x   x   x   x   .
QUEUED       .   .   x   x   .   .   .  |  .   .   x   x   x   .
SUBMITTING   .   x   .   x   .   .   x  |  .   .   x   x   .   .
SUBMITTED    .   x   .   .   x   x   .  |  .   .   x   x   x   x
RUNNING      .   x   .   .   .   x   .  |  .   .   x   x   x   x
STORING      .   .   .   .   .   .   x  |  x   .   .   .   .   x
HELD         .   x   .   x   .   x   .  |  .   .   .   .   x   .
SUCCEEDED    x   .   .   .   .   .   .  |  .   .   .   .   .   .
CHECKED      x   .   .   .   .   .   .  |  .   .   .   .   .   .
FAILED       x   .   .   .   .   x   .  |  .   .   .   .   .   .
REJECTED     x   .   .   .   .   x   .  |  .   .   .   .   .   .
CANCELED     x   .   .   .   .   x   .  |  .   .   .   .   .   .
EXPIRED      x   .   .   .   .   x   .  |  .   .   .   .   .   .
`

// parseGrid reads the grid into the set of legal moves.
func parseGrid(t *testing.T) map[[2]job.State]bool {
	t.Helper()
	legal := map[[2]job.State]bool{}
	lines := strings.Split(strings.TrimSpace(grid), "\n")
	states := job.States()
	require.Len(t, lines, 2+len(states), "a head, NEW, and a row per state")
	for i, line := range lines[1:] {
		fields := strings.Fields(strings.ReplaceAll(line, "|", " "))
		require.Len(t, fields, 1+len(states), line)
		from := job.New
		if i > 0 {
			from = states[i-1]
			require.Equal(t, string(from), fields[0], "rows stand in the order of States")
		}
		for c, mark := range fields[1:] {
			require.Contains(t, []string{"x", "."}, mark, line)
			legal[[2]job.State{from, states[c]}] = mark == "x"
		}
	}
	return legal
}

func TestAMoveIsLegalExactlyWhenTheGridSaysSo(t *testing.T) {
	t.Parallel()
	legal := parseGrid(t)
	froms := append([]job.State{job.New}, job.States()...)
	for _, from := range froms {
		for _, to := range job.States() {
			require.Equal(t, legal[[2]job.State{from, to}], job.CanMove(from, to), "%q to %q", from, to)
		}
		require.False(t, job.CanMove(from, job.New), "%q: no job was never there", from)
	}
	require.False(t, job.CanMove("LOST", job.Queued), "a state nobody knows goes nowhere")
	require.False(t, job.CanMove(job.Queued, "LOST"))
}

func TestEveryRowOfTheTableIsAMoveWithAnActorAndAReason(t *testing.T) {
	t.Parallel()
	legal := parseGrid(t)
	seen := map[job.Move]bool{}
	for _, m := range job.Moves() {
		require.True(t, legal[[2]job.State{m.From, m.To}], "%+v is not in the grid", m)
		require.Contains(t, []job.Actor{job.Submit, job.Poll, job.Finalize, job.Operator}, m.By)
		require.NotEmpty(t, m.When)
		require.False(t, seen[m], "%+v stands twice", m)
		seen[m] = true
	}
}

func TestTheTableCannotBeChangedThroughItsCopy(t *testing.T) {
	t.Parallel()
	job.Moves()[0].To = job.Succeeded
	require.Equal(t, job.Received, job.Moves()[0].To)
}

func TestEveryOpenStateHasSomebodyWhoMovesItOn(t *testing.T) {
	t.Parallel()
	for _, s := range job.States() {
		if s.Final() {
			continue
		}
		var by []job.Move
		for _, m := range job.Moves() {
			if m.From == s && (s == job.Held || m.By != job.Operator) {
				by = append(by, m)
			}
		}
		require.NotEmpty(t, by, "nobody moves a job out of %s", s)
		for _, m := range by {
			require.Equal(t, s == job.Held, m.By == job.Operator, "%+v: HELD is a person's", m)
		}
	}
}

func TestAPersonTakesBackOnlyWhatIsNotBeingMade(t *testing.T) {
	t.Parallel()
	var from []job.State
	for _, m := range job.Moves() {
		if m.By == job.Operator && !m.From.Final() && m.From != job.Held {
			require.Equal(t, job.Canceled, m.To, "%+v: a person only ends what is under way", m)
			from = append(from, m.From)
		}
	}
	require.Equal(t, []job.State{job.Received, job.Queued, job.Submitted}, from)
}

func TestEveryJobCanComeToAnEndWithoutAPerson(t *testing.T) {
	t.Parallel()
	reach := func(start job.State, rows func(job.Move) bool) map[job.State]bool {
		seen, next := map[job.State]bool{}, []job.State{start}
		for len(next) > 0 {
			s := next[0]
			next = next[1:]
			for _, m := range job.Moves() {
				if m.From == s && !seen[m.To] && rows(m) {
					seen[m.To] = true
					next = append(next, m.To)
				}
			}
		}
		return seen
	}
	machine := func(m job.Move) bool { return m.By != job.Operator }
	for _, s := range job.States() {
		require.True(t, reach(job.New, machine)[s], "%s is never entered", s)
		if !s.Final() && s != job.Held {
			require.True(t, reach(s, machine)[job.Succeeded], "no film any more once %s", s)
		}
	}
}

func TestAFinalStateIsLeftOnlyByAPersonOrForAFilmThatCameAfterAll(t *testing.T) {
	t.Parallel()
	for _, m := range job.Moves() {
		if !m.From.Final() {
			continue
		}
		if m.To == job.Storing {
			require.Equal(t, job.Poll, m.By, "%+v", m)
			require.NotEqual(t, job.Succeeded, m.From, "it has its film: %+v", m)
			continue
		}
		require.Equal(t, job.Operator, m.By, "%+v", m)
		require.Equal(t, job.Received, m.To, "a retry starts from the beginning: %+v", m)
	}
	for _, s := range job.States() {
		if s.Final() {
			require.True(t, job.CanMove(s, job.Received), "a person may retry %s", s)
		}
	}
}

func TestOnlySubmitMayMakeAPaidTaskAndOnlyFromTheQueue(t *testing.T) {
	t.Parallel()
	for _, m := range job.Moves() {
		if m.To == job.Submitting {
			require.Equal(t, job.Queued, m.From)
			require.Equal(t, job.Submit, m.By)
		}
	}
}

func TestStatesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	slot := []job.State{job.Submitting, job.Submitted, job.Running}
	vendor := []job.State{job.Submitted, job.Running}
	final := []job.State{job.Succeeded, job.Checked, job.Failed, job.Rejected, job.Canceled, job.Expired}
	for _, s := range append(job.States(), job.New) {
		require.Equal(t, contains(slot, s), s.HoldsSlot(), s)
		require.Equal(t, contains(vendor, s), s.AtVendor(), s)
		require.Equal(t, contains(final, s), s.Final(), s)
		require.Equal(t, contains(final, s) || s == job.Held, s.Told(), s)
	}
}

func contains(in []job.State, s job.State) bool {
	for _, o := range in {
		if o == s {
			return true
		}
	}
	return false
}

func TestAMoveErrorNamesBothStates(t *testing.T) {
	t.Parallel()
	err := &job.MoveError{From: job.Queued, To: job.Succeeded}
	require.Contains(t, err.Error(), "QUEUED")
	require.Contains(t, err.Error(), "SUCCEEDED")
}
