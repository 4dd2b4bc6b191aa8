package intake_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/race"
	"emodrop/shared/job"
)

func TestAManifestThatKillsWhoeverTakesItInIsToldOfAndClosed(t *testing.T) {
	race.Leave(t)
	in(t, func(t *testing.T, w *world) {
		names := []string{}
		for i := range 150 {
			names = append(names, "r"+strings.Repeat("x", i))
		}
		w.voices(names...)
		w.files.onOpen = func(key string) {
			if key == "courses/_files/"+names[120]+".wav" {
				time.Sleep(time.Hour) // until the invocation is ended
			}
		}
		w.files.put(weekKey, table(names...))
		died := 0
		run := func(raw json.RawMessage) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			_, err := w.h.Handle(ctx, raw)
			if err != nil {
				died++
			}
		}
		run(eventOf(t, weekKey))
		begin := time.Now()
		for !w.manifest().Expanded() {
			require.Less(t, time.Since(begin), 24*time.Hour)
			time.Sleep(time.Minute)
			work, err := json.Marshal(w.overdue())
			require.NoError(t, err)
			run(work)
		}
		require.Greater(t, time.Since(begin), time.Hour, "whatever passes may pass")
		require.Equal(t, 21, died)
		require.Equal(t, []string{job.CodeManifestStuck}, w.codes())
		require.Equal(t, "100", w.told[0].Fault.Detail)
		require.Equal(t, 100, w.manifest().Rows, "what has been taken in has its results")

		w.files.onOpen = nil
		time.Sleep(time.Minute)
		w.drop(weekKey, table(names...))
		require.Len(t, w.rows(), 150, "dropped again, it is tried again")
	})
}
