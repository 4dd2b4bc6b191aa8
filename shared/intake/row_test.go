package intake_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// The tests of this file are about names that both files and rows of manifests have.

// ordinary drops files of an ordinary folder that rows name, too.
func (w *world) ordinary() {
	w.t.Helper()
	w.drop("courses/anna.png", picture(w.t, 500, 500, 1))
	w.drop("courses/other.png", picture(w.t, 500, 500, 7))
	w.drop("courses/anna.wav", recording(2*time.Second, 2))
	time.Sleep(time.Minute)
}

// minutes lets time pass, and poll hand over what is due.
func (w *world) minutes(n int) {
	w.t.Helper()
	for range n {
		time.Sleep(time.Minute)
		w.due()
	}
}

const calmAnna = "name,image,audio,style-level\nanna,anna.png,anna.wav,calm\n"

func TestARepeatedEventOfADroppedFileUndoesNoRow(t *testing.T) {
	for _, key := range []string{"courses/anna.png", "courses/anna.wav", "courses/anna.json"} {
		t.Run(key, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.drop("courses/anna.json", []byte(`{"style_level":"active"}`))
				w.ordinary()
				w.drop(weekKey, []byte(calmAnna))
				row := w.of(lesson("anna"))
				require.Equal(t, job.Calm, row.Options.Style)
				w.created(key)
				w.minutes(40)
				require.Equal(t, row.ID, w.of(lesson("anna")).ID)
				require.Equal(t, job.Queued, w.job(row.ID).State)
			})
		})
	}
}

func TestARepeatedEventOfADroppedFileMakesNoSecondFilmBesideARowThatWasSent(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.ordinary()
		w.drop(weekKey, []byte("name,image,audio\nanna,other.png,anna.wav\n"))
		row := w.of(lesson("anna"))
		require.NoError(t, w.send(t.Context(), row.ID))
		w.created("courses/anna.wav")
		w.minutes(5)
		require.Len(t, w.live(), 1)
		require.Equal(t, row.ID, w.of(lesson("anna")).ID)
	})
}

func TestAFilesTimeCountsAndNotThatOfItsEvent(t *testing.T) {
	png, wav := "courses/anna.png", "courses/anna.wav"
	for _, order := range [][]string{{png, wav, weekKey}, {weekKey, png, wav}, {png, weekKey, wav}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.files.put(png, picture(t, 500, 500, 1))
				w.files.put(wav, recording(2*time.Second, 2))
				time.Sleep(2 * time.Second)
				w.files.put(weekKey, []byte(calmAnna))
				for _, k := range order {
					go w.created(k)
					time.Sleep(time.Millisecond)
				}
				w.minutes(2)
				require.Equal(t, job.Calm, w.of(lesson("anna")).Options.Style)
				require.Equal(t, w.of(lesson("anna")).ID, w.rows()["anna"].Job)
			})
		})
	}
}

func TestFilesThatAreNewerThanAManifestTakeTheNameOfItsRow(t *testing.T) {
	for _, first := range []string{"row", "file"} {
		t.Run("heard of first: the "+first, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.ordinary()
				w.files.put(weekKey, []byte("name,image,audio\nanna,other.png,anna.wav\n"))
				if first == "row" {
					w.created(weekKey)
				}
				time.Sleep(time.Minute)
				w.drop("courses/anna.wav", recording(time.Second, 9))
				w.created(weekKey)
				w.minutes(2)
				j := w.of(lesson("anna"))
				require.Equal(t, []any{"courses/anna.png", 1., job.Queued}, []any{j.Image.Key, j.Audio.Seconds, j.State})
				require.Len(t, w.live(), 1)
				if first == "file" {
					require.Equal(t, job.Row{Number: 1, Line: 2, Name: "anna", Job: j.ID, Late: true}, w.rows()["anna"])
					require.Equal(t, job.Beside(job.RowRef(job.ManifestID(week), 0)), j.Row, "the manifest hears of it, as its results show it")
				}

				time.Sleep(time.Minute)
				w.drop(weekKey, []byte("name,image,audio\nanna,other.png,anna.wav\n"))
				require.Equal(t, "courses/other.png", w.of(lesson("anna")).Image.Key, "dropped again, the manifest is the newest")
				require.Len(t, w.live(), 1)
			})
		})
	}
}

