package poll_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"golang.org/x/time/rate"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/poll"
	"emodrop/shared/store"
)

// rig is a step over the memory store and scripted neighbours.
type rig struct {
	t      *testing.T
	s      *store.Store
	vendor *vendor
	inbox  *inbox
	board  wall

	mu      sync.Mutex
	reads   []string // of the store, by name
	work    []job.Work
	films   []string // jobs handed to finalize
	lost    bool     // what is handed to submit never arrives
	known   map[string]bool
	removed []string
	told    []string
	broken  map[string]error // what fails, by name
	change  func(*poll.Config)

	reported []string        // manifests
	left     map[string]bool // those with rows that nobody has taken in
}

// in runs a test in a bubble of its own.
func in(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, s: store.NewMemory(0), vendor: &vendor{}, inbox: &inbox{}, broken: map[string]error{}, known: map[string]bool{}}
		f(t, r)
	})
}

func (r *rig) config() poll.Config {
	db := &counted{Store: r.s, r: r}
	c := poll.Config{Vendor: r.vendor, Jobs: db, Agenda: db, Leases: db, Gate: db, Slots: db, Strays: db, Functions: r, Staging: r, Inbox: r.inbox,
		Register: r, Sweeps: db, Manifests: r, Tell: r, Board: &r.board, Profile: job.EMO(), MaxInFlight: 3, Log: slog.New(slog.DiscardHandler)}
	if r.change != nil {
		r.change(&c)
	}
	return c
}

func (r *rig) step() *poll.Step {
	s, err := poll.New(r.config())
	require.NoError(r.t, err)
	return s
}

// tick runs one tick that has no time for a second batch.
func (r *rig) tick() error {
	ctx, cancel := context.WithTimeout(r.t.Context(), 14*time.Second)
	defer cancel()
	return r.step().Run(ctx)
}

// count notes what the step does; an error is what it is to fail with.
func (r *rig) count(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads = append(r.reads, what)
	return r.broken[what]
}

func (r *rig) Tell(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, id)
	return nil
}

// Report notes that a manifest's time had come.
func (r *rig) Report(_ context.Context, id string) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reported = append(r.reported, id)
	return r.left[id], r.broken["Report"]
}

func (r *rig) Submit(_ context.Context, w job.Work) error {
	if err := r.count("submit"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work = append(r.work, w)
	for _, key := range w.Keys {
		r.known[key] = !r.lost
	}
	return nil
}

func (r *rig) Knows(_ context.Context, o job.Half) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known[o.Key], r.broken["Knows"]
}

func (r *rig) Finalize(_ context.Context, id string) error {
	if err := r.count("finalize"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.films = append(r.films, id)
	return nil
}

func (r *rig) Remove(_ context.Context, keys ...string) error {
	if err := r.count("remove"); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removed = append(r.removed, keys...)
	return nil
}

// counted is the store with its calls counted.
type counted struct {
	*store.Store
	r *rig
}

func (c *counted) Job(ctx context.Context, id string) (job.Job, error) {
	_ = c.r.count("Job")
	return c.Store.Job(ctx, id)
}

func (c *counted) Owner(ctx context.Context, taskID string) (string, error) {
	if err := c.r.count("Owner"); err != nil {
		return "", err
	}
	return c.Store.Owner(ctx, taskID)
}

func (c *counted) Stray(ctx context.Context, id string) (job.Stray, error) {
	if err := c.r.count("Stray"); err != nil {
		return job.Stray{}, err
	}
	return c.Store.Stray(ctx, id)
}

func (c *counted) DropStray(ctx context.Context, s job.Stray) error {
	if err := c.r.count("DropStray"); err != nil {
		return err
	}
	return c.Store.DropStray(ctx, s)
}

func (c *counted) Orphan(ctx context.Context, s job.Stray, j job.Job, cost job.Money) (job.Message, error) {
	if err := c.r.count("Orphan"); err != nil {
		return job.Message{}, err
	}
	return c.Store.Orphan(ctx, s, j, cost)
}

func (c *counted) PutSweep(ctx context.Context, from, to job.Sweep) (job.Sweep, error) {
	if err := c.r.count("PutSweep"); err != nil {
		return job.Sweep{}, err
	}
	return c.Store.PutSweep(ctx, from, to)
}

func (c *counted) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	if err := c.r.count("Move"); err != nil {
		return job.Job{}, err
	}
	return c.Store.Move(ctx, from, to)
}

func (c *counted) Due(ctx context.Context, upTo time.Time, limit int) ([]job.Due, error) {
	_ = c.r.count("Due")
	return c.Store.Due(ctx, upTo, limit)
}

func (c *counted) Queue(ctx context.Context, limit int) ([]string, error) {
	_ = c.r.count("Queue")
	return c.Store.Queue(ctx, limit)
}

func (c *counted) Gate(ctx context.Context) (job.Gate, error) {
	_ = c.r.count("Gate")
	return c.Store.Gate(ctx)
}

func (c *counted) Lease(ctx context.Context, name, owner string, until time.Time) error {
	if err := c.r.count("Lease"); err != nil {
		return err
	}
	return c.Store.Lease(ctx, name, owner, until)
}

func (c *counted) LeaseAfter(ctx context.Context, name, last, owner string, until time.Time) error {
	if err := c.r.count("Lease"); err != nil {
		return err
	}
	return c.Store.LeaseAfter(ctx, name, last, owner, until)
}

func (c *counted) Held(ctx context.Context, limit int) ([]string, error) {
	_ = c.r.count("Held")
	return c.Store.Held(ctx, limit)
}

// inbox is a bucket with nothing in it but what a test puts there.
type inbox struct{ objects []job.Half }

