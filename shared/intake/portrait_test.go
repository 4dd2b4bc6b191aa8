package intake_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

func TestAPortraitServesTheRecordingsOfItsFolderWhicheverComesFirst(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{
		"portrait first": {portrait, annaWAV}, "recording first": {annaWAV, portrait},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				bodies := map[string][]byte{portrait: picture(t, 400, 400, 1), annaWAV: recording(time.Second, 1)}
				for _, key := range order {
					w.drop(key, bodies[key])
				}
				j := w.of(anna)
				require.Equal(t, portrait, j.Image.Key)
				require.Equal(t, job.Queued, j.State)
				require.Len(t, w.all(), 1)
			})
		})
	}
}

func TestAPortraitServesNoOtherFolder(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("courses/portrait.jpg", picture(t, 400, 400, 1))
		w.drop("portrait.jpg", picture(t, 400, 400, 1))
		w.drop("courses/week 1/deeper/portrait.jpg", picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		require.Empty(t, w.all())
	})
}

func TestARecordingCalledPortraitHasThePortraitToo(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("Portrait.JPG", picture(t, 400, 400, 1))
		w.drop("portrait.wav", recording(time.Second, 1))
		require.Equal(t, "Portrait.JPG", w.of(job.Name{Stem: "portrait"}).Image.Key)
	})
}

func TestAPortraitForManyRecordingsIsReadOnce(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		const n = 110
		for i := range n {
			w.files.put(fmt.Sprintf("shop/voice %03d.wav", i), recording(10*time.Millisecond, uint64(i)))
			w.files.put(fmt.Sprintf("shop/zz/voice %03d.wav", i), recording(10*time.Millisecond, uint64(i)))
		}
		w.drop("shop/portrait.png", picture(t, 400, 400, 1))
		require.Equal(t, n, len(w.all()))
		require.Equal(t, 1, w.files.reads("shop/portrait.png"))
		require.Less(t, w.files.lists, n+10, "pages, and one look for a picture of its own for each")
		require.Empty(t, w.overdue().Folders)
		w.created("shop/portrait.png")
		require.Len(t, w.prepared, n)
	})
}

func TestRecordingsThatComeWithThePortraitReadItOnceTogether(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put(portrait, picture(t, 400, 400, 1))
		go w.created(portrait)
		for i := range 20 {
			key := fmt.Sprintf("courses/week 1/%d.wav", i)
			w.files.put(key, recording(10*time.Millisecond, uint64(i)))
			go w.created(key)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, 20, len(w.all()))
		require.Len(t, w.prepared, 20)
		require.Equal(t, 1, w.files.reads(portrait))
	})
}

func TestAFolderTooLongForOneInvocationGoesOnWhereItWas(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		const n = 230
		for i := range n {
			w.files.put(fmt.Sprintf("shop/voice %03d.wav", i), recording(10*time.Millisecond, uint64(i)))
		}
		w.files.put("shop/portrait.png", picture(t, 400, 400, 1))
		ctx, cancel := context.WithTimeout(t.Context(), 21*time.Second)
		defer cancel()
		_, err := w.h.Handle(ctx, eventOf(t, "shop/portrait.png"))
		require.NoError(t, err)
		made := len(w.all())
		require.Positive(t, made)
		require.Less(t, made, n)

		require.NotEmpty(t, w.overdue().Folders, "poll hands it over at once")
		w.due()
		require.Equal(t, n, len(w.all()))
		require.Equal(t, 1, w.files.reads("shop/portrait.png"))
		require.Empty(t, w.overdue().Folders)
	})
}

func TestOneRecordingThatCannotBeReadDoesNotKeepTheOthersFromThePortrait(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		for i := range 105 {
			w.files.put(fmt.Sprintf("shop/voice %03d.wav", i), recording(10*time.Millisecond, uint64(i)))
		}
		w.files.fail["shop/voice 007.wav"] = errors.New("access denied")
		w.files.put("shop/portrait.png", picture(t, 400, 400, 1))
		_, err := w.h.Handle(t.Context(), eventOf(t, "shop/portrait.png"))
		require.ErrorContains(t, err, "access denied")
		require.Equal(t, 104, len(w.all()))
		require.Empty(t, w.overdue().Folders, "not again at once")

		delete(w.files.fail, "shop/voice 007.wav")
		time.Sleep(5 * time.Minute)
		w.due()
		require.Equal(t, 105, len(w.all()))
		require.Empty(t, w.overdue().Folders)
	})
}

