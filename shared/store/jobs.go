package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// Job reads a job, or job.ErrNotFound.
func (s *Store) Job(ctx context.Context, id string) (job.Job, error) {
	it, err := s.t.get(ctx, jobKey(id))
	if err != nil {
		return job.Job{}, err
	}
	if it == nil {
		return job.Job{}, job.ErrNotFound
	}
	unpack(it, jobKey(id))
	j := job.Job{Due: fromMillis(it[dueIndex.rang])}
	if err := decode(it, &j); err != nil {
		return job.Job{}, err
	}
	return j, nil
}

// Create writes a job that has not been: RECEIVED, or REJECTED with the message
// that says so. job.ErrConflict when there is one of that id already.
func (s *Store) Create(ctx context.Context, j job.Job) (job.Job, error) {
	if !job.CanMove(job.New, j.State) {
		return job.Job{}, &job.MoveError{From: job.New, To: j.State}
	}
	j.Schema, j.Rev, j.Attempt = job.Schema, 1, 1
	if j.State.Told() {
		j.Told = j.Rev
	}
	stamp(&j, time.Now())
	to, err := encodeJob(j)
	if err != nil {
		return job.Job{}, err
	}
	ws := []write{change(jobKey(j.ID), nil, to, absent(keyAttr))}
	if j.State.Told() {
		m, err := newMessage(job.OutcomeMessage(j))
		if err != nil {
			return job.Job{}, err
		}
		ws = append(ws, m)
	}
	if err := s.t.write(ctx, ws...); err != nil {
		return job.Job{}, err
	}
	return j, nil
}

// Move turns one reading of a job into another, with all that has to happen with
// it in one transaction:
//
//   - the slot at the vendor is freed when the job leaves it, taken when it
//     comes back to it by a person's word; what it reserved becomes what was spent:
//     see job.Settle;
//   - the gate learns from a film that is ready: see job.Gate.Taught;
//   - the posting lease is given back, and the time noted, when the job leaves
//     SUBMITTING, if it is still this job's;
//   - a task the job did not have before gets its one owner;
//   - entering a state that is told writes the message; a film that moves has its
//     record follow it;
//   - a task that may be there after all leaves a stray to be looked for.
//
// A job that leaves the queue unsent, or for another place in it, gives its folder's turn
// back afterwards.
//
// It is conditional on the revision, the state and the attempt of from:
// job.ErrConflict when any has changed. A move that is not in the table is a
// *job.MoveError. Moving from a state to itself notes something without moving.
// The way into SUBMITTING is Admit alone.
//
// What differs between from and to is what is written: to needs pointers of its
// own (a new Task, not a change inside from's), or the change is seen on neither
// side and lost.
func (s *Store) Move(ctx context.Context, from, to job.Job) (job.Job, error) {
	return s.move(ctx, from, to)
}

// MoveNamed is Move for what a name's hand-in does to a job of that name: takes it back for
// another, or brings it back. It holds only while the name's record is as it was read,
// job.ErrConflict otherwise, and makes a new revision of it, which it returns: of two that
// have read the same record, one learns that the other was faster. Nobody takes back what
// the name has come to meanwhile, or brings back what has been replaced.
func (s *Store) MoveNamed(ctx context.Context, from, to job.Job, st job.Stem) (job.Job, job.Stem, error) {
	w := while(st)
	st.Rev++
	w.set = append(w.set, assign{at("rev"), st.Rev})
	moved, err := s.move(ctx, from, to, w)
	if err != nil {
		return job.Job{}, job.Stem{}, err
	}
	return moved, st, nil
}

func (s *Store) move(ctx context.Context, from, to job.Job, also ...write) (job.Job, error) {
	if from.State != to.State && (!job.CanMove(from.State, to.State) || to.State == job.Submitting) {
		return job.Job{}, &job.MoveError{From: from.State, To: to.State}
	}
	to, doubt, entries := job.Settle(from, to, time.Now())
	w, moved, err := s.jobWrite(from, to)
	if err != nil {
		return job.Job{}, err
	}
	ws := append([]write{w}, also...)
	if moved.Task != nil && (from.Task == nil || from.Task.ID != moved.Task.ID) {
		ws = append(ws, own(*moved.Task, moved.ID))
	}
	if from.State != moved.State && moved.State.Told() {
		m, err := newMessage(job.OutcomeMessage(moved))
		if err != nil {
			return job.Job{}, err
		}
		ws = append(ws, m)
	}
	if from.State == job.Succeeded && moved.State == job.Succeeded && from.Film != nil && moved.Film != nil && from.Film.Key != moved.Film.Key {
		m, err := newMessage(job.MovedMessage(moved))
		if err != nil {
			return job.Job{}, err
		}
		ws = append(ws, m)
	}
	if stray, ok := job.StrayOf(from, moved); ok {
		stray.Doubt = doubt
		w, err := newStray(stray)
		if err != nil {
			return job.Job{}, err
		}
		ws = append(ws, w)
	}
	g, ok, err := s.gateWrite(ctx, from, moved, entries)
	if err != nil {
		return job.Job{}, err
	}
	if ok {
		ws = append(ws, g)
	}
	if err := s.t.write(ctx, ws...); err != nil {
		return job.Job{}, err
	}
	s.giveBack(ctx, from, moved)
	return moved, nil
}