func (b *inbox) Page(_ context.Context, after string, limit int) ([]job.Half, error) {
	var page []job.Half
	for _, o := range b.objects {
		if o.Key > after && len(page) < limit {
			page = append(page, o)
		}
	}
	return page, nil
}

// vendor answers as it is told.
type vendor struct {
	mu    sync.Mutex
	task  func(id string) (job.Answer, error)
	rows  []job.Listed
	page  func(q job.ListQuery) (job.ListPage, error)
	asked []string
	lists int
	// canceled are the tasks that were to be taken back.
	canceled []string
	// pace spaces the calls, as the client does; nil: not at all.
	pace *rate.Limiter
}

func (v *vendor) wait(ctx context.Context) error {
	if v.pace == nil {
		return nil
	}
	return v.pace.Wait(ctx)
}

func (v *vendor) Task(ctx context.Context, _, id string) (job.Answer, error) {
	if err := v.wait(ctx); err != nil {
		return job.Answer{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, id)
	if v.task == nil {
		return job.Answer{TaskID: id, Status: job.TaskPending}, nil
	}
	return v.task(id)
}

func (v *vendor) CancelAt(_ context.Context, _, id string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.canceled = append(v.canceled, id)
	return nil
}

func (v *vendor) List(ctx context.Context, q job.ListQuery) (job.ListPage, error) {
	if err := v.wait(ctx); err != nil {
		return job.ListPage{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lists++
	if v.page != nil {
		return v.page(q)
	}
	rows := slices.Clone(v.rows)
	slices.SortStableFunc(rows, func(a, b job.Listed) int { return b.Created.Compare(a.Created) })
	p := job.ListPage{Page: 1, Pages: 1}
	for _, t := range rows {
		if !t.Created.Before(q.From) && !t.Created.After(q.To) && cmp.Or(q.Model, t.Model) == t.Model {
			p.Tasks = append(p.Tasks, t)
		}
	}
	return p, nil
}

func (v *vendor) says(status job.TaskStatus, change ...func(*job.Answer)) {
	v.task = func(id string) (job.Answer, error) {
		a := job.Answer{TaskID: id, Status: status}
		for _, f := range change {
			f(&a)
		}
		return a, nil
	}
}

// listed adds a task to the vendor's list, made by that key so long after now.
func (v *vendor) listed(id, key string, in time.Duration) {
	v.rows = append(v.rows, job.Listed{TaskID: id, KeyID: key, Model: "emo-v1", Status: job.TaskPending, Created: time.Now().Add(in)})
}

// said is an error of the vendor.
type said job.Verdict

func (s said) Error() string        { return "vendor: " + string(s.Outcome) }
func (s said) Verdict() job.Verdict { return job.Verdict(s) }

var errAWS = errors.New("aws: throttled")

// queued puts a job of ten seconds into the queue.
func (r *rig) queued(id string) job.Job {
	now := time.Now().UTC().Truncate(time.Millisecond)
	j, err := r.s.Create(r.t.Context(), job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: now, Due: now.Add(time.Minute),
		Ratio: job.Square, Audio: job.Input{Seconds: 10}, Quoted: job.EMO().Price(job.Square, 10)})
	require.NoError(r.t, err)
	return r.to(j, job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, job.Rank("", now.UnixMilli(), id) })
}

// posting has a create call begin and leaves it there.
func (r *rig) posting(id string) job.Job {
	now := time.Now().UTC()
	j, err := r.s.Admit(r.t.Context(), r.queued(id), job.Admission{Gate: r.theGate(), Limit: 99, Intent: job.Intent{
		At: now, VendorAt: now.Truncate(time.Second), Until: now.Add(90 * time.Second), BaseURL: "https://vendor.test", Model: "emo-v1",
		StagedImage: "staging/" + id + "/image", StagedAudio: "staging/" + id + "/audio"}})
	require.NoError(r.t, err)
	return j
}

// submitted has a task at the vendor whose create call was answered so long ago that it
// is to be looked at.
func (r *rig) submitted(id string) job.Job { return r.recorded(id, time.Now().Add(-15*time.Second)) }

// fresh has a task at the vendor whose create call was answered just now.
func (r *rig) fresh(id string) job.Job { return r.recorded(id, time.Now()) }

func (r *rig) recorded(id string, at time.Time) job.Job {
	at = at.UTC().Truncate(time.Millisecond)
	return r.to(r.posting(id), job.Submitted, func(j *job.Job) {
		j.Due, j.Task = at, &job.Task{ID: "task-" + id, BaseURL: "https://vendor.test", Status: job.TaskPending, Submitted: at, Created: at}
	})
}

func (r *rig) to(j job.Job, st job.State, change func(*job.Job)) job.Job {
	next := j
	next.State = st
	change(&next)
	moved, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
	return moved
}

func (r *rig) job(id string) job.Job {
	j, err := r.s.Job(r.t.Context(), id)
	require.NoError(r.t, err)
	return j
}

func (r *rig) theGate() job.Gate {
	g, err := r.s.Gate(r.t.Context())
	require.NoError(r.t, err)
	return g
}

// until ticks every quarter of a minute until the job is in one of the states, and
// says how long that took.
func (r *rig) until(id string, atMost time.Duration, states ...job.State) time.Duration {
	began := time.Now()
	for !slices.Contains(states, r.job(id).State) {
		require.LessOrEqual(r.t, time.Since(began), atMost, fmt.Sprintf("%s is %s", id, r.job(id).State))
		require.NoError(r.t, r.tick())
		time.Sleep(15 * time.Second)
	}
	return time.Since(began)
}
