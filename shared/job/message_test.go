package job_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

// ended is a job with everything in it that can be.
func ended() job.Job {
	return job.Job{
		ID: "0123456789abcdef0123456789abcdef", Schema: 1, State: job.Succeeded, Rev: 9, Attempt: 2,
		Name:    anna,
		Image:   job.Input{Key: "courses/week 1/anna.JPG", ETag: "e1", SHA256: imageSHA},
		Audio:   job.Input{Key: "courses/week 1/anna.mp3", ETag: "e2", SHA256: audioSHA, Seconds: 13.93},
		Options: job.Options{Ratio: job.Auto}, Labels: "l",
		Style: job.Calm, Ratio: job.Portrait,
		Received: noon, Updated: noon.Add(300e9), Ended: noon.Add(300e9),
		Task:   &job.Task{ID: "task-1"},
		Result: &job.Result{URL: "https://films.example/f.mp4?Signature=" + canary, Seconds: 13.93, Ratio: job.Portrait},
		Film:   &job.Film{Key: "videos/courses/week 1/anna.mp4", SHA256: "f", Size: 5, Seconds: 13.9, Width: 512, Height: 704},
		Fault:  &job.Fault{Code: "film_does_not_fit", Detail: "13.9 s"},
		Billed: 2_228_800, Wasted: 4_000,
	}
}

// Receivers drop repeats by it, whichever channel they come by; the webhook's has no other
// letters than these.
func TestTheIDOfEveryKindOfMessageIsTheSameOnEveryChannel(t *testing.T) {
	t.Parallel()
	week := job.Manifest{Name: job.Name{Dir: "courses", Stem: "第一周"}, File: job.Half{Key: "courses/第一周.jobs.csv", ETag: `"e-2"`, Modified: noon}}
	for _, m := range []job.Message{
		job.OutcomeMessage(ended()), job.MovedMessage(ended()), job.AgainMessage(ended()), job.Replayed(ended(), nil, noon),
		job.Notice(job.Name{Dir: "a.b", Stem: "c d"}, `"etag".1`, job.Fault{Code: job.CodeAudioMissing}, noon),
		job.OrphanMessage(ended(), "a8532587-fa8c-4ef8-82be-000000000000", job.Yuan, noon),
		job.BatchMessage(week, job.BatchNews{Phase: job.BatchTaken}, noon), job.BatchMessage(week, job.BatchNews{Phase: job.BatchFinished}, noon),
		job.BudgetMessage(job.Shortage{Period: job.Day, Limit: 99_500_000}, noon),
	} {
		require.Regexp(t, `^[0-9A-Za-z_-]+$`, m.ID)
	}
}

func TestAnOutcomeCarriesWhatItsTextNeeds(t *testing.T) {
	t.Parallel()
	j := ended()
	m := job.OutcomeMessage(j)
	require.Equal(t, j.ID, m.Job)
	require.Equal(t, 2, m.Attempt)
	require.Equal(t, job.Succeeded, m.State)
	require.Equal(t, j.Name, m.Name)
	require.Equal(t, j.Image.Key, m.Image)
	require.Equal(t, j.Audio.Key, m.Audio)
	require.Equal(t, j.Fault, m.Fault)
	require.Equal(t, j.Film, m.Film)
	require.Equal(t, j.Billed, m.Billed)
	require.Equal(t, j.Wasted, m.Wasted)
	require.Equal(t, job.Portrait, m.Ratio, "what the film was made with, not what was asked for")
	require.Equal(t, "task-1", m.TaskID)
	require.Equal(t, "l", m.Labels)
	require.Equal(t, j.Received, m.Received)
	require.Equal(t, j.Updated, m.At)
	require.Equal(t, job.Channels(), m.Unsent)
	require.Equal(t, j.Updated.Add(30*time.Second), m.Due, "its writer sends it at once; poll only what that one left")
}

