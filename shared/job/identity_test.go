package job_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

const (
	imageSHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	audioSHA = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
)

var anna = job.Name{Dir: "courses/week 1", Stem: "anna"}

// The id is in the keys of films and in everybody's tables: a change of this
// value makes every file in every inbox a new job, and a new charge.
func TestTheIdOfAHandInNeverChangesByAccident(t *testing.T) {
	t.Parallel()
	require.Equal(t, "d16efd30511f2da17484de8e548ea2b9",
		job.Identity(anna, imageSHA, audioSHA, job.Options{}))
	require.Equal(t, "e384376aa3dc44ef4974f54101d1c795",
		job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Calm, Ratio: job.Portrait}))
}

func TestTheSameContentUnderTheSameNameIsTheSameJob(t *testing.T) {
	t.Parallel()
	id := job.Identity(anna, imageSHA, audioSHA, job.Options{})
	require.Regexp(t, "^[0-9a-f]{32}$", id)
	require.Equal(t, id, job.Identity(anna, imageSHA, audioSHA, job.Options{}))
	require.Equal(t, id, job.Identity(anna, strings.ToUpper(imageSHA), strings.ToUpper(audioSHA), job.Options{}),
		"hexadecimal digits have no case")
	require.Equal(t, id, job.Identity(anna, imageSHA, audioSHA, job.Options{Priority: job.First}),
		"when its turn comes changes nothing of the film")
}

func TestEachThingThatChangesTheFilmChangesTheId(t *testing.T) {
	t.Parallel()
	o := job.Options{Style: job.Normal, Ratio: job.Square}
	ids := map[string]string{
		"as it is":    job.Identity(anna, imageSHA, audioSHA, o),
		"dir":         job.Identity(job.Name{Dir: "courses/week 2", Stem: "anna"}, imageSHA, audioSHA, o),
		"no dir":      job.Identity(job.Name{Stem: "anna"}, imageSHA, audioSHA, o),
		"stem":        job.Identity(job.Name{Dir: anna.Dir, Stem: "Anna"}, imageSHA, audioSHA, o),
		"image":       job.Identity(anna, audioSHA, audioSHA, o),
		"audio":       job.Identity(anna, imageSHA, imageSHA, o),
		"both turned": job.Identity(anna, audioSHA, imageSHA, o),
		"style":       job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Active, Ratio: job.Square}),
		"boxes":       job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Square, Face: job.Box{1, 2, 3, 4}, Ext: job.Box{0, 0, 9, 9}}),
		"other boxes": job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Square, Face: job.Box{1, 2, 3, 4}, Ext: job.Box{0, 0, 8, 8}}),
		"dry run":     job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Square, DryRun: true}),
		"refused":     job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Square, Refused: "1"}),
		"no style":    job.Identity(anna, imageSHA, audioSHA, job.Options{Ratio: job.Square}),
		"ratio":       job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Portrait}),
		"no ratio":    job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal}),
		"auto":        job.Identity(anna, imageSHA, audioSHA, job.Options{Style: job.Normal, Ratio: job.Auto}),
	}
	what := map[string]string{}
	for w, id := range ids {
		require.Empty(t, what[id], "%s and %s are the same job", w, what[id])
		what[id] = w
	}
}

func TestPartsCannotBeShiftedBetweenFields(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{job.Identity(job.Name{Dir: "a", Stem: "b/c"}, "", "", job.Options{}), job.Identity(job.Name{Dir: "a/b", Stem: "c"}, "", "", job.Options{})},
		{job.Identity(job.Name{Dir: "a", Stem: ""}, "", "", job.Options{}), job.Identity(job.Name{Dir: "", Stem: "a"}, "", "", job.Options{})},
		{job.Identity(job.Name{Stem: "1:a,1:b"}, "", "", job.Options{}), job.Identity(job.Name{Stem: "1:a"}, "b", "", job.Options{})},
		{job.Identity(job.Name{Stem: "a,1:b"}, "c", "", job.Options{}), job.Identity(job.Name{Stem: "a"}, "b,1:c", "", job.Options{})},
		{job.Identity(anna, "ab", "c", job.Options{}), job.Identity(anna, "a", "bc", job.Options{})},
		{job.Identity(anna, "", "", job.Options{Style: "calm"}), job.Identity(anna, "", "", job.Options{Ratio: "calm"})},
	}
	for i, pair := range same {
		require.NotEqual(t, pair[0], pair[1], "pair %d", i)
	}
}

func FuzzTwoNamesThatDifferMakeTwoIds(f *testing.F) {
	f.Add("a", "b", "ab", "")
	f.Add("a/b", "c", "a", "b/c")
	f.Add("", "1:a,", "1:", "a,")
	f.Fuzz(func(t *testing.T, dir, stem, otherDir, otherStem string) {
		a, b := job.Name{Dir: dir, Stem: stem}, job.Name{Dir: otherDir, Stem: otherStem}
		require.Equal(t, a == b, job.Identity(a, imageSHA, audioSHA, job.Options{}) == job.Identity(b, imageSHA, audioSHA, job.Options{}))
	})
}

func TestANameReadsAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "courses/week 1/anna", anna.String())
	require.Equal(t, "安娜", job.Name{Stem: "安娜"}.String())
}

func TestRanksOrderAsTextTheWayTimeGoes(t *testing.T) {
	t.Parallel()
	// From the first millisecond to the year 2286, and both sides of each power
	// of ten between, where shorter numbers would sort wrongly.
	times := []int64{0, 1}
	for p := int64(10); p <= 1_000_000_000_000; p *= 10 {
		times = append(times, p-1, p)
	}
	times = append(times, 9_999_999_999_999)
	var ranks []string
	for i, ms := range times {
		id := string(rune('z' - i%26)) // ids must not decide between two times
		ranks = append(ranks, job.Rank("", ms, id))
	}
	require.True(t, slices.IsSorted(ranks), "%v", ranks)
	require.NotEqual(t, job.Rank("", 7, "a"), job.Rank("", 7, "b"), "two jobs of one millisecond have two places")
	require.Equal(t, "5-1700000000000-abc", job.Rank("", 1_700_000_000_000, "abc"))
	require.Less(t, job.Rank(job.First, 9, "b"), job.Rank("", 1, "a"))
	require.Less(t, job.Rank("", 9, "b"), job.Rank(job.Later, 1, "a"))
}
