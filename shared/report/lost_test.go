package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAManifestOfWhichAPortionIsGoneIsToldOfOnceAndWakesNobody(t *testing.T) {
	in(t, 101, func(t *testing.T, w *world) {
		time.Sleep(time.Minute)
		w.report()
		delete(w.files, job.PortionKey(w.m, 1))
		told := len(w.told)
		for i := range 3 {
			w.end(i, job.Canceled)
			require.NoError(t, w.s.Touch(t.Context(), job.RowRef(w.m.ID(), 0)))
			time.Sleep(2 * time.Hour)
			w.report()
			require.Zero(t, w.now().Due)
		}
		require.Len(t, w.told[told:], 1)
		require.Equal(t, []string{job.CodeResultsLost, "courses/week.jobs.csv"}, []string{w.told[told].Fault.Code, w.told[told].Name.String()})
	})
}

func TestResultsThatCannotBeWrittenStepBackAndComeWhenTheyCan(t *testing.T) {
	in(t, 3, func(t *testing.T, w *world) {
		portion := job.PortionKey(w.m, 0)
		whole := w.files[portion]
		w.files[portion] = []byte("{")
		fails := 0
		for range 240 { // an hour of batches
			if _, err := w.step().Report(t.Context(), w.m.ID()); err != nil {
				fails++
			}
			time.Sleep(15 * time.Second)
		}
		require.Less(t, fails, 25)
		w.files[portion] = whole
		time.Sleep(job.MaxWait)
		w.report()
		require.Len(t, w.lines(), 3)
		require.Zero(t, w.now().Tries)
	})
}

// A slow move of a job may still name the portion in which its row stood in another
// version of the manifest.
func TestTheResultsOfARowThatHadStoodElsewhereFollowItsRetry(t *testing.T) {
	in(t, 101, func(t *testing.T, w *world) {
		j, err := w.s.Job(t.Context(), "job-100")
		require.NoError(t, err)
		w.move(j, job.Queued, func(j *job.Job) { j.Row = job.RowRef(w.m.ID(), 0) })
		for i := range 101 {
			w.end(i, job.Canceled)
		}
		time.Sleep(2 * time.Minute)
		w.report()
		require.Equal(t, 101, strings.Count(string(w.files[key]), `"CANCELED"`))
		require.Zero(t, w.now().Due)

		j, err = w.s.Job(t.Context(), "job-100")
		require.NoError(t, err)
		j = w.move(j, job.Received, func(j *job.Job) { j.Due, j.Fault = time.Now().Add(time.Hour), nil })
		j = w.move(j, job.Rejected, func(j *job.Job) { j.Fault = &job.Fault{Code: job.CodeFaceRefused} })
		require.NoError(t, w.s.Touch(t.Context(), j.Row))
		time.Sleep(2 * time.Minute)
		w.report()
		require.Contains(t, w.lines()[100], "REJECTED")
		require.Zero(t, w.now().Due)
	})
}
