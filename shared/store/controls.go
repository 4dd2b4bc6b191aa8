package store

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// Heeded reads which writing of a control object counted last; its Rev is 0 when none
// has.
func (s *Store) Heeded(ctx context.Context, key string) (job.Heeded, error) {
	var h job.Heeded
	if _, err := s.read(ctx, controlKey(key), &h); err != nil && !errors.Is(err, job.ErrNotFound) {
		return job.Heeded{}, err
	}
	return h, nil
}

// Heed notes that an order has had its effect, or, with the message that says why, that
// it has none. job.ErrConflict when its object was heeded meanwhile.
func (s *Store) Heed(ctx context.Context, o job.Order, refusal *job.Message) error {
	refused := ""
	var ws []write
	if refusal != nil {
		m, err := newMessage(*refusal)
		if err != nil {
			return err
		}
		refused, ws = refusal.Fault.Code, append(ws, m)
	}
	w, err := heed(o, refused)
	if err != nil {
		return err
	}
	return s.t.write(ctx, append(ws, w)...)
}

// Obey is Move by an order: with the move it is noted that the order was heeded, and
// both only while its object and its name's record are as the order has them.
// job.ErrConflict otherwise.
func (s *Store) Obey(ctx context.Context, from, to job.Job, o job.Order) (job.Job, error) {
	w, err := heed(o, "")
	if err != nil {
		return job.Job{}, err
	}
	return s.move(ctx, from, to, w, while(o.Stem))
}

// while is a condition on a name's record, in the form of a write that changes nothing
// of it: the submit function may write records, and not check them.
func while(claim job.Stem) write {
	return write{key: stemKey(claim.Name), set: []assign{{at(writeAttr), newMark()}}, conds: []cond{equal(claim.Rev, "rev")}}
}

// heed is the record of an order that was heeded. It outlives every sweep that could
// find its object again.
func heed(o job.Order, refused string) (write, error) {
	from, err := encode(o.Seen)
	if err != nil {
		return write{}, err
	}
	to, err := encode(o.Heed(refused))
	if err != nil {
		return write{}, err
	}
	placeTTL(to, time.Now().Add(Retention))
	return revision(controlKey(o.Key), o.Seen.Rev, from, to), nil
}
