package lambda

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"
)

// consumer is a function that answers as the test says.
type consumer struct {
	start  time.Time
	answer func(ctx context.Context, e events.SQSEvent) (Result, error) // nil means success

	mu      sync.Mutex
	batches []delivery
}

type delivery struct {
	at     time.Duration
	bodies []string
	event  events.SQSEvent
}

func (c *consumer) Invoke(ctx context.Context, _ string, payload []byte) (Result, error) {
	var e events.SQSEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return Result{}, err
	}
	d := delivery{at: time.Since(c.start), event: e}
	for _, r := range e.Records {
		d.bodies = append(d.bodies, r.Body)
	}
	c.mu.Lock()
	c.batches = append(c.batches, d)
	c.mu.Unlock()
	if c.answer == nil {
		return Result{}, nil
	}
	return c.answer(ctx, e)
}

func (c *consumer) queue(t *testing.T, cfg QueueConfig) *Queue {
	t.Helper()
	c.start = time.Now()
	cfg.Function = "submit"
	q, err := NewQueue(c, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = q.Close(context.Background()) }) // a failed test must not hang its bubble
	return q
}

func send(t *testing.T, q *Queue, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		require.NoError(t, q.Send([]byte(b)))
	}
}

func requireDepth(t *testing.T, q *Queue, visible, hidden int) {
	t.Helper()
	v, h := q.Depth()
	require.Equal(t, [2]int{visible, hidden}, [2]int{v, h}, "visible, hidden")
}

func fails(context.Context, events.SQSEvent) (Result, error) { return functionError, nil }

func answers(s string) func(context.Context, events.SQSEvent) (Result, error) {
	return func(context.Context, events.SQSEvent) (Result, error) { return Result{Payload: []byte(s)}, nil }
}

func TestAMessageArrivesAsAnSQSEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c consumer
		q := c.queue(t, QueueConfig{ARN: "arn:aws:sqs:eu-west-1:123456789012:intake"})
		send(t, q, `{"a":"é"}`)
		synctest.Wait()
		require.Len(t, c.got(), 1)
		got := c.got()[0].event.Records[0]
		require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, got.MessageId)
		require.NotEmpty(t, got.ReceiptHandle)
		got.MessageId, got.ReceiptHandle = "", ""
		require.Equal(t, events.SQSMessage{
			Body: `{"a":"é"}`, Md5OfBody: "110df10b56b83299182f70164879d203", MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource: "aws:sqs", EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:intake", AWSRegion: "eu-west-1",
			Attributes: map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": "946684800000",
				"ApproximateFirstReceiveTimestamp": "946684800000", "SenderId": "123456789012",
			},
		}, got)
		requireDepth(t, q, 0, 0)
		require.NoError(t, q.Close(t.Context()))
		require.ErrorIs(t, q.Send([]byte("late")), ErrClosed)
		require.NoError(t, q.Close(t.Context()), "closing twice is harmless")
	})
}

func TestABatchWaitsForItsWindowOrUntilItIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c consumer
		q := c.queue(t, QueueConfig{BatchSize: 3, Window: 5 * time.Second})
		send(t, q, "1")
		time.Sleep(2 * time.Second)
		send(t, q, "2")
		time.Sleep(10 * time.Second)
		send(t, q, "3", "4", "5", "6")
		time.Sleep(time.Minute)
		require.NoError(t, q.Close(t.Context()))
		require.Equal(t, [][]string{{"1", "2"}, {"3", "4", "5"}, {"6"}}, c.bodies())
		require.Equal(t, 5*time.Second, c.got()[0].at)
		require.Equal(t, 12*time.Second, c.got()[1].at)
		require.Equal(t, 17*time.Second, c.got()[2].at)
	})
}

// got returns the deliveries so far.
func (c *consumer) got() []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.batches)
}

func (c *consumer) bodies() (list [][]string) {
	for _, b := range c.got() {
		list = append(list, b.bodies)
	}
	return list
}

