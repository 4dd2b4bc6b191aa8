package poll

import (
	"context"
	"errors"
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
	// samples is how many tasks of a key are looked up to tell whose it is.
	samples = 5
)

// candidates are what the vendor's list shows of an intent.
type candidates struct {
	// found are the tasks that it may have made and that have no owner.
	found []job.Listed
	// sure is false when it cannot be told that all of them are of our own key.
	sure bool
	// ours is the vendor's id of our key, as far as the list proves it.
	ours string
}

// candidates looks through the vendor's list. Whose a key is its other tasks tell:
// ours is one that made a task whose create call was answered to us; a stranger's
// one that made only tasks we know nothing of, while we know our own. A key without
// a history may be either: ours may have been exchanged just now.
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
	k, err := s.keys(ctx, keyID, around)
	if err != nil {
		return candidates{}, err
	}
	c := candidates{sure: true, ours: k.proven}
	for _, t := range free {
		if k.strange[t.KeyID] && len(k.own) > 0 {
			continue
		}
		c.found = append(c.found, t)
		c.sure = c.sure && (k.own[t.KeyID] || k.lonely(t.KeyID, free))
	}
	return c, nil
}

// keys is what the list tells of the keys in it.
type keys struct {
	// own are those that are ours, strange those that made tasks we know nothing
	// of; a key without a history is neither.
	own, strange map[string]bool
	seen         map[string][]job.Listed
	// proven is the key of ours that made the newest task.
	proven string
}

// lonely: we know nothing of our own key, and this is the only one in sight. It is
// taken for ours; the film has to fit its request all the same.
func (k keys) lonely(key string, free []job.Listed) bool {
	if len(k.own) > 0 || k.strange[key] {
		return false
	}
	for other := range k.seen {
		if other != key {
			return false
		}
	}
	return !slices.ContainsFunc(free, func(t job.Listed) bool { return t.KeyID != key })
}

// keys looks at what the keys made besides.
func (s *Step) keys(ctx context.Context, known string, seen map[string][]job.Listed) (keys, error) {
	k := keys{own: map[string]bool{}, strange: map[string]bool{}, seen: seen}
	if known != "" {
		k.own[known] = true
	}
	var newest time.Time
	for key, tasks := range seen {
		for _, t := range tasks {
			owner, err := s.Jobs.Owner(ctx, t.TaskID)
			if errors.Is(err, job.ErrNotFound) {
				k.strange[key] = true
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
				if t.Created.After(newest) {
					newest, k.proven = t.Created, key
				}
			}
		}
	}
	for key := range k.own {
		delete(k.strange, key)
	}
	return k, nil
}
