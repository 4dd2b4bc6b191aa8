package sim

import (
	"context"
	"time"

	"emodrop/shared/job"
	"emodrop/shared/store"
)

// records is the store with every call a port's call.
type records struct {
	w *World
	s *store.Store
}

func (r records) Job(ctx context.Context, id string) (job.Job, error) {
	return do(ctx, r.w, "store.Job", id, false, func() (job.Job, error) { return r.s.Job(ctx, id) })
}

func (r records) Owner(ctx context.Context, taskID string) (string, error) {
	return do(ctx, r.w, "store.Owner", taskID, false, func() (string, error) { return r.s.Owner(ctx, taskID) })
}

func (r records) Held(ctx context.Context, limit int) ([]string, error) {
	return do(ctx, r.w, "store.Held", "", false, func() ([]string, error) { return r.s.Held(ctx, limit) })
}

func (r records) Queue(ctx context.Context, limit int) ([]string, error) {
	return do(ctx, r.w, "store.Queue", "", false, func() ([]string, error) { return r.s.Queue(ctx, limit) })
}

func (r records) Due(ctx context.Context, upTo time.Time, limit int) ([]job.Due, error) {
	return do(ctx, r.w, "store.Due", "", false, func() ([]job.Due, error) { return r.s.Due(ctx, upTo, limit) })
}

func (r records) Gate(ctx context.Context) (job.Gate, error) {
	return do(ctx, r.w, "store.Gate", "", false, func() (job.Gate, error) { return r.s.Gate(ctx) })
}

func (r records) Face(ctx context.Context, sha string, ratio job.Ratio) (job.Face, error) {
	return do(ctx, r.w, "store.Face", sha, false, func() (job.Face, error) { return r.s.Face(ctx, sha, ratio) })
}

func (r records) Stem(ctx context.Context, n job.Name) (job.Stem, error) {
	return do(ctx, r.w, "store.Stem", n.String(), false, func() (job.Stem, error) { return r.s.Stem(ctx, n) })
}

func (r records) Folder(ctx context.Context, dir string) (job.Folder, error) {
	return do(ctx, r.w, "store.Folder", dir, false, func() (job.Folder, error) { return r.s.Folder(ctx, dir) })
}

func (r records) Manifest(ctx context.Context, id string) (job.Manifest, error) {
	return do(ctx, r.w, "store.Manifest", id, false, func() (job.Manifest, error) { return r.s.Manifest(ctx, id) })
}

func (r records) PutManifest(ctx context.Context, from, to job.Manifest) (job.Manifest, error) {
	return do(ctx, r.w, "store.PutManifest", from.ID(), true, func() (job.Manifest, error) { return r.s.PutManifest(ctx, from, to) })
}

func (r records) PutRow(ctx context.Context, jobID, row string) error {
	return done(ctx, r.w, "store.PutRow", jobID, true, func() error { return r.s.PutRow(ctx, jobID, row) })
}

func (r records) Touch(ctx context.Context, row string) error {
	return done(ctx, r.w, "store.Touch", row, true, func() error { return r.s.Touch(ctx, row) })
}

func (r records) Message(ctx context.Context, id string) (job.Message, error) {
	return do(ctx, r.w, "store.Message", id, false, func() (job.Message, error) { return r.s.Message(ctx, id) })
}

func (r records) Sweep(ctx context.Context) (job.Sweep, error) {
	return do(ctx, r.w, "store.Sweep", "", false, func() (job.Sweep, error) { return r.s.Sweep(ctx) })
}

func (r records) PutSweep(ctx context.Context, from, to job.Sweep) (job.Sweep, error) {
	return do(ctx, r.w, "store.PutSweep", "", true, func() (job.Sweep, error) { return r.s.PutSweep(ctx, from, to) })
}

func (r records) Create(ctx context.Context, j job.Job) (job.Job, error) {
	return do(ctx, r.w, "store.Create", j.ID, true, func() (job.Job, error) {
		made, err := r.s.Create(ctx, j)
		if err == nil {
			r.w.first(r.w.watch.made, j.ID)
		}
		return made, err
	})
}