func TestAFailedMessageComesAgainAfterItsVisibilityTimeoutAndDiesAtLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: fails}
		var dead []Message
		q := c.queue(t, QueueConfig{MaxReceive: 3, VisibilityTimeout: time.Minute, OnDead: func(m Message) { dead = append(dead, m) }})
		send(t, q, "poison")
		synctest.Wait()
		requireDepth(t, q, 0, 1)
		time.Sleep(time.Hour)
		require.NoError(t, q.Close(t.Context()))

		require.Len(t, c.got(), 3)
		for i, d := range c.got() {
			require.Equal(t, time.Duration(i)*time.Minute, d.at)
			require.Equal(t, string(rune('1'+i)), d.event.Records[0].Attributes["ApproximateReceiveCount"])
			require.Equal(t, "946684800000", d.event.Records[0].Attributes["ApproximateFirstReceiveTimestamp"])
		}
		require.Len(t, dead, 1)
		require.Equal(t, "poison", string(dead[0].Body))
		require.Equal(t, 3, dead[0].Receives)
		requireDepth(t, q, 0, 0)
	})
}

func TestOnlyTheReportedMessagesComeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: func(_ context.Context, e events.SQSEvent) (Result, error) {
			var failures events.SQSEventResponse
			for _, r := range e.Records {
				if r.Body == "bad" && r.Attributes["ApproximateReceiveCount"] == "1" {
					failures.BatchItemFailures = append(failures.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
				}
			}
			b, err := json.Marshal(failures)
			return Result{Payload: b}, err
		}}
		q := c.queue(t, QueueConfig{ReportBatchItemFailures: true, Window: time.Second})
		send(t, q, "good", "bad", "good")
		time.Sleep(time.Hour)
		require.NoError(t, q.Close(t.Context()))
		require.Equal(t, [][]string{{"good", "bad", "good"}, {"bad"}}, c.bodies())
	})
}

func TestAnAnswerThatNobodyAskedForDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: answers("broken")}
		q := c.queue(t, QueueConfig{})
		send(t, q, "1")
		time.Sleep(time.Hour)
		require.Len(t, c.got(), 1)
		require.NoError(t, q.Close(t.Context()))
	})
}

func TestAnAnswerWithoutSenseFailsTheWholeBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: answers(`{"batchItemFailures":[{"itemIdentifier":"of another batch"}]}`)}
		q := c.queue(t, QueueConfig{ReportBatchItemFailures: true, MaxReceive: 2, Window: time.Second})
		send(t, q, "1", "2")
		time.Sleep(time.Hour)
		require.Equal(t, [][]string{{"1", "2"}, {"1", "2"}}, c.bodies())
		require.NoError(t, q.Close(t.Context()))
	})
}

func TestBatchAnswersAreReadAsDocumented(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"a": true, "b": true}
	for answer, want := range map[string]string{ // the failed ids, "" for none, "all" for the whole batch
		``:                           "",
		`null`:                       "",
		`{}`:                         "",
		`{"other":1}`:                "",
		`{"batchItemFailures":[]}`:   "",
		`{"batchItemFailures":null}`: "",
		`{"batchItemFailures":[{"itemIdentifier":"a"}]}`:                        "a",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"a"}]}`: "a",
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                         "all",
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                       "all",
		`{"batchItemFailures":[{"id":"a"}]}`:                                    "all",
		`{"batchItemFailures":[null]}`:                                          "all",
		`{"batchItemFailures":[{"itemIdentifier":"c"}]}`:                        "all",
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}`: "all",
		`{"batchItemFailures":"a"}`:                                             "all",
		`"ok"`:                                                                  "all",
		`[]`:                                                                    "all",
		`{`:                                                                     "all",
	} {
		failed, err := parseBatchAnswer([]byte(answer), known)
		var got []string
		for id := range failed {
			got = append(got, id)
		}
		if err != nil {
			got = []string{"all"}
		}
		require.Equal(t, want, strings.Join(got, ","), answer)
	}
}

func TestNoMoreBatchesRunAtOnceThanAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		c := consumer{answer: func(context.Context, events.SQSEvent) (Result, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return Result{}, nil
		}}
		q := c.queue(t, QueueConfig{BatchSize: 1, MaximumConcurrency: 2})
		send(t, q, "1", "2", "3", "4", "5")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, 2, most)
		require.Len(t, c.got(), 5)
		require.Equal(t, 2*time.Second, c.got()[4].at)
		require.NoError(t, q.Close(t.Context()))
	})
}

