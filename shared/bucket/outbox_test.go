package bucket_test

import (
	"errors"
	"os"
	"path/filepath"
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

func TestAFilmIsPutWhereNothingIsAndSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "the film")
	_, err := file.Seek(3, 0) // wherever it was read to
	require.NoError(t, err)
	etag, err := c.outbox.PutFilm(t.Context(), theJob, f, file, "")
	require.NoError(t, err)
	body, kind, meta := c.object(filmKey)
	require.Equal(t, "the film", body)
	require.Equal(t, "video/mp4", kind)
	require.Equal(t, map[string]string{"emodrop-job": "0a1b2c3d", "emodrop-attempt": "2", "emodrop-sha256": "sha of the film"}, meta)
	require.Equal(t, "*", c.requests[len(c.requests)-1].Header.Get("If-None-Match"))
	require.NotEmpty(t, etag)
}

func TestAFilmTakesThePlaceOfTheOneItSaw(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	old, oldFile := film(t, "old")
	first, err := c.outbox.PutFilm(t.Context(), job.Job{ID: "other", Attempt: 1}, old, oldFile, "")
	require.NoError(t, err)
	seen, err := c.outbox.Film(t.Context(), filmKey)
	require.NoError(t, err)
	require.Equal(t, job.Stored{Key: filmKey, ETag: first, Job: "other", SHA256: "sha of old"}, seen)
	f, file := film(t, "new")
	second, err := c.outbox.PutFilm(t.Context(), theJob, f, file, first)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	body, _, meta := c.object(filmKey)
	require.Equal(t, "new", body)
	require.Equal(t, "0a1b2c3d", meta["emodrop-job"])
	require.Equal(t, first, c.requests[len(c.requests)-1].Header.Get("If-Match"))
}

func TestAFilmIsCopiedAsItWasSeenAndStaysItsJobs(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "old")
	_, err := c.outbox.PutFilm(t.Context(), theJob, f, file, "")
	require.NoError(t, err)
	seen, err := c.outbox.Film(t.Context(), filmKey)
	require.NoError(t, err)
	const to = "videos/课程/anna + 1.0a1b2c3d.mp4"
	require.NoError(t, c.outbox.CopyFilm(t.Context(), seen, to))
	body, kind, meta := c.object(to)
	require.Equal(t, "old", body)
	require.Equal(t, "video/mp4", kind)
	require.Equal(t, "0a1b2c3d", meta["emodrop-job"])
	c.put(outboxName, filmKey, "somebody else's")
	require.ErrorIs(t, c.outbox.CopyFilm(t.Context(), seen, to), job.ErrConflict)
	require.NoError(t, c.S3.Delete(t.Context(), outboxName, filmKey))
	require.ErrorIs(t, c.outbox.CopyFilm(t.Context(), seen, to), job.ErrNotFound)
	body, _, _ = c.object(to)
	require.Equal(t, "old", body)
}

func TestAFilmGivesWayToWhatCameSinceItsPlaceWasLookedAt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there  bool // something is there at the look
		meddle func(c *cloud)
	}{
		"something came": {false, func(c *cloud) { c.put(outboxName, filmKey, "theirs") }},
		"it was changed": {true, func(c *cloud) { c.put(outboxName, filmKey, "theirs") }},
		"it went":        {true, func(c *cloud) { require.NoError(c.t, c.S3.Delete(c.t.Context(), outboxName, filmKey)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCloud(t)
			over := ""
			if c.there {
				w.put(outboxName, filmKey, "before")
				seen, err := w.outbox.Film(t.Context(), filmKey)
				require.NoError(t, err)
				require.Empty(t, seen.Job, "nobody's film")
				over = seen.ETag
			}
			c.meddle(w)
			f, file := film(t, "the film")
			_, err := w.outbox.PutFilm(t.Context(), theJob, f, file, over)
			require.True(t, errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound), "%v", err)
			if w.has(filmKey) {
				body, _, _ := w.object(filmKey)
				require.Equal(t, "theirs", body, "nothing of somebody else's was overwritten unseen")
			}
		})
	}
}

