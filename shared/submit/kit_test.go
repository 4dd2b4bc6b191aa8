package submit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/store"
	"emodrop/shared/submit"
)

// rig is a step over the memory store and scripted neighbours.
type rig struct {
	t      *testing.T
	s      *store.Store
	vendor *vendor
	files  *files
	told   []string
	shown  []string // jobs
	jobs   submit.Jobs
	gate   submit.Gate
	faces  submit.Faces
	change func(*submit.Config)

	mu   sync.Mutex // guards shown
	dark error      // of the board
}

// in runs a test in a bubble of its own.
func in(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, s: store.NewMemory(0), vendor: &vendor{}, files: &files{life: time.Hour}}
		r.jobs, r.gate, r.faces = r.s, r.s, r.s
		f(t, r)
	})
}

func (r *rig) config() submit.Config {
	c := submit.Config{Vendor: r.vendor, Jobs: r.jobs, Gate: r.gate, Faces: r.faces, Shares: r.s, Staging: r.files, Inbox: r.files, Tell: r, Board: r, Profile: job.EMO(),
		MaxInFlight: 3, Style: job.Normal, Ratio: job.Square, Log: slog.New(slog.DiscardHandler)}
	if r.change != nil {
		r.change(&c)
	}
	return c
}

func (r *rig) step() *submit.Step {
	s, err := submit.New(r.config())
	require.NoError(r.t, err)
	return s
}

func (r *rig) Tell(_ context.Context, id string) error {
	r.told = append(r.told, id)
	return nil
}

func (r *rig) Show(_ context.Context, id string, _ job.Outlook) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = append(r.shown, id)
	return r.dark
}

// received puts a job at its beginning.
func (r *rig) received(id string) job.Job {
	now := time.Now().UTC().Truncate(time.Millisecond)
	j, err := r.s.Create(r.t.Context(), job.Job{ID: id, State: job.Received, Name: job.Name{Stem: id}, Received: now, Due: now.Add(time.Minute),
		Image: job.Input{Key: id + ".png", ETag: "e1", SHA256: "sha-" + id, Format: "png", Width: 480, Height: 640},
		Audio: job.Input{Key: id + ".wav", ETag: "e2", SHA256: "snd-" + id, Format: "wav", Seconds: 10}})
	require.NoError(r.t, err)
	return j
}

// queued puts a job into the queue.
func (r *rig) queued(id string) job.Job {
	j := r.received(id)
	next := j
	next.State, next.Due, next.Rank = job.Queued, time.Time{}, job.Rank("", j.Received.UnixMilli(), id)
	next.Face, next.Style, next.Ratio = job.Face{Pass: true}, job.Normal, job.Square
	j, err := r.s.Move(r.t.Context(), j, next)
	require.NoError(r.t, err)
	return j
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

// vendor answers as it is told; a call that was not provided for is counted all the
// same, so that a test can demand that there was none.
type vendor struct {
	mu      sync.Mutex // guards the counts
	detect  func(ctx context.Context) (job.Face, error)
	create  func(ctx context.Context, r job.CreateRequest) (job.Created, error)
	clock   func(ctx context.Context) (time.Time, error)
	detects int
	creates []job.CreateRequest
	clocks  int
	// cut: it cannot fetch anything from S3.
	cut    bool
	looked []job.DetectRequest
	upload error
	// slow is how long an upload takes, by its name.
	slow    func(name string) time.Duration
	uploads []string
}

func (v *vendor) BaseURL() string { return "https://vendor.test/api/v1" }

func (v *vendor) Detect(ctx context.Context, r job.DetectRequest) (job.Face, error) {
	v.mu.Lock()
	v.detects++
	v.looked = append(v.looked, r)
	v.mu.Unlock()
	if v.cut && strings.HasPrefix(r.ImageURL.Reveal(), "https:") {
		return job.Face{}, said{Outcome: job.OtherTransport, Status: 400, Code: "InvalidURL.Timeout"}
	}
	if v.detect == nil {
		return job.Face{Pass: true, Box: job.Box{1, 1, 2, 2}, Ext: job.Box{0, 0, 3, 3}}, nil
	}
	return v.detect(ctx)
}

// Upload reads the file to its end, as the real one does.
func (v *vendor) Upload(ctx context.Context, model, name, contentType string, size int64, body io.Reader) (string, error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	if v.slow != nil {
		select {
		case <-ctx.Done():
			return "", said{Outcome: job.Unknown}
		case <-time.After(v.slow(name)):
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.uploads = append(v.uploads, fmt.Sprintf("%s %s %s %d %s", model, name, contentType, size, data))
	if v.upload != nil {
		return "", v.upload
	}
	return fmt.Sprintf("oss://vendor/%d-%s", len(v.uploads), name), nil
}

func (v *vendor) Create(ctx context.Context, r job.CreateRequest) (job.Created, error) {
	v.creates = append(v.creates, r)
	if v.create == nil {
		return job.Created{TaskID: fmt.Sprint("task-", len(v.creates)), Status: job.TaskPending, At: time.Now()}, nil
	}
	return v.create(ctx, r)
}

func (v *vendor) List(ctx context.Context, q job.ListQuery) (job.ListPage, error) {
	_, err := v.Clock(ctx)
	return job.ListPage{At: time.Now()}, err
}

func (v *vendor) Clock(ctx context.Context) (time.Time, error) {
	v.clocks++
	if v.clock == nil {
		return time.Now().UTC().Truncate(time.Second), nil
	}
	return v.clock(ctx)
}

// files stage whatever they are asked for.
type files struct {
	mu    sync.Mutex // guards the keys
	stage func(ctx context.Context, key, to string) error
	sign  error
	open  error
	life  time.Duration
	keys  []string
}

func (f *files) Stage(ctx context.Context, key, _, to, _ string) error {
	if f.stage != nil {
		if err := f.stage(ctx, key, to); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = append(f.keys, to)
	return nil
}

func (f *files) Sign(_ context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var urls []job.Secret
	for _, k := range keys {
		if !slices.Contains(f.keys, k) {
			return nil, time.Time{}, fmt.Errorf("%s is not staged", k)
		}
		urls = append(urls, job.Secret("https://outbox.test/"+k))
	}
	return urls, time.Now().Add(f.life), f.sign
}

// Open gives a file whose content is its key.
func (f *files) Open(_ context.Context, key, _ string) (io.ReadCloser, error) {
	if f.open != nil {
		return nil, f.open
	}
	return io.NopCloser(strings.NewReader(key)), nil
}

// said is an error of the vendor.
type said job.Verdict

func (s said) Error() string        { return "vendor: " + string(s.Outcome) + " " + s.Code }
func (s said) Verdict() job.Verdict { return job.Verdict(s) }

func refusing(v job.Verdict) func(context.Context, job.CreateRequest) (job.Created, error) {
	return func(context.Context, job.CreateRequest) (job.Created, error) { return job.Created{}, said(v) }
}

var errStore = errors.New("store: throttled")
