package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/intake"
	"emodrop/shared/job"
)

// A message is written and read several times: it carries a few of the wrong lines, and an
// object has all of them.
func TestTheMessageOfARefusedManifestHasAFewWrongLinesAndSaysWhereAllStand(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(weekKey, append(table(), strings.Repeat("anna,_files/presenter.png,,loud,\n", 250)...))
		require.Len(t, w.told, 1)
		b := w.told[0].Batch
		require.Len(t, b.Faults, 5)
		require.Equal(t, 245, b.More)
		require.Equal(t, job.FaultsKey(w.manifest()), b.FaultsFile)
		item, err := json.Marshal(w.told[0])
		require.NoError(t, err)
		require.Less(t, len(item), 1200)

		lines := strings.Split(strings.TrimSpace(w.portions[b.FaultsFile]), "\n")
		require.Len(t, lines, 250)
		require.JSONEq(t, `{"line": 251, "field": "style-level", "text": {"en": "style-level: has to be one of normal, calm, active",
			"zh": "style-level：必须是以下之一：normal、calm、active"}}`, lines[249])
	})
}

func TestAManifestWithAFewWrongLinesNeedsNoObjectBesideItsMessage(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.drop(weekKey, append(table(), strings.Repeat("anna,,,,\n", 5)...))
		require.Len(t, w.told[0].Batch.Faults, 5)
		require.Empty(t, w.told[0].Batch.FaultsFile)
		require.Empty(t, w.portions)
	})
}

// full is an outbox that takes nothing for a while.
type full struct {
	*world
	err error
}

func (f *full) PutLines(ctx context.Context, key string, lines []byte) error {
	if f.err != nil {
		return f.err
	}
	return f.world.PutLines(ctx, key, lines)
}

func TestAManifestIsToldToBeRefusedOnceItsWrongLinesAreWritten(t *testing.T) {
	outbox := &full{err: errors.New("down")}
	in(t, func(t *testing.T, w *world) {
		outbox.world = w
		w.files.put(weekKey, append(table(), strings.Repeat("anna,,,,\n", 6)...))
		_, _ = w.h.Handle(t.Context(), eventOf(t, weekKey))
		require.Empty(t, w.told)
		outbox.err = nil
		time.Sleep(5 * time.Minute)
		w.due()
		require.Len(t, w.told, 1)
		require.Contains(t, w.portions, w.told[0].Batch.FaultsFile)
	}, func(c *intake.Config) { c.Portions = outbox })
}
