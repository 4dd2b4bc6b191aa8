package store

import (
	"context"

	"emodrop/shared/job"
)

func newMessage(m job.Message) (write, error) {
	m.Rev = 1
	it, err := encode(m)
	if err != nil {
		return write{}, err
	}
	return change(messageKey(m.ID), nil, indexed(it, m.Due)), nil
}

// AddNotice writes a message about files that are no job, once: false when the
// same one is waiting to be sent already.
func (s *Store) AddNotice(ctx context.Context, m job.Message) (bool, error) {
	w, err := newMessage(m)
	if err != nil {
		return false, err
	}
	w.conds = []cond{absent(keyAttr)}
	err = s.t.write(ctx, w)
	if lost(err) {
		return false, nil
	}
	return err == nil, err
}

// Message reads a message that is still to be sent, or job.ErrNotFound.
func (s *Store) Message(ctx context.Context, id string) (job.Message, error) {
	var m job.Message
	it, err := s.read(ctx, messageKey(id), &m)
	if err != nil {
		return job.Message{}, err
	}
	m.Due = fromMillis(it[dueIndex.rang])
	return m, nil
}

// PutMessage notes what of a message is still unsent and when to try again; with
// nothing left the message goes away. job.ErrConflict when it has changed since.
func (s *Store) PutMessage(ctx context.Context, from, to job.Message) error {
	if len(to.Unsent) == 0 {
		return s.t.write(ctx, write{key: messageKey(from.ID), delete: true, conds: []cond{equal(from.Rev, "rev")}})
	}
	to.ID, to.Rev = from.ID, from.Rev+1
	a, err := encode(from)
	if err != nil {
		return err
	}
	b, err := encode(to)
	if err != nil {
		return err
	}
	return s.revised(ctx, messageKey(from.ID), from.Rev, indexed(a, from.Due), indexed(b, to.Due))
}
