package intake

import (
	"context"
	"errors"
	"time"

	"emodrop/shared/job"
)

// make reads both files and writes the job. again asks for another look: a file
// changed while it was read.
//
// The stem names its job before the job is there, so whoever comes between the
// two writes, or after a death between them, knows of it: one stem never has two
// jobs that nobody has weighed against each other.
func (h *Handler) make(ctx context.Context, st job.Stem, p picture) (again bool, err error) {
	old, err := h.last(ctx, st)
	if err != nil {
		return false, err
	}
	if st.Job != "" && st.Made == "" && old.ID == "" && time.Now().Before(st.Due) {
		return false, nil // somebody is about to write it; if they died, the due time drives it
	}
	a, again, err := h.asks(ctx, st, p)
	if err != nil || again {
		return again, err
	}
	anew := unsent(old) && old.Options != a.options
	late := (st.Shared || p.shared) && st.Job != "" && !yields(old, p) && !anew
	if late && had(old, st) {
		return false, h.tooLate(ctx, st, p, old, a)
	}
	j, again, err := h.read(ctx, st, p, a)
	if err != nil || again {
		return again, err
	}
	if late && old.ID != j.ID && old.Audio.SHA256 == j.Audio.SHA256 {
		return false, h.tooLate(ctx, st, p, old, a)
	}
	if old.ID != j.ID && sameContent(old, j) && !unsent(old) && !GivenUp(old) {
		return false, h.tooLate(ctx, st, p, old, a)
	}
	if old.ID != "" && old.ID != j.ID {
		// First: a new job beside one that leaves in the same moment would be
		// two films of one recording.
		if st, err = h.replace(ctx, st, old); err != nil {
			return false, err
		}
	}
	if j.Labels != "" && j.Labels != old.Labels {
		// Before the job that names them.
		if err := h.Labels.PutLabels(ctx, a.labels); err != nil {
			return false, err
		}
	}
	claim := st
	claim.Job, claim.Made, claim.Row, claim.Shared, claim.Due = j.ID, "", nil, p.shared, later(ctx, st.Due, time.Now().Add(grace))
	if claim, err = h.HandIns.PutStem(ctx, st, claim); err != nil {
		return false, err
	}
	made, isNew, err := h.create(ctx, j, &claim)
	if err != nil {
		return false, err
	}
	if made.State == job.Submitting && !sameFiles(made, j) {
		return false, nil // not to be touched now: the claim's due time comes back to it
	}
	if !isNew {
		if err := h.optionsLate(ctx, st, made, a); err != nil {
			return false, err
		}
		if err := h.back(ctx, st, old, made); err != nil {
			return false, err
		}
	}
	done := claim
	done.Made, done.Due = p.made(st), time.Time{}
	_, err = h.HandIns.PutStem(ctx, claim, done)
	alone := err == nil
	if err != nil && !errors.Is(err, job.ErrConflict) {
		return false, err
	}
	switch {
	case !isNew:
		h.Log.InfoContext(ctx, "same hand-in again", "job_id", made.ID)
		return false, nil
	case made.State == job.Rejected:
		h.Log.InfoContext(ctx, "job", "job_id", made.ID, "from", "", "to", made.State, "code", codeOf(made.Fault))
		h.tell(ctx, job.OutcomeMessage(made).ID)
		return false, nil
	}
	h.Log.InfoContext(ctx, "job", "job_id", made.ID, "from", "", "to", made.State)
	if !alone {
		// Somebody handed in more meanwhile; they go on from here, unless they
		// were done before this job was there.
		return false, h.prepareWanted(ctx, made)
	}
	return false, h.Next.Prepare(ctx, made.ID)
}

// back has the record of a job that has ended, or waits for a person, say again how its
// name stands, when the name has come back to it from another one: its own word was said,
// and perhaps overwritten, before.
func (h *Handler) back(ctx context.Context, st job.Stem, old, made job.Job) error {
	// A claim that names it already is of an invocation that died right here.
	if !made.State.Told() || old.ID == made.ID && st.Made != "" {
		return nil
	}
	m := job.AgainMessage(made)
	if _, err := h.Jobs.AddNotice(ctx, m); err != nil {
		return err
	}
	if made.State != job.Succeeded { // beside films only poll and finalize may write
		h.tell(ctx, m.ID)
	}
	return nil
}

// last is the job that a stem names; the zero Job when it is not, or no longer,
// there.
func (h *Handler) last(ctx context.Context, st job.Stem) (job.Job, error) {
	if st.Job == "" {
		return job.Job{}, nil
	}
	j, err := h.Jobs.Job(ctx, st.Job)
	if errors.Is(err, job.ErrNotFound) {
		return job.Job{}, nil
	}
	return j, err
}

// read reads both files into a job that is to be made as was asked.
func (h *Handler) read(ctx context.Context, st job.Stem, p picture, a ask) (j job.Job, again bool, err error) {
	image, imageFault, err := h.pictureFacts(ctx, st, p)
	if changed(err) {
		return job.Job{}, true, h.lookAgain(ctx, st, p, p.half.Key)
	}
	if err != nil {
		return job.Job{}, false, err
	}
	audio, audioFault, err := h.inspect(ctx, *st.Audio, false)
	if changed(err) {
		return job.Job{}, true, h.lookAgain(ctx, st, p, st.Audio.Key)
	}
	if err != nil {
		return job.Job{}, false, err
	}
	now := time.Now().UTC()
	j = job.Job{
		State: job.Received, Name: st.Name, Image: image, Audio: audio,
		Received: now.Truncate(time.Millisecond), Due: now.Add(grace),
		Options: a.options, Labels: a.labels.ID(),
	}
	j.ID = job.Identity(st.Name, image.SHA256, audio.SHA256, j.Options)
	if f := firstOf(imageFault, audioFault, a.fault, a.misfit(image)); f != nil {
		j.State, j.Fault = job.Rejected, f
	}
	return j, false, nil
}