func TestAThrottledBatchIsTriedWhileItIsHiddenAndThenCountsAsReceived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		c := consumer{answer: func(context.Context, events.SQSEvent) (Result, error) {
			tries++
			if tries <= 5 {
				return Result{}, ErrThrottled
			}
			return Result{}, nil
		}}
		q := c.queue(t, QueueConfig{VisibilityTimeout: 10 * time.Second})
		send(t, q, "1")
		time.Sleep(time.Hour)
		var at []time.Duration
		var counts string
		for _, d := range c.got() {
			at = append(at, d.at/time.Second)
			counts += d.event.Records[0].Attributes["ApproximateReceiveCount"]
		}
		require.Equal(t, []time.Duration{0, 1, 3, 7, 10, 11}, at)
		require.Equal(t, "111122", counts)
		require.NoError(t, q.Close(t.Context()))
	})
}

func TestClosingWaitsForDeliveriesAndItsContextCutsThemShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: func(ctx context.Context, _ events.SQSEvent) (Result, error) {
			select {
			case <-ctx.Done():
				return Result{}, ctx.Err()
			case <-time.After(10 * time.Second):
				return Result{}, nil
			}
		}}
		q := c.queue(t, QueueConfig{})
		send(t, q, "1")
		synctest.Wait()
		require.NoError(t, q.Close(t.Context()))
		require.Equal(t, 10*time.Second, time.Since(c.start))
		requireDepth(t, q, 0, 0)

		q = c.queue(t, QueueConfig{})
		send(t, q, "1")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, q.Close(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(c.start))
		requireDepth(t, q, 0, 1)
	})
}

func TestABatchStaysBelowThePayloadLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c consumer
		q := c.queue(t, QueueConfig{Window: time.Second})
		q.mu.Lock()
		q.maxBatch = 8 << 10
		q.mu.Unlock()
		body := strings.Repeat("\n", 1200) // twice its size once it is encoded, and 1 KB around it
		send(t, q, body, body, body, body)
		time.Sleep(time.Minute)
		require.NoError(t, q.Close(t.Context()))
		require.Len(t, c.got(), 2)
		require.Len(t, c.got()[0].bodies, 2)
	})
}

func TestPendingMessagesSurviveARestartWithTheirCount(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state", "queue.jsonl")
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: func(_ context.Context, e events.SQSEvent) (Result, error) {
			if e.Records[0].Body == "good" {
				return Result{}, nil
			}
			return functionError, nil
		}}
		q := c.queue(t, QueueConfig{StateFile: file, BatchSize: 1, VisibilityTimeout: 10 * time.Minute})
		send(t, q, "bad", "good")
		synctest.Wait()
		require.NoError(t, q.Close(t.Context()))

		time.Sleep(time.Second)
		q = c.queue(t, QueueConfig{StateFile: file})
		synctest.Wait()
		requireDepth(t, q, 0, 1)
		require.NoError(t, q.Close(t.Context()))
		require.Equal(t, [][]string{{"bad"}, {"good"}, {"bad"}}, sortFirstTwo(c.bodies()))
		first, last := c.got()[0], c.got()[2]
		if first.bodies[0] != "bad" {
			first = c.got()[1]
		}
		want, got := first.event.Records[0], last.event.Records[0]
		require.Equal(t, want.MessageId, got.MessageId)
		require.Equal(t, want.Attributes["SentTimestamp"], got.Attributes["SentTimestamp"])
		require.Equal(t, want.Attributes["ApproximateFirstReceiveTimestamp"], got.Attributes["ApproximateFirstReceiveTimestamp"])
		require.Equal(t, "2", got.Attributes["ApproximateReceiveCount"])
	})
}

// sortFirstTwo undoes that two batches run at once.
func sortFirstTwo(l [][]string) [][]string {
	if l[0][0] > l[1][0] {
		l[0], l[1] = l[1], l[0]
	}
	return l
}