func TestAnotherPortraitServesOnlyRecordingsThatHaveHadNone(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.files.put("courses/week 1/bert.wav", recording(time.Second, 2))
		w.drop(portrait, picture(t, 400, 400, 2))
		require.Len(t, w.all(), 2)
		require.Equal(t, first, w.of(anna).ID)
		bert := w.of(job.Name{Dir: anna.Dir, Stem: "bert"})
		require.NotEqual(t, w.job(first).Image.SHA256, bert.Image.SHA256)
		require.Equal(t, 1, w.files.reads(annaWAV))
		require.Empty(t, w.told, "nobody asked for it")
	})
}

func TestAJobThatStillWaitsGoesWithThePortraitThatTookTheOldOnesPlace(t *testing.T) {
	// The old one is no longer there to be sent.
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna)
		w.drop(portrait, picture(t, 400, 400, 2))
		require.NotEqual(t, first.ID, w.of(anna).ID)
		require.Equal(t, job.Canceled, w.job(first.ID).State)
		require.Len(t, w.live(), 1)

		w.files.putAs(portrait, picture(t, 400, 400, 2), "multipart")
		w.created(portrait)
		require.Equal(t, `"multipart"`, w.of(anna).Image.ETag)
		require.Len(t, w.live(), 1)
	})
}

func TestAJobCanceledBecauseItsPortraitWasReplacedIsMadeWithTheNewOne(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		j := w.of(anna)
		w.files.put(portrait, picture(t, 400, 400, 2))
		gone := j // what submit does when the copy's condition fails
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced, File: portrait}
		_, err := w.store.Move(t.Context(), j, gone)
		require.NoError(t, err)
		w.created(portrait)
		require.Equal(t, job.Queued, w.of(anna).State)
		require.NotEqual(t, j.ID, w.of(anna).ID)
	})
}

func TestABetterPortraitServesTheRecordingsThatABadOneKeptFromTheirFilm(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 399, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		w.drop("courses/week 1/long.wav", recording(61*time.Second, 1))
		require.Equal(t, job.Rejected, w.of(anna).State)
		require.Equal(t, job.CodeImageTooSmall, w.of(anna).Fault.Code)
		told := len(w.told)
		w.created(portrait, annaWAV)
		require.Len(t, w.told, told, "the same again is no news")

		w.drop(portrait, picture(t, 400, 400, 1))
		require.Equal(t, job.Queued, w.of(anna).State)
		require.Len(t, w.live(), 1)
	})
}

func TestABadPortraitIsReadOnceForAll(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		for i := range 30 {
			w.files.put(fmt.Sprintf("shop/%d.wav", i), recording(10*time.Millisecond, uint64(i)))
		}
		w.drop("shop/portrait.png", []byte("no picture at all, but quite some text"))
		require.Equal(t, 1, w.files.reads("shop/portrait.png"))
		for _, j := range w.all() {
			require.Equal(t, job.CodeNotImage, j.Fault.Code)
			require.Equal(t, "shop/portrait.png", j.Fault.File)
		}
		require.Equal(t, 30, len(w.all()))
	})
}

func TestAPictureOfItsOwnTakesThePortraitsPlaceWhileTheJobWaits(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		w.drop(annaPNG, picture(t, 400, 400, 2))
		require.Equal(t, job.Canceled, w.job(first).State)
		require.Equal(t, annaPNG, w.of(anna).Image.Key)
		require.Len(t, w.live(), 1)
	})
}

func TestAPictureOfItsOwnThatComesTooLateIsToldOnceAndMakesNoSecondJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.drop(annaPNG, picture(t, 400, 400, 2))
		w.created(annaPNG, annaWAV, portrait)
		require.Equal(t, []string{job.CodeTooLate}, w.codes())
		require.Equal(t, annaPNG, w.told[0].Fault.File)
		require.Len(t, w.all(), 1)

		w.drop(annaPNG, picture(t, 400, 400, 3))
		require.Equal(t, []string{job.CodeTooLate, job.CodeTooLate}, w.codes(), "another picture is as late")
		w.end(first, job.Succeeded)
		w.drop(annaPNG, picture(t, 400, 400, 4))
		require.Len(t, w.all(), 1)
		require.Equal(t, first, w.of(anna).ID)

		// The recording under another ETag is the same recording.
		w.files.putAs(annaWAV, recording(time.Second, 1), "again")
		w.created(annaWAV)
		require.Len(t, w.all(), 1)

		w.drop(annaWAV, recording(time.Second, 7))
		require.Len(t, w.all(), 2, "another recording is another film")
		require.Equal(t, annaPNG, w.of(anna).Image.Key)
	})
}

