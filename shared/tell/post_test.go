package tell

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
	"emodrop/shared/words"
)

// undelivered is what a receiver answers.
type undelivered job.Delivery

func (undelivered) Error() string            { return "not taken" }
func (u undelivered) Delivery() job.Delivery { return job.Delivery(u) }
func (w *world) failPosts(err error)         { w.failing("post", err) }
func (w *world) failing(what string, err error) {
	w.before = func(_ int, call string) error {
		if call == what {
			return err
		}
		return nil
	}
}

// tries are the posts that were tried, those in vain among them.
func (w *world) tries() int {
	return len(slices.DeleteFunc(slices.Clone(w.calls), func(c string) bool { return c != "post" }))
}

func TestAWebhookGetsTheEventAsACloudEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Succeeded, "")
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	var e struct {
		SpecVersion, ID, Source, Type, Subject, DataContentType, DataSchema string
		Time                                                                time.Time
		Data                                                                json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(w.posts[0].detail), &e))
	require.Equal(t, "1.0", e.SpecVersion)
	require.Equal(t, []string{m.ID, "s3://in", "emodrop.job.state_changed", "courses/anna", "application/json", words.SchemaURI},
		[]string{e.ID, e.Source, e.Type, e.Subject, e.DataContentType, e.DataSchema})
	require.Equal(t, start, e.Time)
	require.JSONEq(t, w.events[0].detail, string(e.Data), "what the bus gets")
}

func TestAWebhookThatIsDownKeepsItsOwnTimesForADayAndIsThenGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.newest("j1")
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.failPosts(errDown)
		var log strings.Builder
		tl := w.teller(func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		begin := time.Now()
		var waits []time.Duration
		for {
			err := tl.Tell(t.Context(), m.ID)
			left, there := w.messages[m.ID]
			if !there {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, err, errDown)
			require.Equal(t, []job.Channel{job.Webhook}, left.Unsent)
			waits = append(waits, time.Until(left.Due))
			require.NotContains(t, log.String(), "given up")
			time.Sleep(time.Until(left.Due))
		}
		require.GreaterOrEqual(t, time.Since(begin), 24*time.Hour)
		require.Less(t, time.Since(begin), 29*time.Hour)
		require.Equal(t, []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute}, waits[:4])
		require.Equal(t, 4*time.Hour, waits[len(waits)-1])
		require.Equal(t, len(waits)+1, w.tries())
		require.Contains(t, log.String(), `level=WARN msg="webhook given up" message_id=`+m.ID)
		require.Len(t, w.notes, 1, "nobody got a second mail")
		require.Len(t, w.events, 1)
	})
}

func TestAWebhookIsTriedAtLeastADayHoweverShortTheFirstWait(t *testing.T) {
	t.Parallel()
	for _, first := range []time.Duration{time.Millisecond, time.Second, 15 * time.Second, time.Hour, 5 * time.Hour, 30 * time.Hour} {
		total, n := time.Duration(0), 0
		for {
			wait, ok := postWait(first, n)
			if !ok {
				break
			}
			total += wait
			n++
		}
		require.GreaterOrEqual(t, total, 24*time.Hour, first)
		require.LessOrEqual(t, total, 24*time.Hour+max(4*time.Hour, first), first)
	}
}

func TestAReceiverThatIsGoneGetsNoMoreOfAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	w.failPosts(undelivered{Gone: true})
	var log strings.Builder
	require.NoError(t, w.teller(func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) }).Tell(t.Context(), m.ID))
	require.Empty(t, w.messages)
	require.Contains(t, log.String(), `msg="webhook given up"`)
	require.Contains(t, log.String(), "code=gone")
}

func TestTheWaitThatAReceiverAsksForIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.failPosts(undelivered{Busy: true, After: time.Hour})
		require.Error(t, w.teller().Tell(t.Context(), m.ID))
		require.Equal(t, time.Hour, time.Until(w.messages[m.ID].Due))
		require.NoError(t, w.teller().Tell(t.Context(), m.ID), "its time is not yet")
		require.Equal(t, 1, w.tries())
	})
}

// Mail cannot be taken back and has no id that people see: whoever dies while a
// stranger's server takes its time has told everybody else already, and that is
// written down.
func TestADeathWhileAWebhookIsPostedRepeatsNoMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Succeeded, "")
	ctx, cancel := context.WithCancel(t.Context())
	w.before = func(_ int, call string) error {
		if call == "post" {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	require.Error(t, w.teller().Tell(ctx, m.ID))
	require.Equal(t, []job.Channel{job.Webhook}, w.messages[m.ID].Unsent)
	w.before = nil
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Len(t, w.notes, 1)
	require.Len(t, w.events, 1)
	require.Len(t, w.posts, 1)
}

func TestWhatCouldNotBeWrittenDownIsNotPosted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.end("j1", job.Succeeded, "")
	w.failing("put message", errDown)
	require.ErrorIs(t, w.teller().Tell(t.Context(), m.ID), errDown)
	require.Zero(t, w.tries())
}

