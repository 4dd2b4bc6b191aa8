package services

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheLedgerSurvivesARestartAndKeepsTheLastThousand(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "published", "ledger.jsonl")
	heard := 0
	open := func() *Ledger {
		l, err := OpenLedger(path, func(Published) { heard++ })
		require.NoError(t, err)
		return l
	}
	l := open()
	publish := func(from, to int) {
		for i := from; i < to; i++ {
			require.NoError(t, l.add(Published{
				ID: strconv.Itoa(i), Time: time.Now().UTC(), Kind: KindSNS, Message: "视频 <m>", Attributes: map[string]string{"a": "b"},
			}))
		}
	}
	publish(1, 3)
	first := l.Published()
	require.NoError(t, l.Close())
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"id":"half wri`)
	require.NoError(t, err)
	require.NoError(t, f.Close())

	l = open()
	require.Equal(t, first, l.Published(), "a half-written line costs nothing but itself")
	publish(3, 2103)
	require.Equal(t, 2102, heard)
	want := l.Published()
	require.Len(t, want, 1000)
	require.Equal(t, "1103", want[0].ID)
	require.Equal(t, "2102", want[999].ID)
	require.NoError(t, l.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Less(t, strings.Count(string(text), "\n"), 2100, "the file does not grow for ever")

	l = open()
	require.Equal(t, want, l.Published())
	require.NoError(t, l.Close())
	require.Error(t, l.add(Published{ID: "x"}), "what cannot be kept is not taken")
}