// create writes a job unless the same hand-in has made one before. A job that was
// given up because its files were not there as they had been, and is now handed in
// again, lives again; one on its way notes under which ETags its files are now, and one
// that still waits notes its labels and its priority. What lives again makes a new
// revision of the claim.
func (h *Handler) create(ctx context.Context, j job.Job, claim *job.Stem) (out job.Job, isNew bool, err error) {
	var old job.Job
	for range races {
		out, err = h.Jobs.Create(ctx, j)
		if !errors.Is(err, job.ErrConflict) {
			return out, err == nil, err
		}
		// It was there, or another transaction was in the way.
		if old, err = h.Jobs.Job(ctx, j.ID); !errors.Is(err, job.ErrNotFound) {
			break
		}
	}
	if err != nil {
		return job.Job{}, false, err
	}
	next := old
	next.Image, next.Audio = j.Image, j.Audio
	if j.Row != "" {
		next.Row = j.Row
	}
	if old.State == job.Received || old.State == job.Queued || GivenUp(old) {
		next.Options, next.Labels = j.Options, j.Labels
	}
	switch {
	case j.State != job.Received:
		out, err = h.inRow(ctx, old, next.Row)
		return out, false, err
	case GivenUp(old):
		next.State, next.Attempt, next.Fault = job.Received, old.Attempt+1, nil
		next.Series = old.Attempt
		next.Refusals, next.Received, next.Due = 0, j.Received, j.Due
		out, *claim, err = h.Jobs.MoveNamed(ctx, old, next, *claim)
		return out, err == nil, err
	case sameFiles(old, j) && next.Options == old.Options && next.Labels == old.Labels && next.Row == old.Row:
		return old, false, nil
	}
	switch old.State {
	case job.Received, job.Queued, job.Submitted, job.Running:
		if old.State == job.Queued && next.Options.Priority != old.Options.Priority {
			// Each priority has turns, and a clock, of its own.
			if next.Rank, err = h.Next.Place(ctx, next); err != nil {
				return job.Job{}, false, err
			}
		}
		out, err = h.Jobs.Move(ctx, old, next)
		return out, false, err
	}
	out, err = h.inRow(ctx, old, next.Row)
	return out, false, err
}

// inRow notes that the row of a job stands elsewhere now: in its portion the results
// are looked up. It is no move: whoever makes one is not disturbed.
func (h *Handler) inRow(ctx context.Context, j job.Job, row string) (job.Job, error) {
	if j.Row == row {
		return j, nil
	}
	j.Row = row
	return j, h.Manifests.PutRow(ctx, j.ID, row)
}

// prepare drives a job that poll found waiting for its detect call.
func (h *Handler) prepare(ctx context.Context, id string) error {
	j, err := h.Jobs.Job(ctx, id)
	switch {
	case errors.Is(err, job.ErrNotFound):
		return nil
	case err != nil || j.State != job.Received:
		return err
	case j.Attempt > 1:
		// Perhaps a person's wish, whatever came meanwhile.
		return h.Next.Prepare(ctx, id)
	}
	return h.prepareWanted(ctx, j)
}

// prepareWanted drives a job, or takes it back when its stem has gone on to another
// while whoever wrote the job was slow, or dead.
func (h *Handler) prepareWanted(ctx context.Context, j job.Job) error {
	st, err := h.HandIns.Stem(ctx, j.Name)
	if err != nil {
		return err
	}
	if st.Job == "" || st.Job == j.ID {
		return h.Next.Prepare(ctx, j.ID)
	}
	if _, err := h.replace(ctx, st, j); !errors.Is(err, job.ErrConflict) {
		return err
	}
	return nil // somebody moved it; its due time drives it
}

// replace takes back the job that an earlier state of the same name made, if it
// has not left for the vendor, and returns the name's record as it stands then. One that
// has left goes on: it may be paid for.
func (h *Handler) replace(ctx context.Context, st job.Stem, old job.Job) (job.Stem, error) {
	if old.State != job.Received && old.State != job.Queued {
		return st, nil
	}
	gone := old
	gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced}
	gone, st, err := h.Jobs.MoveNamed(ctx, old, gone, st)
	if err != nil {
		return job.Stem{}, err
	}
	h.Log.InfoContext(ctx, "job", "job_id", old.ID, "from", old.State, "to", gone.State, "code", job.CodeReplaced)
	h.tell(ctx, job.OutcomeMessage(gone).ID)
	return st, nil
}

// lookAgain notes how a file stands that was not any more as it was noted.
func (h *Handler) lookAgain(ctx context.Context, st job.Stem, p picture, key string) error {
	if p.shared && key == p.half.Key {
		return h.notePortrait(ctx, st.Name.Dir, key)
	}
	_, err := h.note(ctx, st.Name, key)
	return err
}

func changed(err error) bool {
	return errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

func sameFiles(a, b job.Job) bool {
	return a.Image.Key == b.Image.Key && a.Image.ETag == b.Image.ETag &&
		a.Audio.Key == b.Audio.Key && a.Audio.ETag == b.Audio.ETag
}

func sameContent(a, b job.Job) bool {
	return a.Image.SHA256 == b.Image.SHA256 && a.Audio.SHA256 == b.Audio.SHA256
}

func firstOf(fs ...*job.Fault) *job.Fault {
	for _, f := range fs {
		if f != nil {
			return f
		}
	}
	return nil
}

func codeOf(f *job.Fault) string {
	if f == nil {
		return ""
	}
	return f.Code
}