func TestAnOutcomeOfAJobThatNeverReachedTheVendorHasNoTask(t *testing.T) {
	t.Parallel()
	j := job.Job{ID: "id", State: job.Rejected, Attempt: 1, Rev: 1, Fault: &job.Fault{Code: "file_empty"}}
	m := job.OutcomeMessage(j)
	require.Empty(t, m.TaskID)
	require.Nil(t, m.Film)
	require.Equal(t, "file_empty", m.Fault.Code)
}

func TestTheFilmsLinkIsInNoMessage(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(job.OutcomeMessage(ended()))
	require.NoError(t, err)
	requireNoCanary(t, string(b), "a message")
	require.NotContains(t, string(b), "films.example")
}

func TestAMessagesIdIsTheSameHoweverOftenAndAnotherForEachOutcome(t *testing.T) {
	t.Parallel()
	held := ended()
	held.State = job.Held
	id := job.OutcomeMessage(held).ID
	require.Equal(t, id, job.OutcomeMessage(held).ID)

	again := held // for its film, having been adopted after it was held for its create
	again.Rev += 3
	retried := held
	retried.Attempt++
	canceled := held
	canceled.State = job.Canceled
	other := held
	other.ID = "ffffffffffffffffffffffffffffffff"
	for what, j := range map[string]job.Job{"held again": again, "retried": retried, "canceled": canceled, "another job": other} {
		require.NotEqual(t, id, job.OutcomeMessage(j).ID, what)
	}
}

func TestANoticeIsOneByWhatItIsAbout(t *testing.T) {
	t.Parallel()
	f := job.Fault{Code: "recording_missing", File: "anna.jpg"}
	m := job.Notice(anna, "etag-1", f, noon)
	require.Equal(t, anna, m.Name)
	require.Equal(t, &f, m.Fault)
	require.Equal(t, noon, m.At)
	require.Equal(t, noon.Add(30*time.Second), m.Due)
	require.Equal(t, job.Channels(), m.Unsent)
	require.Empty(t, m.Job)
	require.Empty(t, m.State)

	require.Equal(t, m.ID, job.Notice(anna, "etag-1", f, noon.Add(1)).ID, "told later it is the same")
	require.NotEqual(t, m.ID, job.Notice(anna, "etag-2", f, noon).ID)
	require.NotEqual(t, m.ID, job.Notice(job.Name{Stem: "bert"}, "etag-1", f, noon).ID)
	require.NotEqual(t, m.ID, job.Notice(anna, "etag-1", job.Fault{Code: "picture_missing"}, noon).ID)
}

func TestTheChannelsCannotBeChangedThroughTheirList(t *testing.T) {
	t.Parallel()
	job.Channels()[0] = "nothing"
	require.Equal(t, []job.Channel{job.Record, job.Topic, job.Bus, job.Webhook}, job.Channels())
}

func TestTheLengthOfAFilmIsAsBilledOnceThatIsKnown(t *testing.T) {
	t.Parallel()
	j := job.Job{Audio: job.Input{Seconds: 13.93}}
	require.InDelta(t, 13.93, j.Seconds(), 0)
	j.Result = &job.Result{}
	require.InDelta(t, 13.93, j.Seconds(), 0, "an answer without usage says nothing")
	j.Result = &job.Result{Seconds: 14}
	require.InDelta(t, 14, j.Seconds(), 0)
}

func TestAMessageKeepsItsIdWhenItsJobIsWrittenToLater(t *testing.T) {
	t.Parallel()
	j := ended()
	j.Told = j.Rev
	first := job.OutcomeMessage(j)
	j.Rev += 2 // its film has made room for a newer one
	j.Updated = j.Updated.Add(time.Hour)
	again := job.Replayed(j, []job.Channel{job.Webhook}, noon)
	require.Equal(t, first.ID, again.ID)
	require.Equal(t, j.Ended, again.At, "it came when it came")
	require.Equal(t, []job.Channel{job.Webhook}, again.Unsent)
	require.Equal(t, noon, again.Due)
}

func TestAnErrorThatSaysNothingOfADeliveryIsTroubleThatMayPass(t *testing.T) {
	t.Parallel()
	require.Equal(t, job.Delivery{}, job.DeliveryOf(errors.New("odd")))
}
