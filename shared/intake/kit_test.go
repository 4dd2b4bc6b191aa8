package intake_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

const (
	inboxName = "emodrop-inbox"
	settle    = 5 * time.Second
	halfPair  = 30 * time.Minute
)

// files is a bucket in memory. Modified times are whole seconds, as S3's are.
type files struct {
	mu      sync.Mutex
	objects map[string]object
	// opened counts reads by key; lists counts listings.
	opened map[string]int
	lists  int
	// onOpen runs before an object is opened, onList before a listing.
	onOpen func(key string)
	// fail makes calls for a key end in an error.
	fail map[string]error
	// skew is how far the bucket's clock is ahead of ours.
	skew time.Duration
}

type object struct {
	body     []byte
	etag     string
	modified time.Time
	meta     map[string]string
}

func newFiles() *files {
	return &files{objects: map[string]object{}, opened: map[string]int{}, fail: map[string]error{}}
}

func (b *files) put(key string, body []byte) {
	sum := md5.Sum(body)
	b.putAs(key, body, hex.EncodeToString(sum[:]))
}

// putAs puts content under an ETag that is not its own hash, as KMS and multipart
// uploads have.
func (b *files) putAs(key string, body []byte, etag string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = object{body, `"` + etag + `"`, time.Now().Add(b.skew).Truncate(time.Second).UTC(), nil}
}

// putWith puts content that has metadata.
func (b *files) putWith(key string, body []byte, meta map[string]string) {
	b.put(key, body)
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.objects[key]
	o.meta = meta
	b.objects[key] = o
}

func (b *files) remove(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, key)
}

func (b *files) reads(key string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.opened[key]
}

func (b *files) Head(ctx context.Context, key string) (job.Half, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := errors.Join(ctx.Err(), b.fail[key]); err != nil {
		return job.Half{}, err
	}
	o, ok := b.objects[key]
	if !ok {
		return job.Half{}, job.ErrNotFound
	}
	h := job.Half{Key: key, ETag: o.etag, Size: int64(len(o.body)), Modified: o.modified}
	h.Asks, h.Mark = job.MarkOf(o.meta)
	return h, nil
}

