package intake_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

func TestAFileIsKnownOnceItHasBeenTakenInAsItStands(t *testing.T) {
	t.Parallel()
	for _, key := range []string{annaPNG, annaWAV, "shop/anna.json", "shop/portrait.png", "shop/notes.txt"} {
		t.Run(key, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				knows := func() bool {
					half, err := w.files.Head(t.Context(), key)
					require.NoError(t, err)
					known, err := intake.Register{HandIns: w.store, Controls: w.store}.Knows(t.Context(), half)
					require.NoError(t, err)
					return known
				}
				w.files.put(key, picture(t, 400, 400, 1))
				require.False(t, knows(), "its event has not come")
				w.drop(key, picture(t, 400, 400, 1))
				require.True(t, knows())
				w.files.put(key, picture(t, 400, 400, 2))
				require.False(t, knows(), "written over")
			})
		})
	}
}

func TestAFileThatNothingWouldComeOfIsKnown(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		now := time.Now().UTC().Truncate(time.Second)
		w.drop("shop/anna.jpg", picture(t, 400, 400, 1))
		for _, half := range []job.Half{
			{Key: "shop/.hidden", Size: 1}, {Key: "shop/anna.png.part", Size: 1}, {Key: "_drafts/anna.png", Size: 1},
			{Key: "shop/empty.txt"}, {Key: "shop/anna.bmp", ETag: "older", Size: 1, Modified: now.Add(-time.Hour)},
		} {
			known, err := intake.Register{HandIns: w.store, Controls: w.store}.Knows(t.Context(), half)
			require.NoError(t, err)
			require.True(t, known, half.Key)
		}
	})
}

func TestWhatCannotBeReadIsNotTakenForKnown(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, key := range []string{annaPNG, annaWAV, "shop/portrait.png", "shop/notes.txt"} {
			_, err := intake.Register{HandIns: w.store, Controls: w.store}.Knows(ctx, job.Half{Key: key, ETag: "x", Size: 1})
			require.Error(t, err, key)
		}
	})
}

// A listing may tell an object's time more exactly than the object itself does.
func TestAManifestIsKnownOnceItHasBeenTakenInAsItStands(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		const key = "shop/week.jobs.csv"
		knows := func(later time.Duration) bool {
			half, err := w.files.Head(t.Context(), key)
			require.NoError(t, err)
			half.Modified = half.Modified.Truncate(time.Second).Add(later)
			known, err := intake.Register{HandIns: w.store, Controls: w.store, Manifests: w.store}.Knows(t.Context(), half)
			require.NoError(t, err)
			return known
		}
		w.files.put(key, []byte("name,image,audio\na,_f/a.png,_f/a.wav\n"))
		require.False(t, knows(0), "its event has not come")
		w.drop(key, []byte("name,image,audio\na,_f/a.png,_f/a.wav\n"))
		require.True(t, knows(0))
		require.True(t, knows(703*time.Millisecond), "the same writing")
		require.False(t, knows(time.Second), "dropped again")
	})
}
