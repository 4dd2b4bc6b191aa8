package intake_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// A hand-in's record is written for each step that somebody may die after, and its
// place in the index moves only when it has to: each move is two writes more.
func TestAPairTakesFewWritesOfItsRecord(t *testing.T) {
	t.Parallel()
	const made = 1 + 1 + 1 // the claim; its end, and its place in the index
	for _, c := range []struct {
		name   string
		events [][]string
		units  int
	}{
		{"that comes together", [][]string{{annaWAV, annaPNG}}, 1 + 1 + made},
		{"whose events come twice in a batch", [][]string{{annaWAV, annaPNG, annaPNG, annaWAV}}, 1 + 1 + made},
		{"whose recording comes first", [][]string{{annaWAV}, {annaPNG}}, 1 + 1 + 1 + made},
		{"whose picture comes first, which alone could wait for long", [][]string{{annaPNG}, {annaWAV}}, 1 + 1 + 1 + 2 + made},
	} {
		t.Run(c.name, func(t *testing.T) {
			in(t, func(t *testing.T, _ *world) {
				s, meter := store.NewMetered(0)
				w := newWorld(t, func(c *intake.Config) { c.HandIns, c.Jobs = s, s })
				w.store = s
				w.files.put(annaPNG, picture(t, 400, 400, 1))
				w.files.put(annaWAV, recording(time.Second, 1))
				for _, keys := range c.events {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
					_, err := w.h.Handle(ctx, batch(bodies(t, keys...)...))
					require.NoError(t, err)
					cancel()
				}
				require.Equal(t, job.Queued, w.of(anna).State)
				require.Zero(t, w.stem(anna).Due)
				require.Equal(t, c.units, meter.Usage().Units["STEM"])
			})
		})
	}
}

// TestADueTimeStaysOnlyIfWhoeverIsAtWorkIsDeadByThen has the second half come when the
// first one's due time is near.
func TestADueTimeStaysOnlyIfWhoeverIsAtWorkIsDeadByThen(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(annaWAV, recording(time.Second, 1))
		time.Sleep(2 * time.Minute)
		w.files.put(annaPNG, picture(t, 400, 400, 1))
		w.files.onOpen = func(string) {
			require.True(t, w.stem(anna).Due.After(time.Now().Add(115*time.Second)), "nobody else makes it meanwhile")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		_, err := w.h.Handle(ctx, eventOf(t, annaPNG))
		require.NoError(t, err)
		require.Equal(t, job.Queued, w.of(anna).State)
	})
}

func TestFilesOfOneNameFailTogetherAndOthersDoNot(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.files.put(annaPNG, picture(t, 400, 400, 1))
		w.files.put(annaWAV, recording(time.Second, 1))
		w.files.put("courses/readme.txt", []byte("hello"))
		w.files.fail[annaPNG] = context.DeadlineExceeded
		answer, err := w.h.Handle(t.Context(), batch(bodies(t, annaPNG, annaWAV, "courses/readme.txt")...))
		require.NoError(t, err)
		var failed []string
		for _, f := range answer.(events.SQSEventResponse).BatchItemFailures {
			failed = append(failed, f.ItemIdentifier)
		}
		require.ElementsMatch(t, []string{"0", "1"}, failed)
		require.Len(t, w.told, 1)
	})
}

// bodies are the messages that S3's events become in the queue.
func bodies(t *testing.T, keys ...string) (all []string) {
	for _, k := range keys {
		all = append(all, string(eventOf(t, k)))
	}
	return all
}