// betweenJobs calls out before and after a job is taken back, once each.
type betweenJobs struct {
	*store.Store
	before, after func()
}

func (b *betweenJobs) MoveNamed(ctx context.Context, from, to job.Job, st job.Stem) (job.Job, job.Stem, error) {
	if f := b.before; f != nil && to.State == job.Canceled {
		b.before = nil
		f()
	}
	moved, held, err := b.Store.MoveNamed(ctx, from, to, st)
	if f := b.after; f != nil && to.State == job.Canceled && err == nil {
		b.after = nil
		f()
	}
	return moved, held, err
}

// crossed has a manifest of one row taken in, and files of the row's name come, which are
// not the row's.
func crossed(t *testing.T, f func(t *testing.T, w *world, jobs *betweenJobs, row job.Job)) {
	in(t, func(t *testing.T, _ *world) {
		jobs := &betweenJobs{}
		w := newWorld(t, func(c *intake.Config) { jobs.Store, c.Jobs = c.Jobs.(*store.Store), jobs })
		w.voices("anna")
		w.drop("courses/anna.png", picture(t, 500, 500, 1))
		w.drop(weekKey, []byte(rowAnna))
		row := w.of(lesson("anna"))
		time.Sleep(time.Minute)
		f(t, w, jobs, row)
	})
}

const rowAnna = "name,image,audio\nanna,_files/presenter.png,_files/anna.wav\n"

func TestARowThatComesBackWhileADropTakesItsPlaceMakesNoSecondFilm(t *testing.T) {
	crossed(t, func(t *testing.T, w *world, jobs *betweenJobs, row job.Job) {
		w.files.put(weekKey, []byte(rowAnna+"\n")) // anew, the same row
		time.Sleep(2 * time.Second)
		w.files.put("courses/anna.wav", recording(time.Second, 9))
		jobs.after = func() { w.created(weekKey) }
		w.created("courses/anna.wav")
		w.minutes(5)
		require.Nil(t, jobs.after)
		require.Len(t, w.live(), 1)
		require.NotEqual(t, row.ID, w.live()[0].ID, "the recording is newer")
		require.Equal(t, w.live()[0].ID, w.of(lesson("anna")).ID)
	})
}

func TestADropTakesNoRowBackThatANewerManifestHasJustAskedFor(t *testing.T) {
	crossed(t, func(t *testing.T, w *world, jobs *betweenJobs, row job.Job) {
		w.files.put("courses/anna.wav", recording(time.Second, 9))
		time.Sleep(2 * time.Second)
		w.files.put(weekKey, []byte(rowAnna+"\n"))
		jobs.before = func() { w.created(weekKey) }
		w.created("courses/anna.wav")
		w.minutes(5)
		require.Nil(t, jobs.before)
		require.Len(t, w.live(), 1)
		require.Equal(t, row.ID, w.live()[0].ID, "the manifest is newer")
		require.Equal(t, row.ID, w.of(lesson("anna")).ID)
	})
}

func TestAFileThatIsOlderThanTheNewestManifestTakesNoRowBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.ordinary()
		w.drop(weekKey, []byte(calmAnna))
		row := w.of(lesson("anna"))
		time.Sleep(time.Minute)
		w.files.put("courses/anna.json", []byte(`{"style_level":"active"}`)) // its event is late
		time.Sleep(time.Minute)
		w.drop(weekKey, []byte(calmAnna+"\n")) // another version, the same row
		w.created("courses/anna.json")
		w.minutes(5)
		require.Equal(t, row.ID, w.of(lesson("anna")).ID)
		require.Equal(t, job.Queued, w.job(row.ID).State)
		require.Len(t, w.live(), 1)
	})
}

