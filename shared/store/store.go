package store

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"emodrop/shared/job"
)

// Retention is how long the record of an ended job stays before DynamoDB deletes
// it. Everything that could make a job out of an old file looks back less far
// than this.
const Retention = 90 * 24 * time.Hour

// Store keeps the records. Make one with NewDynamo or NewMemory. Safe for
// concurrent use.
type Store struct {
	t table
	// gated is set once the gate's record is known to exist.
	gated atomic.Bool
}

func newStore(t table) *Store { return &Store{t: t} }

// Keys of the one table: one item per thing.
const (
	gateKey  = "GATE"
	sweepKey = "SWEEP"
)

func jobKey(id string) string           { return "JOB#" + id }
func stemKey(n job.Name) string         { return "STEM#" + n.String() }
func folderKey(dir string) string       { return "DIR#" + dir }
func taskKey(id string) string          { return "TASK#" + id }
func messageKey(id string) string       { return "MSG#" + id }
func strayKey(id string) string         { return "STRAY#" + id }
func leaseKey(name string) string       { return "LEASE#" + name }
func turnKey(name string) string        { return "TURN#" + name }
func manifestKey(id string) string      { return "MANIFEST#" + id }
func labelsKey(id string) string        { return "LABELS#" + id }
func shareKey(class, dir string) string { return "SHARE#" + class + "#" + dir }
func controlKey(key string) string      { return "CONTROL#" + key }
func faceKey(sha, ratio string) string  { return "FACE#" + ratio + "#" + sha }

// dueOf tells what an item of the due index is by its key.
func dueOf(r row) (job.Due, bool) {
	kind, id, _ := strings.Cut(r.key, "#")
	d := job.Due{ID: id, At: fromMillis(r.place)}
	switch kind {
	case "JOB":
		d.Kind = job.DueJob
	case "STEM":
		d.Kind = job.DueStem
	case "DIR":
		d.Kind = job.DueFolder
	case "MSG":
		d.Kind = job.DueMessage
	case gateKey:
		d.Kind = job.DueGate
	case sweepKey:
		d.Kind = job.DueSweep
	case "STRAY":
		d.Kind = job.DueStray
	case "MANIFEST":
		d.Kind = job.DueManifest
	default:
		return job.Due{}, false
	}
	return d, true
}

