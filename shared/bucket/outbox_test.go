package bucket_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"emodrop/shared/bucket"
	"emodrop/shared/job"
)

func TestAStagedCopyIsWhatWasCheckedUnderItsOwnType(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for _, key := range oddKeys {
		etag := c.put(inboxName, key, "content of "+key)
		require.NoError(t, c.outbox.Stage(t.Context(), key, etag, "staging/job/1/image.jpg", "image/jpeg"), "%q", key)
		body, kind, _ := c.object("staging/job/1/image.jpg")
		require.Equal(t, "content of "+key, body)
		require.Equal(t, "image/jpeg", kind)
	}
}

func TestAnInputThatChangedOrWentIsNotStaged(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	etag := c.put(inboxName, "a.jpg", "one")
	c.put(inboxName, "a.jpg", "two")
	require.ErrorIs(t, c.outbox.Stage(t.Context(), "a.jpg", etag, "staging/x.jpg", "image/jpeg"), job.ErrConflict)
	require.NoError(t, c.S3.Delete(t.Context(), inboxName, "a.jpg"))
	require.ErrorIs(t, c.outbox.Stage(t.Context(), "a.jpg", etag, "staging/x.jpg", "image/jpeg"), job.ErrNotFound)
	require.False(t, c.has("staging/x.jpg"))

	lost := bucket.NewOutbox(c.client, outboxName, "emodrop-nowhere", nil)
	err := lost.Stage(t.Context(), "a.jpg", etag, "staging/x.jpg", "image/jpeg")
	require.ErrorContains(t, err, "NoSuchBucket")
	require.NotErrorIs(t, err, job.ErrNotFound, "a missing bucket is not a missing file")
}

func TestStagedCopiesAreTakenBackAndTakingBackTwiceIsNoError(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.put(outboxName, "staging/a", "1")
	c.put(outboxName, "staging/b", "2")
	require.NoError(t, c.outbox.Remove(t.Context(), "staging/a", "staging/never", "staging/b"))
	require.NoError(t, c.outbox.Remove(t.Context(), "staging/a", "staging/b"))
	require.False(t, c.has("staging/a"))
	require.False(t, c.has("staging/b"))
}

const filmKey = "videos/课程/anna + 1.mp4"

var theJob = job.Job{ID: "0a1b2c3d", Attempt: 2}

// film is a verified film on disk.
func film(t *testing.T, content string) (job.Film, *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.mp4")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return job.Film{Key: filmKey, SHA256: "sha of " + content, Size: int64(len(content))}, f
}

func puts(c *cloud) (n int) {
	for _, r := range c.requests {
		if r.Method == http.MethodPut {
			n++
		}
	}
	return n
}

func TestAFilmIsPutWhereNothingIsAndSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "the film")
	_, err := file.Seek(3, 0) // wherever it was read to
	require.NoError(t, err)
	etag, _, err := c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	body, kind, meta := c.object(filmKey)
	require.Equal(t, "the film", body)
	require.Equal(t, "video/mp4", kind)
	require.Equal(t, map[string]string{"emodrop-job": "0a1b2c3d", "emodrop-attempt": "2", "emodrop-sha256": "sha of the film"}, meta)
	require.Equal(t, "*", c.requests[len(c.requests)-1].Header.Get("If-None-Match"))
	require.NotEmpty(t, etag)

	again, _, err := c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	require.Equal(t, etag, again)
	require.Equal(t, 1, puts(c), "the same film that is there already is not sent again")
}

func TestAFilmTakesThePlaceOfTheOneItSaw(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	old, oldFile := film(t, "old")
	first, _, err := c.outbox.PutFilm(t.Context(), job.Job{ID: "other", Attempt: 1}, old, oldFile)
	require.NoError(t, err)
	f, file := film(t, "new")
	second, _, err := c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	body, _, meta := c.object(filmKey)
	require.Equal(t, "new", body)
	require.Equal(t, "0a1b2c3d", meta["emodrop-job"])
	require.Equal(t, first, c.requests[len(c.requests)-1].Header.Get("If-Match"))
}

