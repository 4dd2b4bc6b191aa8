package intake_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// in runs a test in a bubble with a fresh world.
func in(t *testing.T, f func(t *testing.T, w *world), opts ...option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t, opts...)) })
}

func TestAPairBecomesOneJobWhicheverHalfComesFirst(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{
		"picture first": {annaPNG, annaWAV}, "recording first": {annaWAV, annaPNG},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				bodies := map[string][]byte{annaPNG: picture(t, 400, 7000, 1), annaWAV: recording(2*time.Second, 1)}
				for _, key := range order {
					w.drop(key, bodies[key])
				}
				j := w.of(anna)
				require.Len(t, w.all(), 1)
				require.Equal(t, job.Queued, j.State)
				require.Equal(t, anna, j.Name)
				require.Equal(t, annaPNG, j.Image.Key)
				require.Equal(t, "png", j.Image.Format)
				require.Equal(t, [2]int{400, 7000}, [2]int{j.Image.Width, j.Image.Height})
				require.Equal(t, annaWAV, j.Audio.Key)
				require.Equal(t, "wav", j.Audio.Format)
				require.InDelta(t, 2, j.Audio.Seconds, 0)
				require.Equal(t, job.Identity(anna, j.Image.SHA256, j.Audio.SHA256, job.Options{}), j.ID)
				require.Equal(t, []string{j.ID}, w.prepared)
				require.Empty(t, w.told, "a job on its way is no news")
				require.True(t, w.stem(anna).Due.IsZero(), "nothing wakes poll for it")
			})
		})
	}
}

func TestNothingIsMadeBeforeTheHandInHasBeenQuietForTheWholeTime(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.drop(annaWAV, recording(time.Second, 1))
		}()
		time.Sleep(settle - time.Second)
		w.files.put(annaWAV, recording(time.Second, 2))
		go w.created(annaWAV) // the time runs from the newer one
		time.Sleep(settle - time.Second)
		require.Empty(t, w.all())
		time.Sleep(time.Second)
		synctest.Wait()
		<-done
		require.Len(t, w.all(), 1)
		// Both invocations may wake in the same instant and read the newer one.
		require.LessOrEqual(t, w.files.reads(annaWAV), 2, "what was never to be used was never read")
	})
}

func TestTheSameHandInAgainIsTheSameJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		id := w.of(anna).ID
		w.created(annaPNG, annaWAV, annaWAV)
		require.Equal(t, 1, w.files.reads(annaWAV), "an event that says nothing new reads nothing")

		// Under another ETag, as a multipart upload of the same bytes has.
		w.files.putAs(annaWAV, recording(time.Second, 1), "multipart-2")
		w.created(annaWAV)
		require.Len(t, w.all(), 1)
		j := w.of(anna)
		require.Equal(t, id, j.ID)
		require.Equal(t, []string{id}, w.prepared, "detect is asked once")
		require.Equal(t, `"multipart-2"`, j.Audio.ETag, "a job that has not left goes with the file as it stands now")
		require.Equal(t, job.Queued, j.State)
	})
}

func TestTheSameContentAgainWhileItsCreateCallIsUnclearIsNotedOnceThatIsSettled(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		j := w.of(anna)
		g, err := w.store.Gate(t.Context())
		require.NoError(t, err)
		sent, err := w.store.Admit(t.Context(), j, job.Admission{Gate: g, Limit: 1, Intent: job.Intent{Until: time.Now().Add(time.Minute)}})
		require.NoError(t, err)

		w.files.putAs(annaWAV, recording(time.Second, 1), "again")
		w.created(annaWAV)
		require.Equal(t, sent.Rev, w.of(anna).Rev, "nobody touches a job between its intent and its answer")

		back := sent
		back.State, back.Intent = job.Queued, nil
		_, err = w.store.Move(t.Context(), sent, back)
		require.NoError(t, err)
		time.Sleep(5 * time.Minute)
		w.due()
		require.Equal(t, `"again"`, w.of(anna).Audio.ETag, "so that it can still be copied")
		require.Len(t, w.all(), 1)
	})
}