func (b *files) Open(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	if b.onOpen != nil {
		b.onOpen(key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := errors.Join(ctx.Err(), b.fail[key]); err != nil {
		return nil, err
	}
	b.opened[key]++
	o, ok := b.objects[key]
	switch {
	case !ok:
		return nil, job.ErrNotFound
	case o.etag != etag:
		return nil, job.ErrConflict
	}
	return io.NopCloser(bytes.NewReader(o.body)), nil
}

func (b *files) List(ctx context.Context, folder, after string, limit int) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b.lists++
	var keys []string
	for k := range b.objects {
		if rest, ok := strings.CutPrefix(k, folder); ok && !strings.Contains(rest, "/") && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys[:min(limit, len(keys))], nil
}

// world is an intake with a bucket, a table and stand-ins for what comes after.
type world struct {
	t     *testing.T
	files *files
	store *store.Store
	h     *intake.Handler

	mu       sync.Mutex
	portions map[string]string
	prepared []string
	orders   []job.Order
	told     []job.Message
	// dispatches counts the calls; dispatch, if set, is what they do.
	dispatches int
	dispatch   func(context.Context) error
	prepare    func(context.Context, string) error
	obey       func(context.Context, job.Order) error
}

type option func(*intake.Config)

func newWorld(t *testing.T, opts ...option) *world {
	t.Helper()
	w := &world{t: t, files: newFiles(), store: store.NewMemory(0)}
	c := intake.Config{Inbox: w.files, HandIns: w.store, Jobs: w.store, Labels: w.store, Manifests: w.store, Portions: w, Next: w, Controls: w.store, Orders: w, Tell: w, Profile: job.EMO(),
		Bucket: inboxName, Settle: settle, HalfPairAfter: halfPair, Log: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(&c)
	}
	var err error
	w.h, err = intake.New(c)
	require.NoError(t, err)
	return w
}

// PutLines keeps the rows of a manifest.
func (w *world) PutLines(ctx context.Context, key string, lines []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.portions == nil {
		w.portions = map[string]string{}
	}
	w.portions[key] = string(lines)
	return nil
}

// Prepare takes a job to the queue, as submit does when the face is found.
func (w *world) Prepare(ctx context.Context, id string) error {
	w.mu.Lock()
	w.prepared = append(w.prepared, id)
	f := w.prepare
	w.mu.Unlock()
	if f != nil {
		return f(ctx, id)
	}
	j, err := w.store.Job(ctx, id)
	if err != nil || j.State != job.Received {
		return err
	}
	next := j
	next.State, next.Due, next.Ratio = job.Queued, time.Time{}, job.Square
	if j.Options.DryRun {
		next.State = job.Checked
	}
	if next.Rank, err = w.Place(ctx, j); err != nil {
		return err
	}
	_, err = w.store.Move(ctx, j, next)
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// Place takes a turn of the job's folder, as submit does.
func (w *world) Place(ctx context.Context, j job.Job) (string, error) {
	g, err := w.store.Gate(ctx)
	if err != nil {
		return "", err
	}
	start, err := w.store.Share(ctx, job.ShareOf(g, j, time.Now()))
	return job.Rank(j.Options.Priority, start, j.ID), err
}

// Obey notes an order as heeded.
func (w *world) Obey(ctx context.Context, o job.Order) error {
	w.mu.Lock()
	w.orders = append(w.orders, o)
	f := w.obey
	w.mu.Unlock()
	if f != nil {
		return f(ctx, o)
	}
	var err error
	if o.Seen, err = w.store.Heeded(ctx, o.Key); err != nil {
		return err
	}
	return w.store.Heed(ctx, o, nil)
}

func (w *world) Dispatch(ctx context.Context) error {
	w.mu.Lock()
	w.dispatches++
	f := w.dispatch
	w.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(ctx)
}

// Tell sends a message by keeping it, and takes it off the table.
func (w *world) Tell(ctx context.Context, id string) error {
	m, err := w.store.Message(ctx, id)
	if errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	gone := m
	gone.Unsent = nil
	if err := w.store.PutMessage(ctx, m, gone); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, m)
	return nil
}

// codes are what was told, in its order.
func (w *world) codes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := []string{}
	for _, m := range w.told {
		code := string(m.State)
		if m.Fault != nil {
			code = m.Fault.Code
		}
		out = append(out, code)
	}
	return out
}

// created hands in the event of a key.
func (w *world) created(keys ...string) {
	w.t.Helper()
	for _, k := range keys {
		_, err := w.h.Handle(w.t.Context(), eventOf(w.t, k))
		require.NoError(w.t, err)
	}
}

// drop puts a file and hands in its event.
func (w *world) drop(key string, body []byte) {
	w.t.Helper()
	w.files.put(key, body)
	w.created(key)
}

// due does what poll does with what is past its time: it hands it over.
func (w *world) due() {
	w.t.Helper()
	work := w.overdue()
	b, err := json.Marshal(work)
	require.NoError(w.t, err)
	_, err = w.h.Handle(w.t.Context(), b)
	require.NoError(w.t, err)
}

func (w *world) overdue() job.Work {
	w.t.Helper()
	due, err := w.store.Due(context.Background(), time.Now(), 1000)
	require.NoError(w.t, err)
	work := job.Work{Dispatch: true}
	for _, d := range due {
		switch d.Kind {
		case job.DueStem:
			work.Stems = append(work.Stems, d.ID)
		case job.DueFolder:
			work.Folders = append(work.Folders, d.ID)
		case job.DueJob:
			work.Jobs = append(work.Jobs, d.ID)
		case job.DueManifest:
			work.Manifests = append(work.Manifests, d.ID)
		}
	}
	return work
}

func (w *world) stem(n job.Name) job.Stem {
	w.t.Helper()
	st, err := w.store.Stem(context.Background(), n)
	require.NoError(w.t, err)
	return st
}

func (w *world) job(id string) job.Job {
	w.t.Helper()
	j, err := w.store.Job(context.Background(), id)
	require.NoError(w.t, err)
	return j
}

// of is the newest job of a name.
func (w *world) of(n job.Name) job.Job {
	w.t.Helper()
	st := w.stem(n)
	require.NotEmpty(w.t, st.Job, "a job of %s", n)
	return w.job(st.Job)
}

// all are the jobs of the day.
func (w *world) all() []job.Job {
	w.t.Helper()
	var out []job.Job
	for day := range 3 {
		ids, err := w.store.Recent(context.Background(), time.Now().AddDate(0, 0, -day), 10_000)
		require.NoError(w.t, err)
		for _, id := range ids {
			out = append(out, w.job(id))
		}
	}
	return out
}

// live are the jobs that are not ended.
func (w *world) live() []job.Job {
	return slices.DeleteFunc(w.all(), func(j job.Job) bool { return j.State.Final() })
}

// send takes a job from the queue to the vendor, past the point of no return.
func (w *world) send(ctx context.Context, id string) error {
	j, err := w.store.Job(ctx, id)
	if err != nil || j.State != job.Queued {
		return err
	}
	g, err := w.store.Gate(ctx)
	if err != nil {
		return err
	}
	sent, err := w.store.Admit(ctx, j, job.Admission{Gate: g, Limit: 1000,
		Intent: job.Intent{At: time.Now(), VendorAt: time.Now(), Until: time.Now().Add(time.Minute)}})
	if err != nil {
		return err
	}
	next := sent
	next.State, next.Due = job.Submitted, time.Now().Add(24*time.Hour)
	next.Task = &job.Task{ID: "task-" + sent.ID, Submitted: time.Now()}
	_, err = w.store.Move(ctx, sent, next)
	return err
}

// end takes a sent job to a state.
func (w *world) end(id string, s job.State) {
	w.t.Helper()
	j := w.job(id)
	if s == job.Succeeded {
		next := j
		next.State = job.Storing
		var err error
		j, err = w.store.Move(context.Background(), j, next)
		require.NoError(w.t, err)
	}
	next := j
	next.State = s
	_, err := w.store.Move(context.Background(), j, next)
	require.NoError(w.t, err)
}

// eventOf is the event as it comes from EventBridge.
func eventOf(t *testing.T, key string) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(map[string]any{"source": "aws.s3", "detail-type": "Object Created",
		"detail": map[string]any{"bucket": map[string]any{"name": inboxName}, "object": map[string]any{"key": key}}})
	require.NoError(t, err)
	return b
}

