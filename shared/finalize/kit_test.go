package finalize_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/emo/film"
	"emodrop/shared/finalize"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// theFilm is a real film of two seconds, 512×512.
var theFilm = sync.OnceValue(func() []byte {
	var picture, out bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 400, 400))); err != nil {
		panic(err)
	}
	const samples = 16000
	le := binary.LittleEndian
	wav := append(le.AppendUint32([]byte("RIFF"), 36+samples), "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	wav = append(le.AppendUint32(le.AppendUint32(wav, 8000), 8000), 1, 0, 8, 0)
	wav = append(le.AppendUint32(append(wav, "data"...), samples), bytes.Repeat([]byte{128}, samples)...)
	if _, err := film.Make(context.Background(), &out, film.Request{Picture: picture.Bytes(), ExtBox: [4]int{0, 0, 400, 400}, Audio: wav, Ratio: "1:1"}); err != nil {
		panic(err)
	}
	return out.Bytes()
})

// rig is a handler over the memory store and scripted neighbours.
type rig struct {
	t      *testing.T
	s      *store.Store
	jobs   finalize.Jobs
	fetch  func(ctx context.Context, link job.Secret) ([]byte, error)
	answer func() (job.Answer, error)
	put    func() error // what happens before a film is put

	mu    sync.Mutex
	links []string
	asked int
	puts  map[string][]byte
	films map[string]job.Stored
	etags int
	told  []string
	log   bytes.Buffer
}

// in runs a test in a bubble of its own.
func in(t *testing.T, f func(t *testing.T, r *rig)) {
	t.Helper()
	t.Parallel()
	data := theFilm()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, s: store.NewMemory(0), puts: map[string][]byte{}, films: map[string]job.Stored{}}
		r.jobs = r.s
		r.fetch = func(context.Context, job.Secret) ([]byte, error) { return data, nil }
		r.answer = func() (job.Answer, error) { return job.Answer{Status: job.TaskUnknown}, nil }
		f(t, r)
	})
}

func (r *rig) config() finalize.Config {
	return finalize.Config{Vendor: r, Jobs: r.jobs, HandIns: r.s, Links: r, Outbox: r, Tell: r, Profile: job.EMO(),
		Dir: r.t.TempDir(), Log: slog.New(slog.NewTextHandler(&r.log, nil))}
}

func (r *rig) handle(id string) error {
	h, err := finalize.New(r.config())
	require.NoError(r.t, err)
	raw, err := json.Marshal(job.Finalization{JobID: id})
	require.NoError(r.t, err)
	return h.Handle(r.t.Context(), raw)
}

func (r *rig) Task(context.Context, string, string) (job.Answer, error) {
	r.asked++
	return r.answer()
}

func (r *rig) Fetch(ctx context.Context, link job.Secret, to *os.File, limit int64) error {
	r.mu.Lock()
	r.links = append(r.links, link.Reveal())
	r.mu.Unlock()
	data, err := r.fetch(ctx, link)
	if err != nil {
		return err
	}
	require.GreaterOrEqual(r.t, limit, int64(len(data)))
	_, err = to.WriteAt(data, 0)
	return err
}

func (r *rig) Film(_ context.Context, key string) (job.Stored, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.films[key]
	if !ok {
		return job.Stored{}, job.ErrNotFound
	}
	return f, nil
}

func (r *rig) CopyFilm(_ context.Context, seen job.Stored, to string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.films[seen.Key].ETag != seen.ETag {
		return job.ErrConflict
	}
	seen.Key = to
	r.films[to] = seen
	r.puts[to] = r.puts[seen.Key]
	return nil
}

func (r *rig) PutFilm(_ context.Context, j job.Job, f job.Film, file *os.File, over string) (string, error) {
	if r.put != nil {
		if err := r.put(); err != nil {
			return "", err
		}
	}
	data, err := os.ReadFile(file.Name())
	require.NoError(r.t, err)
	require.Len(r.t, data, int(f.Size))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.films[f.Key].ETag != over {
		return "", job.ErrConflict
	}
	r.etags++
	etag := fmt.Sprint("etag-", r.etags)
	r.puts[f.Key] = data
	r.films[f.Key] = job.Stored{Key: f.Key, ETag: etag, Job: j.ID, SHA256: f.SHA256}
	return etag, nil
}

func (r *rig) Tell(_ context.Context, id string) error {
	r.told = append(r.told, id)
	return nil
}

// linkError says what is the matter with a link.
type linkError job.LinkTrouble

func (e linkError) Error() string         { return "link " + string(e) }
func (e linkError) Link() job.LinkTrouble { return job.LinkTrouble(e) }

// storing has a finished film at the vendor, and a hand-in that is the newest of its
// name.
func (r *rig) storing(id string, change ...func(*job.Job)) job.Job {
	ctx, now := r.t.Context(), time.Now().UTC().Truncate(time.Millisecond)
	n := job.Name{Dir: "shop", Stem: id}
	j, err := r.s.Create(ctx, job.Job{ID: id, State: job.Received, Name: n, Received: now, Due: now, Ratio: job.Square, Audio: job.Input{Seconds: 2}})
	require.NoError(r.t, err)
	_, err = r.s.PutStem(ctx, job.Stem{Name: n}, job.Stem{Job: id})
	require.NoError(r.t, err)
	to := func(st job.State, change func(*job.Job)) {
		next := j
		next.State = st
		change(&next)
		j, err = r.s.Move(ctx, j, next)
		require.NoError(r.t, err)
	}
	to(job.Queued, func(j *job.Job) { j.Due, j.Rank = time.Time{}, "1" })
	g, err := r.s.Gate(ctx)
	require.NoError(r.t, err)
	j, err = r.s.Admit(ctx, j, job.Admission{Gate: g, Limit: 9, Intent: job.Intent{Until: now.Add(time.Minute)}})
	require.NoError(r.t, err)
	to(job.Submitted, func(j *job.Job) { j.Due, j.Task = now, &job.Task{ID: "task-" + id, Submitted: now} })
	to(job.Storing, func(j *job.Job) {
		j.Due, j.Billed = now.Add(time.Minute), 160_000
		j.Result = &job.Result{URL: "https://films/" + job.Secret(id), URLEnds: now.Add(24 * time.Hour), Seconds: 2}
		for _, f := range change {
			f(j)
		}
	})
	return j
}

func (r *rig) job(id string) job.Job {
	j, err := r.s.Job(r.t.Context(), id)
	require.NoError(r.t, err)
	return j
}

// newest makes a job the newest of a name.
func (r *rig) newest(n job.Name, id string) {
	st, err := r.s.Stem(r.t.Context(), n)
	require.NoError(r.t, err)
	next := st
	next.Job = id
	_, err = r.s.PutStem(r.t.Context(), st, next)
	require.NoError(r.t, err)
}

// failing are records some of whose moves fail.
type failing struct {
	*store.Store
	before func(from job.Job) error
}

func (f failing) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	if err := f.before(from); err != nil {
		return job.Job{}, err
	}
	return f.Store.Move(ctx, from, to)
}
