package intake_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// lateJobs holds the first job's writing up until it is let go.
type lateJobs struct {
	*store.Store
	held    atomic.Bool
	reached chan struct{}
	goOn    chan struct{}
}

func (l *lateJobs) Create(ctx context.Context, j job.Job) (job.Job, error) {
	if l.held.CompareAndSwap(false, true) {
		close(l.reached)
		<-l.goOn
	}
	return l.Store.Create(ctx, j)
}

// hold has the portrait's job held up between its stem's word and itself, and a
// picture of its own come meanwhile.
func hold(t *testing.T, during func(w *world, letGo func())) *world {
	t.Helper()
	late := &lateJobs{reached: make(chan struct{}), goOn: make(chan struct{})}
	w := newWorld(t, func(c *intake.Config) {
		late.Store, c.Jobs = c.Jobs.(*store.Store), late
	})
	w.drop(portrait, picture(t, 400, 400, 1))
	w.files.put(annaWAV, recording(time.Second, 1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.created(annaWAV)
	}()
	<-late.reached
	w.files.put(annaPNG, picture(t, 400, 400, 2))
	during(w, sync.OnceFunc(func() {
		close(late.goOn)
		<-done
	}))
	return w
}

func requireOneFilmOfItsOwnPicture(t *testing.T, w *world) {
	t.Helper()
	for range 4 {
		time.Sleep(5 * time.Minute)
		w.due()
	}
	live := w.live()
	require.Len(t, live, 1)
	require.Equal(t, annaPNG, live[0].Image.Key)
	require.Equal(t, job.Queued, live[0].State)
}

func TestAJobThatIsBeingWrittenIsNotOvertaken(t *testing.T) {
	in(t, func(t *testing.T, _ *world) {
		w := hold(t, func(w *world, letGo func()) {
			// The job comes to be while the picture that is to replace it is read.
			w.files.onOpen = func(key string) {
				if key == annaPNG {
					letGo()
				}
			}
			w.created(annaPNG)
			w.files.onOpen = nil
			letGo()
		})
		requireOneFilmOfItsOwnPicture(t, w)
	})
}

func TestAJobWrittenLongAfterItsStemHasGoneOnIsTakenBack(t *testing.T) {
	in(t, func(t *testing.T, _ *world) {
		w := hold(t, func(w *world, letGo func()) {
			w.created(annaPNG)
			time.Sleep(time.Hour) // whoever was to write it was asleep
			w.due()
			letGo()
		})
		requireOneFilmOfItsOwnPicture(t, w)
	})
}