func TestAWebhookIsPostedThoughAnotherChannelIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.end("j1", job.Succeeded, "")
		w.failing("publish", errDown)
		require.ErrorIs(t, w.teller().Tell(t.Context(), m.ID), errDown)
		require.Len(t, w.posts, 1)
		require.Equal(t, []job.Channel{job.Topic}, w.messages[m.ID].Unsent)
		require.Equal(t, 15*time.Second, time.Until(w.messages[m.ID].Due))

		// Both down: the topic is tried at its own times, however long the webhook waits.
		both := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.before = func(_ int, call string) error {
			switch call {
			case "post":
				return undelivered{After: 10 * time.Hour}
			case "publish":
				return errDown
			}
			return nil
		}
		for _, want := range []time.Duration{15, 30, 60} {
			require.Error(t, w.teller().Tell(t.Context(), both.ID))
			require.Equal(t, want*time.Second, time.Until(w.messages[both.ID].Due))
			time.Sleep(want * time.Second)
		}
		require.Equal(t, 2, w.tries())
		w.before = nil
		require.NoError(t, w.teller().Tell(t.Context(), both.ID))
		require.Equal(t, []job.Channel{job.Webhook}, w.messages[both.ID].Unsent)
		require.Greater(t, time.Until(w.messages[both.ID].Due), 9*time.Hour)
	})
}

func TestAFunctionWithoutTheWebhookLeavesItForTheOneThatHasIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.newest("j1")
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		submit := w.teller(func(c *Config) { c.Receiver = nil })
		require.NoError(t, submit.Tell(t.Context(), m.ID))
		require.Len(t, w.notes, 1)
		require.Equal(t, []job.Channel{job.Webhook}, w.messages[m.ID].Unsent)
		require.Zero(t, time.Until(w.messages[m.ID].Due), "at once")
		before := w.messages[m.ID]
		require.NoError(t, submit.Tell(t.Context(), m.ID))
		require.Equal(t, before, w.messages[m.ID])
		require.NoError(t, w.teller().Tell(t.Context(), m.ID))
		require.Empty(t, w.messages)
		require.Len(t, w.notes, 1)
		require.Len(t, w.posts, 1)
	})
}

// A hundred messages for a receiver that hangs must not hold up poll a hundred times.
func TestAReceiverThatDoesNotAnswerIsLeftAloneForAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		tl := w.teller()
		w.failPosts(undelivered{Busy: true})
		first, second := w.end("j1", job.Failed, job.CodeVendorFailed), w.end("j2", job.Failed, job.CodeVendorFailed)
		require.Error(t, tl.Tell(t.Context(), first.ID))
		require.ErrorIs(t, tl.Tell(t.Context(), second.ID), errResting)
		require.Equal(t, 1, w.tries())
		require.Len(t, w.notes, 2, "people are told all the same")
		require.Equal(t, 15*time.Second, time.Until(w.messages[second.ID].Due))
		// What is given up is given up after a try that was made.
		last := w.messages[second.ID]
		last.Post = job.Post{Tries: 1000}
		w.messages[second.ID] = last
		require.ErrorIs(t, tl.Tell(t.Context(), second.ID), errResting)
		require.Equal(t, 4*time.Hour, time.Until(w.messages[second.ID].Due))
		time.Sleep(time.Minute)
		w.before = nil
		require.NoError(t, tl.Tell(t.Context(), first.ID))
		require.Equal(t, 2, w.tries())

		// One message that is not taken says nothing of the others.
		w.failPosts(undelivered{})
		require.Error(t, tl.Tell(t.Context(), w.end("j3", job.Failed, job.CodeVendorFailed).ID))
		w.before = nil
		require.NoError(t, tl.Tell(t.Context(), w.end("j4", job.Failed, job.CodeVendorFailed).ID))
	})
}

func TestAWebhookThatIsNotConfiguredCountsAsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	m.Unsent = []job.Channel{job.Webhook}
	w.messages[m.ID] = m
	require.NoError(t, w.teller(func(c *Config) { c.Channels = []job.Channel{job.Record} }).Tell(t.Context(), m.ID))
	require.Empty(t, w.messages)
	require.Empty(t, w.posts)
}
