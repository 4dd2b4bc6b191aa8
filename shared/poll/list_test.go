package poll_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/words"
)

// wall is a board in memory. The zero value is empty.
type wall struct {
	mu          sync.Mutex
	index       words.Index
	rev         int // of the index; 0: there is none
	reads, puts int
	shown       map[string]int // by job
	expected    map[string]job.Outlook
	broken      error
}

func (w *wall) Show(_ context.Context, id string, o job.Outlook) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	if w.shown == nil {
		w.shown, w.expected = map[string]int{}, map[string]job.Outlook{}
	}
	w.shown[id]++
	w.expected[id] = o
	return nil
}

func (w *wall) version() string {
	if w.rev == 0 {
		return ""
	}
	return strconv.Itoa(w.rev)
}

func (w *wall) Index(context.Context) (words.Index, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads++
	return w.index, w.version(), w.broken
}

func (w *wall) PutIndex(_ context.Context, x words.Index, over string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.broken != nil:
		return "", w.broken
	case over != w.version():
		return "", job.ErrConflict
	}
	w.index = x
	w.rev++
	w.puts++
	return w.version(), nil
}

// take is what was shown since it was last taken.
func (w *wall) take() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	shown := w.shown
	w.shown, w.expected = nil, nil
	return shown
}

func (w *wall) names() (all []string) {
	for _, l := range w.index.Jobs {
		all = append(all, l.Job)
	}
	return all
}

// ticker runs ticks of one process.
func (r *rig) ticker() func() {
	s := r.step()
	return func() {
		ctx, cancel := context.WithTimeout(r.t.Context(), 14*time.Second)
		defer cancel()
		require.NoError(r.t, s.Run(ctx))
		time.Sleep(time.Minute)
	}
}

func TestWhatIsUnderWayIsListedAndShownOnceForEachChange(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		tick := r.ticker()
		a, b := r.queued("a"), r.queued("b")
		tick()
		require.Equal(t, []string{a.ID, b.ID}, r.board.names())
		require.Equal(t, map[job.State]int{job.Queued: 2}, r.board.index.Open)
		require.Equal(t, 2, r.board.index.Jobs[1].Place)
		require.NotNil(t, r.board.index.Jobs[1].Expected)
		require.Equal(t, r.board.index.Jobs[1].Expected, r.board.index.Finish)
		require.Equal(t, 2, r.board.expected[b.ID].Place)
		require.True(t, r.board.index.Sending.Open)
		require.Equal(t, map[string]int{a.ID: 1, b.ID: 1}, r.board.take())

		before := r.board.puts
		tick()
		require.Empty(t, r.board.take(), "nothing has changed")
		require.Equal(t, before, r.board.puts)
		require.Equal(t, 1, r.board.reads, "one process reads it once")

		gone := a
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		_, err := r.s.Move(t.Context(), a, gone)
		require.NoError(t, err)
		tick()
		require.Equal(t, []string{b.ID}, r.board.names())
		require.Equal(t, map[string]int{a.ID: 1}, r.board.take(), "its end is shown, once")
		require.Equal(t, 1, r.board.index.Jobs[0].Place)

		gone = b
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		_, err = r.s.Move(t.Context(), b, gone)
		require.NoError(t, err)
		tick()
		require.Empty(t, r.board.names())
		require.Empty(t, r.board.index.Open)
		require.Nil(t, r.board.index.Finish)
		puts := r.board.puts
		tick()
		require.Equal(t, puts, r.board.puts)
	})
}

func TestATickWithNothingUnderWayWritesNoStatus(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		tick := r.ticker()
		for range 5 {
			tick()
		}
		require.Zero(t, r.board.puts)
		require.Equal(t, 1, r.board.reads)
	})
}

func TestWhatDiedBeforeTheListWasWrittenIsShownAgain(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		a := r.queued("a")
		require.NoError(t, r.tick())
		require.Equal(t, map[string]int{a.ID: 1}, r.board.take())
		r.board.index.Jobs = nil // as if it had died in between
		time.Sleep(time.Minute)
		require.NoError(t, r.tick())
		require.Equal(t, map[string]int{a.ID: 1}, r.board.take())
		require.Equal(t, []string{a.ID}, r.board.names())
	})
}