func TestADeliveryToAClosedHostIsNotCounted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "queue.jsonl")
	synctest.Test(t, func(t *testing.T) {
		c := consumer{answer: func(context.Context, events.SQSEvent) (Result, error) { return Result{}, ErrClosed }}
		q := c.queue(t, QueueConfig{StateFile: file})
		send(t, q, "1")
		synctest.Wait()
		require.NoError(t, q.Close(t.Context()))
		c.answer = nil
		q = c.queue(t, QueueConfig{StateFile: file})
		synctest.Wait()
		require.Equal(t, "1", c.got()[1].event.Records[0].Attributes["ApproximateReceiveCount"])
		require.NoError(t, q.Close(t.Context()))
	})
}

func TestTheStateFileDoesNotGrowWithHistory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "queue.jsonl")
	synctest.Test(t, func(t *testing.T) {
		var c consumer
		q := c.queue(t, QueueConfig{StateFile: file})
		for range 400 {
			send(t, q, strings.Repeat("x", 5000))
			synctest.Wait()
		}
		require.NoError(t, q.Close(t.Context()))
		require.Len(t, c.got(), 400)
		st, err := os.Stat(file)
		require.NoError(t, err)
		require.Less(t, st.Size(), int64(1<<20))
	})
}

func TestALineCutShortByACrashIsDroppedButDamageIsNotHidden(t *testing.T) {
	t.Parallel()
	whole := `{"id":"1","body":"first","sent":5,"receives":2}` + "\n"
	messages, err := readJournal(strings.NewReader(whole + `{"id":"2","bo`))
	require.NoError(t, err)
	require.Equal(t, []Message{{ID: "1", Body: []byte("first"), Sent: time.UnixMilli(5), Receives: 2}}, messages)
	_, err = readJournal(strings.NewReader("no journal\n" + whole))
	require.ErrorContains(t, err, "line 1 is damaged")

	file := filepath.Join(t.TempDir(), "notes.txt")
	require.NoError(t, os.WriteFile(file, []byte("my\nnotes\n"), 0o600))
	_, err = NewQueue(&consumer{}, QueueConfig{Function: "submit", StateFile: file})
	require.ErrorContains(t, err, "notes.txt: line 1 is damaged")
	kept, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "my\nnotes\n", string(kept))
}

func TestAQueueNamesItsWrongFields(t *testing.T) {
	t.Parallel()
	_, err := NewQueue(nil, QueueConfig{
		ARN: "x", BatchSize: 11, Window: -1, VisibilityTimeout: -1, MaxReceive: -1, MaximumConcurrency: -1,
	})
	for _, part := range []string{
		"invoker", "Function is missing", `ARN "x"`, "BatchSize 11 needs a Window", "Window -1ns",
		"VisibilityTimeout", "MaxReceive", "MaximumConcurrency",
	} {
		require.ErrorContains(t, err, part)
	}
	b := one(t, Function{Timeout: time.Minute})
	_, err = b.NewQueue(QueueConfig{Function: "other"})
	require.ErrorIs(t, err, ErrNotFound)
	for _, v := range []time.Duration{0, 59 * time.Second} {
		_, err = b.NewQueue(QueueConfig{Function: "fn", VisibilityTimeout: v})
		require.ErrorContains(t, err, "shorter than the function's timeout 1m0s")
	}
	q, err := b.NewQueue(QueueConfig{Function: "fn", VisibilityTimeout: time.Minute})
	require.NoError(t, err)
	require.Error(t, q.Send(nil))
	require.Error(t, q.Send([]byte("\xff")))
	require.ErrorIs(t, q.Send([]byte(strings.Repeat("x", maxMessage+1))), ErrTooLarge)
	require.NoError(t, q.Close(t.Context()))
}

func TestAQueueFeedsTheRealFunctionAndAKilledWorkersBatchComesAgain(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Timeout: time.Second})
	b.KillNext("fn", 0)
	q, err := b.NewQueue(QueueConfig{Function: "fn", VisibilityTimeout: time.Second, ReportBatchItemFailures: true})
	require.NoError(t, err)
	send(t, q, "hello")
	require.Eventually(t, func() bool { v, h := q.Depth(); return v+h == 0 }, time.Minute, time.Millisecond)
	require.NoError(t, q.Close(t.Context()))
}
