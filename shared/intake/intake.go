package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"emodrop/shared/job"
)

// Inbox is the bucket that files are dropped into.
type Inbox interface {
	// Head tells how an object stands now, or job.ErrNotFound.
	Head(ctx context.Context, key string) (job.Half, error)
	// Open reads an object as it stood when it had that ETag: job.ErrConflict
	// when it has changed since, job.ErrNotFound when it is gone.
	Open(ctx context.Context, key, etag string) (io.ReadCloser, error)
	// List gives the keys of one folder (not of those below it) in their order,
	// those after a key, at most limit; none means the end. The folder is as it
	// stands in keys, with its slash; empty at the top.
	List(ctx context.Context, folder, after string, limit int) ([]string, error)
}

// HandIns are the records of what was handed in.
type HandIns interface {
	Stem(ctx context.Context, n job.Name) (job.Stem, error)
	PutStem(ctx context.Context, from, to job.Stem) (job.Stem, error)
	Folder(ctx context.Context, dir string) (job.Folder, error)
	PutFolder(ctx context.Context, from, to job.Folder) (job.Folder, error)
}

// Jobs are the records of the jobs.
type Jobs interface {
	Job(ctx context.Context, id string) (job.Job, error)
	Create(ctx context.Context, j job.Job) (job.Job, error)
	Move(ctx context.Context, from, to job.Job) (job.Job, error)
	// MoveNamed is Move while the name's record is as it was read, and returns its new
	// revision.
	MoveNamed(ctx context.Context, from, to job.Job, st job.Stem) (job.Job, job.Stem, error)
	AddNotice(ctx context.Context, m job.Message) (bool, error)
}

// Labels keeps what hand-ins only want carried along.
type Labels interface {
	PutLabels(ctx context.Context, l job.Labels) error
}

// Next is what comes after a hand-in has become a job.
type Next interface {
	// Prepare takes a RECEIVED job to the queue.
	Prepare(ctx context.Context, id string) error
	// Place is where in the queue a job of its priority stands from now on.
	Place(ctx context.Context, j job.Job) (rank string, err error)
	// Dispatch sends queued jobs to the vendor while there are free slots.
	Dispatch(ctx context.Context) error
}

// Teller sends a message that is due.
type Teller interface {
	Tell(ctx context.Context, messageID string) error
}

// Config is what a Handler needs; every field without "zero" is required.
type Config struct {
	Inbox   Inbox
	HandIns HandIns
	Jobs    Jobs
	Labels  Labels
	// Manifests and Portions are those of batch manifests.
	Manifests Manifests
	Portions  Portions
	Next      Next
	// Controls and Orders are for control objects.
	Controls Controls
	Orders   Orders
	Tell     Teller
	Profile  job.Profile
	// Bucket is the inbox's name: events of other buckets are not taken.
	Bucket string
	// Settle is how long a stem must have been quiet before it becomes a job;
	// zero: at once.
	Settle time.Duration
	// HalfPairAfter is when the missing half of a pair is told.
	HalfPairAfter time.Duration
	Log           *slog.Logger
}

// Handler takes the submit function's events. Safe for concurrent use.
type Handler struct {
	Config
	portraits readings
}

