package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// batch hands in the events of several keys in one invocation, in that order.
func (w *world) batch(keys ...string) []string {
	w.t.Helper()
	var e events.SQSEvent
	for _, k := range keys {
		e.Records = append(e.Records, events.SQSMessage{MessageId: k, EventSource: "aws:sqs", Body: string(eventOf(w.t, k))})
	}
	raw, err := json.Marshal(e)
	require.NoError(w.t, err)
	answer, err := w.h.Handle(w.t.Context(), raw)
	require.NoError(w.t, err)
	var failed []string
	for _, f := range answer.(events.SQSEventResponse).BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

func TestAControlObjectConcernsTheNewestJobOfItsName(t *testing.T) {
	t.Parallel()
	for key, verb := range map[string]job.Verb{"courses/anna.cancel": job.ToCancel, "courses/anna.CANCEL": job.ToCancel, "courses/anna.Retry": job.ToRetry} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.drop("courses/anna.png", picture(t, 500, 500, 1))
			w.drop("courses/anna.wav", recording(2*time.Second, 2))
			time.Sleep(time.Minute)
			written := time.Now().UTC().Truncate(time.Second)
			w.drop(key, nil)
			w.created(key, key) // S3 may say it more than once
			n := job.Name{Dir: "courses", Stem: "anna"}
			require.Len(t, w.orders, 1)
			o := w.orders[0]
			require.Equal(t, verb, o.Verb)
			require.Equal(t, key, o.Key)
			require.Equal(t, n, o.Name)
			require.Equal(t, w.of(n).ID, o.Stem.Job)
			require.Equal(t, written, o.Written)
			require.False(t, o.Charge)
			require.False(t, o.Outdated())
			require.Empty(t, w.codes(), "an empty file is nothing wrong here")

			time.Sleep(time.Minute)
			w.drop(key, nil)
			require.Len(t, w.orders, 2, "written again, it counts again")
		})
	}
}

func TestWhatComesWithItsFilesInAnyOrderConcernsThem(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{
		{"anna.cancel", "anna.png", "anna.wav"}, {"anna.png", "anna.cancel", "anna.wav"}, {"anna.png", "anna.wav", "anna.cancel"},
		{"anna.cancel"}, // the others' events are lost
	} {
		for _, together := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.files.put("anna.png", picture(t, 500, 500, 1))
				w.files.put("anna.wav", recording(2*time.Second, 2))
				w.files.put("anna.cancel", nil)
				if together {
					require.Empty(t, w.batch(order...))
				} else {
					for _, k := range order {
						go func() { require.Empty(t, w.batch(k)) }()
						time.Sleep(time.Millisecond)
					}
					time.Sleep(time.Minute)
					synctest.Wait() // what the batches wrote is read below
				}
				require.Len(t, w.orders, 1, order)
				require.Equal(t, w.of(job.Name{Stem: "anna"}).ID, w.orders[0].Stem.Job, order)
				require.Len(t, w.all(), 1)
			})
		}
	}
}

func TestAControlObjectConcernsFilesUnheardOfWhateverFormTheirNamesHave(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put("Bu\u0308cher/Zoe\u0308.png", picture(t, 500, 500, 1))
		w.files.put("Bu\u0308cher/Zo\u00eb.wav", recording(2*time.Second, 2))
		w.drop("B\u00fccher/Zo\u00eb.cancel", nil)
		require.Len(t, w.orders, 1)
		require.Equal(t, w.of(job.Name{Dir: "B\u00fccher", Stem: "Zo\u00eb"}).ID, w.orders[0].Stem.Job)
	})
}

func TestAControlObjectOfNothingSaysWhatIsNear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.drop("anna.png", picture(t, 500, 500, 1))
		w.drop("anna.wav", recording(2*time.Second, 2))
		w.drop("bert.png", picture(t, 500, 500, 1))
		for key, near := range map[string]string{
			"ana.cancel": "“anna.wav”", "anna.wav.cancel": "“anna.wav”", "Anna.retry": "“anna.wav”", "bert.cancel": "", "nobody at all.retry": "",
		} {
			w.orders = nil
			w.drop(key, nil)
			require.Len(t, w.orders, 1, key)
			require.Empty(t, w.orders[0].Stem.Job, key)
			require.Equal(t, near, w.orders[0].Near, key)
		}
	})
}

func TestASecondChargeIsAcceptedInWritingAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.drop("anna.png", picture(t, 500, 500, 1))
		w.drop("anna.wav", recording(2*time.Second, 2))
		for said, charge := range map[string]bool{
			"": false, "accept-charge": true, "Accept-Charge\r\n": true, "\ufeffaccept-charge\n": true, "--accept-charge": false, "please": false,
			"\xff\xfe" + utf16("accept-charge\r\n", 1): true, "\xfe\xff" + utf16("accept-charge", 0): true,
			"\xff\xfe" + utf16("please", 1): false, "\xff\xfe\x00": false, "\xff\xfe": false,
			"accept-charge, please": false, string(make([]byte, 2000)): false,
		} {
			time.Sleep(time.Minute)
			w.orders = nil
			w.drop("anna.retry", []byte(said))
			require.Len(t, w.orders, 1, "%q", said)
			require.Equal(t, charge, w.orders[0].Charge, "%q", said)
		}
		w.orders = nil
		w.drop("anna.cancel", []byte("accept-charge"))
		require.False(t, w.orders[0].Charge)
		require.Zero(t, w.files.reads("anna.cancel"))
	})
}

// utf16 is ASCII in UTF-16, the zero of each letter before (0) or behind it (1).
func utf16(s string, behind int) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		pair := [2]byte{}
		pair[1-behind] = c
		b.Write(pair[:])
	}
	return b.String()
}

func TestAnOrderIsReadAgainWhenItsNameHasGoneOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.drop("anna.png", picture(t, 500, 500, 1))
		w.drop("anna.wav", recording(2*time.Second, 2))
		first := w.of(job.Name{Stem: "anna"}).ID
		w.obey = func(ctx context.Context, o job.Order) error {
			if len(w.orders) == 1 {
				time.Sleep(2 * time.Second)
				w.files.put("anna.wav", recording(3*time.Second, 3))
				return job.ErrConflict
			}
			return w.store.Heed(ctx, o, nil)
		}
		w.drop("anna.cancel", nil)
		require.Len(t, w.orders, 2)
		require.Equal(t, first, w.orders[0].Stem.Job)
		require.NotEqual(t, first, w.orders[1].Stem.Job)
		require.True(t, w.orders[1].Outdated(), "it was written before the newer recording")
	})
}

func TestAnOrderThatCannotBeCarriedOutNowComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.drop("anna.png", picture(t, 500, 500, 1))
		w.drop("anna.wav", recording(2*time.Second, 2))
		w.obey = func(context.Context, job.Order) error { return errors.New("the vendor does not answer") }
		w.files.put("anna.cancel", nil)
		require.Equal(t, []string{"anna.cancel"}, w.batch("anna.cancel"))
		register := intake.Register{HandIns: w.store, Controls: w.store}
		half, err := w.files.Head(t.Context(), "anna.cancel")
		require.NoError(t, err)
		known, err := register.Knows(t.Context(), half)
		require.NoError(t, err)
		require.False(t, known, "the sweep finds it")
		w.obey = nil
		require.Empty(t, w.batch("anna.cancel"))
		known, err = register.Knows(t.Context(), half)
		require.NoError(t, err)
		require.True(t, known)
		w.files.remove("anna.cancel")
		require.Empty(t, w.batch("anna.cancel"), "gone before anybody looked")
	})
}

func TestARetryGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.drop("anna.png", picture(t, 500, 500, 1))
		w.drop("anna.wav", recording(2*time.Second, 2))
		id := w.of(job.Name{Stem: "anna"}).ID
		w.obey = func(ctx context.Context, o job.Order) error {
			j := w.job(id)
			gone := j
			gone.State, gone.Fault = job.Canceled, &job.Fault{Code: job.CodeCanceled}
			j, err := w.store.Move(ctx, j, gone)
			require.NoError(t, err)
			again := j
			again.State, again.Attempt, again.Due, again.Fault = job.Received, 2, time.Now(), nil
			_, err = w.store.Obey(ctx, j, again, o)
			return err
		}
		before := len(w.prepared)
		w.drop("anna.retry", nil)
		require.Equal(t, id, w.prepared[before])
		require.Equal(t, job.Queued, w.job(id).State)
		require.False(t, slices.Contains(w.codes(), job.CodeUnknownFile))
	})
}
