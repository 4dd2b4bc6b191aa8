package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"emodrop/shared/job"
)

// shareTries bounds how often a place is asked for that others of the same folder are
// faster to take. Who has none by then shares one: that is as much as one film too many.
const shareTries = 8

// shareLife is how long a folder's last place is kept. The clock has passed it long
// before, or the queue has not moved for as long as records are kept.
const shareLife = Retention

// Share gives a job its virtual start: where its folder's last one ends, and not before
// the clock. Whoever dies before the job is queued has spent one of the folder's turns.
func (s *Store) Share(ctx context.Context, sh job.Share) (start int64, err error) {
	if sh.First {
		if sh.Clock, err = s.startClock(ctx, sh.Class, sh.Clock); err != nil {
			return 0, err
		}
	}
	key := shareKey(sh.Class, sh.Folder)
	for range shareTries {
		it, err := s.t.get(ctx, key)
		if err != nil {
			return 0, err
		}
		finish, free := int64(0), absent("finish")
		if n, ok := it["finish"].(json.Number); ok {
			if finish, err = n.Int64(); err != nil {
				return 0, err
			}
			free = equal(n, "finish")
		}
		start = sh.Start(finish)
		err = s.t.write(ctx, write{key: key, conds: []cond{free},
			set: []assign{{at("finish"), number(start + sh.Cost)}, {at(ttlAttr), number(time.Now().Add(shareLife).Unix())}, {at(writeAttr), newMark()}}})
		if !errors.Is(err, job.ErrConflict) {
			return start, err
		}
	}
	return start, nil
}

// startClock begins the clock of a class, unless somebody else has, and says where it
// stands.
func (s *Store) startClock(ctx context.Context, class string, now int64) (int64, error) {
	for range shareTries {
		g, err := s.Gate(ctx)
		if err != nil {
			return 0, err
		}
		if clock, ok := g.Clock[class]; ok {
			return clock, nil
		}
		w := write{key: gateKey, set: []assign{{at("clock", class), number(now)}, {at(writeAttr), newMark()}},
			conds: []cond{exists("clock"), absent("clock", class)}}
		if g.Clock == nil {
			w.set[0] = assign{at("clock"), map[string]any{class: number(now)}}
			w.conds = []cond{absent("clock")}
		}
		if err := s.t.write(ctx, w); err == nil || !errors.Is(err, job.ErrConflict) {
			return now, err
		}
	}
	return 0, job.ErrConflict
}