// New returns a handler, or an error that lists all that is missing.
func New(c Config) (*Handler, error) {
	var errs []error
	for what, missing := range map[string]bool{
		"Inbox": c.Inbox == nil, "HandIns": c.HandIns == nil, "Jobs": c.Jobs == nil, "Labels": c.Labels == nil, "Next": c.Next == nil,
		"Manifests": c.Manifests == nil, "Portions": c.Portions == nil, "Controls": c.Controls == nil, "Orders": c.Orders == nil,
		"Tell": c.Tell == nil, "Bucket": c.Bucket == "", "Log": c.Log == nil,
		"Profile": c.Profile.Model == "", "HalfPairAfter": c.HalfPairAfter <= 0,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("intake: %s is required", what))
		}
	}
	if c.Settle < 0 {
		errs = append(errs, errors.New("intake: Settle must not be negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Handler{Config: c}, nil
}

const (
	// grace is how long an invocation may be busy with a stem before poll takes
	// it for dead: longer than the function's limit.
	grace = 3 * time.Minute
	// parallel bounds how many files one invocation reads at once.
	parallel = 8
	// races bounds how often a step is tried again after losing a race; then
	// the due time drives it.
	races = 8
)

// Handle takes one invocation of the submit function. The answer to a queue's
// batch names the messages that have to come again.
func (h *Handler) Handle(ctx context.Context, raw json.RawMessage) (any, error) {
	ev, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for id, err := range ev.Bad {
		failed[id] = err
	}
	var mu sync.Mutex
	h.objects(ctx, ev.Objects, func(o Object, err error) {
		mu.Lock()
		defer mu.Unlock()
		failed[o.Message] = errors.Join(failed[o.Message], err)
	})
	if ev.Work != nil {
		failed[""] = h.work(ctx, *ev.Work)
	}
	// Dispatch even after a failure: what failed is one file's trouble.
	dispatched := h.Next.Dispatch(ctx)
	if !ev.Batch {
		return nil, errors.Join(failed[""], dispatched)
	}
	if dispatched != nil {
		// Jobs are safe in the queue and poll asks again; the files are not to
		// be read once more for it.
		h.Log.WarnContext(ctx, "dispatch after hand-in", "err", dispatched)
	}
	answer := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for id, err := range failed {
		if err == nil {
			continue
		}
		h.Log.ErrorContext(ctx, "hand-in not taken", "message_id", id, "err", err)
		answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return answer, nil
}

// object takes the event of a file that is no half of a pair.
func (h *Handler) object(ctx context.Context, o Object) error {
	if o.Bucket != h.Bucket {
		// Never an error: the same event would only come again.
		h.Log.WarnContext(ctx, "event of a bucket that is not the inbox", "bucket", o.Bucket)
		return nil
	}
	kind, name := Classify(o.Key)
	switch kind {
	case Shared:
		return h.takePortrait(ctx, name.Dir, o.Key)
	case Cancel, Retry:
		return h.control(ctx, o.Key)
	case Manifest:
		return h.takeManifest(ctx, name, o.Key)
	case Unknown:
		return h.unknown(ctx, name, o.Key)
	}
	return nil
}

// work drives what poll found past its time.
func (h *Handler) work(ctx context.Context, w job.Work) error {
	var mu sync.Mutex
	var errs []error
	note := func(err error) {
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
	}
	var files []Object
	for _, key := range w.Keys {
		files = append(files, Object{Bucket: h.Bucket, Key: key})
	}
	h.objects(ctx, files, func(_ Object, err error) { note(err) })
	each(w.Stems, func(s string) {
		n := parseName(s)
		if err := h.pair(ctx, n); err != nil {
			note(err)
			note(h.postpone(ctx, n))
		}
	})
	each(w.Folders, func(dir string) { note(h.spread(ctx, dir)) })
	each(w.Jobs, func(id string) { note(h.prepare(ctx, id)) })
	each(w.Manifests, func(id string) { note(h.driveManifest(ctx, id)) })
	return errors.Join(errs...)
}

// unknown tells once of a file nobody knows what to do with.
func (h *Handler) unknown(ctx context.Context, n job.Name, key string) error {
	half, err := h.Inbox.Head(ctx, key)
	if errors.Is(err, job.ErrNotFound) || err == nil && half.Size == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	n = unknownName(n, key)
	for range races {
		st, err := h.HandIns.Stem(ctx, n)
		if err != nil || st.Made == half.ETag {
			return err
		}
		about := n
		about.Stem = strings.TrimSuffix(n.Stem, " ")
		if err := h.notice(ctx, about, half.ETag, job.Fault{Code: job.CodeUnknownFile, File: key}); err != nil {
			return err
		}
		now := time.Now().UTC()
		told := st
		told.Made, told.Told, told.Last = half.ETag, true, now
		if told.First.IsZero() {
			told.First = now
		}
		if _, err = h.HandIns.PutStem(ctx, st, told); !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return job.ErrConflict
}

// unknownName is where it is noted that a file nobody knows was told of: a record of
// its own, under a name that no pair can have. Theirs have no space at the end.
func unknownName(n job.Name, key string) job.Name {
	n.Stem = key[len(folderOf(key)):] + " "
	return n
}

func (h *Handler) notice(ctx context.Context, n job.Name, about string, f job.Fault) error {
	return h.noticeOf(ctx, n, about, f, "")
}

// noticeOf is a notice about what goes with a job, and so carries the job's labels.
func (h *Handler) noticeOf(ctx context.Context, n job.Name, about string, f job.Fault, labels string) error {
	m := job.Notice(n, about, f, time.Now().UTC())
	m.Labels = labels
	added, err := h.Jobs.AddNotice(ctx, m)
	if err != nil || !added {
		return err
	}
	h.Log.InfoContext(ctx, "notice", "code", f.Code)
	h.tell(ctx, m.ID)
	return nil
}

// tell sends a message now; if that fails it stays due and poll sends it.
func (h *Handler) tell(ctx context.Context, id string) {
	if err := h.Tell.Tell(ctx, id); err != nil {
		h.Log.WarnContext(ctx, "message stays due", "err", err)
	}
}

// objects takes many files at once, but so that they do not get into each other's way:
// those of one name one after the other, and portraits and manifests last, as each
// brings many with it. Names are paired in the order in which they were noted.
func (h *Handler) objects(ctx context.Context, all []Object, failed func(Object, error)) {
	var mu sync.Mutex
	var noted [][]Object // the pairs' files that count, by name
	each(byName(all, fileOfItsOwn), func(of []Object) {
		if halves := h.noteNamed(ctx, of, failed); len(halves) > 0 {
			mu.Lock()
			defer mu.Unlock()
			noted = append(noted, halves)
		}
	})
	// Only now, as it waits until each has settled: an invocation that dies meanwhile
	// has noted all of them.
	each(noted, func(of []Object) {
		_, name := Classify(of[0].Key)
		if err := h.pair(ctx, name); err != nil {
			for _, o := range of {
				failed(o, err)
			}
		}
	})
	// Portraits and manifests, then what people ask for: it concerns what the files come to.
	for _, turn := range []turn{many, control} {
		each(byName(all, turn), func(of []Object) {
			for _, o := range of {
				if err := h.object(ctx, o); err != nil {
					failed(o, err)
				}
			}
		})
	}
}

// turn is when a file of a batch is taken.
type turn int

const (
	fileOfItsOwn turn = iota
	many              // portraits and manifests bring many with them
	control
)

func turnOf(k Kind) turn {
	switch k {
	case Shared, Manifest:
		return many
	case Cancel, Retry:
		return control
	}
	return fileOfItsOwn
}

// stemKinds are the kinds of files that a stem is made of.
var stemKinds = []Kind{Picture, Recording, Sidecar}

// noteNamed notes the files of one name: those of its pair at once, as they were
// uploaded. It returns them when the name may be complete.
func (h *Handler) noteNamed(ctx context.Context, all []Object, failed func(Object, error)) []Object {
	var halves []Object
	var keys []string
	for _, o := range all {
		if kind, _ := Classify(o.Key); o.Bucket == h.Bucket && (slices.Contains(stemKinds, kind)) {
			halves = append(halves, o)
			if !slices.Contains(keys, o.Key) {
				keys = append(keys, o.Key)
			}
			continue
		}
		if err := h.object(ctx, o); err != nil {
			failed(o, err)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, name := Classify(keys[0])
	known, err := h.note(ctx, name, keys...)
	if err != nil {
		for _, o := range halves {
			failed(o, err)
		}
	}
	if err != nil || !known {
		return nil
	}
	return halves
}

// byName puts the files of one name together, of those whose turn it is.
func byName(all []Object, at turn) [][]Object {
	places := map[string]int{}
	var out [][]Object
	for _, o := range all {
		kind, n := Classify(o.Key)
		if turnOf(kind) != at {
			continue
		}
		i, seen := places[n.String()]
		if !seen {
			i = len(out)
			places[n.String()] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], o)
	}
	return out
}

// each does f for all, several at once, and returns when all are done.
func each[T any](all []T, f func(T)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, parallel)
	for _, v := range all {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			f(v)
		})
	}
	wg.Wait()
}
