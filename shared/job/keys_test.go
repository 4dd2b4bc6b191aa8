package job_test

import (
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"emodrop/shared/job"
)

func TestResultsStandUnderTheNameTheyWereHandedInWith(t *testing.T) {
	t.Parallel()
	j := job.Job{ID: "0123456789abcdef0123456789abcdef", Name: anna}
	require.Equal(t, "videos/courses/week 1/anna.mp4", job.VideoKey(j, true))
	require.Equal(t, "videos/courses/week 1/anna.0123456789abcdef0123456789abcdef.mp4", job.VideoKey(j, false))
	film := &job.Film{Key: job.VideoKey(j, true)}
	require.Equal(t, "videos/courses/week 1/anna.json", job.RecordKey(job.Message{Name: anna, State: job.Succeeded, Film: film}))
	require.Equal(t, "failed/courses/week 1/anna.json", job.RecordKey(job.Message{Name: anna, State: job.Failed}))
	require.Equal(t, "failed/courses/week 1/anna.json", job.RecordKey(job.Message{Name: anna, State: job.Held, Film: film}),
		"a film that does not fit is no success")
	require.Equal(t, "videos/.._/.._/etc/._/passwd.mp4", job.VideoKey(job.Job{Name: job.Name{Dir: "../../etc/.", Stem: "passwd"}}, true),
		"tools that copy a bucket to a disk stay below it")
}

func TestStagedCopiesHavePlainKeysThatAreNeverUsedTwice(t *testing.T) {
	t.Parallel()
	j := job.Job{ID: "0123456789abcdef0123456789abcdef", Name: job.Name{Stem: "Åsa + Ünal"}}
	seen := map[string]bool{}
	for post := 1; post <= 3; post++ {
		image, audio := job.StagedKeys(j, post, "n0nce", ".jpg", ".mp3")
		for _, key := range []string{image, audio} {
			require.Regexp(t, `^staging/[a-z0-9/-]+\.[a-z0-9]+$`, key)
			require.False(t, seen[key], key)
			seen[key] = true
		}
	}
	require.Regexp(t, `^staging/detect/[a-f0-9]+\.png$`, job.DetectKey(imageSHA, ".png"))
}

func FuzzAResultsKeyIsOneThatS3TakesAndStaysBelowItsPrefix(f *testing.F) {
	f.Add("courses/week 1", "anna")
	f.Add("../..", "..")
	f.Add("", "")
	f.Add(strings.Repeat("安", 200), strings.Repeat("娜", 150))
	f.Add(strings.Repeat("a", 1000), "b")
	f.Fuzz(func(t *testing.T, dir, stem string) {
		j := job.Job{ID: "0123456789abcdef0123456789abcdef", Name: job.Name{Dir: dir, Stem: stem}}
		for _, key := range []string{job.VideoKey(j, true), job.VideoKey(j, false)} {
			require.LessOrEqual(t, len(key), 1024)
			require.True(t, strings.HasPrefix(key, "videos/"))
			require.True(t, strings.HasSuffix(key, ".mp4"))
			require.True(t, strings.HasPrefix(path.Clean(key), "videos"), key)
			if utf8.ValidString(dir) && utf8.ValidString(stem) {
				require.True(t, utf8.ValidString(key), "%q", key)
			}
		}
		require.NotEqual(t, job.VideoKey(j, true), job.VideoKey(j, false))
		require.LessOrEqual(t, len(job.RecordKey(job.Message{Name: j.Name})), 1024)
	})
}

func TestNamesTooLongForAKeyStillHaveTwoKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1015)
	a := job.VideoKey(job.Job{Name: job.Name{Stem: long + "aaaaa"}}, true)
	b := job.VideoKey(job.Job{Name: job.Name{Stem: long + "bbbbb"}}, true)
	require.NotEqual(t, a, b)
	require.Len(t, a, 1024)
}

func TestAHandInCalledIndexDoesNotTakeTheIndexsPlace(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{job.IndexKey: true}
	for _, n := range []job.Name{{Stem: "index"}, {Stem: "index_"}, {Stem: "index__"}, {Dir: "a", Stem: "index"}, {Stem: "indexes"}} {
		key := job.StatusKey(n)
		require.False(t, seen[key], key)
		seen[key] = true
	}
	require.Equal(t, "status/a/index.json", job.StatusKey(job.Name{Dir: "a", Stem: "index"}))
}