func TestAFileOnItsWayToAJobIsNotLostToAnOlderRow(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.ordinary()
		w.files.put(weekKey, []byte("name,image,audio\nanna,other.png,anna.wav\n"))
		time.Sleep(time.Minute)
		w.files.put("courses/anna.wav", recording(time.Second, 9))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // dies before the name has settled
		defer cancel()
		_, err := w.h.Handle(ctx, eventOf(t, "courses/anna.wav"))
		require.NoError(t, err)
		w.created(weekKey)
		require.Equal(t, "courses/other.png", w.of(lesson("anna")).Image.Key)
		w.minutes(5)
		require.Equal(t, "courses/anna.png", w.of(lesson("anna")).Image.Key)
		require.Len(t, w.live(), 1)
	})
}

func TestAPortraitTakesNoRowBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("courses/_files/presenter.png", picture(t, 400, 400, 1))
		w.drop("courses/anna.wav", recording(time.Second, 5))
		w.drop(weekKey, []byte("name,image,audio\nanna,_files/presenter.png,anna.wav\n"))
		row := w.of(lesson("anna"))
		require.Equal(t, job.Queued, row.State)
		time.Sleep(time.Minute)
		w.drop("courses/portrait.png", picture(t, 500, 500, 9))
		w.minutes(5)
		require.Equal(t, row.ID, w.of(lesson("anna")).ID)
		require.Equal(t, job.Queued, w.job(row.ID).State)
	})
}

func TestTheRecordingOfARowIsNoHalfPair(t *testing.T) {
	for _, first := range []string{"courses/anna.wav", weekKey} {
		t.Run("first "+first, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.drop("courses/_files/presenter.png", picture(t, 400, 400, 1))
				w.files.put("courses/anna.wav", recording(time.Second, 5))
				w.files.put(weekKey, []byte("name,image,audio\nanna,_files/presenter.png,anna.wav\n"))
				w.created(first)
				w.created("courses/anna.wav", weekKey)
				row := w.of(lesson("anna"))
				require.NoError(t, w.send(t.Context(), row.ID))
				w.end(row.ID, job.Succeeded)
				w.minutes(80)
				require.NotContains(t, w.codes(), job.CodePictureMissing)
				require.Zero(t, w.stem(lesson("anna")).Due, "it wakes nobody")
			})
		})
	}
}

func TestASlowWorkerOfAnOlderVersionTakesNothingFromTheNewer(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert")
		doc := "name,image,audio\nanna,_files/presenter.png,_files/%s.wav\n"
		w.files.put(weekKey, fmt.Appendf(nil, doc, "anna"))
		w.files.onOpen = func(key string) {
			if key == "courses/_files/anna.wav" {
				time.Sleep(time.Minute)
			}
		}
		go w.created(weekKey)
		time.Sleep(20 * time.Second)
		w.files.put(weekKey, fmt.Appendf(nil, doc, "bert"))
		w.created(weekKey)
		newer := w.of(lesson("anna"))
		require.Equal(t, "courses/_files/bert.wav", newer.Audio.Key)
		w.minutes(12)
		require.Equal(t, newer.ID, w.rows()["anna"].Job)
		require.Equal(t, newer.ID, w.of(lesson("anna")).ID)
		require.Equal(t, job.Queued, w.job(newer.ID).State)
		require.Len(t, w.all(), 1)
	})
}

func TestASlowWorkerOfAnotherOlderManifestTakesNothingFromTheNewer(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.voices("anna", "bert")
		doc := "name,image,audio\nanna,_files/presenter.png,_files/%s.wav\n"
		w.files.put("courses/other.jobs.csv", fmt.Appendf(nil, doc, "anna"))
		time.Sleep(time.Minute)
		w.drop(weekKey, fmt.Appendf(nil, doc, "bert"))
		newer := w.of(lesson("anna"))
		w.created("courses/other.jobs.csv") // its event came late
		w.minutes(5)
		require.Equal(t, newer.ID, w.of(lesson("anna")).ID)
		require.Len(t, w.all(), 1)
	})
}