func (r records) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	return do(ctx, r.w, "store.Move", from.ID, true, func() (job.Job, error) {
		return r.watched(ctx, from, func() (job.Job, error) { return r.s.Move(ctx, from, to) })
	})
}

// watched has a move made and looked at.
func (r records) watched(ctx context.Context, from job.Job, move func() (job.Job, error)) (job.Job, error) {
	before, unread := r.s.Job(ctx, from.ID)
	moved, err := move()
	if err == nil && unread == nil {
		r.w.moved(before, from, moved)
	}
	return moved, err
}

func (r records) MoveNamed(ctx context.Context, from, to job.Job, st job.Stem) (job.Job, job.Stem, error) {
	var held job.Stem
	moved, err := do(ctx, r.w, "store.MoveNamed", from.ID, true, func() (moved job.Job, err error) {
		moved, err = r.watched(ctx, from, func() (moved job.Job, err error) {
			moved, held, err = r.s.MoveNamed(ctx, from, to, st)
			return moved, err
		})
		if err == nil && from.State.Final() {
			r.w.back(moved.ID)
		}
		return moved, err
	})
	return moved, held, err
}

func (r records) Admit(ctx context.Context, from job.Job, a job.Admission) (job.Job, error) {
	return do(ctx, r.w, "store.Admit", from.ID, true, func() (job.Job, error) {
		g, unread := r.s.Gate(ctx)
		r.w.trying(from.ID)
		moved, err := r.s.Admit(ctx, from, a)
		if err == nil && unread == nil {
			r.w.admitted(g, moved)
		}
		return moved, err
	})
}

func (r records) CloseGate(ctx context.Context, c job.Closure, probe time.Time) (bool, error) {
	return do(ctx, r.w, "store.CloseGate", c.Code, true, func() (bool, error) { return r.s.CloseGate(ctx, c, probe) })
}

func (r records) CloseBudget(ctx context.Context, by job.Shortage) (m job.Message, closed bool, err error) {
	type made struct {
		m      job.Message
		closed bool
	}
	out, err := do(ctx, r.w, "store.CloseBudget", string(by.Period), true, func() (made, error) {
		m, closed, err := r.s.CloseBudget(ctx, by)
		if err == nil && closed {
			r.w.closed(by, m)
		}
		return made{m, closed}, err
	})
	return out.m, out.closed, err
}

func (r records) NoteBudget(ctx context.Context, b job.Budget) error {
	return done(ctx, r.w, "store.NoteBudget", "", true, func() error { return r.s.NoteBudget(ctx, b) })
}

func (r records) Reopen(ctx context.Context, over job.Closure) error {
	return done(ctx, r.w, "store.Reopen", over.Code, true, func() error { return r.s.Reopen(ctx, over) })
}

func (r records) NextProbe(ctx context.Context, probes int, next time.Time) error {
	return done(ctx, r.w, "store.NextProbe", "", true, func() error { return r.s.NextProbe(ctx, probes, next) })
}

func (r records) Throttle(ctx context.Context, until time.Time) error {
	return done(ctx, r.w, "store.Throttle", "", true, func() error { return r.s.Throttle(ctx, until) })
}

func (r records) LearnKey(ctx context.Context, id string) error {
	return done(ctx, r.w, "store.LearnKey", id, true, func() error { return r.s.LearnKey(ctx, id) })
}

func (r records) Fetched(ctx context.Context, f job.Fetch) error {
	return done(ctx, r.w, "store.Fetched", f.Job, true, func() error { return r.s.Fetched(ctx, f) })
}

func (r records) Trial(ctx context.Context, g job.Gate, id string) error {
	return done(ctx, r.w, "store.Trial", id, true, func() error { return r.s.Trial(ctx, g, id) })
}

func (r records) FreeSlot(ctx context.Context, id string, fence int64) error {
	return done(ctx, r.w, "store.FreeSlot", id, true, func() error { return r.s.FreeSlot(ctx, id, fence) })
}