func TestChangedContentUnderTheSameNameIsANewJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		w.drop(annaWAV, recording(time.Second, 2))
		second := w.of(anna)
		require.NotEqual(t, first, second.ID)
		require.Equal(t, job.Queued, second.State)
		require.Equal(t, job.Canceled, w.job(first).State, "the one that had not left is taken back")
		require.Equal(t, []string{job.CodeReplaced}, w.codes())
	})
}

func TestAJobThatHasLeftGoesOnWhenNewerFilesCome(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.drop(annaPNG, picture(t, 400, 400, 2))
		require.NotEqual(t, first, w.of(anna).ID)
		require.Equal(t, job.Submitted, w.job(first).State)
		require.Len(t, w.live(), 2)
	})
}

func TestGoingBackToEarlierContentGoesBackToItsJob(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna)
		w.drop(annaWAV, recording(time.Second, 2))
		second := w.of(anna)
		w.drop(annaWAV, recording(time.Second, 1))

		j := w.of(anna)
		require.Equal(t, first.ID, j.ID)
		require.Equal(t, job.Queued, j.State)
		require.Equal(t, 2, j.Attempt)
		require.Nil(t, j.Fault)
		require.Equal(t, first.Rank, j.Rank, "it has its old place in the queue")
		require.Equal(t, job.Canceled, w.job(second.ID).State)
		require.Len(t, w.live(), 1)
	})
}

func TestAnotherPriorityWhileItWaitsIsAPlaceAmongTheOthersOfThat(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("bert/a.png", picture(t, 400, 400, 1))
		w.drop("bert/a.wav", recording(time.Second, 1)) // the ordinary queue's clock begins
		time.Sleep(24 * time.Hour)
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop("courses/week 1/anna.json", []byte(`{"priority":"high"}`))
		w.drop(annaWAV, recording(time.Second, 1))
		high := w.of(anna)
		w.drop("courses/week 1/anna.json", []byte(`{"priority":"normal"}`))
		w.drop("bert/b.png", picture(t, 400, 400, 2))
		w.drop("bert/b.wav", recording(time.Second, 2))

		j := w.of(anna)
		require.Equal(t, high.ID, j.ID)
		ids, err := w.store.Queue(t.Context(), 10)
		require.NoError(t, err)
		require.Less(t, slices.Index(ids, j.ID), 2, "before what another folder handed in later")
		_, clock, _ := job.StartOf(w.of(job.Name{Dir: "bert", Stem: "a"}).Rank)
		_, start, _ := job.StartOf(j.Rank)
		require.Equal(t, clock, start, "where its folder's turns of that priority begin")
	})
}

func TestGoingBackToContentWhoseFilmIsMadeMakesNoSecondFilm(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		w.end(first, job.Succeeded)
		w.drop(annaWAV, recording(time.Second, 2))
		w.drop(annaWAV, recording(time.Second, 1))
		require.Equal(t, first, w.of(anna).ID)
		require.Equal(t, job.Succeeded, w.job(first).State)
		require.Empty(t, w.live(), "the one in between had not left")
	})
}

func TestGoingBackToContentThatWaitsForAPersonSaysSoAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		first := w.of(anna).ID
		require.NoError(t, w.send(t.Context(), first))
		j := w.job(first)
		storing := j
		storing.State = job.Storing
		j, err := w.store.Move(t.Context(), j, storing)
		require.NoError(t, err)
		held := j
		held.State, held.Fault = job.Held, &job.Fault{Code: job.CodeFilmMisfit}
		_, err = w.store.Move(t.Context(), j, held)
		require.NoError(t, err)
		w.drop(annaWAV, []byte("no sound")) // its record takes the place of the first one's
		w.drop(annaWAV, recording(time.Second, 1))
		require.Equal(t, first, w.of(anna).ID)
		last := w.told[len(w.told)-1]
		require.Equal(t, []any{first, job.Held, []job.Channel{job.Record}}, []any{last.Job, last.State, last.Unsent})
	})
}

