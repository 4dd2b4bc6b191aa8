package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// errDead is what every call of an invocation that has been killed comes to.
var errDead = errors.New("killed")

// life is how many calls an invocation makes before it is killed.
type life struct {
	mu    sync.Mutex
	left  int
	after bool // killed after the call's effect, not before
	dead  bool
}

type lifeKey struct{}

// slow makes every call of a dependency take a while, and kills invocations.
type slow struct {
	*world
	mu  sync.Mutex
	rnd *rand.Rand
}

func (s *slow) draw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

func call[T any](ctx context.Context, s *slow, f func() (T, error)) (T, error) {
	var zero T
	time.Sleep(time.Duration(s.draw(400)) * time.Millisecond)
	l, _ := ctx.Value(lifeKey{}).(*life)
	if l == nil {
		return f()
	}
	l.mu.Lock()
	l.left--
	last := l.left == 0
	if l.dead || last && !l.after {
		l.dead = true
		l.mu.Unlock()
		return zero, errDead
	}
	l.mu.Unlock()
	v, err := f()
	if last {
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return zero, errDead
	}
	return v, err
}

func (s *slow) Head(ctx context.Context, key string) (job.Half, error) {
	return call(ctx, s, func() (job.Half, error) { return s.files.Head(ctx, key) })
}

func (s *slow) Open(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	return call(ctx, s, func() (io.ReadCloser, error) { return s.files.Open(ctx, key, etag) })
}

func (s *slow) List(ctx context.Context, folder, after string, limit int) ([]string, error) {
	return call(ctx, s, func() ([]string, error) { return s.files.List(ctx, folder, after, limit) })
}

func (s *slow) Stem(ctx context.Context, n job.Name) (job.Stem, error) {
	return call(ctx, s, func() (job.Stem, error) { return s.store.Stem(ctx, n) })
}

func (s *slow) PutStem(ctx context.Context, from, to job.Stem) (job.Stem, error) {
	return call(ctx, s, func() (job.Stem, error) { return s.store.PutStem(ctx, from, to) })
}

func (s *slow) Folder(ctx context.Context, dir string) (job.Folder, error) {
	return call(ctx, s, func() (job.Folder, error) { return s.store.Folder(ctx, dir) })
}

func (s *slow) PutFolder(ctx context.Context, from, to job.Folder) (job.Folder, error) {
	return call(ctx, s, func() (job.Folder, error) { return s.store.PutFolder(ctx, from, to) })
}

func (s *slow) Job(ctx context.Context, id string) (job.Job, error) {
	return call(ctx, s, func() (job.Job, error) { return s.store.Job(ctx, id) })
}

func (s *slow) Create(ctx context.Context, j job.Job) (job.Job, error) {
	return call(ctx, s, func() (job.Job, error) { return s.store.Create(ctx, j) })
}

func (s *slow) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	return call(ctx, s, func() (job.Job, error) { return s.store.Move(ctx, from, to) })
}

func (s *slow) MoveNamed(ctx context.Context, from, to job.Job, st job.Stem) (moved job.Job, held job.Stem, err error) {
	moved, err = call(ctx, s, func() (out job.Job, err error) {
		out, held, err = s.store.MoveNamed(ctx, from, to, st)
		return out, err
	})
	return moved, held, err
}

func (s *slow) AddNotice(ctx context.Context, m job.Message) (bool, error) {
	return call(ctx, s, func() (bool, error) { return s.store.AddNotice(ctx, m) })
}

func (s *slow) Prepare(ctx context.Context, id string) error {
	_, err := call(ctx, s, func() (any, error) { return nil, s.world.Prepare(ctx, id) })
	return err
}

func (s *slow) Place(ctx context.Context, j job.Job) (string, error) {
	return call(ctx, s, func() (string, error) { return s.world.Place(ctx, j) })
}

func (s *slow) Dispatch(ctx context.Context) error {
	_, err := call(ctx, s, func() (any, error) { return nil, s.dispatchAll(ctx) })
	return err
}

// dispatchAll sends what is queued, if its files are still what was checked.
func (s *slow) dispatchAll(ctx context.Context) error {
	ids, err := s.store.Queue(ctx, 100)
	if err != nil {
		return err
	}
	for _, id := range ids {
		j, err := s.store.Job(ctx, id)
		if err != nil {
			return err
		}
		next := j
		for _, in := range []job.Input{j.Image, j.Audio} {
			now, err := s.files.Head(ctx, in.Key)
			if errors.Is(err, job.ErrNotFound) {
				next.State, next.Fault = job.Rejected, &job.Fault{Code: job.CodeFileGone, File: in.Key}
			} else if now.ETag != in.ETag {
				next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced, File: in.Key}
			}
		}
		if next.State == job.Queued {
			err = s.send(ctx, id)
		} else {
			_, err = s.store.Move(ctx, j, next)
		}
		if err != nil && !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return nil
}

// arrival is one file, when it is put and under which ETag.
type arrival struct {
	key, etag string
	body      []byte
	at        time.Duration
}