// operator has orders carried out, as far as these tests give any.
func (w *world) operator() {
	w.t.Helper()
	w.obey = func(ctx context.Context, o job.Order) error {
		var err error
		if o.Seen, err = w.store.Heeded(ctx, o.Key); err != nil {
			return err
		}
		refuse := func(code string) error {
			m := job.Notice(o.Name, o.Key, job.Fault{Code: code, File: o.Key}, time.Now())
			return errors.Join(w.store.Heed(ctx, o, &m), w.Tell(ctx, m.ID))
		}
		j, err := w.store.Job(ctx, o.Stem.Job)
		switch {
		case errors.Is(err, job.ErrNotFound):
			return refuse(job.CodeControlAlone)
		case err != nil:
			return err
		case o.Outdated():
			return refuse(job.CodeControlOld)
		}
		next := j
		next.State, next.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
		if o.Verb == job.ToRetry {
			next.State, next.Fault, next.Attempt, next.Due = job.Received, nil, j.Attempt+1, time.Now()
		}
		_, err = w.store.Obey(ctx, j, next, o)
		return err
	}
}

func TestAnOldCancelTakesNoNewRowBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.operator()
		w.voices("anna")
		w.files.put("courses/anna.cancel", nil) // its event is lost
		time.Sleep(10 * time.Minute)
		w.drop(weekKey, table("anna"))
		time.Sleep(5 * time.Minute)
		w.created("courses/anna.cancel") // the sweep finds it
		require.Equal(t, job.Queued, w.of(lesson("anna")).State)
		require.Equal(t, []string{job.CodeControlOld}, w.codes())

		time.Sleep(time.Minute)
		w.drop("courses/anna.cancel", nil)
		require.Equal(t, job.Canceled, w.of(lesson("anna")).State, "a new one does")
	})
}

func TestARetryOfARowIsNotForTheDropBeforeIt(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.operator()
		w.ordinary()
		drop := w.of(lesson("anna"))
		w.drop(weekKey, []byte("name,image,audio\nanna,other.png,anna.wav\n"))
		row := w.of(lesson("anna"))
		require.NoError(t, w.send(t.Context(), row.ID))
		w.end(row.ID, job.Failed)
		time.Sleep(time.Minute)
		w.drop("courses/anna.retry", nil)
		require.Equal(t, row.ID, w.of(lesson("anna")).ID)
		require.Equal(t, job.Queued, w.job(row.ID).State)
		require.Equal(t, job.Canceled, w.job(drop.ID).State)
	})
}

// A worker may die between the claim of a row's name and its job.
func TestACancelBetweenARowsClaimAndItsJobWaitsForTheJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.operator()
		w.voices("anna")
		w.files.put(weekKey, table("anna"))
		claim := w.manifest().Anew(job.Half{Key: weekKey, Modified: time.Now()}, time.Now(), time.Now()).Claim()
		st := w.stem(lesson("anna"))
		half := st
		half.Job, half.Made, half.Row, half.First, half.Last = "soon", "row", &claim, time.Now(), time.Now()
		_, err := w.store.PutStem(t.Context(), st, half)
		require.NoError(t, err)
		time.Sleep(2 * time.Second)
		w.files.put("courses/anna.cancel", nil)
		_, err = w.h.Handle(t.Context(), eventOf(t, "courses/anna.cancel"))
		require.ErrorContains(t, err, "not settled yet", "its event comes again")
		time.Sleep(time.Minute)
		w.created(weekKey)
		w.created("courses/anna.cancel")
		require.Equal(t, job.Canceled, w.of(lesson("anna")).State)
		require.NotContains(t, w.codes(), job.CodeControlAlone)
	})
}

func TestACancelOfARowWhoseManifestWasTakenAwayAtThatMomentIsToldInTheEnd(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.operator()
		st := w.stem(lesson("anna"))
		half := st
		half.Job, half.Made, half.Row, half.Last = "never", "row", &job.Claim{Manifest: "gone", Written: time.Now()}, time.Now()
		_, err := w.store.PutStem(t.Context(), st, half)
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		w.drop("courses/anna.cancel", nil)
		require.Equal(t, []string{job.CodeControlAlone}, w.codes())
	})
}