func TestABoardThatIsDownHoldsUpNothingAndIsMadeUpForLater(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		tick := r.ticker()
		a := r.queued("a")
		r.board.broken = errors.New("down")
		tick()
		require.NotEmpty(t, r.work, "what waits is offered all the same")
		r.board.broken = nil
		tick()
		require.Equal(t, []string{a.ID}, r.board.names())
		r.board.rev++ // somebody else has written it
		r.queued("b")
		tick()
		tick()
		require.Len(t, r.board.names(), 2)
	})
}

func TestAClosedGateIsToldWithItsReasonAndNobodyPromisesAnything(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		tick := r.ticker()
		r.queued("a")
		_, err := r.s.CloseGate(t.Context(), job.Closure{Code: job.CodePaused, Since: time.Now(), ByHand: true, Detail: "not for everybody"}, time.Time{})
		require.NoError(t, err)
		tick()
		x := r.board.index
		require.False(t, x.Sending.Open)
		require.Equal(t, job.CodePaused, x.Sending.Code)
		require.NotEmpty(t, x.Sending.Text[words.Chinese].What)
		require.NotContains(t, string(x.Encode()), "not for everybody")
		require.Nil(t, x.Finish)
		require.Nil(t, x.Jobs[0].Expected)
		require.Equal(t, 1, x.Jobs[0].Place)
		require.NoError(t, r.s.OpenGate(t.Context()))
		tick()
		require.True(t, r.board.index.Sending.Open)
	})
}

func TestALongQueueIsListedInPartAndReadOnce(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		for n := range 1100 {
			r.queued(fmt.Sprintf("j%04d", n))
		}
		tick := r.ticker()
		tick()
		require.Len(t, r.board.index.Jobs, 1000)
		require.Equal(t, map[job.State]int{job.Queued: 1000}, r.board.index.Open)
		require.True(t, r.board.index.More, "and nobody has counted how many")
		require.Nil(t, r.board.index.Finish, "nor can anybody tell when all are done")
		r.reads = nil
		tick()
		reads := 0
		for _, what := range r.reads {
			if what == "Job" {
				reads++
			}
		}
		require.Zero(t, reads, "what waits, and was listed so, is not read again")
	})
}

func TestWhoIsPushedOutOfTheListIsReadOnceAndListedWhenItComesNearer(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, r *rig) {
		for n := range 1000 {
			r.queued(fmt.Sprintf("j%04d", n))
		}
		tick := r.ticker()
		tick()
		require.Contains(t, r.board.names(), "j0999")
		r.board.take()
		first := r.to(r.queued("first"), job.Queued, func(j *job.Job) { j.Rank = job.Rank(job.First, 0, j.ID) })
		read := func() (jobs int) {
			r.reads = nil
			tick()
			for _, what := range r.reads {
				if what == "Job" {
					jobs++
				}
			}
			return jobs
		}
		require.Equal(t, 2, read(), "who came, and who went")
		require.Equal(t, "first", r.board.names()[0])
		require.NotContains(t, r.board.names(), "j0999")
		require.Len(t, r.board.names(), 1000)
		require.Zero(t, read(), "it is not read again")
		gone := first
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		_, err := r.s.Move(t.Context(), first, gone)
		require.NoError(t, err)
		tick()
		require.Contains(t, r.board.names(), "j0999")
	})
}

func TestAProcessThatHasSatOutATickDoesNotTrustWhatItKnewOfTheList(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		first, second := r.ticker(), r.ticker() // two processes
		first()                                 // which knows the list to be empty
		a := r.queued("a")
		second() // lists it, and dies
		gone := a
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		_, err := r.s.Move(t.Context(), a, gone)
		require.NoError(t, err)
		require.Equal(t, []string{"a"}, r.board.names())
		first()
		require.Empty(t, r.board.names())
	})
}

func TestWhatNeedsAPersonStaysListed(t *testing.T) {
	in(t, func(t *testing.T, r *rig) {
		tick := r.ticker()
		j := r.posting("a")
		r.queued("b")
		tick()
		held := j
		held.State, held.Fault = job.Held, &job.Fault{Code: job.CodeAmbiguous}
		_, err := r.s.Move(t.Context(), j, held)
		require.NoError(t, err)
		r.board.take()
		for range 3 {
			tick()
		}
		require.Contains(t, r.board.names(), j.ID)
		require.Equal(t, 1, r.board.index.Open[job.Held])
		require.Equal(t, map[string]int{j.ID: 1}, r.board.take())
	})
}

var _ poll.Board = (*wall)(nil)