// Due lists what is due up to that time, jobs first, then the rest, each with the
// longest overdue first and at most limit. An index read: it may miss the newest
// and show what is already done.
func (s *Store) Due(ctx context.Context, upTo time.Time, limit int) ([]job.Due, error) {
	var out []job.Due
	for _, part := range []string{dueJobs, dueRest} {
		rows, err := s.t.query(ctx, query{index: dueIndex, hash: part, upTo: millis(upTo), limit: limit})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if d, ok := dueOf(r); ok {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// Queue lists the ids of queued jobs in the order in which they are to be sent.
// An index read.
func (s *Store) Queue(ctx context.Context, limit int) ([]string, error) {
	return s.ids(ctx, query{index: queueIndex, hash: "queue", limit: limit})
}

// Held lists the ids of the jobs that wait for a person, those that were held by a version
// before this index had them excepted. An index read.
func (s *Store) Held(ctx context.Context, limit int) ([]string, error) {
	return s.ids(ctx, query{index: queueIndex, hash: "held", limit: limit})
}

// Recent lists the ids of the jobs received on that day (UTC), newest first. An
// index read.
func (s *Store) Recent(ctx context.Context, day time.Time, limit int) ([]string, error) {
	return s.ids(ctx, query{index: recentIndex, hash: dayOf(day), limit: limit, desc: true})
}

func (s *Store) ids(ctx context.Context, q query) ([]string, error) {
	rows, err := s.t.query(ctx, q)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		_, ids[i], _ = strings.Cut(r.key, "#")
	}
	return ids, nil
}

func dayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// read decodes one item; job.ErrNotFound when there is none.
func (s *Store) read(ctx context.Context, key string, v any) (item, error) {
	it, err := s.t.get(ctx, key)
	if err != nil {
		return nil, err
	}
	if it == nil {
		return nil, job.ErrNotFound
	}
	return it, decode(it, v)
}

// change makes the write that turns one encoded record into another, marked so
// that its writer knows it again.
func change(key string, from, to item, conds ...cond) write {
	w := write{key: key, conds: conds}
	w.set, w.unset = diff(from, to, nil)
	w.set = append(w.set, assign{at(writeAttr), newMark()})
	return w
}

func newMark() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// revised writes a record that carries its own revision: absent before when the
// revision was 0.
func (s *Store) revised(ctx context.Context, key string, rev int64, from, to item) error {
	return s.t.write(ctx, revision(key, rev, from, to))
}

// revision is the write of revised.
func revision(key string, rev int64, from, to item) write {
	if rev == 0 {
		return change(key, nil, to, absent(keyAttr))
	}
	return change(key, from, to, equal(rev, "rev"))
}

// noted reads a record of the due index; none stands for one that is not there yet.
func noted[T any](ctx context.Context, s *Store, key string, none T, due func(*T) *time.Time) (T, error) {
	var v, zero T
	it, err := s.read(ctx, key, &v)
	if errors.Is(err, job.ErrNotFound) {
		return none, nil
	}
	if err != nil {
		return zero, err
	}
	*due(&v) = fromMillis(it[dueIndex.rang])
	return v, nil
}

// Lease takes a named lease for owner until that time, or renews the owner's
// own. job.ErrConflict when somebody else has it.
func (s *Store) Lease(ctx context.Context, name, owner string, until time.Time) error {
	return s.lease(ctx, name, owner, until, oneOf(absent("until"), less(millis(time.Now()), "until"), equal(owner, "owner")))
}

// LeaseAfter takes a named lease as Lease does, if it is free and nobody has had it since
// last had: whoever comes after itself knows that nothing was done meanwhile.
// job.ErrConflict otherwise, and when an hour has passed since.
func (s *Store) LeaseAfter(ctx context.Context, name, last, owner string, until time.Time) error {
	return s.lease(ctx, name, owner, until, equal(last, "owner"), oneOf(absent("until"), less(millis(time.Now()), "until")))
}

func (s *Store) lease(ctx context.Context, name, owner string, until time.Time, conds ...cond) error {
	return s.t.write(ctx, write{key: leaseKey(name), conds: conds,
		set: []assign{{at("owner"), owner}, {at("until"), millis(until)}, {at(ttlAttr), number(until.Add(time.Hour).Unix())},
			{at(writeAttr), newMark()}}})
}

// EndLease gives a lease back; who had it last stays known for an hour. Giving back what
// one does not have is no error.
func (s *Store) EndLease(ctx context.Context, name, owner string) error {
	err := s.t.write(ctx, write{key: leaseKey(name), conds: []cond{equal(owner, "owner")},
		set: []assign{{at(writeAttr), newMark()}}, unset: []path{at("until")}})
	if errors.Is(err, job.ErrConflict) {
		return nil
	}
	return err
}

// Owner returns the id of the job that owns a task of the vendor, or
// job.ErrNotFound for the account's other work.
func (s *Store) Owner(ctx context.Context, taskID string) (string, error) {
	var rec struct {
		Job string `json:"job"`
	}
	if _, err := s.read(ctx, taskKey(taskID), &rec); err != nil {
		return "", err
	}
	return rec.Job, nil
}

// faceLife is how long an answer of detect is believed: its rules may change.
const faceLife = 30 * 24 * time.Hour

// Face returns what detect said of a picture's content before, or
// job.ErrNotFound.
func (s *Store) Face(ctx context.Context, sha256 string, r job.Ratio) (job.Face, error) {
	var rec struct {
		Face job.Face  `json:"face"`
		At   time.Time `json:"at"`
	}
	if _, err := s.read(ctx, faceKey(sha256, string(r)), &rec); err != nil {
		return job.Face{}, err
	}
	if time.Since(rec.At) > faceLife {
		return job.Face{}, job.ErrNotFound
	}
	return rec.Face, nil
}

// PutFace keeps what detect said of a picture's content.
func (s *Store) PutFace(ctx context.Context, sha256 string, r job.Ratio, f job.Face) error {
	now := time.Now()
	it, err := encode(map[string]any{"face": f, "at": now.UTC()})
	if err != nil {
		return err
	}
	placeTTL(it, now.Add(faceLife))
	return s.t.write(ctx, change(faceKey(sha256, string(r)), nil, it))
}

// Turns gives the next times at which something may be done of which the whole stack may
// do only so much, at most n of them and in one write: no two are closer together than
// every. Those that lie further ahead than within are not given; that may be all of them.
func (s *Store) Turns(ctx context.Context, name string, every, within time.Duration, n int) ([]time.Time, error) {
	for range turnTries {
		it, err := s.t.get(ctx, turnKey(name))
		if err != nil {
			return nil, err
		}
		next, free := fromMillis(it["next"]), absent("next")
		if it["next"] != nil {
			free = equal(it["next"], "next")
		}
		now := time.Now()
		if next.Before(now) {
			next = now.Add(time.Millisecond).Truncate(time.Millisecond) // not before now, in whole milliseconds
		}
		var given []time.Time
		for ; len(given) < n && next.Sub(now) <= within; next = next.Add(every) {
			given = append(given, next)
		}
		if len(given) == 0 {
			return nil, nil
		}
		err = s.t.write(ctx, write{key: turnKey(name), conds: []cond{free},
			set: []assign{{at("next"), millis(next)}, {at(writeAttr), newMark()}}})
		if err == nil {
			return given, nil
		}
		if !errors.Is(err, job.ErrConflict) {
			return nil, err
		}
	}
	return nil, nil
}

// Rest lets nobody have a turn before that time. Turns that were given already stay.
func (s *Store) Rest(ctx context.Context, name string, until time.Time) error {
	err := s.t.write(ctx, write{key: turnKey(name), conds: []cond{oneOf(absent("next"), less(millis(until), "next"))},
		set: []assign{{at("next"), millis(until)}, {at(writeAttr), newMark()}}})
	if lost(err) {
		return nil // it is so for longer
	}
	return err
}

// turnTries bounds how often turns are asked for that others are faster to take.
const turnTries = 10

// indexed is an encoded record with its place in the due index.
func indexed(it item, due time.Time) item {
	out := maps.Clone(it)
	placeDue(out, dueRest, due)
	return out
}
