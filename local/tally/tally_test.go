package tally_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"emodrop/local/tally"
	"emodrop/shared/job"
	"emodrop/shared/store"
)

// read counts the records of labels that are read.
type read struct {
	*store.Store
	labels int
}

func (r *read) Labels(ctx context.Context, id string) (job.Labels, error) {
	r.labels++
	return r.Store.Labels(ctx, id)
}

// films makes n films of that day, ratio and tags.
func (r *read) films(t *testing.T, n int, at time.Time, ratio job.Ratio, tags ...string) {
	t.Helper()
	l := job.Labels{Tags: tags}
	require.NoError(t, r.PutLabels(t.Context(), l))
	for i := range n {
		j := job.Job{ID: fmt.Sprint(at.Unix(), ratio, tags, i), State: job.Rejected, Received: at, Ratio: ratio, Billed: job.Yuan}
		if len(tags) > 0 {
			j.Labels = l.ID()
		}
		_, err := r.Create(t.Context(), j)
		require.NoError(t, err)
	}
}

func TestEachHandInCountsOnceInTheTotalWhateverItCountsUnder(t *testing.T) {
	t.Parallel()
	r := &read{Store: store.NewMemory(0)}
	now := time.Now().UTC()
	r.films(t, 3, now, job.Square, "spring", "shop", "spring")
	r.films(t, 2, now.AddDate(0, 0, -1), job.Portrait, "shop")
	r.films(t, 1, now, "")
	r.films(t, 1, now.AddDate(0, 0, -9), job.Square)
	day := func(ago int) string { return now.AddDate(0, 0, -ago).Format(time.DateOnly) }
	for by, want := range map[tally.By]map[string]job.Money{
		tally.Day:   {day(0): 4 * job.Yuan, day(1): 2 * job.Yuan},
		tally.Ratio: {"1:1": 3 * job.Yuan, "3:4": 2 * job.Yuan, tally.Unknown: job.Yuan},
		tally.Tag:   {"": job.Yuan, "shop": 5 * job.Yuan, "spring": 3 * job.Yuan},
	} {
		s, err := tally.Count(t.Context(), r, r, now.AddDate(0, 0, -6), by, 0)
		require.NoError(t, err)
		got := map[string]job.Money{}
		for _, row := range s.Rows {
			got[row.Key] = row.Billed
		}
		require.Equal(t, want, got, by)
		require.Equal(t, 6*job.Yuan, s.Total.Billed, by)
		require.False(t, s.Cut)
		if by == tally.Day {
			require.Equal(t, day(0), s.Rows[0].Key, "the newest first")
		}
	}
	require.Equal(t, 2, r.labels, "what many share is read once, and by tag alone")
}

func TestACountEndsWhereItIsBounded(t *testing.T) {
	t.Parallel()
	r := &read{Store: store.NewMemory(0)}
	now := time.Now().UTC()
	for i := range 3 {
		r.films(t, 400, now.Add(-time.Duration(i)*time.Second), job.Square)
	}
	s, err := tally.Count(t.Context(), r, r, now.AddDate(0, 0, -6), tally.Ratio, 600)
	require.NoError(t, err)
	require.True(t, s.Cut)
	require.GreaterOrEqual(t, s.Total.Billed, 600*job.Yuan)
	require.Less(t, s.Total.Billed, 1200*job.Yuan)
	s, err = tally.Count(t.Context(), r, r, now.AddDate(0, 0, -6), tally.Ratio, 1200)
	require.NoError(t, err)
	require.False(t, s.Cut, "all of them")
}