func (r records) TakeSlot(ctx context.Context, j job.Job) error {
	return done(ctx, r.w, "store.TakeSlot", j.ID, true, func() error { return r.s.TakeSlot(ctx, j) })
}

func (r records) Lease(ctx context.Context, name, owner string, until time.Time) error {
	return done(ctx, r.w, "store.Lease", name, true, func() error { return r.s.Lease(ctx, name, owner, until) })
}

func (r records) LeaseAfter(ctx context.Context, name, last, owner string, until time.Time) error {
	return done(ctx, r.w, "store.Lease", name, true, func() error { return r.s.LeaseAfter(ctx, name, last, owner, until) })
}

func (r records) EndLease(ctx context.Context, name, owner string) error {
	return done(ctx, r.w, "store.EndLease", name, true, func() error { return r.s.EndLease(ctx, name, owner) })
}

func (r records) PutFace(ctx context.Context, sha string, ratio job.Ratio, f job.Face) error {
	return done(ctx, r.w, "store.PutFace", sha, true, func() error {
		err := r.s.PutFace(ctx, sha, ratio, f)
		if err == nil {
			r.w.first(r.w.watch.faces, sha+" "+string(ratio))
		}
		return err
	})
}

func (r records) Turns(ctx context.Context, name string, every, within time.Duration, n int) ([]time.Time, error) {
	return do(ctx, r.w, "store.Turns", name, true, func() ([]time.Time, error) { return r.s.Turns(ctx, name, every, within, n) })
}

func (r records) Rest(ctx context.Context, name string, until time.Time) error {
	return done(ctx, r.w, "store.Rest", name, true, func() error { return r.s.Rest(ctx, name, until) })
}

func (r records) PutStem(ctx context.Context, from, to job.Stem) (job.Stem, error) {
	return do(ctx, r.w, "store.PutStem", from.Name.String(), true, func() (job.Stem, error) {
		put, err := r.s.PutStem(ctx, from, to)
		if err == nil {
			r.w.comes(from, put)
		}
		return put, err
	})
}

func (r records) PutFolder(ctx context.Context, from, to job.Folder) (job.Folder, error) {
	return do(ctx, r.w, "store.PutFolder", from.Dir, true, func() (job.Folder, error) { return r.s.PutFolder(ctx, from, to) })
}

func (r records) PutLabels(ctx context.Context, l job.Labels) error {
	return done(ctx, r.w, "store.PutLabels", l.ID(), true, func() error { return r.s.PutLabels(ctx, l) })
}

func (r records) Labels(ctx context.Context, id string) (job.Labels, error) {
	return do(ctx, r.w, "store.Labels", id, false, func() (job.Labels, error) { return r.s.Labels(ctx, id) })
}

func (r records) AddNotice(ctx context.Context, m job.Message) (bool, error) {
	return do(ctx, r.w, "store.AddNotice", m.ID, true, func() (bool, error) { return r.s.AddNotice(ctx, m) })
}

func (r records) PutMessage(ctx context.Context, from, to job.Message) error {
	return done(ctx, r.w, "store.PutMessage", from.ID, true, func() error { return r.s.PutMessage(ctx, from, to) })
}

func (r records) Stray(ctx context.Context, id string) (job.Stray, error) {
	return do(ctx, r.w, "store.Stray", id, false, func() (job.Stray, error) { return r.s.Stray(ctx, id) })
}

func (r records) PutStray(ctx context.Context, from, to job.Stray) error {
	return done(ctx, r.w, "store.PutStray", from.ID(), true, func() error { return r.s.PutStray(ctx, from, to) })
}

func (r records) DropStray(ctx context.Context, st job.Stray) error {
	return done(ctx, r.w, "store.DropStray", st.ID(), true, func() error { return r.s.DropStray(ctx, st) })
}

func (r records) Orphan(ctx context.Context, st job.Stray, j job.Job, cost job.Money) (job.Message, error) {
	return do(ctx, r.w, "store.Orphan", st.ID(), true, func() (job.Message, error) { return r.s.Orphan(ctx, st, j, cost) })
}
