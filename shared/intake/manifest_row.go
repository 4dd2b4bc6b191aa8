package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"emodrop/shared/job"
)

// shelf reads the files that the rows of a manifest name: one that several rows name is
// looked at once in an invocation. Safe for concurrent use.
type shelf struct {
	h      *Handler
	often  map[string]bool
	known  readings
	hints  hints
	unread bool // what cannot be read counts as that: it has been tried often
}

func (h *Handler) newShelf(all []row, unread bool) *shelf {
	s := &shelf{h: h, often: map[string]bool{}, known: readings{most: 2 * maxRows}, unread: unread, hints: hints{inbox: h.Inbox}}
	seen := map[string]bool{}
	for _, r := range all {
		for _, key := range []string{"i " + r.image, "a " + r.audio} {
			s.often[key] = seen[key]
			seen[key] = true
		}
	}
	return s
}

// file is what a row's file is, as it stands now.
func (s *shelf) file(ctx context.Context, key string, wantImage bool) (reading, error) {
	look := func() (reading, error) { return s.look(ctx, key, wantImage) }
	name := "a " + key
	if wantImage {
		name = "i " + key
	}
	if !s.often[name] {
		return look()
	}
	got, _, err := s.known.read(ctx, name, look)
	return got, err
}

func (s *shelf) look(ctx context.Context, key string, wantImage bool) (reading, error) {
	for range races {
		half, err := s.find(ctx, key)
		if errors.Is(err, job.ErrNotFound) {
			return reading{in: unread(key, "missing"), fault: s.missing(ctx, key)}, nil
		}
		var got reading
		if err == nil {
			got = reading{half: half}
			got.in, got.fault, err = s.h.inspect(ctx, half, wantImage)
			if changed(err) {
				continue
			}
		}
		if err != nil && s.unread && ctx.Err() == nil {
			s.h.Log.WarnContext(ctx, "file of a row cannot be read", "err", err)
			return reading{in: unread(key, "unreadable"), fault: &job.Fault{Code: job.CodeUnreadable, File: key}}, nil
		}
		return got, err
	}
	return reading{}, job.ErrConflict
}

// find looks for a file by its key, in each of the forms that it may have in the bucket.
func (s *shelf) find(ctx context.Context, key string) (half job.Half, err error) {
	err = job.ErrNotFound
	for _, form := range KeyForms(key) {
		if half, err = s.h.Inbox.Head(ctx, form); !errors.Is(err, job.ErrNotFound) {
			return half, err
		}
	}
	return half, err
}

// unread stands for a file of which nothing is known but why.
func unread(key, why string) job.Input {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", why, key))
	return job.Input{Key: key, SHA256: hex.EncodeToString(sum[:])}
}

// rowMade marks the record of a name whose job was made by a row.
const rowMade = "row"

// rowJob is the job that a row asks for now; it may be there already.
func (h *Handler) rowJob(ctx context.Context, m job.Manifest, number int, r row, files *shelf) (job.Job, ask, error) {
	image, err := files.file(ctx, r.image, true)
	if err != nil {
		return job.Job{}, ask{}, err
	}
	audio, err := files.file(ctx, r.audio, false)
	if err != nil {
		return job.Job{}, ask{}, err
	}
	a, err := rowAsks(r, m.File.Key, audio.half, image.half)
	if err != nil {
		return job.Job{}, ask{}, err
	}
	now := time.Now().UTC()
	j := job.Job{
		State: job.Received, Name: job.Name{Dir: m.Name.Dir, Stem: r.name}, Image: image.in, Audio: audio.in,
		Received: now.Truncate(time.Millisecond), Due: now.Add(grace),
		Options: a.options, Labels: a.labels.ID(), Row: job.RowRef(m.ID(), number/job.PortionRows),
	}
	j.ID = job.Identity(j.Name, j.Image.SHA256, j.Audio.SHA256, j.Options)
	if f := firstOf(image.fault, audio.fault, a.fault, a.misfit(image.in)); f != nil {
		j.State, j.Fault = job.Rejected, f
	}
	return j, a, nil
}

// rowAsks is what a row asks for: what it says itself before the metadata of its
// recording, and that before the metadata of its picture, as of a drop's files. file is
// what the row stands in.
func rowAsks(r row, file string, audio, image job.Half) (ask, error) {
	var a ask
	all := a.add(wish{}, r.wish, file)
	refused := sha256.New()
	for _, half := range []job.Half{audio, image} {
		if half.Mark == "" {
			continue
		}
		_, _ = fmt.Fprintf(refused, "metadata %s", half.Mark)
		w, err := wishOfMetadata(half.Asks)
		if err != nil && a.fault == nil {
			a.fault = &job.Fault{Code: job.CodeOptionsRefused, File: half.Key, Detail: err.Error()}
		}
		all = a.add(all, w, half.Key)
	}
	if err := all.whole(); err != nil && a.fault == nil {
		a.fault = &job.Fault{Code: job.CodeOptionsRefused, File: audio.Key, Detail: err.Error()}
	}
	if a.fault != nil {
		a.options = job.Options{Refused: hex.EncodeToString(refused.Sum(nil)[:8])}
		return a, nil
	}
	a.options, a.labels = all.options(), job.Labels{Metadata: all.metadata, Tags: all.tags}
	return a, nil
}

