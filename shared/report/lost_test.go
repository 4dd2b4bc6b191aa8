package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// The results hold what each portion held when they were last written.
func TestAPortionThatSomebodyDeletedIsTakenFromTheResults(t *testing.T) {
	in(t, 201, func(t *testing.T, w *world) {
		w.end(0, job.Failed)
		w.end(150, job.Canceled)
		w.report()
		told := len(w.told)
		for _, p := range []int{1, 2} {
			w.remove(job.PortionKey(w.m, p))
		}
		time.Sleep(time.Minute)
		w.end(99, job.Rejected)
		w.end(200, job.Rejected)
		time.Sleep(time.Minute)
		w.report()
		require.Len(t, w.lines(), 201)
		require.Equal(t, []string{"r0 FAILED vendor_failed", "r99 REJECTED face_refused", "r150 CANCELED canceled", "r199 QUEUED", "r200 REJECTED face_refused"},
			[]string{w.lines()[0], w.lines()[99], w.lines()[150], w.lines()[199], w.lines()[200]})
		require.Empty(t, w.told[told:], "nobody needs to know")
		var all []byte
		for p := range 3 {
			all = append(all, w.files[job.PortionKey(w.m, p)]...)
		}
		require.Equal(t, w.files[key], all, "the next one needs no results")
	})
}

func TestAManifestOfWhichAPortionIsGoneForGoodIsToldOfOnceAndWakesNobody(t *testing.T) {
	for why, spoil := range map[string]func(w *world){
		"the results are gone, too":       func(w *world) { w.remove(key) },
		"the results are somebody else's": func(w *world) { w.files[key] = w.files[key][:len(w.files[key])/2]; w.puts[key]++ },
		"they were never written": func(w *world) {
			next := w.now()
			next.Written = time.Time{}
			_, err := w.s.PutManifest(w.t.Context(), w.now(), next)
			require.NoError(w.t, err)
		},
	} {
		t.Run(why, func(t *testing.T) { gone(t, spoil) })
	}
}

func gone(t *testing.T, spoil func(w *world)) {
	in(t, 101, func(t *testing.T, w *world) {
		time.Sleep(time.Minute)
		w.report()
		w.remove(job.PortionKey(w.m, 1))
		spoil(w)
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