func TestOrdersForRowsAreHeardInAFolderOfManifests(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.operator()
		w.drop("_batch/p.png", picture(t, 500, 500, 1))
		w.drop("_batch/anna.wav", recording(2*time.Second, 2))
		w.drop("_batch/x.jobs.csv", []byte("name,image,audio\nanna,p.png,anna.wav\n"))
		n := job.Name{Dir: "_batch", Stem: "anna"}
		require.Equal(t, job.Queued, w.of(n).State)
		time.Sleep(time.Minute)
		w.drop("_batch/anna.cancel", nil)
		require.Equal(t, job.Canceled, w.of(n).State)
		time.Sleep(time.Minute)
		w.drop("_batch/Anna.retry", nil)
		require.Equal(t, []string{job.CodeControlAlone}, w.codes())
		time.Sleep(time.Minute)
		w.drop("_batch/anna.retry", nil)
		require.Equal(t, job.Queued, w.of(n).State)
	})
}

func TestARowsFileIsFoundWhateverFormsItsFolderAndItsNameAreWrittenIn(t *testing.T) {
	for i, forms := range [][2]norm.Form{{norm.NFC, norm.NFC}, {norm.NFC, norm.NFD}, {norm.NFD, norm.NFC}, {norm.NFD, norm.NFD}} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				dir := forms[0].String("Kurse für/")
				w.files.put(dir+forms[1].String("Jürgen.png"), picture(t, 500, 500, 1))
				w.files.put(dir+forms[1].String("Jürgen.wav"), recording(2*time.Second, 2))
				w.drop(norm.NFC.String("Kurse für/")+"x.jobs.csv", []byte(norm.NFC.String("name,image,audio\nfilm,Jürgen.png,Jürgen.wav\n")))
				j := w.of(job.Name{Dir: norm.NFC.String("Kurse für"), Stem: "film"})
				require.Equal(t, job.Queued, j.State, "%v", j.Fault)
			})
		})
	}
}

func TestAJobFollowsItsRowToAnotherPortionWhateverItsState(t *testing.T) {
	for _, s := range []job.State{job.Queued, job.Submitting, job.Submitted, job.Storing, job.Held, job.Failed, job.Succeeded, job.Rejected} {
		t.Run(string(s), func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				names := []string{"anna"}
				for i := range 100 {
					names = append(names, fmt.Sprintf("r%03d", i))
				}
				w.voices(names...)
				if s == job.Rejected {
					w.drop("courses/_files/anna.wav", []byte("no sound"))
				}
				w.drop(weekKey, table("anna"))
				j := w.reach(w.of(lesson("anna")), s)
				time.Sleep(time.Minute)
				w.drop(weekKey, table(append(names[1:], "anna")...))
				require.Equal(t, 101, w.rows()["anna"].Number)
				after := w.job(j.ID)
				require.Equal(t, job.RowRef(job.ManifestID(week), 1), after.Row)
				require.Equal(t, s, after.State)
				if s == job.Submitting || s == job.Storing {
					require.Equal(t, j.Rev, after.Rev, "whoever is at work comes through")
				}
			})
		})
	}
}

// reach takes a queued job to a state.
func (w *world) reach(j job.Job, s job.State) job.Job {
	w.t.Helper()
	to := func(s job.State) {
		next := w.job(j.ID)
		next.State, next.Due = s, time.Now().Add(24*time.Hour)
		if s == job.Held {
			next.Fault = &job.Fault{Code: job.CodeFilmMisfit}
		}
		_, err := w.store.Move(w.t.Context(), w.job(j.ID), next)
		require.NoError(w.t, err)
	}
	switch s {
	case job.Queued, job.Rejected:
	case job.Submitting:
		g, err := w.store.Gate(w.t.Context())
		require.NoError(w.t, err)
		_, err = w.store.Admit(w.t.Context(), j, job.Admission{Gate: g, Limit: 1000,
			Intent: job.Intent{At: time.Now(), VendorAt: time.Now(), Until: time.Now().Add(time.Minute)}})
		require.NoError(w.t, err)
	default:
		require.NoError(w.t, w.send(w.t.Context(), j.ID))
		if s == job.Storing || s == job.Held || s == job.Succeeded {
			to(job.Storing)
		}
		if s != job.Submitted && s != job.Storing {
			to(s)
		}
	}
	return w.job(j.ID)
}
