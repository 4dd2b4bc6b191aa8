package tell

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAnOutcomeIsToldByEveryChannelAndThenForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Succeeded, "")
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, map[string]string{"videos/courses/anna.json": m.ID}, w.records)
	require.Equal(t, []string{"j1"}, w.shown, "and its status")
	require.Len(t, w.notes, 1)
	require.Equal(t, m.ID, w.notes[0].ID)
	require.Equal(t, "emodrop: film ready: courses/anna", w.notes[0].Subject)
	require.Contains(t, w.notes[0].Text, "s3://out/videos/courses/anna.mp4")
	require.JSONEq(t, string(w.bodies["videos/courses/anna.json"]), w.notes[0].JSON)
	require.Equal(t, []event{{m.ID, "EMO Job State Change", w.notes[0].JSON}}, w.events)
	require.Len(t, w.posts, 1)
	require.Equal(t, m.ID, w.posts[0].id)
	require.Equal(t, "emodrop.job.state_changed", w.posts[0].kind)
	require.Empty(t, w.messages)
	require.NoError(t, w.teller().Tell(t.Context(), m.ID), "told already")
	require.Len(t, w.notes, 1)
}

func TestOneChannelThatFailsDoesNotStopTheOthers(t *testing.T) {
	t.Parallel()
	for down, left := range map[string]job.Channel{"put failed/courses/anna.json": job.Record, "stem": job.Record, "show j1": job.Record, "publish": job.Topic, "event": job.Bus, "post": job.Webhook} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.newest("j1")
			m := w.end("j1", job.Failed, job.CodeVendorFailed)
			w.before = func(_ int, call string) error {
				if call == down {
					return errDown
				}
				return nil
			}
			err := w.teller().Tell(t.Context(), m.ID)
			require.ErrorIs(t, err, errDown)
			require.ErrorContains(t, err, string(left))
			require.Equal(t, []job.Channel{left}, w.messages[m.ID].Unsent)
			require.Equal(t, 1, w.messages[m.ID].Tries)
			time.Sleep(time.Until(w.messages[m.ID].Due))
			w.before = nil
			require.NoError(t, w.teller().Tell(t.Context(), m.ID))
			require.Empty(t, w.messages)
			require.Len(t, w.notes, 1, "what was sent is not sent again")
			require.Len(t, w.events, 1)
			require.Len(t, w.posts, 1)
			require.Equal(t, []string{"failed/courses/anna.json"}, w.keys())
		})
	}
}

func TestWaitsDoubleAndAMessageIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.before = func(_ int, call string) error {
			if call == "publish" {
				return errDown
			}
			return nil
		}
		tl := w.teller()
		for _, want := range []time.Duration{15, 30, 60, 120, 240, 240, 240} {
			require.Error(t, tl.Tell(t.Context(), m.ID))
			require.Equal(t, want*time.Second, time.Until(w.messages[m.ID].Due))
			time.Sleep(want * time.Second)
		}
		long := w.messages[m.ID]
		long.Tries = 1 << 40
		w.messages[m.ID] = long
		require.Error(t, tl.Tell(t.Context(), m.ID))
		require.Equal(t, job.MaxWait, time.Until(w.messages[m.ID].Due))
	})
}

func TestAChannelThatHangsIsLeftAndTheOthersAreServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.newest("j1")
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		tl := w.teller(func(c *Config) { c.Topic = hangs{w} })
		begin := time.Now()
		require.ErrorIs(t, tl.Tell(t.Context(), m.ID), context.DeadlineExceeded)
		require.Equal(t, 10*time.Second, time.Since(begin))
		require.Len(t, w.events, 1)
		require.Equal(t, []job.Channel{job.Topic}, w.messages[m.ID].Unsent)
	})
}

func TestChannelsThatAreNotConfiguredCountAsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.newest("j1")
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	tl := w.teller(func(c *Config) { c.Channels, c.Topic, c.Bus = []job.Channel{job.Record}, nil, nil })
	require.NoError(t, tl.Tell(t.Context(), m.ID))
	require.Empty(t, w.messages)
	require.Empty(t, w.notes)
	require.Len(t, w.records, 1)
	m = w.end("j1", job.Failed, job.CodeVendorFailed)
	require.NoError(t, w.teller(func(c *Config) { c.Channels = nil }).Tell(t.Context(), m.ID))
	require.Empty(t, w.messages)
}

