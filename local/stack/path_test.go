package stack_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/local/aws/services"
	"emodrop/local/sample"
	"emodrop/local/stack"
	"emodrop/shared/job"
)

func TestAPairDroppedIntoTheFolderBecomesAFilmAndARestartKeepsAll(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := up(t, home)
	url := s.URL()
	pair := func(stem string) map[string][]byte {
		return map[string][]byte{stem + ".JPG": sample.Portrait(), stem + ".wav": sample.Speech()}
	}
	name := job.Name{Dir: "课程 1", Stem: "anna + 安娜 100%"}
	s.drop(pair(name.String()))

	j := s.ended(name)
	require.Equal(t, job.Succeeded, j.State)
	film := filepath.Join(home, "videos", "课程 1", "anna + 安娜 100%.mp4")
	isFilm(t, film, sample.SpeechDuration())

	var rec record
	within(t, slow, func() (err error) {
		rec, err = s.record("videos/课程 1/anna + 安娜 100%.json")
		return err
	})
	require.Equal(t, []any{j.ID, "SUCCEEDED", name.String(), true, j.Billed.Decimal(), j.Film.Key},
		[]any{rec.Job, rec.State, rec.Name, rec.Charged, rec.CostCNY, rec.Film.Key})
	for _, kind := range []string{services.KindSNS, services.KindEvent} {
		within(t, slow, func() error {
			// At least once: receivers drop repeats by the id.
			if told := s.told(kind); len(told) != 1 || told[rec.ID] == 0 {
				return fmt.Errorf("%s told %v, want %s alone", kind, told, rec.ID)
			}
			return nil
		})
	}
	films, detects := s.charges()
	require.Len(t, films, 1)
	require.Len(t, detects, 1)
	for _, path := range []string{"/_emo/ledger", "/_lambda/poll/1/2018-06-01/runtime/invocation/next", "/_dashscope/api/v1/tasks/", "/"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
		require.NoError(t, err)
		r.Host = "rebound.example"
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		_ = resp.Body.Close()
		require.Equal(t, http.StatusForbidden, resp.StatusCode, "%s: a name that leads here is not this machine's", path)
	}
	require.Equal(t, j.Task.ID, films[0].TaskID)

	before, err := os.ReadFile(film)
	require.NoError(t, err)
	s.down()
	require.NoError(t, os.Remove(film))
	s = up(t, home)

	require.Equal(t, url, s.URL(), "the address is the same after a restart")
	again, err := s.Jobs.Job(t.Context(), j.ID)
	require.NoError(t, err)
	require.Equal(t, j, again)
	res, err := http.Get(s.URL() + "/film/" + j.ID)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	body, err := io.ReadAll(io.LimitReader(res.Body, 10<<20))
	require.NoError(t, err)
	require.Equal(t, before, body)
	require.FileExists(t, film, "what was removed from the folder comes back from the bucket")

	// Two stacks in one folder would write over each other, even on another port.
	_, err = stack.Start(t.Context(), stack.Config{Home: home, Binaries: functions(t), Modules: modules, Fresh: true})
	require.ErrorContains(t, err, "The stack of this folder runs already, at "+url)

	// Other processes find it, from a folder below too.
	place, err := stack.Locate(t.Context(), filepath.Join(home, "videos"))
	require.NoError(t, err)
	key, _, _ := s.Credentials()
	require.Equal(t, [3]string{home, url, key}, [3]string{place.Home, place.URL, place.AccessKeyID})

	// Another name with the same content: a film of its own, but the face is known.
	// That it is the second one shows that the restart made nothing of the first.
	s.drop(pair("second"))
	require.Equal(t, job.Succeeded, s.ended(job.Name{Stem: "second"}).State)
	films, detects = s.charges()
	require.Len(t, films, 2)
	require.Len(t, detects, 1)
}