func TestAFileUploadedAgainAfterItWasDeletedBeforeItsJobLeftBringsTheJobBack(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		j := w.of(anna)
		w.files.remove(annaWAV)
		gone := j // what submit does when it cannot copy the file
		gone.State, gone.Fault = job.Rejected, &job.Fault{Code: job.CodeFileGone, File: annaWAV}
		_, err := w.store.Move(t.Context(), j, gone)
		require.NoError(t, err)

		w.drop(annaWAV, recording(time.Second, 1))
		require.Equal(t, job.Queued, w.of(anna).State, "that is what the message told people to do")
		require.Equal(t, j.ID, w.of(anna).ID)
		require.Len(t, w.all(), 1)
	})
}

func TestAJobCanceledBecauseItsFileWasWrittenAnewComesBackWithTheSameContent(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.drop(annaWAV, recording(time.Second, 1))
		j := w.of(anna)
		w.files.putAs(annaWAV, recording(time.Second, 1), "kms-2")
		gone := j // what submit does when the copy's condition fails
		gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeReplaced, File: annaWAV}
		_, err := w.store.Move(t.Context(), j, gone)
		require.NoError(t, err)

		w.created(annaWAV)
		require.Equal(t, job.Queued, w.of(anna).State)
		require.Equal(t, `"kms-2"`, w.of(anna).Audio.ETag)
		require.Len(t, w.all(), 1)
	})
}

func TestTheNewerOfTwoPicturesOfAStemCounts(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.jpg", picture(t, 400, 400, 1))
		time.Sleep(2 * time.Second)
		w.files.put("a.PNG", picture(t, 500, 500, 2))
		w.files.put("a.wav", recording(time.Second, 1))
		w.created("a.PNG", "a.wav", "a.jpg") // the older one's event comes last
		require.Equal(t, "a.PNG", w.of(job.Name{Stem: "a"}).Image.Key)
		require.Len(t, w.all(), 1)
	})
}

func TestAFileThatChangesWhileItIsReadIsReadAgainAsItStandsThen(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.onOpen = func(key string) {
			if key == annaWAV && w.files.reads(annaWAV) == 0 {
				w.files.put(annaWAV, recording(3*time.Second, 9))
			}
		}
		w.drop(annaWAV, recording(time.Second, 1))
		require.InDelta(t, 3, w.of(anna).Audio.Seconds, 0)
		require.Len(t, w.all(), 1)
	})
}

func TestAFileDeletedWhileItIsReadLeavesAHalfPair(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.onOpen = func(key string) {
			if key == annaWAV {
				w.files.remove(annaWAV)
			}
		}
		w.drop(annaWAV, recording(time.Second, 1))
		require.Empty(t, w.all())
		st := w.stem(anna)
		require.Nil(t, st.Audio)
		require.NotNil(t, st.Image)
		require.False(t, st.Due.IsZero(), "its missing half will be told")
	})
}

func TestAFileDeletedBeforeItsEventCameIsNothing(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.created(annaPNG, annaWAV, portrait, "notes.txt")
		require.Zero(t, w.stem(anna).Rev)
		require.Empty(t, w.told)
		require.Empty(t, w.overdue().Folders)
	})
}

func TestAHalfPairIsToldOnceAfterTheTimeAndAgainOnlyAfterAChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key, code string
		body      func(uint8) []byte
	}{
		"a picture waits for its recording": {annaPNG, job.CodeAudioMissing, func(n uint8) []byte { return picture(t, 400, 400, n) }},
		"a recording waits for its picture": {annaWAV, job.CodePictureMissing, func(n uint8) []byte { return recording(time.Second, uint64(n)) }},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.drop(c.key, c.body(1))
				for range 12 {
					time.Sleep(halfPair / 12)
					require.Empty(t, w.codes(), "not before its time")
					w.due()
				}
				require.Equal(t, []string{c.code}, w.codes())
				require.Equal(t, c.key, w.told[0].Fault.File)
				require.Equal(t, anna, w.told[0].Name)

				w.created(c.key) // the same event again
				time.Sleep(2 * halfPair)
				w.due()
				require.Len(t, w.codes(), 1, "told once")
				require.Empty(t, w.overdue().Stems, "nothing wakes poll any more")

				w.drop(c.key, c.body(2))
				time.Sleep(halfPair)
				w.due()
				require.Equal(t, []string{c.code, c.code}, w.codes())
				require.NotEqual(t, w.told[0].ID, w.told[1].ID)
			})
		})
	}
}