func TestAFilmForAMissingBucketIsAnErrorThatSaysSo(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	f, file := film(t, "the film")
	_, err := bucket.NewOutbox(c.client, "emodrop-nowhere", inboxName, nil).PutFilm(t.Context(), theJob, f, file, "")
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

func TestAStatusIsWrittenOverTheVersionThatWasSeenAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	key := "status/课程/anna + 1.json"
	_, _, err := c.outbox.Status(t.Context(), key)
	require.ErrorIs(t, err, job.ErrNotFound)
	_, _, err = c.outbox.ReadStatus(t.Context(), key)
	require.ErrorIs(t, err, job.ErrNotFound)
	_, err = c.outbox.PutStatus(t.Context(), key, []byte(`{"n":0}`), "m", `"0123456789abcdef0123456789abcdef"`)
	require.Error(t, err, "nothing stands there that it could have seen")
	first, err := c.outbox.PutStatus(t.Context(), key, []byte(`{"n":1}`), "j1 1 QUEUED", "")
	require.NoError(t, err)
	_, err = c.outbox.PutStatus(t.Context(), key, []byte(`{"n":2}`), "m", "")
	require.ErrorIs(t, err, job.ErrConflict)
	etag, mark, err := c.outbox.Status(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, first, etag)
	require.Equal(t, "j1 1 QUEUED", mark)
	_, err = c.outbox.PutStatus(t.Context(), key, []byte(`{"n":3}`), "", first)
	require.NoError(t, err)
	_, err = c.outbox.PutStatus(t.Context(), key, []byte(`{"n":4}`), "", first)
	require.ErrorIs(t, err, job.ErrConflict)
	body, second, err := c.outbox.ReadStatus(t.Context(), key)
	require.NoError(t, err)
	require.JSONEq(t, `{"n":3}`, string(body))
	require.NotEqual(t, first, second)
	_, kind, _ := c.object(key)
	require.Equal(t, "application/json; charset=utf-8", kind)
}

func TestResultsAreReadAsTheyWereLastWritten(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	key := "manifests/x/00000.jsonl"
	_, err := c.outbox.Lines(t.Context(), key)
	require.ErrorIs(t, err, job.ErrNotFound)
	require.NoError(t, c.outbox.PutLines(t.Context(), key, []byte("{}\n")))
	require.NoError(t, c.outbox.PutLines(t.Context(), key, []byte("{\"name\":\"课\"}\n{}\n")))
	lines, err := c.outbox.Lines(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, "{\"name\":\"课\"}\n{}\n", string(lines))
	_, kind, _ := c.object(key)
	require.Equal(t, "application/x-ndjson; charset=utf-8", kind)

	_, err = c.outbox.PutLinesOver(t.Context(), key, []byte("{}\n"), "")
	require.ErrorIs(t, err, job.ErrConflict)
	_, err = c.outbox.ETag(t.Context(), "manifests/none")
	require.ErrorIs(t, err, job.ErrNotFound)
	seen, err := c.outbox.ETag(t.Context(), key)
	require.NoError(t, err)
	written, err := c.outbox.PutLinesOver(t.Context(), key, []byte("{}\n"), seen)
	require.NoError(t, err)
	_, err = c.outbox.PutLinesOver(t.Context(), key, []byte("{}\n{}\n"), seen)
	require.ErrorIs(t, err, job.ErrConflict, "somebody has written it since")
	now, err := c.outbox.ETag(t.Context(), key)
	require.NoError(t, err)
	require.Equal(t, written, now)
	_, err = c.outbox.PutLinesOver(t.Context(), "manifests/x/new.jsonl", []byte("{}\n"), "")
	require.NoError(t, err)
}
