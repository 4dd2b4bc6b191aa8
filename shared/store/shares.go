package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"emodrop/shared/job"
)

// shareTries bounds how often a place is asked for that others of the same folder are
// faster to take. Who has none by then shares one: that is as much as one film too many.
const shareTries = 8

// shareLife is how long a folder's last place is kept. The clock has passed it long
// before, or the queue has not moved for as long as records are kept.
const shareLife = Retention

// Share gives a job its virtual start: where its folder's last one ends, or where one
// that left the queue unsent began, and not before the clock. Whoever dies before the job
// is queued has spent one of the folder's turns.
func (s *Store) Share(ctx context.Context, sh job.Share) (start int64, err error) {
	if sh.First {
		if sh.Clock, err = s.startClock(ctx, sh.Class, sh.Clock); err != nil {
			return 0, err
		}
	}
	err = s.takeTurns(ctx, shareKey(sh.Class, sh.Folder), func(t job.Turns) job.Turns {
		start, t = t.Take(sh)
		return t
	})
	if errors.Is(err, job.ErrConflict) {
		err = nil
	}
	return start, err
}

// giveBack returns the turn of a job that has left its place in the queue unsent. It comes
// after the move, which does not fail by it: who dies in between, or loses too many races,
// has spent one of the folder's turns.
func (s *Store) giveBack(ctx context.Context, from, to job.Job) {
	if from.State != job.Queued || to.State == job.Submitting {
		return
	}
	var g job.Gate
	if from.Posts > 0 {
		var err error
		if g, err = s.Gate(ctx); err != nil {
			return
		}
	}
	if t, ok := job.TurnBack(g, from, to); ok {
		_ = s.takeTurns(ctx, shareKey(t.Class, t.Folder), func(all job.Turns) job.Turns { return all.Back(t.Stretch) })
	}
}

// takeTurns changes what a folder has taken. job.ErrConflict when others were faster each
// time; what change gave last was decided on what was read last.
func (s *Store) takeTurns(ctx context.Context, key string, change func(job.Turns) job.Turns) error {
	for range shareTries {
		it, err := s.t.get(ctx, key)
		if err != nil {
			return err
		}
		before, asRead, err := turnsOf(it)
		if err != nil {
			return err
		}
		after := change(before)
		if after.Finish == before.Finish && slices.Equal(after.Free, before.Free) {
			return nil
		}
		w := write{key: key, conds: []cond{asRead},
			set: []assign{{at("finish"), number(after.Finish)}, {at(ttlAttr), number(time.Now().Add(shareLife).Unix())}, {at(writeAttr), newMark()}}}
		switch {
		case len(after.Free) > 0:
			var free []any
			for _, f := range after.Free {
				free = append(free, number(f.From), number(f.To))
			}
			w.set = append(w.set, assign{at("free"), free})
		case len(before.Free) > 0:
			w.unset = append(w.unset, at("free"))
		}
		if err := s.t.write(ctx, w); !errors.Is(err, job.ErrConflict) {
			return err
		}
	}
	return job.ErrConflict
}

// turnsOf reads a folder's record, and gives the condition that it is still that one: its
// finish alone may be the same again.
func turnsOf(it item) (job.Turns, cond, error) {
	var rec struct {
		Finish int64   `json:"finish"`
		Free   []int64 `json:"free"` // where each stretch begins and ends
	}
	if it == nil {
		return job.Turns{}, absent(keyAttr), nil
	}
	if err := decode(it, &rec); err != nil {
		return job.Turns{}, cond{}, err
	}
	t := job.Turns{Finish: rec.Finish}
	for pair := range slices.Chunk(rec.Free, 2) {
		if len(pair) == 2 {
			t.Free = append(t.Free, job.Stretch{From: pair[0], To: pair[1]})
		}
	}
	return t, equal(it[writeAttr], writeAttr), nil
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