// placed is a row that has its job.
type placed struct {
	job.Row
	// made is the job when it is new and to be prepared.
	made *job.Job
}

// errOvertaken: the name has gone to a row of a newer version of the same manifest.
var errOvertaken = errors.New("a newer version of the manifest is at work")

// place writes the job of a row unless it is there, and makes it the newest of its
// name, as a drop of these files at the manifest's time would.
func (h *Handler) place(ctx context.Context, m job.Manifest, j job.Job, a ask) (p placed, err error) {
	for range races {
		p, err = h.placeOnce(ctx, m.Claim(), j, a)
		if !errors.Is(err, job.ErrConflict) {
			return p, err
		}
	}
	return p, err
}

func (h *Handler) placeOnce(ctx context.Context, by job.Claim, j job.Job, a ask) (placed, error) {
	st, err := h.HandIns.Stem(ctx, j.Name)
	if err != nil {
		return placed{}, err
	}
	if st.Row != nil && st.Row.Manifest == by.Manifest && st.Row.Since.After(by.Since) {
		return placed{}, errOvertaken
	}
	old, err := h.last(ctx, st)
	if err != nil {
		return placed{}, err
	}
	late, err := h.outranked(ctx, by, st)
	if err != nil {
		return placed{}, err
	}
	if late && old.ID != "" && old.ID != j.ID {
		// What came after the manifest counts, whichever of them was heard of first.
		if id, _, ok := job.ParseRow(old.Row); !ok || id == by.Manifest {
			if _, err := h.inRow(ctx, old, job.Beside(j.Row)); err != nil {
				return placed{}, err
			}
		}
		return placed{Row: job.Row{Job: old.ID, Late: true}}, nil
	}
	current := st.Row != nil && !st.Row.Written.Before(by.Written)
	asItWas := old.ID == j.ID && st.Row != nil && st.Made != "" && !GivenUp(old) && sameFiles(old, j) && a.of(old) && old.Row == j.Row
	if asItWas && current {
		return placed{Row: job.Row{Job: old.ID}}, nil // nothing is to be written
	}
	if old.ID != "" && old.ID != j.ID {
		if sameContent(old, j) && !unsent(old) && !GivenUp(old) {
			// One content is never sent twice for its options.
			if _, err := h.inRow(ctx, old, j.Row); err != nil {
				return placed{}, err
			}
			return placed{Row: job.Row{Job: old.ID, Late: true}}, nil
		}
		if st, err = h.replace(ctx, st, old); err != nil {
			return placed{}, err
		}
	}
	if j.Labels != "" && j.Labels != old.Labels {
		if err := h.Labels.PutLabels(ctx, a.labels); err != nil {
			return placed{}, err
		}
	}
	// A name that comes back to a job from another one has that job's record to be put
	// right; until then its record says so.
	back := st.Job != "" && (st.Job != j.ID || st.Made == "")
	claim := st
	if st.Job != j.ID || !current && !late {
		now := time.Now().UTC()
		if claim.First.IsZero() {
			claim.First = now
		}
		claim.Job, claim.Made, claim.Row, claim.Shared, claim.Last, claim.Due = j.ID, rowMade, &by, false, now, time.Time{}
		if back {
			claim.Made = ""
		}
		if !claim.OfRow() {
			claim.Due = later(ctx, st.Due, now.Add(grace)) // newer files are on their way to a job
		}
		if claim, err = h.HandIns.PutStem(ctx, st, claim); err != nil {
			return placed{}, err
		}
	}
	if asItWas {
		return placed{Row: job.Row{Job: old.ID}}, nil
	}
	made, isNew, err := h.create(ctx, j, &claim)
	if err != nil {
		return placed{}, err
	}
	p := placed{Row: job.Row{Job: made.ID}}
	if !isNew {
		p.Late = made.Posts > 0 && !a.of(made)
		if back {
			if err := h.back(ctx, st, old, made); err != nil {
				return placed{}, err
			}
		}
	}
	if back {
		done := claim
		done.Made = rowMade
		if _, err := h.HandIns.PutStem(ctx, claim, done); err != nil && !errors.Is(err, job.ErrConflict) {
			return placed{}, err
		}
	}
	if !isNew {
		return p, nil
	}
	h.Log.InfoContext(ctx, "job", "job_id", made.ID, "from", "", "to", made.State, "code", codeOf(made.Fault))
	if made.State == job.Rejected {
		h.tell(ctx, job.OutcomeMessage(made).ID)
		return p, nil
	}
	p.made = &made
	return p, nil
}

// outranked says whether the newest job of a name was made of what came to the bucket
// after a row's manifest: files of the name, or a row of another manifest.
func (h *Handler) outranked(ctx context.Context, by job.Claim, st job.Stem) (bool, error) {
	switch {
	case st.Row != nil:
		return st.Row.Manifest != by.Manifest && st.Row.Written.After(by.Written), nil
	case st.Made == "" || st.Audio == nil || !st.NewerThan(by.Written):
		return false, nil
	}
	p, err := h.picture(ctx, st)
	return err == nil && p.half != nil && st.Made == p.made(st), err
}
