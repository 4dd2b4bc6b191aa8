package tell

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// row makes the last word of a job that of a row of a manifest.
func (w *world) row(m job.Message) job.Message {
	j := w.jobs[m.Job]
	j.Row = "week/3"
	w.jobs[j.ID] = j
	m = job.OutcomeMessage(j)
	w.messages[m.ID] = m
	return m
}

func TestTheManifestOfARowHearsOfItAndMailIsForTheWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	require.NoError(t, w.teller().Tell(t.Context(), w.row(w.end("j1", job.Failed, job.CodeVendorFailed)).ID))
	require.Equal(t, []string{"week/3"}, w.touched)
	require.Equal(t, "row", w.notes[0].Attributes["digest"])
	require.Len(t, w.events, 1)
	require.Len(t, w.posts, 1)
	require.Contains(t, w.keys(), "failed/courses/anna.json", "its record stands where a drop's would")

	require.NoError(t, w.teller().Tell(t.Context(), w.row(w.end("j1", job.Held, job.CodeAmbiguous)).ID))
	require.Len(t, w.touched, 2)
	require.NotContains(t, w.notes[1].Attributes, "digest", "what needs a person is mailed")
	require.NoError(t, w.teller().Tell(t.Context(), w.end("j1", job.Failed, job.CodeVendorFailed).ID))
}

func TestAManifestHearsOfAJobThatItsRowOnlyShowsAndMailIsAsForADrop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.row(w.end("j1", job.Failed, job.CodeVendorFailed))
	m.Row = job.Beside("week/3")
	w.messages[m.ID] = m
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, []string{"week/3"}, w.touched, "where the job says by now")
	require.NotContains(t, w.notes[0].Attributes, "digest")
}

func TestAManifestHearsOfARowThatWasNotedWhileItsJobEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Failed, job.CodeVendorFailed) // written by whoever had read the job before
	w.row(m)
	m.Row = ""
	w.messages[m.ID] = m
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, []string{"week/3"}, w.touched)
}

func TestARowWhoseManifestDoesNotHearIsToldAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.row(w.end("j1", job.Failed, job.CodeVendorFailed))
	w.failing("touch week/3", errDown)
	require.ErrorIs(t, w.teller().Tell(t.Context(), m.ID), errDown)
	require.Equal(t, []job.Channel{job.Record}, w.messages[m.ID].Unsent)
	w.before = nil
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, []string{"week/3"}, w.touched)
	require.Len(t, w.notes, 1)
}

// It may come to light when all rows have ended, and the results say what each has cost.
func TestTheManifestHearsThatATaskOfItsRowWasChargedInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := job.OrphanMessage(job.Job{ID: "j1", Name: anna, Row: "week/3"}, "task", 1, start)
	w.messages[m.ID] = m
	w.failing("touch week/3", errDown)
	require.ErrorIs(t, w.teller().Tell(t.Context(), m.ID), errDown)
	w.before = nil
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, []string{"week/3"}, w.touched)
	require.Empty(t, w.keys(), "the job's own record says how it ended")
	require.Len(t, w.notes, 1)
	require.NotContains(t, w.notes[0].Attributes, "digest", "what was charged in vain is mailed")

	drop := job.OrphanMessage(job.Job{ID: "j2", Name: anna}, "another", 1, start)
	require.NotContains(t, drop.Unsent, job.Record)
}

func TestTheRecordOfARefusedManifestStandsUntilOneIsTakenIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := job.Manifest{Rev: 1, Name: job.Name{Dir: "courses", Stem: "week"}, File: job.Half{Key: "courses/week.jobs.csv", ETag: "1", Modified: start}}
	w.manifest = m
	say := func(m job.Manifest, phase job.BatchPhase) string {
		msg := job.BatchMessage(m, job.BatchNews{Phase: phase, Rows: 1, Faults: []job.RowFault{{Line: 2, Text: "image: is missing"}}}, start)
		w.messages[msg.ID] = msg
		return msg.ID
	}
	const record = "failed/courses/week.jobs.csv.json"
	refused := say(m, job.BatchRefused)
	require.NoError(t, w.teller().Tell(t.Context(), refused))
	require.Equal(t, map[string]string{record: refused}, w.records)
	require.Contains(t, string(w.bodies[record]), `"field": "image"`)
	require.Contains(t, string(w.bodies[record]), `"zh": "image：缺失"`)
	require.Equal(t, "EMO Manifest State Change", w.events[0].kind)

	m.File.ETag = "2"
	w.manifest = m
	require.NoError(t, w.teller().Tell(t.Context(), say(m, job.BatchTaken)))
	require.Empty(t, w.records)
	w.messages[refused] = w.late(refused, m)
	require.NoError(t, w.teller().Tell(t.Context(), refused))
	require.Empty(t, w.records, "what is told late and holds no more writes nothing")
	require.NoError(t, w.teller().Tell(t.Context(), say(m, job.BatchFinished)))
	require.Empty(t, w.records, "the results are its record")
}

// A table that was refused may be put right in the other form.
func TestTheRecordOfARefusedManifestGoesWhenAnotherFileOfItsNameTakesItsPlace(t *testing.T) {
	t.Parallel()
	for _, phase := range []job.BatchPhase{job.BatchTaken, job.BatchRefused} {
		w := newWorld(t)
		m := job.Manifest{Rev: 1, Name: job.Name{Dir: "courses", Stem: "week"}}
		say := func(phase job.BatchPhase) {
			w.manifest = m
			msg := job.BatchMessage(m, job.BatchNews{Phase: phase}, start)
			w.messages[msg.ID] = msg
			require.NoError(t, w.teller().Tell(t.Context(), msg.ID))
		}
		for _, key := range []string{"courses/week.jobs.csv", "courses/Week.JOBS.csv"} {
			m = m.Anew(job.Half{Key: key, ETag: "1", Modified: start}, start, start)
			m.Refused = true
			say(job.BatchRefused)
		}
		m = m.Anew(job.Half{Key: "courses/week.jobs.jsonl", ETag: "2", Modified: start}, start, start)
		m.Refused = phase == job.BatchRefused
		say(phase)
		if phase == job.BatchTaken {
			require.Empty(t, w.records)
			m.Taken = true
			require.Empty(t, m.Anew(job.Half{Key: "courses/week.jobs.jsonl"}, start, start).Former, "it is told once")
			continue
		}
		require.Len(t, w.records, 1)
		require.Contains(t, w.records, "failed/courses/week.jobs.jsonl.json")
	}
}

// late is a refusal of the state of a manifest before this one, told once more.
func (w *world) late(id string, m job.Manifest) job.Message {
	m.File.ETag = "1"
	out := job.BatchMessage(m, job.BatchNews{Phase: job.BatchRefused}, start)
	out.ID = id
	return out
}