// jobWrite is the job's own part of a move.
func (s *Store) jobWrite(from, to job.Job) (write, job.Job, error) {
	to.ID, to.Rev = from.ID, from.Rev+1
	if to.State != from.State {
		to.Tries = 0
		if to.State.Told() {
			to.Told = to.Rev
		}
	}
	stamp(&to, time.Now())
	a, err := encodeJob(from)
	if err != nil {
		return write{}, job.Job{}, err
	}
	b, err := encodeJob(to)
	if err != nil {
		return write{}, job.Job{}, err
	}
	return change(jobKey(to.ID), a, b,
		equal(from.Rev, "rev"), equal(from.State, "state"), equal(from.Attempt, "attempt")), to, nil
}

// gateWrite is the gate's part of a move, if it has one.
func (s *Store) gateWrite(ctx context.Context, from, to job.Job, entries []job.Entry) (write, bool, error) {
	w := write{key: gateKey, add: counted(entries...)}
	switch {
	case from.State.HoldsSlot() && !to.State.HoldsSlot():
		w.unset = append(w.unset, at("slots", to.ID))
	case !from.State.HoldsSlot() && to.State.HoldsSlot():
		w.set = append(w.set, assign{at("slots", to.ID), slotItem(to)})
	case to.State.HoldsSlot() && from.Most() != to.Most():
		// Charged while it is there: what it reserved is spent by now.
		w.set = append(w.set, assign{at("slots", to.ID), slotItem(to)})
	}
	if from.State == job.Submitting && to.State != job.Submitting {
		g, err := s.Gate(ctx)
		if err != nil {
			return write{}, false, err
		}
		if g.Lease != nil && g.Lease.Job == to.ID && from.Intent != nil && g.Lease.Fence == from.Intent.Fence {
			posted, err := encode(map[string]any{"at": time.Now().UTC().Truncate(time.Millisecond)})
			if err != nil {
				return write{}, false, err
			}
			w.set = append(w.set, assign{at("posted"), posted["at"]})
			w.unset = append(w.unset, at("lease"))
			w.conds = append(w.conds, equal(g.Lease.Fence, "lease", "fence"))
		}
	}
	if from.State.HoldsSlot() && to.State == job.Storing {
		if err := s.teach(ctx, &w, from, to); err != nil {
			return write{}, false, err
		}
	}
	if w.checks() {
		return write{}, false, nil
	}
	if err := s.ensureGate(ctx); err != nil {
		return write{}, false, err
	}
	w.set = append(w.set, assign{at(writeAttr), newMark()})
	return w, true, nil
}

// teach has the gate learn from a film that is ready. It sets no condition: of two at the
// same moment one may be forgotten, and neither fails the other's move.
func (s *Store) teach(ctx context.Context, w *write, from, to job.Job) error {
	g, err := s.Gate(ctx)
	if err != nil {
		return err
	}
	before, err := encode(g)
	if err != nil {
		return err
	}
	after, err := encode(g.Taught(from, to, time.Now()))
	if err != nil {
		return err
	}
	set, unset := diff(before, after, nil)
	w.set, w.unset = append(w.set, set...), append(w.unset, unset...)
	return nil
}

// own registers a task's one owner, with the id of the call that made it: the job
// forgets that when all is well.
func own(t job.Task, jobID string) write {
	w := write{key: taskKey(t.ID),
		set: []assign{{at("job"), jobID}, {at(writeAttr), newMark()},
			{at(ttlAttr), number(time.Now().Add(Retention).Unix())}},
		conds: []cond{oneOf(absent(keyAttr), equal(jobID, "job"))}}
	if t.RequestID != "" {
		w.set = append(w.set, assign{at("request_id"), t.RequestID})
	}
	return w
}

// stamp sets what every write sets.
func stamp(j *job.Job, now time.Time) {
	j.Updated = now.UTC().Truncate(time.Millisecond)
	if j.State.Final() {
		if j.Ended.IsZero() {
			j.Ended = j.Updated
		}
		j.Due = time.Time{}
	} else {
		j.Ended = time.Time{}
	}
}

// errNoDue guards "nothing stuck": a forgotten due time is a job that nobody looks
// at again.
var errNoDue = errors.New("an open job needs a due time")

// mustBeDue says which states nothing but a due time drives on.
func mustBeDue(s job.State) bool {
	return !s.Final() && s != job.Queued && s != job.Held
}

// encodeJob gives a job its attributes and its places in the indexes.
func encodeJob(j job.Job) (item, error) {
	if j.Due.IsZero() && mustBeDue(j.State) {
		return nil, fmt.Errorf("%s: %w", j.State, errNoDue)
	}
	it, err := encode(j)
	if err != nil {
		return nil, err
	}
	pack(it, j)
	placeDue(it, dueJobs, j.Due)
	if j.State == job.Queued && j.Due.IsZero() {
		it[queueIndex.hash], it[queueIndex.rang] = "queue", j.Rank
	}
	if j.State == job.Held {
		it[queueIndex.hash], it[queueIndex.rang] = "held", j.ID
	}
	if !j.Received.IsZero() {
		it[recentIndex.hash], it[recentIndex.rang] = dayOf(j.Received), millis(j.Received)
	}
	if j.State.Final() {
		placeTTL(it, j.Ended.Add(Retention))
	}
	return it, nil
}

// errNotQueued guards Admit's use.
var errNotQueued = errors.New("only a queued job can be admitted")

// errNeverSent guards the purse, whatever led there: neither a dry run nor a job whose
// options nobody could read is ever sent.
var errNeverSent = errors.New("a dry run, or a job with refused options, cannot be admitted")