func TestAMessageThatSomebodyElseHasWrittenIsTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.end("j1", job.Failed, job.CodeVendorFailed)
	w.before = func(_ int, call string) error {
		if call == "put message" {
			other := w.messages[m.ID]
			other.Rev++
			w.messages[m.ID] = other
		}
		if call == "publish" {
			return errDown
		}
		return nil
	}
	require.NoError(t, w.teller().Tell(t.Context(), m.ID))
	require.Equal(t, job.Channels(), w.messages[m.ID].Unsent, "theirs is left as it is")
}

func TestTroubleWithTheMessageItselfIsReturned(t *testing.T) {
	t.Parallel()
	for _, down := range []string{"message", "put message"} {
		w := newWorld(t)
		m := w.end("j1", job.Failed, job.CodeVendorFailed)
		w.before = func(_ int, call string) error {
			if call == down {
				return errDown
			}
			return nil
		}
		require.ErrorIs(t, w.teller().Tell(t.Context(), m.ID), errDown, down)
		require.Contains(t, w.messages, m.ID)
	}
}

// A teller may be killed before or after any call: the next one finishes, every
// channel has the outcome at least once, always under one id, and the records are
// those of a run that nobody disturbed.
func TestKilledAnywhereAnOutcomeIsStillTold(t *testing.T) {
	t.Parallel()
	setups := map[string]func(w *world) string{
		"a film of the newest": func(w *world) string {
			w.newest("j1")
			w.records["failed/courses/anna.json"] = "stale"
			return w.end("j1", job.Succeeded, "").ID
		},
		"a failure of the newest": func(w *world) string { w.newest("j1"); return w.end("j1", job.Failed, job.CodeVendorFailed).ID },
		"a failure of an older one": func(w *world) string {
			w.newest("j2")
			delete(w.messages, w.end("j2", job.Rejected, job.CodeFaceRefused).ID)
			return w.end("j1", job.Failed, job.CodeVendorFailed).ID
		},
	}
	for name, setup := range setups {
		calm := newWorld(t)
		require.NoError(t, calm.teller().Tell(t.Context(), setup(calm)), name)
		for n := 1; n <= len(calm.calls); n++ {
			for _, late := range []bool{false, true} {
				w := newWorld(t)
				id := setup(w)
				ctx, cancel := context.WithCancel(t.Context())
				kill := func(at int, _ string) error {
					if at == n {
						cancel() // nothing that comes after is done
						return ctx.Err()
					}
					return nil
				}
				if late {
					w.after = kill
				} else {
					w.before = kill
				}
				_ = w.teller().Tell(ctx, id)
				cancel()
				w.before, w.after = nil, nil
				require.NoError(t, w.teller().Tell(t.Context(), id), "%s, call %d", name, n)
				require.Empty(t, w.messages, "%s, call %d", name, n)
				require.Equal(t, calm.records, w.records, "%s, call %d", name, n)
				require.NotEmpty(t, w.notes)
				require.NotEmpty(t, w.events)
				require.NotEmpty(t, w.posts)
				for _, note := range w.notes {
					require.Equal(t, id, note.ID)
				}
				for _, e := range slices.Concat(w.events, w.posts) {
					require.Equal(t, id, e.id)
				}
			}
		}
	}
}

func TestWhatIsMissingIsListedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Channels: []job.Channel{job.Topic, job.Bus, "pigeon"}, Within: -1})
	require.EqualError(t, err, strings.Join([]string{"tell: Messages is required", "tell: HandIns is required", "tell: Manifests is required", "tell: Outbox is required", "tell: Board is required",
		"tell: Log is required", "tell: Topic is required", "tell: Bus is required", "tell: Within and Backoff must not be negative",
		`tell: there is no channel "pigeon"`}, "\n"))
}