func TestAPictureOfItsOwnServesARecordingWhosePortraitBroughtNoFilm(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(portrait, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.end(first, job.Failed)
		w.drop(annaPNG, picture(t, 400, 400, 2))
		require.Equal(t, job.Queued, w.of(anna).State)
		require.Len(t, w.live(), 1)
	})
}

func TestAFilmIsNotMadeAgainWithThePortraitWhenItsOwnPictureIsDeleted(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		w.drop(portrait, picture(t, 400, 400, 2))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.files.remove(annaPNG)
		w.created(annaPNG, annaWAV, portrait)
		require.Len(t, w.all(), 1)
		require.Empty(t, w.told)
		require.True(t, w.stem(anna).Due.IsZero())
	})
}

func TestAPictureInTheFolderWhoseEventHasNotComeYetCounts(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put(portrait, picture(t, 400, 400, 1))
		w.files.put(annaPNG, picture(t, 400, 400, 2))
		w.files.put(annaWAV, recording(time.Second, 1))
		w.created(annaWAV, portrait)
		require.Equal(t, annaPNG, w.of(anna).Image.Key)
		require.Len(t, w.all(), 1)
	})
}

func TestADeletedPortraitServesNobodyAndWakesNobody(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put(portrait, picture(t, 400, 400, 1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _ = w.h.Handle(ctx, eventOf(t, portrait)) // noted, and then out of time
		w.files.remove(portrait)
		w.created(portrait)
		w.drop(annaWAV, recording(time.Second, 1))
		require.Empty(t, w.all())
		time.Sleep(time.Hour)
		require.Empty(t, w.overdue().Folders)
	})
}

func TestAPortraitDeletedWhileItIsReadIsNoMistakeOfTheRecording(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put(annaWAV, recording(time.Second, 1))
		w.files.put(portrait, picture(t, 400, 400, 1))
		w.files.onOpen = func(string) { w.files.remove(portrait) }
		w.created(annaWAV, portrait)
		require.Empty(t, w.all())
		time.Sleep(time.Hour)
		require.Empty(t, w.overdue().Folders)
		w.due()
		require.Equal(t, []string{job.CodePictureMissing}, w.codes())
	})
}

func TestAPortraitOfAFolderInAnyUnicodeFormServesTheWholeFolder(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "B\u00fccher/", "Bu\u0308cher/"
	for name, dir := range map[string]string{"composed": nfc, "decomposed": nfd} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.files.put(nfc+"one.wav", recording(time.Second, 1))
				w.files.put(nfd+"two.wav", recording(time.Second, 2))
				w.created(nfc+"one.wav", nfd+"two.wav")
				w.drop(dir+"portrait.png", picture(t, 400, 400, 1))
				require.Len(t, w.all(), 2)
			})
		})
	}
}

func TestAPortraitServesFoldersWithOddSlashes(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", "/", "//", "a//", "a/./", "a/../", strings.Repeat("x", 900) + "/"} {
		t.Run(dir[:min(len(dir), 8)], func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				for _, other := range []string{"", "/", "//", "a/", "a//", "a///"} {
					w.files.put(other+"voice.wav", recording(time.Second, 1))
				}
				w.files.put(dir+"voice.wav", recording(time.Second, 1))
				w.drop(dir+"portrait.png", picture(t, 400, 400, 1))
				require.Len(t, w.all(), 1)
				require.Equal(t, dir+"voice.wav", w.all()[0].Audio.Key)
			})
		})
	}
}

func TestABucketWhoseClockIsAheadDoesNotHoldThePortraitUp(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.skew = 15 * time.Minute
		w.drop(annaWAV, recording(time.Second, 1))
		w.drop(portrait, picture(t, 400, 400, 1))
		require.Equal(t, job.Queued, w.of(anna).State)
	})
}
