package intake

import (
	"context"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"emodrop/shared/job"
)

// served says whether a stem whose files have made a job before has had all that
// they can bring.
func (h *Handler) served(ctx context.Context, st job.Stem, p picture) (bool, error) {
	old, err := h.last(ctx, st)
	if err != nil || old.ID == "" {
		return true, err // long past: its record has been deleted
	}
	if GivenUp(old) {
		return false, nil
	}
	other := old.Image.Key != p.half.Key || old.Image.ETag != p.half.ETag
	return !p.shared || !other || !yields(old, p), nil
}

// yields says whether a job may give way to one of the same recording with another
// picture, where one of the two pictures is the folder's portrait. A picture of its
// own may take the place of all that has not left or has ended unpaid; a portrait
// only of what could never go with the picture it had.
func yields(old job.Job, p picture) bool {
	if GivenUp(old) {
		return true
	}
	switch old.State {
	case job.Received, job.Queued:
		return true
	case job.Rejected:
		return !p.shared || old.Fault != nil && old.Fault.File == old.Image.Key
	case job.Canceled, job.Failed:
		return !p.shared
	}
	return false
}

// GivenUp says whether a job ended only because its files were not, or no longer,
// there as it knew them: handing the same in again revives it.
func GivenUp(j job.Job) bool {
	if j.Fault == nil {
		return false
	}
	return j.State == job.Canceled && j.Fault.Code == job.CodeReplaced ||
		j.State == job.Rejected && j.Fault.Code == job.CodeFileGone
}

// TooLate says whether a hand-in would make no job, nor any other of its name: old is its
// name's, was sent with the same recording, and neither another picture nor other options
// count any more. shared: its picture is the folder's portrait. It is for those who tell
// before anything is handed in; what has come in by then counts.
func TooLate(st job.Stem, old, j job.Job, shared bool) bool {
	switch {
	case old.ID == "" || old.ID == j.ID:
		return false
	case sameContent(old, j):
		return !unsent(old) && !GivenUp(old)
	}
	return (st.Shared || shared) && !yields(old, picture{shared: shared}) && old.Audio.SHA256 == j.Audio.SHA256 &&
		!(unsent(old) && old.Options != j.Options)
}

// had says whether a stem's recording, as it is, went into its job.
func had(old job.Job, st job.Stem) bool {
	if old.ID == "" {
		return strings.HasSuffix(st.Made, audioMark(st))
	}
	return old.Audio.Key == st.Audio.Key && old.Audio.ETag == st.Audio.ETag
}

// tooLate leaves a recording with the job it has, and tells, once, of what came after
// that job had left: a picture of its own, or options.
func (h *Handler) tooLate(ctx context.Context, st job.Stem, p picture, old job.Job, a ask) error {
	if !p.shared && st.Shared && !strings.HasSuffix(st.Made, pictureMark(p)+audioMark(st)) {
		err := h.noticeOf(ctx, st.Name, p.half.ETag, job.Fault{Code: job.CodeTooLate, File: p.half.Key}, old.Labels)
		if err != nil {
			return err
		}
	}
	if err := h.optionsLate(ctx, st, old, a); err != nil {
		return err
	}
	done := st
	done.Made, done.Due = p.made(st), time.Time{}
	_, err := h.HandIns.PutStem(ctx, st, done)
	return err
}

// optionsLate tells, once, of options of a stem's own files that its job, which has
// been sent, does not have. It is told under the file's own name, as the record of the
// stem's name is its job's.
func (h *Handler) optionsLate(ctx context.Context, st job.Stem, old job.Job, a ask) error {
	mark := optionsMark(st)
	if mark == "" || strings.HasPrefix(st.Made, mark) || old.Posts == 0 || a.of(old) {
		return nil
	}
	file := st.Sidecar
	switch {
	case file != nil:
	case st.Audio.Mark != "":
		file = st.Audio
	default:
		file = st.Image
	}
	about := job.Name{Dir: st.Name.Dir, Stem: strings.TrimSpace(norm.NFC.String(file.Key[len(folderOf(file.Key)):]))}
	return h.noticeOf(ctx, about, file.ETag+mark, job.Fault{Code: job.CodeOptionsLate, File: file.Key}, old.Labels)
}

// unsent says whether nothing of a job has ever been sent: then other options may take
// its place without anything being paid for twice.
func unsent(j job.Job) bool { return j.ID != "" && j.Posts == 0 }