// arrive runs one schedule: files come, their events come late, doubled and out of
// order to many invocations at once, some of which are killed at any call, and poll
// hands over what is due. In the end the sweep says every key once more, and what
// is left is driven to its end.
func arrive(t *testing.T, rnd *rand.Rand, kills bool, all []arrival) *slow {
	s := &slow{rnd: rnd}
	s.world = newWorld(t, func(c *intake.Config) {
		c.Inbox, c.HandIns, c.Jobs, c.Next = s, s, s, s
	})
	invoke := func(event []byte, mayDie bool) {
		ctx := context.Background()
		if mayDie && s.draw(3) == 0 {
			ctx = context.WithValue(ctx, lifeKey{}, &life{left: 1 + s.draw(40), after: s.draw(2) == 0})
		}
		_, err := s.h.Handle(ctx, event)
		if err != nil && !errors.Is(err, errDead) && !errors.Is(err, job.ErrConflict) {
			t.Errorf("an invocation failed: %v", err)
		}
	}
	var wg sync.WaitGroup
	for _, a := range all {
		wg.Go(func() {
			time.Sleep(a.at)
			s.files.putAs(a.key, a.body, a.etag)
			for range 1 + s.draw(3) {
				wg.Go(func() {
					if s.draw(2) == 0 {
						time.Sleep(time.Duration(s.draw(30_000)) * time.Millisecond)
					}
					invoke(eventOf(t, a.key), kills)
				})
			}
		})
	}
	poll := func(d time.Duration, mayDie bool) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(15 * time.Second) {
			work := s.overdue()
			wg.Go(s.tellDue)
			queue, err := s.store.Queue(context.Background(), 1)
			require.NoError(t, err)
			if !work.Empty() || len(queue) > 0 {
				event, err := json.Marshal(work)
				require.NoError(t, err)
				wg.Go(func() { invoke(event, mayDie) })
			}
		}
	}
	poll(4*time.Minute, kills)
	for _, a := range all {
		wg.Go(func() { invoke(eventOf(t, a.key), false) })
	}
	poll(15*time.Minute, false)
	wg.Wait()
	return s
}

// tellDue sends the messages whose writer died before it could.
func (s *slow) tellDue() {
	due, _ := s.store.Due(context.Background(), time.Now(), 1000)
	for _, d := range due {
		if d.Kind == job.DueMessage {
			_ = s.Tell(context.Background(), d.ID)
		}
	}
}

// sent are the jobs that were ever sent: each is a film to be paid for.
func sent(w *world) (out []job.Job) {
	for _, j := range w.all() {
		if j.Posts > 0 {
			out = append(out, j)
		}
	}
	return out
}

// seeds runs f in a bubble of its own for many seeds, under the race detector for a fifth
// of them. EMODROP_SEED replays one, EMODROP_SEEDS runs so many.
func seeds(t *testing.T, n int, f func(t *testing.T, rnd *rand.Rand)) {
	t.Parallel()
	first, n := 0, race.Amount(n, n/5)
	if s := os.Getenv("EMODROP_SEEDS"); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	if s := os.Getenv("EMODROP_SEED"); s != "" {
		var err error
		first, err = strconv.Atoi(s)
		require.NoError(t, err)
		n = 1
	}
	for seed := first; seed < first+n; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, rand.New(rand.NewPCG(uint64(seed), 7))) })
		})
	}
}

func between(rnd *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(rnd.Int64N(int64(d)))
}

func TestFilesThatComeTogetherMakeTheSameOneFilmInAnyOrder(t *testing.T) {
	shared, own, voice := picture(t, 400, 400, 1), picture(t, 400, 400, 2), recording(10*time.Millisecond, 1)
	for _, kills := range []bool{false, true} {
		t.Run(fmt.Sprintf("kills=%t", kills), func(t *testing.T) {
			seeds(t, 20, func(t *testing.T, rnd *rand.Rand) {
				all := []arrival{
					{portrait, "p", shared, between(rnd, settle)},
					{annaWAV, "r", voice, between(rnd, settle)},
					{annaPNG, "o", own, between(rnd, settle)},
				}
				w := arrive(t, rnd, kills, all)
				films := sent(w.world)
				require.Len(t, films, 1)
				require.Equal(t, annaPNG, films[0].Image.Key, "its own picture, whatever came first")
				require.Equal(t, w.stem(anna).Job, films[0].ID)
				require.Len(t, w.live(), 1, "nothing else is left over")
				require.Empty(t, w.overdue().Stems)
				require.Empty(t, w.overdue().Jobs)
				require.NotContains(t, w.codes(), job.CodeTooLate)
			})
		})
	}
}

func TestARecordingIsNeverPaidTwiceHoweverFarApartItsPicturesCome(t *testing.T) {
	shared, own, voice := picture(t, 400, 400, 1), picture(t, 400, 400, 2), recording(10*time.Millisecond, 1)
	another := picture(t, 400, 400, 3)
	for _, kills := range []bool{false, true} {
		t.Run(fmt.Sprintf("kills=%t", kills), func(t *testing.T) {
			seeds(t, 25, func(t *testing.T, rnd *rand.Rand) {
				all := []arrival{
					{portrait, "p1", shared, between(rnd, time.Minute)},
					{portrait, "p2", another, between(rnd, time.Minute)},
					{annaWAV, "r1", voice, between(rnd, time.Minute)},
					{annaWAV, "r2", voice, between(rnd, 2*time.Minute)},
					{annaPNG, "o", own, between(rnd, 90*time.Second)},
				}
				w := arrive(t, rnd, kills, all)
				films := sent(w.world)
				require.Len(t, films, 1)
				require.Equal(t, w.stem(anna).Job, films[0].ID)
				require.Len(t, w.live(), 1, "nothing else is left over")
				require.Empty(t, w.overdue().Stems)
				require.Empty(t, w.overdue().Jobs)
				if films[0].Image.Key == portrait {
					require.Contains(t, w.codes(), job.CodeTooLate, "whoever uploaded the picture hears why it is not in the film")
				}
			})
		})
	}
}
