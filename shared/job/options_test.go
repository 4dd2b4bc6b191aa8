package job_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestAPartOfAPictureHasTheShapeOfItsFilm(t *testing.T) {
	t.Parallel()
	for box, want := range map[job.Box]job.Ratio{
		{0, 0, 400, 400}:       job.Square,
		{71, 9, 840, 778}:      job.Square,
		{0, 0, 400, 401}:       job.Square,
		{0, 0, 400, 402}:       "",
		{0, 0, 300, 400}:       job.Portrait,
		{10, 20, 310, 421}:     job.Portrait,
		{0, 0, 302, 400}:       "",
		{0, 0, 400, 300}:       "",
		{}:                     "",
		{400, 400, 0, 0}:       "",
		{0, 0, 0, 400}:         "",
		{5, 5, 5, 5}:           "",
		{100, 100, 1636, 1636}: job.Square,
	} {
		require.Equal(t, want, box.Shape(), box)
	}
}

func TestLabelsAreNamedByWhatTheySay(t *testing.T) {
	t.Parallel()
	one := job.Labels{Metadata: map[string]string{"a": "1", "b": "2"}, Tags: []string{"x", "y"}}
	require.Empty(t, job.Labels{}.ID())
	require.Empty(t, job.Labels{Metadata: map[string]string{}, Tags: []string{}}.ID(), "nothing carried along")
	require.Len(t, one.ID(), 22)
	require.Equal(t, one.ID(), job.Labels{Metadata: map[string]string{"b": "2", "a": "1"}, Tags: []string{"x", "y"}}.ID())
	for _, other := range []job.Labels{
		{Metadata: one.Metadata}, {Tags: one.Tags}, {Metadata: one.Metadata, Tags: []string{"y", "x"}},
		{Metadata: map[string]string{"a": "1", "b": "3"}, Tags: one.Tags},
	} {
		require.NotEqual(t, one.ID(), other.ID())
	}
}

func TestOnlyMetadataThatIsMeantForUsIsAnOption(t *testing.T) {
	t.Parallel()
	asks, mark := job.MarkOf(map[string]string{"author": "x", "emodrop-job": "y", "emo": "z"})
	require.Empty(t, asks+mark)
	asks, mark = job.MarkOf(map[string]string{"Emo-Ratio": "3:4", "author": "x"})
	require.JSONEq(t, `{"emo-ratio":"3:4"}`, asks)
	_, same := job.MarkOf(map[string]string{"emo-ratio": "3:4", "author": "y"})
	require.Equal(t, mark, same)
	_, other := job.MarkOf(map[string]string{"emo-ratio": "1:1"})
	require.NotEqual(t, mark, other)
}
