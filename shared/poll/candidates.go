package poll

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"emodrop/shared/job"
)

const (
	// skew is how far before an intent's window a task's creation may seem to lie:
	// the Date header knows whole seconds only. There is none at the window's end,
	// where the next intent's begins: a posting lease outlives its create call by
	// far, so what seems to lie there is another's.
	skew = 2 * time.Second
	// samples is how many tasks of a key are looked up to tell whose it is: the
	// newest, as the list has it, and the oldest.
	samples = 8
	// exchange is how long after a change of keys the old one may still be used: a
	// process believes a key it has fetched for some minutes.
	exchange = 10 * time.Minute
)

// candidates are what the vendor's list shows of an intent.
type candidates struct {
	// found are the tasks that it may have made and that have no owner.
	found []job.Listed
	// own are those of them whose key is provably ours.
	own []job.Listed
	// live are those of them that may be, or have been, charged.
	live []job.Listed
	// sure is false when it cannot be told that all of them are of our own key.
	sure bool
	// ours is the vendor's id of our key, as far as the list proves it.
	ours string
}

// candidates looks through the vendor's list. Whose a key is its other tasks tell:
// ours is one that made a task whose create call was answered to us. A stranger's is
// one that made a task we know nothing of while we provably used another key, that
// is, well before that key's last task. Any other may be ours, exchanged just now.
func (s *Step) candidates(ctx context.Context, j job.Job, keyID string) (candidates, error) {
	in := j.Intent
	from, to := in.VendorAt.Add(-skew), in.VendorAt.Add(in.Until.Sub(in.At))
	var inside []job.Listed
	around := map[string][]job.Listed{} // by key
	err := s.each(ctx, in.Model, from, func(t job.Listed) error {
		switch {
		case !t.Created.Before(from) && !t.Created.After(to):
			inside = append(inside, t)
		case len(around[t.KeyID]) < samples:
			around[t.KeyID] = append(around[t.KeyID], t)
		default:
			around[t.KeyID][samples-1] = t
		}
		return nil
	})
	if err != nil {
		return candidates{}, err
	}
	var free []job.Listed
	for _, t := range inside {
		owner, err := s.Jobs.Owner(ctx, t.TaskID)
		switch {
		case errors.Is(err, job.ErrNotFound) || err == nil && owner == j.ID:
			free = append(free, t)
		case err != nil:
			return candidates{}, err
		default:
			around[t.KeyID] = append(around[t.KeyID], t)
		}
	}
	if len(free) == 0 {
		return candidates{}, nil
	}
	if i := slices.IndexFunc(free, func(t job.Listed) bool { return in.RequestID != "" && t.RequestID == in.RequestID }); i >= 0 {
		// The vendor's own word for it, whoever else was there.
		return candidates{found: free[i : i+1], live: free[i : i+1], own: free[i : i+1], sure: true}, nil
	}
	k, err := s.keys(ctx, keyID, around, from)
	if err != nil {
		return candidates{}, err
	}
	c := candidates{sure: true, ours: k.proven}
	for _, t := range free {
		if k.strange[t.KeyID] {
			continue
		}
		c.found = append(c.found, t)
		if k.own[t.KeyID] {
			c.own = append(c.own, t)
		}
		if t.Status != job.TaskFailed && t.Status != job.TaskCanceled {
			c.live = append(c.live, t)
		}
		c.sure = c.sure && (k.own[t.KeyID] || k.lonely(t.KeyID, free))
	}
	return c, nil
}

// keys is what the list tells of the keys in it.
type keys struct {
	// own are those that are ours, strange those that are provably not.
	own, strange map[string]bool
	// proven is the key of ours that made the newest task, at that time.
	proven string
	newest time.Time
	// others made a task we know nothing of before the window: company in which no
	// key is taken for ours unproven.
	others map[string]bool
}

// lonely: we know nothing of our own key, and this is the only one in sight, without
// a history. It is taken for ours; the film has to fit its request all the same.
func (k keys) lonely(key string, free []job.Listed) bool {
	return len(k.own) == 0 && len(k.others) == 0 &&
		!slices.ContainsFunc(free, func(t job.Listed) bool { return t.KeyID != key })
}

// keys looks at what the keys made besides; the window begins at from.
func (s *Step) keys(ctx context.Context, known string, seen map[string][]job.Listed, from time.Time) (keys, error) {
	k := keys{own: map[string]bool{}, strange: map[string]bool{}, others: map[string]bool{}}
	if known != "" {
		k.own[known] = true
	}
	first := map[string]time.Time{} // of the tasks we know nothing of, by key
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		for _, t := range seen[key] {
			owner, err := s.Jobs.Owner(ctx, t.TaskID)
			if errors.Is(err, job.ErrNotFound) {
				if at, ok := first[key]; !ok || t.Created.Before(at) {
					first[key] = t.Created
				}
				continue
			}
			if err != nil {
				return keys{}, err
			}
			j, err := s.Jobs.Job(ctx, owner)
			if err != nil && !errors.Is(err, job.ErrNotFound) {
				return keys{}, err
			}
			// A task that was only adopted proves nothing of its key.
			if err == nil && j.Task != nil && j.Task.ID == t.TaskID && !j.Task.Adopted {
				k.own[key] = true
				if t.Created.After(k.newest) {
					k.newest, k.proven = t.Created, key
				}
			}
		}
	}
	for key, at := range first {
		k.others[key] = k.others[key] || at.Before(from)
		k.strange[key] = !k.own[key] && at.Before(k.newest.Add(-exchange))
	}
	maps.DeleteFunc(k.others, func(_ string, v bool) bool { return !v })
	return k, nil
}
