package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

func direct(bucket string, keys ...string) []byte {
	records := make([]map[string]any, len(keys))
	for i, k := range keys {
		records[i] = map[string]any{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
			"s3": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": k}}}
	}
	b, _ := json.Marshal(map[string]any{"Records": records})
	return b
}

func batch(bodies ...string) []byte {
	ev := events.SQSEvent{}
	for i, body := range bodies {
		ev.Records = append(ev.Records, events.SQSMessage{MessageId: fmt.Sprint(i), Body: body, EventSource: "aws:sqs"})
	}
	b, _ := json.Marshal(ev)
	return b
}

func TestOnlyTheDirectFormsKeysAreDecodedAndOnce(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"a b/c+d.jpg", "100%.wav", "a%2Fb.wav", "a+b%20c.wav", "课/安.mp3", "Mu\u0308ll.mp3", "//x.wav", "a&b=c?d#e.png", "\x00.wav"} {
		ev, err := intake.Decode(direct("b", strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")))
		require.NoError(t, err, key)
		require.Equal(t, []intake.Object{{Bucket: "b", Key: key}}, ev.Objects)
		ev, err = intake.Decode(eventOf(t, key))
		require.NoError(t, err, key)
		require.Equal(t, []intake.Object{{Bucket: inboxName, Key: key}}, ev.Objects)
	}
}

func TestWhatIsNoEventIsRefusedWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing": "", "text": "secret-name.jpg", "null": "null", "a number": "7", "an array": `["secret-name.jpg"]`, "an empty object": `{}`,
		"no records": `{"Records":[]}`, "dispatch not wanted": `{"dispatch":false,"stems":["secret-name"]}`,
		"of another service": `{"source":"aws.ec2","detail-type":"Object Created","detail":{"object":{"key":"secret-name"}}}`,
		"no key":             `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{}}}`,
		"no bucket":          `{"source":"aws.s3","detail-type":"Object Created","detail":{"object":{"key":"secret-name"}}}`,
		"SNS":                `{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"secret-name"}}]}`,
		"bad encoding":       string(direct("b", "secret-name%zz")), "empty key": string(direct("b", "")),
		"key of a wrong kind": `{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"secret-name"},"object":{"key":7}}}]}`,
		"cut":                 `{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"secret-name"`,
	} {
		ev, err := intake.Decode([]byte(raw))
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "secret-name", name)
		require.Empty(t, ev.Objects, name)
	}
}

func TestABadRecordKeepsNoOtherFromBeingTaken(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", recording(time.Second, 1))
		_, err := w.h.Handle(t.Context(), direct(inboxName, "a.png", "%zz", "a.wav"))
		require.Error(t, err, "it is tried again and then kept by the failure destination")
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State)
	})
}

func TestABatchNamesTheMessagesThatHaveToComeAgainAndNoOthers(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", recording(time.Second, 1))
		w.files.put("locked.wav", recording(time.Second, 1))
		w.files.fail["locked.wav"] = errors.New("access denied")
		out, err := w.h.Handle(t.Context(), batch(
			string(eventOf(t, "a.png")),
			"poison",
			string(direct(inboxName, "a.wav")),
			`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"emodrop-inbox"}`,
			string(eventOf(t, "locked.wav")),
			string(direct("somebody-elses", "a.wav")),
			string(direct(inboxName, "%zz", "locked.wav", "a.wav")),
		))
		require.NoError(t, err)
		var failed []string
		for _, f := range out.(events.SQSEventResponse).BatchItemFailures {
			failed = append(failed, f.ItemIdentifier)
		}
		require.ElementsMatch(t, []string{"1", "4", "6"}, failed)
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State)
		require.Equal(t, 1, w.dispatches, "others' jobs go on")
	})
}

func TestABatchOfWhichNothingFailedSaysSoInTheFormThatLambdaReads(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		out, err := w.h.Handle(t.Context(), batch(string(eventOf(t, "gone.png"))))
		require.NoError(t, err)
		b, err := json.Marshal(out)
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(b))
	})
}

