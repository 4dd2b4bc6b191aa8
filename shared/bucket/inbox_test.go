package bucket_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"emodrop/shared/bucket"
	"emodrop/shared/job"
)

func TestEveryKeyIsSeenOpenedAndListedByteForByte(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for _, key := range oddKeys {
		etag := c.put(inboxName, key, "content of "+key)
		half, err := c.inbox.Head(t.Context(), key)
		require.NoError(t, err, "%q", key)
		require.Equal(t, key, half.Key)
		require.Equal(t, etag, half.ETag)
		require.EqualValues(t, len("content of "+key), half.Size)
		require.WithinDuration(t, time.Now(), half.Modified, time.Minute)

		body, err := c.inbox.Open(t.Context(), key, half.ETag)
		require.NoError(t, err, "%q", key)
		b, err := io.ReadAll(body)
		require.NoError(t, err)
		require.NoError(t, body.Close())
		require.Equal(t, "content of "+key, string(b))

		folder := key[:strings.LastIndexByte(key, '/')+1]
		keys, err := c.inbox.List(t.Context(), folder, "", 1000)
		require.NoError(t, err, "%q", key)
		require.Contains(t, keys, key)
	}
	var paged []string
	for after := ""; ; {
		page, err := c.inbox.Page(t.Context(), after, 4)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		for _, h := range page {
			half, err := c.inbox.Head(t.Context(), h.Key)
			require.NoError(t, err)
			h.Modified = h.Modified.Truncate(time.Second) // the stand-in's listing is finer
			require.Equal(t, half, h, "a listing says the same as a look")
			paged = append(paged, h.Key)
		}
		after = page[len(page)-1].Key
	}
	want := slices.Clone(oddKeys)
	slices.Sort(want)
	require.Equal(t, want, paged)
}

func TestAFileThatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	_, err := c.inbox.Head(t.Context(), "gone.jpg")
	require.ErrorIs(t, err, job.ErrNotFound)
	_, err = c.inbox.Open(t.Context(), "gone.jpg", `"etag"`)
	require.ErrorIs(t, err, job.ErrNotFound)
}

func TestAFileThatHasChangedIsNotOpened(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	etag := c.put(inboxName, "a.jpg", "one")
	c.put(inboxName, "a.jpg", "two")
	_, err := c.inbox.Open(t.Context(), "a.jpg", etag)
	require.ErrorIs(t, err, job.ErrConflict)
}

func TestABucketThatIsNotThereIsNoFileThatIsGone(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	lost := bucket.NewInbox(c.client, "emodrop-nowhere")
	_, err := lost.Open(t.Context(), "a.jpg", `"etag"`)
	require.ErrorContains(t, err, "NoSuchBucket")
	require.NotErrorIs(t, err, job.ErrNotFound)
	_, err = lost.List(t.Context(), "", "", 10)
	require.ErrorContains(t, err, "NoSuchBucket")
	_, err = lost.Page(t.Context(), "", 10)
	require.ErrorContains(t, err, "NoSuchBucket")
}

func TestTroubleWithS3IsNeitherGoneNorChanged(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	wrong := s3.NewFromConfig(c.ConfigWith("AKIALOCALTEST", "not the secret", ""), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	_, err := bucket.NewInbox(wrong, inboxName).Head(t.Context(), "a.jpg")
	require.Error(t, err)
	require.NotErrorIs(t, err, job.ErrNotFound)
	require.NotErrorIs(t, err, job.ErrConflict)
	require.ErrorContains(t, err, "look at a hand-in")
}

func TestAFolderIsListedWithoutThoseBelowItPageByPage(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("shop/voice %d.wav", i)
		want = append(want, key)
		c.put(inboxName, key, "x")
	}
	for i := range 9 { // more folders than a page holds, all before the files
		c.put(inboxName, fmt.Sprintf("shop/a folder %d/voice.wav", i), "x")
	}
	c.put(inboxName, "shopping.wav", "x")
	c.put(inboxName, "shop", "x")
	c.put(inboxName, "shop//odd.wav", "x")

	var got []string
	for after := ""; ; {
		keys, err := c.inbox.List(t.Context(), "shop/", after, 3)
		require.NoError(t, err)
		if len(keys) == 0 {
			break
		}
		require.LessOrEqual(t, len(keys), 3)
		got = append(got, keys...)
		after = keys[len(keys)-1]
	}
	require.Equal(t, want, got)

	top, err := c.inbox.List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"shop", "shopping.wav"}, top)
	odd, err := c.inbox.List(t.Context(), "shop//", "", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"shop//odd.wav"}, odd)
}

func TestAFolderOfNothingButFoldersIsAtItsEnd(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for i := range 5 {
		c.put(inboxName, fmt.Sprintf("shop/%d/voice.wav", i), "x")
	}
	keys, err := c.inbox.List(t.Context(), "shop/", "", 2)
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestALookShowsTheOptionsInAnObjectsOwnMetadata(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	key, name := "anna.wav", inboxName
	_, err := c.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &name, Key: &key, Body: strings.NewReader("sound"),
		Metadata: map[string]string{"Emo-Style-Level": "calm", "author": "x"}})
	require.NoError(t, err)
	half, err := c.inbox.Head(t.Context(), key)
	require.NoError(t, err)
	require.JSONEq(t, `{"emo-style-level":"calm"}`, half.Asks)
	require.NotEmpty(t, half.Mark)
}
