package submit

import (
	"context"
	"errors"
	"slices"
	"time"

	"emodrop/shared/job"
)

const (
	// candidates is how many more queued jobs are read than there are slots free: the
	// index lags, so the first may have left already.
	candidates = 10
	// maxFresh bounds how many jobs a process remembers to have queued.
	maxFresh = 1000
	// races bounds how often one dispatch tries again after losing the gate.
	races = 10
	// spare is what an invocation keeps in hand for the answer's transaction.
	spare = 10 * time.Second
	// claimed is how long a job is one process's alone that uploads its files without a
	// bound of its own.
	claimed = 5 * time.Minute
	// urlMargin is what a link must live longer than the vendor may take to
	// fetch it.
	urlMargin = 10 * time.Minute
)

// Dispatch sends queued jobs to the vendor, one after the other, until no slot is
// free, the queue is empty, somebody else is posting, or time is up. Then it shows what
// has been queued far behind.
func (s *Step) Dispatch(ctx context.Context) error {
	defer s.showFar(ctx)
	l := line{tried: map[string]bool{}, gone: map[string]bool{}}
	for lost := 0; lost < races; {
		if !s.inTime(ctx) {
			return nil
		}
		g, err := s.Gate.Gate(ctx)
		if err != nil {
			return err
		}
		// A look without a job: is anyone admitted at all?
		switch g.Admits(time.Now(), "", 0, s.MaxInFlight, time.Now().Add(time.Hour), s.Profile) {
		case job.Closed, job.Throttle, job.Posting, job.Full:
			return nil
		}
		j, found, err := s.next(ctx, &l, s.MaxInFlight-len(g.Slots))
		if err != nil || !found {
			return err
		}
		goOn, err := s.send(ctx, g, j)
		if errors.Is(err, errRaced) {
			// Whoever was faster may have taken this very job, or another one: the
			// order stays.
			lost++
			continue
		}
		l.tried[j.ID] = true
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// errRaced: somebody else was admitted meanwhile.
var errRaced = errors.New("the gate was taken by somebody else")

// uploadsUntil is when uploads have to be done, so that a create call and its answer
// still fit into the invocation: what takes longer is stopped while there is time to say
// so. Zero: no bound.
func (s *Step) uploadsUntil(ctx context.Context) time.Time {
	d, ok := ctx.Deadline()
	if !ok {
		return time.Time{}
	}
	return d.Add(-s.CreateWithin - spare)
}

// timeToUpload says whether it is worth beginning to upload: with as much time as the call
// after it may take.
func (s *Step) timeToUpload(ctx context.Context, j job.Job) bool {
	until := s.uploadsUntil(ctx)
	if until.IsZero() || time.Until(until) >= s.CreateWithin {
		return true
	}
	s.Log.InfoContext(ctx, "no time left to upload", "job_id", j.ID)
	return false
}

// claim makes a queued job this process's alone while its files are uploaded: several
// that upload the same would only be in each other's way. Who dies over it is not waited
// for for longer than its invocation could have lasted. The job is another's if it comes
// back in no state.
func (s *Step) claim(ctx context.Context, j job.Job) (job.Job, error) {
	next := j
	if next.Due = s.uploadsUntil(ctx); next.Due.IsZero() {
		next.Due = time.Now().Add(claimed)
	}
	next.Due = next.Due.Add(s.CreateWithin + spare).UTC().Truncate(time.Millisecond)
	moved, err := s.Jobs.Move(ctx, j, next)
	return moved, conflict(err)
}

// release gives a job back that was claimed, if it stands as it did then.
func (s *Step) release(ctx context.Context, claimed job.Job) error {
	next := claimed
	next.Due = time.Time{}
	_, err := s.Jobs.Move(ctx, claimed, next)
	return conflict(err)
}

// inTime says whether a create call and its answer still fit into the invocation.
func (s *Step) inTime(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return !ok || time.Until(d) >= s.CreateWithin+spare
}

// queued remembers a job for the dispatch that follows, which the index may be
// behind for.
func (s *Step) queued(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = append(s.fresh, id)
	s.fresh = s.fresh[max(0, len(s.fresh)-maxFresh):]
	s.unshown = append(s.unshown, id)
	s.unshown = s.unshown[max(0, len(s.unshown)-maxFresh):]
}

// recent are the jobs that queued remembers, less those that were seen elsewhere
// since.
func (s *Step) recent(gone map[string]bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = slices.DeleteFunc(s.fresh, func(id string) bool { return gone[id] })
	return slices.Clone(s.fresh)
}

// line is what one dispatch knows of the queue: as much as there were slots free, and
// a few more, as the index lags.
type line struct {
	ids []string
	// more: there may be more than those. read: the index was asked at all.
	more, read bool
	// tried are the jobs that had their turn in this round, gone those that were
	// found elsewhere.
	tried, gone map[string]bool
}

// next is the first job of the queue that has not been tried in this round: as the
// index shows it, and behind that what this process has queued itself just now.
func (s *Step) next(ctx context.Context, l *line, free int) (job.Job, bool, error) {
	for {
		if j, found, err := s.first(ctx, l, l.ids); err != nil || found {
			return j, found, err
		}
		if l.read && !l.more {
			break
		}
		limit := free + candidates + len(l.tried) + len(l.gone)
		ids, err := s.Jobs.Queue(ctx, limit)
		if err != nil {
			return job.Job{}, false, err
		}
		l.ids, l.read, l.more = ids, true, len(ids) == limit
	}
	j, found, err := s.first(ctx, l, s.recent(nil))
	if err == nil && !found {
		s.recent(l.gone)
	}
	return j, found, err
}

// first is the first of those jobs that is queued and had no turn yet.
func (s *Step) first(ctx context.Context, l *line, ids []string) (job.Job, bool, error) {
	for _, id := range ids {
		if l.tried[id] || l.gone[id] {
			continue
		}
		j, err := s.Jobs.Job(ctx, id)
		if err != nil && !errors.Is(err, job.ErrNotFound) {
			return job.Job{}, false, err
		}
		if err == nil && j.State == job.Queued && j.Due.IsZero() {
			return j, true, nil
		}
		l.gone[id] = true
	}
	return job.Job{}, false, nil
}

// send takes one job through the protocol. goOn says whether another may follow.
func (s *Step) send(ctx context.Context, g job.Gate, j job.Job) (goOn bool, err error) {
	// Before anything is copied: would this one be admitted at all?
	if g.Admits(time.Now(), j.ID, j.Seconds(), s.MaxInFlight, time.Now().Add(job.InputLife-urlMargin), s.Profile) != job.Go {
		return false, nil
	}
	if lives, err := s.lives(ctx, j); err != nil || lives {
		return err == nil, err
	}
	if ok, goOn, err := s.afford(ctx, g, j); !ok {
		return goOn, err
	}
	if j, err = s.withFace(ctx, g, j); err != nil || j.State != job.Queued {
		return err == nil, err
	}
	via, trial := g.Transfer(s.Transfer, j, false, time.Now())
	left := false // the queue
	if via == job.TransferTemp && !s.uploads.all(j) {
		if !s.timeToUpload(ctx, j) {
			return false, nil
		}
		if j, err = s.claim(ctx, j); err != nil || j.State != job.Queued {
			return err == nil, err
		}
		// Whatever keeps it from being sent now: it is nobody's any more.
		defer func() {
			if !left && (err == nil || errors.Is(err, errRaced)) {
				err = errors.Join(err, s.release(ctx, j))
			}
		}()
	}
	in, err := s.bring(ctx, j, via)
	if err != nil {
		return s.unsent(ctx, j, err)
	}
	// The vendor takes so many creates a second; the lease makes them one after the
	// other, and this keeps them apart.
	if err := job.Pause(ctx, g.PostWait(time.Now(), s.Profile)); err != nil {
		return false, err
	}
	// A free call before anything is written: it shows that key and permission are
	// in order, and says what time it is at the vendor. It comes last, as the window
	// in which a lost task is looked for begins with it.
	vendorAt, err := s.Vendor.Clock(ctx)
	if err != nil {
		return false, s.clockFailed(ctx, err)
	}
	// Without its monotonic reading, so that time that this machine spent frozen
	// counts.
	now := time.Now().Round(0).UTC().Truncate(time.Millisecond)
	if g.Admits(now, j.ID, j.Seconds(), s.MaxInFlight, in.ends.Add(-urlMargin), s.Profile) != job.Go || !s.inTime(ctx) {
		return false, nil
	}
	until := now.Add(s.PostLease)
	admitted, err := s.Gate.Admit(ctx, j, job.Admission{Gate: g, Limit: s.MaxInFlight, Budget: s.Budget, Trial: trial, Intent: job.Intent{
		At: now, VendorAt: vendorAt.Truncate(time.Millisecond), Until: until, BaseURL: s.Vendor.BaseURL(), Model: s.Model,
		StagedImage: in.stagedImage, StagedAudio: in.stagedAudio, URLsEnd: in.ends.UTC().Truncate(time.Millisecond),
	}})
	if errors.Is(err, job.ErrConflict) {
		return true, errRaced
	}
	if err != nil {
		return false, err
	}
	left = true
	if trial {
		s.Log.InfoContext(ctx, "trying links to S3 again", "job_id", j.ID)
	}
	// Nothing comes between the intent and the call but this one look: an
	// invocation that was asleep meanwhile has lost its right to post.
	if time.Until(until) < s.CreateWithin {
		return false, nil
	}
	call, cancel := context.WithTimeout(ctx, s.CreateWithin)
	created, err := s.Vendor.Create(call, job.CreateRequest{Model: s.Model, ImageURL: in.image, AudioURL: in.audio,
		Face: j.Face.Box, Ext: j.Face.Ext, Style: j.Style, Before: until.Add(-s.CreateWithin)})
	cancel()
	if !untouched(err) {
		s.uploads.drop(j.ID)
	}
	if err != nil {
		return s.notCreated(ctx, admitted, err)
	}
	return true, s.record(ctx, admitted, created)
}

// lives says whether the task of the job's last create call, which nobody could find, has
// shown up and is alive: poll is about to give it back. Whoever ended the job while it was
// looked for, and tries it again, is not to pay for a second one.
func (s *Step) lives(ctx context.Context, j job.Job) (bool, error) {
	if j.Posts == 0 {
		return false, nil
	}
	st, err := s.Jobs.Stray(ctx, job.Stray{Job: j.ID, Post: j.Posts}.ID())
	if errors.Is(err, job.ErrNotFound) {
		return false, nil
	}
	return st.Live, err
}