// picture is a PNG of that size; seed makes it another one.
func picture(t *testing.T, width, height int, seed uint8) []byte {
	t.Helper()
	size := [3]int{width, height, int(seed)}
	if known, ok := drawn.Load(size); ok {
		return slices.Clone(known.([]byte))
	}
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Gray{seed}, color.White})
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	drawn.Store(size, slices.Clone(b.Bytes()))
	return b.Bytes()
}

// drawn are pictures that were drawn, which takes longer than what is tested with them.
var drawn sync.Map

// recording is a WAV of that length, mono, 8 kHz, 8 bits.
func recording(length time.Duration, seed uint64) []byte {
	n := int(length.Seconds()*8000 + 0.5)
	var b bytes.Buffer
	b.WriteString("RIFF")
	_ = binary.Write(&b, binary.LittleEndian, uint32(36+n+n%2))
	b.WriteString("WAVEfmt ")
	_ = binary.Write(&b, binary.LittleEndian, uint32(16))
	for _, v := range []any{uint16(1), uint16(1), uint32(8000), uint32(8000), uint16(1), uint16(8)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	b.WriteString("data")
	_ = binary.Write(&b, binary.LittleEndian, uint32(n))
	sound := make([]byte, n+n%2)
	for i := range min(8, len(sound)) {
		sound[i] = byte(seed >> (8 * i))
	}
	b.Write(sound)
	return b.Bytes()
}

var anna = job.Name{Dir: "courses/week 1", Stem: "anna"}

const (
	annaPNG  = "courses/week 1/anna.png"
	annaWAV  = "courses/week 1/anna.wav"
	portrait = "courses/week 1/portrait.png"
)
