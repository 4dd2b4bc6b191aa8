package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/shared/bucket"
	"emodrop/shared/job"
)

// side is one S3 under the adapters.
type side struct {
	ports
	put  func(key string, data []byte)
	drop func(key string)
	get  http.RoundTripper
}

// said is what became of a call, in words that two S3 can agree on.
func said(v any, err error) string {
	switch {
	case errors.Is(err, job.ErrConflict):
		return "conflict"
	case errors.Is(err, job.ErrNotFound):
		return "not found"
	case err != nil:
		return "error: " + err.Error()
	}
	return fmt.Sprintf("%+v", v)
}

func sides(t *testing.T, w *World) map[string]side {
	t.Helper()
	ours, err := w.ports()
	require.NoError(t, err)
	a := awstest.New(t, awstest.Buckets(inboxName, outboxName))
	client := s3.NewFromConfig(a.Config())
	theirs := ports{inbox: bucket.NewInbox(client, inboxName),
		outbox: bucket.NewOutbox(client, outboxName, inboxName, bucket.NewRoleSigner(sts.NewFromConfig(a.Config()), signerRole))}
	return map[string]side{
		"the world's": {ours, func(key string, data []byte) { _, _ = w.Inbox.Put(Object{Key: key, Data: data}, "") }, w.Inbox.Delete, w.cloud.aws},
		"the local stack's": {theirs,
			func(key string, data []byte) {
				require.NoError(t, a.S3.Put(t.Context(), inboxName, key, "", nil, bytes.NewReader(data)))
			},
			func(key string) { require.NoError(t, a.S3.Delete(t.Context(), inboxName, key)) }, awstest.Transport(a.Handler)},
	}
}

// TestTheWorldsS3AnswersTheAdaptersAsTheLocalStacksDoes makes the same calls of both.
func TestTheWorldsS3AnswersTheAdaptersAsTheLocalStacksDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Config{Wire: true})
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Close()) }()
		answers := map[string][]string{}
		for name, s := range sides(t, w) {
			answers[name] = s.script(t)
			require.NotContains(t, fmt.Sprint(answers[name]), "error: ", name)
		}
		require.Equal(t, answers["the local stack's"], answers["the world's"])
	})
}