func TestAnotherJobsFilmIsPutAsideBeforeItsPlaceIsTaken(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	old, oldFile := film(t, "old")
	_, aside, err := c.outbox.PutFilm(t.Context(), job.Job{ID: "other", Name: theJob.Name, Attempt: 1}, old, oldFile)
	require.NoError(t, err)
	require.Zero(t, aside)
	f, file := film(t, "new")
	_, aside, err = c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	require.Equal(t, job.Aside{Job: "other", Key: job.VideoKey(job.Job{ID: "other", Name: theJob.Name}, false)}, aside)
	body, _, meta := c.object(aside.Key)
	require.Equal(t, "old", body, "it was paid for")
	require.Equal(t, "other", meta["emodrop-job"])
	// A second attempt of the same job only replaces its own.
	f, file = film(t, "newer")
	_, aside, err = c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	require.Zero(t, aside)
}

func TestTheSameBytesOfAnotherJobAreMadeThisJobs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "same")
	_, _, err := c.outbox.PutFilm(t.Context(), job.Job{ID: "other", Attempt: 1}, f, file)
	require.NoError(t, err)
	_, _, err = c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.NoError(t, err)
	_, _, meta := c.object(filmKey)
	require.Equal(t, "0a1b2c3d", meta["emodrop-job"])
}

func TestAFilmMeetsWhatHappensBetweenItsLookAndItsWrite(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there  bool // something is there at the first look
		meddle func(c *cloud)
	}{
		"something came":         {false, func(c *cloud) { c.put(outboxName, filmKey, "theirs") }},
		"it was changed":         {true, func(c *cloud) { c.put(outboxName, filmKey, "theirs") }},
		"it went":                {true, func(c *cloud) { require.NoError(c.t, c.S3.Delete(c.t.Context(), outboxName, filmKey)) }},
		"nothing, and it is new": {false, func(*cloud) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCloud(t)
			if c.there {
				w.put(outboxName, filmKey, "before")
			}
			done := false
			w.before = func(r *http.Request) {
				if r.Method == http.MethodPut && !done {
					done = true
					c.meddle(w)
				}
			}
			f, file := film(t, "the film")
			etag, _, err := w.outbox.PutFilm(t.Context(), theJob, f, file)
			require.NoError(t, err)
			require.True(t, done)
			body, _, meta := w.object(filmKey)
			require.Equal(t, "the film", body, "it looked again and wrote over what it saw then")
			require.Equal(t, "sha of the film", meta["emodrop-sha256"])
			require.NotEmpty(t, etag)
		})
	}
}

func TestAFilmGivesWayWhenItsPlaceNeverHoldsStill(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	n := 0
	c.before = func(r *http.Request) {
		if r.Method == http.MethodPut {
			n++
			c.put(outboxName, filmKey, strings.Repeat("x", n))
		}
	}
	f, file := film(t, "the film")
	_, _, err := c.outbox.PutFilm(t.Context(), theJob, f, file)
	require.ErrorIs(t, err, job.ErrConflict)
	require.Equal(t, 5, n)
	body, _, _ := c.object(filmKey)
	require.NotEqual(t, "the film", body, "nothing of somebody else's was overwritten unseen")
}

func TestAFilmForAMissingBucketIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "the film")
	_, _, err := bucket.NewOutbox(c.client, "emodrop-nowhere", inboxName, nil).PutFilm(t.Context(), theJob, f, file)
	require.ErrorContains(t, err, "NoSuchBucket")
	require.NotErrorIs(t, err, job.ErrConflict)
}

func TestARecordIsWrittenOverTheOneBeforeAndRemovedOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	key := "failed/课程/anna + 1.json"
	require.NoError(t, c.outbox.PutRecord(t.Context(), key, []byte(`{"n":1}`)))
	require.NoError(t, c.outbox.PutRecord(t.Context(), key, []byte(`{"n":2}`)))
	body, kind, _ := c.object(key)
	require.JSONEq(t, `{"n":2}`, body)
	require.Equal(t, "application/json; charset=utf-8", kind)
	require.NoError(t, c.outbox.RemoveRecord(t.Context(), key))
	require.NoError(t, c.outbox.RemoveRecord(t.Context(), key))
	require.False(t, c.has(key))
}
