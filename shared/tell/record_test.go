package tell

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

const (
	plainKey = "failed/courses/anna.json"
	filmKey  = "videos/courses/anna.json"
)

func (w *world) tell(m job.Message) {
	w.t.Helper()
	require.NoError(w.t, w.teller().Tell(w.t.Context(), m.ID))
}

func TestAFilmTakesAwayWhatFailedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	w.tell(w.end("j1", job.Failed, job.CodeVendorFailed))
	w.newest("j2")
	film := w.end("j2", job.Succeeded, "")
	w.tell(film)
	require.Equal(t, map[string]string{filmKey: film.ID}, w.records)
}

func TestAnOlderJobNeverTakesTheNewestsPlace(t *testing.T) {
	t.Parallel()
	for _, s := range []job.State{job.Failed, job.Rejected, job.Expired, job.Canceled, job.Held} {
		w := newWorld(t)
		w.newest("j2")
		newer := w.end("j2", job.Rejected, job.CodeFaceRefused)
		w.tell(newer)
		older := w.end("j1", s, job.CodeFilmMisfit)
		if s == job.Held {
			// A film that needs a person is kept under the job's own name.
			j := w.jobs["j1"]
			j.Film = &job.Film{Key: job.VideoKey(j, false)}
			w.jobs["j1"] = j
			older.Film = j.Film
			w.messages[older.ID] = older
		}
		w.tell(older)
		require.Equal(t, map[string]string{plainKey: newer.ID, "failed/courses/anna.j1.json": older.ID}, w.records, s)
	}
}

func TestAnOlderJobsFilmStandsBesideTheNewestsRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j2")
	newer := w.end("j2", job.Rejected, job.CodeFaceRefused)
	w.tell(newer)
	older := w.end("j1", job.Succeeded, "")
	w.tell(older)
	require.Equal(t, map[string]string{plainKey: newer.ID, "videos/courses/anna.j1.json": older.ID}, w.records)
}

func TestAnOlderJobTakesNothingFromTheNewestsFilm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j2")
	w.tell(w.end("j2", job.Succeeded, ""))
	older := w.end("j1", job.Failed, job.CodeVendorFailed)
	w.tell(older)
	require.Equal(t, []string{"failed/courses/anna.j1.json", filmKey}, w.keys())
}

func TestAWordThatComesLateIsNotTheLastWord(t *testing.T) {
	t.Parallel()
	t.Run("after the film", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.newest("j1")
		held := w.end("j1", job.Held, job.CodeAmbiguous)
		film := w.end("j1", job.Succeeded, "")
		w.tell(film)
		w.tell(held)
		require.Equal(t, map[string]string{filmKey: film.ID}, w.records)
		require.Len(t, w.notes, 2, "people are told both")
	})
	t.Run("after a later failure", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.newest("j1")
		held := w.end("j1", job.Held, job.CodeAmbiguous)
		failed := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.tell(failed)
		w.tell(held)
		require.Equal(t, map[string]string{plainKey: failed.ID}, w.records)
	})
	t.Run("after the same state for another reason", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.newest("j1")
		create := w.end("j1", job.Held, job.CodeAmbiguous)
		film := w.end("j1", job.Held, job.CodeFilmMisfit)
		w.tell(film)
		w.tell(create)
		require.Equal(t, map[string]string{plainKey: film.ID}, w.records)
	})
	t.Run("after a kill that left the older word behind", func(t *testing.T) {
		t.Parallel()
		for _, s := range []job.State{job.Succeeded, job.Expired} {
			w := newWorld(t)
			w.newest("j1")
			held := w.end("j1", job.Held, job.CodeAmbiguous)
			last := w.end("j1", s, "")
			w.tell(last)
			w.records[plainKey] = held.ID
			w.tell(held)
			want := map[string]string{plainKey: last.ID}
			if s == job.Succeeded {
				want = map[string]string{filmKey: last.ID}
			}
			require.Equal(t, want, w.records, s)
		}
	})
	t.Run("an attempt's, after the next one's film", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.newest("j1")
		first := w.end("j1", job.Succeeded, "")
		j := w.jobs["j1"]
		j.Attempt++
		w.jobs["j1"] = j
		second := w.end("j1", job.Succeeded, "")
		w.tell(second)
		w.tell(first)
		require.Equal(t, map[string]string{filmKey: second.ID}, w.records)
	})
	t.Run("while the job goes on", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.newest("j1")
		held := w.end("j1", job.Held, job.CodeAmbiguous)
		j := w.jobs["j1"]
		j.State = job.Submitted
		w.jobs["j1"] = j
		w.tell(held)
		require.Empty(t, w.records)
	})
}

// The name gets a newer job, which is told whole, while an older one's record is on
// its way.
func TestANameThatChangesWhileItIsWrittenIsPutRight(t *testing.T) {
	t.Parallel()
	for _, s := range []job.State{job.Rejected, job.Succeeded} {
		w := newWorld(t)
		w.newest("j1")
		older := w.end("j1", job.Failed, job.CodeVendorFailed)
		var newer job.Message
		w.before = func(_ int, call string) error {
			if call == "put "+plainKey && newer.ID == "" {
				w.newest("j2")
				newer = w.end("j2", s, map[job.State]string{job.Rejected: job.CodeFaceRefused}[s])
				w.tell(newer)
			}
			return nil
		}
		w.tell(older)
		want := map[string]string{"failed/courses/anna.j1.json": older.ID, plainKey: newer.ID}
		if s == job.Succeeded {
			want = map[string]string{"failed/courses/anna.j1.json": older.ID, filmKey: newer.ID}
		}
		require.Equal(t, want, w.records, s)
	}
}

func TestANameThatNeverRestsIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	n := 0
	w.before = func(_ int, call string) error {
		if call == "stem" {
			n++
			w.stems[anna] = job.Stem{Job: "j" + strings.Repeat("x", n)}
		}
		return nil
	}
	require.ErrorContains(t, w.teller().Tell(t.Context(), m.ID), "keeps changing")
	require.Equal(t, []job.Channel{job.Record}, w.messages[m.ID].Unsent)
}

func TestAHalfPairThatIsWholeByNowLeavesNoRecord(t *testing.T) {
	t.Parallel()
	half := &job.Half{Key: "k"}
	for name, c := range map[string]struct {
		code string
		stem job.Stem
		made time.Time
		want bool
	}{
		"recording still missing":              {job.CodeAudioMissing, job.Stem{Image: half}, time.Time{}, true},
		"recording came":                       {job.CodeAudioMissing, job.Stem{Image: half, Audio: half}, time.Time{}, false},
		"picture still missing":                {job.CodePictureMissing, job.Stem{Audio: half}, time.Time{}, true},
		"picture came":                         {job.CodePictureMissing, job.Stem{Image: half, Audio: half}, time.Time{}, false},
		"a portrait came, and a job with it":   {job.CodePictureMissing, job.Stem{Audio: half, Job: "j1"}, start.Add(time.Second), false},
		"a job of before says nothing":         {job.CodePictureMissing, job.Stem{Audio: half, Job: "j1"}, start.Add(-time.Second), true},
		"an unknown file is no half of a pair": {job.CodeUnknownFile, job.Stem{Image: half, Audio: half, Job: "j1"}, start.Add(time.Second), true},
	} {
		w := newWorld(t)
		c.stem.Name = anna
		w.stems[anna] = c.stem
		if c.stem.Job != "" {
			w.jobs["j1"] = job.Job{ID: "j1", Name: anna, State: job.Queued, Received: c.made}
		}
		m := job.Notice(anna, "etag", job.Fault{Code: c.code}, start)
		w.messages[m.ID] = m
		w.tell(m)
		require.Equal(t, c.want, len(w.records) == 1, name)
		require.Len(t, w.notes, 1, name)
	}
}

func TestRecordsOfLongNamesStillFitAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := job.Name{Stem: strings.Repeat("课", 340)}
	ids := []string{strings.Repeat("a", 32), strings.Repeat("b", 32)}
	for _, id := range ids {
		j := job.Job{ID: id, Name: long, State: job.Failed, Attempt: 1, Fault: &job.Fault{Code: job.CodeVendorFailed}, Updated: start}
		w.jobs[id] = j
		m := job.OutcomeMessage(j)
		w.messages[m.ID] = m
		w.tell(m)
	}
	require.Len(t, w.keys(), 2, "each has a place of its own")
	for _, k := range w.keys() {
		require.LessOrEqual(t, len(k), 1024)
	}
}

func TestTheRecordOfAJobThatIsForgottenIsStillWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	delete(w.jobs, "j1")
	w.tell(m)
	require.Equal(t, map[string]string{plainKey: m.ID}, w.records)
}

func TestALateRecordDoesNotTakeTheNewerFilmsPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	older := w.end("j1", job.Succeeded, "") // its film stands at the plain key; the record is not sent yet
	w.newest("j2")
	// finalize.putAside: the older job says where its film is now.
	j := w.jobs["j1"]
	j.Film, j.Rev = &job.Film{Key: job.VideoKey(j, false)}, j.Rev+1
	w.jobs["j1"] = j
	newer := w.end("j2", job.Succeeded, "")
	w.tell(newer)
	w.tell(older)
	require.Equal(t, newer.ID, w.records[filmKey], "the record beside the newer film is the newer job's")
}

func TestADryRunHasAPlaceOfItsOwnAndMendsWhatFailedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	w.tell(w.end("j1", job.Rejected, job.CodeOptionsRefused))
	w.newest("j2")
	checked := w.end("j2", job.Checked, "")
	w.tell(checked)
	require.Equal(t, map[string]string{"checked/courses/anna.json": checked.ID}, w.records)

	// A film that is ordered afterwards, and a word on the dry run that comes late.
	w.newest("j3")
	failed := w.end("j3", job.Failed, job.CodeVendorFailed)
	w.tell(failed)
	w.messages[checked.ID] = checked
	w.tell(checked)
	require.Equal(t, map[string]string{"checked/courses/anna.json": checked.ID, "checked/courses/anna.j2.json": checked.ID,
		plainKey: failed.ID}, w.records)
}

func TestAHandInThatComesBackHasItsRecordSayAgainHowItStands(t *testing.T) {
	t.Parallel()
	for _, s := range []job.State{job.Checked, job.Succeeded, job.Rejected} {
		w := newWorld(t)
		w.newest("j1")
		w.tell(w.end("j1", s, ""))
		w.newest("j2")
		w.tell(w.end("j2", job.Rejected, job.CodeOptionsRefused))
		w.newest("j1")
		again := job.AgainMessage(w.jobs["j1"])
		w.messages[again.ID] = again
		w.tell(again)
		key := map[job.State]string{job.Checked: "checked/courses/anna.json", job.Succeeded: filmKey, job.Rejected: plainKey}[s]
		require.Equal(t, again.ID, w.records[key], s)
		if s != job.Rejected {
			require.NotContains(t, w.records, plainKey, s)
		}
		require.Len(t, w.notes, 2, "people have been told")
	}
}