// script calls everything that the adapters have, and tells what came of it.
func (s side) script(t *testing.T) (answers []string) {
	t.Helper()
	ctx := t.Context()
	say := func(what string, v any, err error) { answers = append(answers, what+": "+said(v, err)) }
	film := job.Film{Key: "videos/a b.mp4", SHA256: "abc", Size: 5}
	file, err := os.Create(filepath.Join(t.TempDir(), "film"))
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	_, err = file.WriteString("film!")
	require.NoError(t, err)
	put := func(what, over string) string {
		etag, err := s.outbox.PutFilm(ctx, job.Job{ID: "j1", Attempt: 2}, film, file, over)
		say(what, etag, err)
		return etag
	}

	say("head of nothing", nil, errOf(s.inbox.Head(ctx, "no.wav")))
	for _, key := range []string{"a.wav", "a b/ü+%.wav", "a b/z.png", "b/c/d.wav", "z.png"} {
		s.put(key, []byte("of "+key))
	}
	half, err := s.inbox.Head(ctx, "a b/ü+%.wav")
	half.Modified = time.Time{} // they were put one after the other
	say("head", half, err)
	say("open", read(s.inbox.Open(ctx, "a b/ü+%.wav", half.ETag)), nil)
	say("open what has changed", nil, errOf(s.inbox.Open(ctx, "a b/ü+%.wav", `"0"`)))
	say("open nothing", nil, errOf(s.inbox.Open(ctx, "no.wav", half.ETag)))
	for _, dir := range []string{"", "a b/", "b/", "none/"} {
		for _, after := range []string{"", "a.wav"} {
			keys, err := s.inbox.List(ctx, dir, after, 1)
			say("list "+dir+" after "+after, keys, err)
		}
	}
	for _, after := range []string{"", "a.wav", "z.png"} {
		page, err := s.inbox.Page(ctx, after, 2)
		for i := range page {
			page[i].Modified = time.Time{}
		}
		say("page after "+after, page, err)
	}

	staged := "staging/0123/1-abc/audio.wav"
	say("stage what has changed", nil, s.outbox.Stage(ctx, "a b/ü+%.wav", `"0"`, staged, "audio/wav"))
	say("stage nothing", nil, s.outbox.Stage(ctx, "no.wav", half.ETag, staged, "audio/wav"))
	say("stage", nil, s.outbox.Stage(ctx, "a b/ü+%.wav", half.ETag, staged, "audio/wav"))
	links, _, err := s.outbox.Sign(ctx, staged, "staging/none", "videos/a b.mp4")
	require.NoError(t, err)
	link := func(what string, l job.Secret) { answers = append(answers, what+": "+s.fetch(t, l.Reveal())) }
	link("link", links[0])
	link("link with another signature", links[0]+"0")

	say("film of nothing", nil, errOf(s.outbox.Film(ctx, film.Key)))
	say("put over what is not there", nil, errOf(s.outbox.PutFilm(ctx, job.Job{ID: "j1"}, film, file, `"0"`)))
	first := put("put", "")
	put("put where something is", "")
	put("put over another", `"0"`)
	put("put over it", first)
	stored, err := s.outbox.Film(ctx, film.Key)
	say("film", stored, err)
	say("copy", nil, s.outbox.CopyFilm(ctx, stored, "videos/old/ü.mp4"))
	copied, err := s.outbox.Film(ctx, "videos/old/ü.mp4")
	say("copied", copied, err)
	stored.ETag = `"0"`
	say("copy of what has changed", nil, s.outbox.CopyFilm(ctx, stored, "videos/old/b.mp4"))
	say("record", nil, s.outbox.PutRecord(ctx, "videos/a.json", []byte("{}")))
	say("unrecord", nil, s.outbox.RemoveRecord(ctx, "videos/a.json"))
	say("unrecord again", nil, s.outbox.RemoveRecord(ctx, "videos/a.json"))

	time.Sleep(39 * time.Minute)
	link("link in its time", links[0])
	say("remove", nil, s.outbox.Remove(ctx, staged, "staging/none"))
	say("stage again", nil, s.outbox.Stage(ctx, "a b/ü+%.wav", half.ETag, staged, "audio/wav"))
	s.drop("a b/ü+%.wav")
	link("link to a copy of what is gone", links[0])
	time.Sleep(25 * time.Minute)
	answers = append(answers, fmt.Sprint("link past its time works: ", s.fetch(t, links[0].Reveal()) == "200 audio/wav of a b/ü+%.wav"))
	return answers
}

func errOf[T any](_ T, err error) error { return err }

func read(r io.ReadCloser, err error) string {
	if err != nil {
		return err.Error()
	}
	b, err := io.ReadAll(r)
	return fmt.Sprint(string(b), err, r.Close())
}

// fetch gets a link as the vendor does.
func (s side) fetch(t *testing.T, link string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, link, nil)
	require.NoError(t, err)
	resp, err := s.get.RoundTrip(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusOK {
		return fmt.Sprint(resp.StatusCode)
	}
	return fmt.Sprintf("%d %s %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
}

// TestTheSignersRoleReadsStagedCopiesAndNothingElse is S3's part of it: what is missing
// is not told from what is forbidden.
func TestTheSignersRoleReadsStagedCopiesAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Config{Wire: true})
		require.NoError(t, err)
		defer func() { require.NoError(t, w.Close()) }()
		p, err := w.ports()
		require.NoError(t, err)
		for _, key := range []string{"staging/a", "videos/a.mp4"} {
			_, err := w.Outbox.Put(Object{Key: key, Data: []byte("x")}, "")
			require.NoError(t, err)
		}
		links, _, err := p.outbox.Sign(t.Context(), "staging/a", "staging/b", "videos/a.mp4")
		require.NoError(t, err)
		s := side{get: w.cloud.aws}
		require.Equal(t, "200 binary/octet-stream x", s.fetch(t, links[0].Reveal()))
		require.Equal(t, "403", s.fetch(t, links[1].Reveal()))
		require.Equal(t, "403", s.fetch(t, links[2].Reveal()))
		require.Panics(t, func() { s.fetch(t, links[0].Reveal()+"&versionId=1") }, "what it does not know")
	})
}