func TestEventsOfAnotherBucketChangeNothingAndDoNotComeAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		_, err := w.h.Handle(t.Context(), direct("emodrop-outbox", "a.png", "portrait.png", "x.txt"))
		require.NoError(t, err)
		require.Zero(t, w.stem(job.Name{Stem: "a"}).Rev)
		require.Empty(t, w.told)
	})
}

func TestADispatchThatFailsDoesNotBringTheFilesAgain(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.dispatch = func(context.Context) error { return errors.New("table is slow") }
		w.files.put("a.png", picture(t, 400, 400, 1))
		out, err := w.h.Handle(t.Context(), batch(string(eventOf(t, "a.png"))))
		require.NoError(t, err)
		require.Empty(t, out.(events.SQSEventResponse).BatchItemFailures)
		_, err = w.h.Handle(t.Context(), []byte(`{"dispatch":true}`))
		require.ErrorContains(t, err, "table is slow", "poll's own wish is tried again")
	})
}

func TestPollsWorkIsDoneWhateverPartOfItFails(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", recording(time.Second, 1))
		w.files.put("locked.wav", recording(time.Second, 1))
		w.files.fail["locked.wav"] = errors.New("access denied")
		_, err := w.h.Handle(t.Context(), []byte(`{"dispatch":true,"keys":["locked.wav","a.png","a.wav"],"stems":["nothing/here"],"folders":["nowhere"],"jobs":["unknown"]}`))
		require.ErrorContains(t, err, "access denied")
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State)
		require.Equal(t, 1, w.dispatches)
	})
}

func TestPollDrivesAJobThatWaitsForItsDetectCall(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.prepare = func(context.Context, string) error { return errors.New("the vendor is slow") }
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", recording(time.Second, 1))
		w.created("a.png")
		_, err := w.h.Handle(t.Context(), eventOf(t, "a.wav"))
		require.ErrorContains(t, err, "the vendor is slow")
		require.Equal(t, job.Received, w.of(job.Name{Stem: "a"}).State)
		w.prepare = nil
		time.Sleep(5 * time.Minute)
		w.due()
		require.Equal(t, job.Queued, w.of(job.Name{Stem: "a"}).State)
	})
}

func TestAJobWhoseStemHasGoneOnIsTakenBackInsteadOfPrepared(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("a.png", picture(t, 400, 400, 1))
		w.files.put("a.wav", recording(time.Second, 1))
		w.created("a.png", "a.wav")
		late := w.of(job.Name{Stem: "a"}) // what a writer that was asleep leaves behind
		late.ID, late.State, late.Due = "late", job.Received, time.Now()
		_, err := w.store.Create(t.Context(), late)
		require.NoError(t, err)
		w.due()
		require.Equal(t, job.Canceled, w.job("late").State)
		require.NotContains(t, w.prepared, "late")
	})
}

func TestAHandlerSaysAllThatItLacks(t *testing.T) {
	t.Parallel()
	_, err := intake.New(intake.Config{Settle: -1})
	for _, what := range []string{"Inbox", "HandIns", "Jobs", "Manifests", "Portions", "Next", "Tell", "Bucket", "Log", "Profile", "HalfPairAfter", "Settle"} {
		require.ErrorContains(t, err, "intake: "+what)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"dispatch":true,"stems":["a"]}`))
	f.Add([]byte(`{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"b"},"object":{"key":"a+b.jpg"}}}`))
	f.Add(direct("b", "a+b.jpg", "%zz"))
	f.Add(batch("poison", string(direct("b", "a"))))
	f.Add([]byte(`{"Records":[null,{"eventSource":"aws:sqs","body":7}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, err := intake.Decode(raw)
		if err != nil {
			require.Empty(t, ev.Objects)
			require.Nil(t, ev.Work)
			return
		}
		for _, o := range ev.Objects {
			require.NotEmpty(t, o.Key)
			require.NotEmpty(t, o.Bucket)
			require.True(t, ev.Batch || o.Message == "")
		}
		if !ev.Batch {
			for id := range ev.Bad {
				require.Empty(t, id)
			}
		}
	})
}