func TestAHalfThatWasDeletedMeanwhileIsNotMissed(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.remove(annaPNG)
		time.Sleep(halfPair)
		w.due()
		require.Empty(t, w.told)
		time.Sleep(halfPair)
		require.Empty(t, w.overdue().Stems)
	})
}

func TestTheOtherHalfMakesAJobHoweverLateItComes(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaWAV, recording(time.Second, 1))
		time.Sleep(48 * time.Hour)
		w.due()
		w.drop(annaPNG, picture(t, 400, 400, 1))
		require.Equal(t, job.Queued, w.of(anna).State)
	})
}

func TestAnInvocationThatEndsSoonLeavesTheWaitToPoll(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.put(annaWAV, recording(time.Second, 1))
		ctx, cancel := context.WithTimeout(t.Context(), settle+time.Second)
		defer cancel()
		began := time.Now()
		_, err := w.h.Handle(ctx, eventOf(t, annaWAV))
		require.NoError(t, err)
		require.Zero(t, time.Since(began))
		require.Empty(t, w.all())
		time.Sleep(5 * time.Minute)
		w.due()
		require.Equal(t, job.Queued, w.of(anna).State)
	})
}

func TestTroubleInReadingIsTriedAgainAndSaysNothingAgainstTheFile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.put(annaWAV, recording(time.Second, 1))
		w.files.onOpen = func(key string) {
			if key == annaWAV {
				w.files.mu.Lock()
				w.files.fail[key] = errors.New("slow down")
				w.files.mu.Unlock()
			}
		}
		_, err := w.h.Handle(t.Context(), eventOf(t, annaWAV))
		require.ErrorContains(t, err, "slow down")
		require.Empty(t, w.all())

		w.files.onOpen = nil
		delete(w.files.fail, annaWAV)
		time.Sleep(time.Hour)
		w.due()
		require.Equal(t, job.Queued, w.of(anna).State)
	})
}

func TestAStemThatCannotBeReadIsLeftAloneForAWhile(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaPNG, picture(t, 400, 400, 1))
		w.files.onOpen = func(string) {
			w.files.mu.Lock()
			w.files.fail[annaWAV] = errors.New("access denied")
			w.files.mu.Unlock()
		}
		w.files.put(annaWAV, recording(time.Second, 1))
		_, err := w.h.Handle(t.Context(), eventOf(t, annaWAV))
		require.Error(t, err)
		time.Sleep(time.Hour)
		_, err = w.h.Handle(t.Context(), []byte(`{"dispatch":true,"stems":["courses/week 1/anna"]}`))
		require.Error(t, err)
		require.Empty(t, w.overdue().Stems)
		time.Sleep(time.Hour)
		require.NotEmpty(t, w.overdue().Stems)
	})
}

func TestAnUnknownFileIsToldOnceForEachContentItHasHad(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("week 1/notes.txt", []byte("one"))
		w.created("week 1/notes.txt", "week 1/notes.txt")
		require.Equal(t, []string{job.CodeUnknownFile}, w.codes())
		require.Equal(t, "week 1/notes.txt", w.told[0].Fault.File)
		w.drop("week 1/notes.txt", []byte("two"))
		require.Len(t, w.codes(), 2)

		w.drop("week 1/empty.txt", nil)
		require.Len(t, w.codes(), 2, "zero bytes of no kind are nobody's hand-in")
	})
}

func TestAnUnknownFileIsNotTakenForHalfAPairOfItsName(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop("notes.txt", []byte("one"))
		w.drop("notes.txt.wav", recording(time.Second, 1))
		w.drop("notes.txt.png", picture(t, 400, 400, 1))
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "notes.txt"}).State)
		w.created("notes.txt")
		require.Len(t, w.codes(), 1)
	})
}
