package store_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/shared/store"
)

func TestAnAttributeIsReadAsItWasWrittenWhateverIsInIt(t *testing.T) {
	t.Parallel()
	for _, val := range []any{
		"", "plain", `quote " and \`, "line\nend\u2028", "葉/ü é.mp4", "e\u0301", "<b>&amp;", "bad\xff", json.Number("0.1"), json.Number("-17"), true, nil,
		map[string]any{}, map[string]any(nil), []any{"a", json.Number("1"), map[string]any{"b": "c"}}, []any{},
		map[string]any{"": "empty", "ключ \"": map[string]any{"deep": []any{nil, false}, "n": json.Number("1e3")}},
	} {
		want, err := json.Marshal(val)
		require.NoError(t, err)
		got, err := store.AppendJSON(nil, val)
		require.NoError(t, err)
		require.JSONEq(t, string(want), string(got))
	}
	_, err := store.AppendJSON(nil, map[string]any{"deep": map[string]any{"f": func() {}}})
	require.Error(t, err)
}

// A record is made a document on its way to the struct that it is read into.
func BenchmarkARecordAsADocument(b *testing.B) {
	raw, err := json.Marshal(whole(time.Date(2026, 3, 1, 9, 30, 15, 0, time.UTC)))
	require.NoError(b, err)
	var it map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	require.NoError(b, d.Decode(&it))
	spent := func(f func()) time.Duration {
		began := time.Now()
		for range 100 {
			f()
		}
		return time.Since(began)
	}
	var ours, floor time.Duration
	for b.Loop() {
		ours += spent(func() { _, _ = store.AppendJSON(nil, it) })
		floor += spent(func() { _, _ = json.Marshal(it) })
	}
	b.ReportMetric(float64(ours)/float64(floor), "of-json.Marshal")
}
