package store

import (
	"context"
	"strings"
	"time"

	"emodrop/shared/job"
)

// strayLife is how long the record of a stray stays if nobody settles it: longer than
// the vendor knows any task.
const strayLife = 7 * 24 * time.Hour

func newStray(s job.Stray) (write, error) {
	s.Rev = 1
	it, err := encodeStray(s)
	if err != nil {
		return write{}, err
	}
	return change(strayKey(s.ID()), nil, it), nil
}

func encodeStray(s job.Stray) (item, error) {
	it, err := encode(s)
	if err != nil {
		return nil, err
	}
	placeDue(it, dueRest, s.Due)
	placeTTL(it, time.Now().Add(strayLife))
	return it, nil
}

// Stray reads a task that may be there although its job went on without it, or
// job.ErrNotFound.
func (s *Store) Stray(ctx context.Context, id string) (job.Stray, error) {
	var st job.Stray
	it, err := s.read(ctx, strayKey(id), &st)
	if err != nil {
		return job.Stray{}, err
	}
	st.Due = fromMillis(it[dueIndex.rang])
	return st, nil
}

// PutStray notes what was learned of a stray and when to look again;
// job.ErrConflict when it has changed since.
func (s *Store) PutStray(ctx context.Context, from, to job.Stray) error {
	to.Job, to.Post, to.Rev = from.Job, from.Post, from.Rev+1
	a, err := encodeStray(from)
	if err != nil {
		return err
	}
	b, err := encodeStray(to)
	if err != nil {
		return err
	}
	return s.revised(ctx, strayKey(from.ID()), from.Rev, a, b)
}

// DropStray forgets a stray that is settled, and takes back what the budget counts for
// it by that reading. One that is gone already is no error.
func (s *Store) DropStray(ctx context.Context, st job.Stray) error {
	gone := write{key: strayKey(st.ID()), delete: true}
	if st.Doubt.Sum == 0 {
		return s.t.write(ctx, gone)
	}
	// Once: a second one finds no stray.
	gone.conds = []cond{exists(keyAttr)}
	err := s.t.write(ctx, gone, spending(st.Doubt.Take()))
	if lost(err) {
		return nil
	}
	return err
}

// Orphan settles a stray that no job can use and that was charged: in one
// transaction its task gets its owner, so that no other job takes it for its own, the
// job notes what was lost, the budget counts it, the message that says so is written, and
// the stray is gone. job.ErrConflict when any of them has changed since.
func (s *Store) Orphan(ctx context.Context, st job.Stray, j job.Job, cost job.Money) (job.Message, error) {
	next := j
	more := cost - st.Counted
	next.Wasted += more
	w, _, err := s.jobWrite(j, next)
	if err != nil {
		return job.Message{}, err
	}
	m := job.OrphanMessage(j, st.TaskID, cost, time.Now().UTC().Truncate(time.Millisecond))
	m.Fault.Detail = strings.Join(st.Among, ", ")
	told, err := newMessage(m)
	if err != nil {
		return job.Message{}, err
	}
	gone := write{key: strayKey(st.ID()), delete: true, conds: []cond{equal(st.Rev, "rev")}}
	ws := []write{w, own(job.Task{ID: st.TaskID}, j.ID), told, gone}
	if g := spending(job.Entry{Sum: more, At: time.Now()}, st.Doubt.Take()); len(g.add) > 0 {
		ws = append(ws, g)
	}
	return m, s.t.write(ctx, ws...)
}
