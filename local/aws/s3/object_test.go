package s3_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/s3"
)

const inbox = "emodrop-inbox"

func client(a *awstest.AWS) *sdk.Client {
	return sdk.NewFromConfig(a.Config(), func(o *sdk.Options) { o.RetryMaxAttempts = 1 })
}

func newS3(t *testing.T) (*awstest.AWS, *sdk.Client) {
	t.Helper()
	a := awstest.New(t, awstest.Buckets(inbox))
	return a, client(a)
}

func put(t *testing.T, c *sdk.Client, key, body string) string {
	t.Helper()
	out, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(inbox), Key: &key, Body: strings.NewReader(body)})
	require.NoError(t, err)
	return aws.ToString(out.ETag)
}

func get(t *testing.T, c *sdk.Client, key string) string {
	t.Helper()
	out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: &key})
	require.NoError(t, err, "key %q", key)
	body, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	return string(body)
}

// requireCode asserts the code of an AWS error.
func requireCode(t *testing.T, err error, codes ...string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Contains(t, codes, api.ErrorCode(), err.Error())
}

var oddKeys = []string{
	"plain.txt",
	"with space.txt", "a+b.txt", "a%2Fb", "a%20b", "100%", "q?x=1&y=2", "hash#tag", "semi;colon=1", "a=b&c",
	"folder/", "folder//double//", "/leading", "//two leading", "trailing.", "..", "../../escape", "a/../b", "./a", "a/./b",
	"Case.txt", "case.txt", "CASE.txt",
	"caf\u00e9 (composed).mp3", "cafe\u0301 (decomposed).mp3",
	"中文 名字/录音 一.wav", "😀🎬.mp4", "nbsp\u00a0nbsp", "zero\u200bwidth", "quote\"'`<>{}|\\^~[]",
	"con", "nul.txt", "tab\tkey", "*", "~tilde", "!$'()*,:@",
	strings.Repeat("k", 1024), strings.Repeat("录", 341) + "x",
}

func TestEveryKeyComesBackByteForByte(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	for _, key := range oddKeys {
		put(t, c, key, "content of "+key)
	}
	for _, key := range oddKeys {
		require.Equal(t, "content of "+key, get(t, c, key))
		_, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: &key})
		require.NoError(t, err, "key %q", key)
	}
	require.ElementsMatch(t, oddKeys, listAll(t, c))

	for _, key := range oddKeys {
		if len(key) > 1000 {
			continue
		}
		target := "copies/" + key
		_, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
			Bucket: aws.String(inbox), Key: &target, CopySource: aws.String(inbox + "/" + url.PathEscape(key)),
		})
		if strings.Contains(key, "+") { // a plus means a space unless it is encoded, and PathEscape leaves it
			_, err = c.CopyObject(t.Context(), &sdk.CopyObjectInput{
				Bucket: aws.String(inbox), Key: &target, CopySource: aws.String(url.QueryEscape(inbox + "/" + key)),
			})
		}
		require.NoError(t, err, "key %q", key)
		require.Equal(t, "content of "+key, get(t, c, target))
	}

	var ids []types.ObjectIdentifier
	for _, key := range oddKeys {
		ids = append(ids, types.ObjectIdentifier{Key: aws.String(key)})
	}
	out, err := c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: aws.String(inbox), Delete: &types.Delete{Objects: ids}})
	require.NoError(t, err)
	require.Empty(t, out.Errors)
	for _, key := range listAll(t, c) {
		require.True(t, strings.HasPrefix(key, "copies/"), "%q was to be deleted", key)
	}
}

func listAll(t *testing.T, c *sdk.Client) []string {
	t.Helper()
	var keys []string
	pages := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{
		Bucket: aws.String(inbox), MaxKeys: aws.Int32(7), EncodingType: types.EncodingTypeUrl,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, obj := range page.Contents {
			key, err := url.QueryUnescape(aws.ToString(obj.Key))
			require.NoError(t, err)
			keys = append(keys, key)
		}
	}
	return keys
}

func FuzzAnyKeyComesBack(f *testing.F) {
	for _, key := range oddKeys {
		f.Add(key)
	}
	f.Add("\x00\x01")
	a := awstest.New(f, awstest.Buckets(inbox))
	c := client(a)
	f.Fuzz(func(t *testing.T, key string) {
		_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(inbox), Key: &key, Body: strings.NewReader(key)})
		if err != nil {
			return // refused is fine; mixed up is not
		}
		require.Equal(t, key, get(t, c, key))
	})
}

func TestMetadataTypeTagAndTimeAreKept(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	_, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("a.jpg"), Body: strings.NewReader("hello"), ContentType: aws.String("image/jpeg"),
		Metadata: map[string]string{"emo-style-level": "normal"}, CacheControl: aws.String("no-store"),
	})
	require.NoError(t, err)
	out, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("a.jpg")})
	require.NoError(t, err)
	require.Equal(t, "image/jpeg", aws.ToString(out.ContentType))
	require.Equal(t, map[string]string{"emo-style-level": "normal"}, out.Metadata)
	require.Equal(t, "no-store", aws.ToString(out.CacheControl))
	require.Equal(t, `"5d41402abc4b2a76b9719d911017c592"`, aws.ToString(out.ETag))
	require.EqualValues(t, 5, aws.ToInt64(out.ContentLength))
	require.NotNil(t, out.LastModified)

	require.NoError(t, a.S3.Put(t.Context(), inbox, "untyped", "", nil, strings.NewReader("x")))
	out, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("untyped")})
	require.NoError(t, err)
	require.Equal(t, "binary/octet-stream", aws.ToString(out.ContentType))
}

func TestRangesAreThoseOfTheRequest(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	put(t, c, "digits", "0123456789")
	for rng, want := range map[string]string{
		"bytes=0-0": "0", "bytes=3-5": "345", "bytes=7-": "789", "bytes=-2": "89", "bytes=-100": "0123456789", "bytes=8-100": "89",
	} {
		out, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("digits"), Range: aws.String(rng)})
		require.NoError(t, err, rng)
		body, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		require.Equal(t, want, string(body), rng)
	}
	_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("digits"), Range: aws.String("bytes=10-")})
	requireCode(t, err, "InvalidRange")
}

func TestConditionalReadsAnswer304And412(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	tag := put(t, c, "a", "x")
	_, err := c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("a"), IfNoneMatch: &tag})
	requireCode(t, err, "NotModified", "304")
	_, err = c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("a"), IfMatch: aws.String(`"other"`)})
	requireCode(t, err, "PreconditionFailed")
}

func TestConditionalWritesTakeOrRefuse(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	write := func(body string, in sdk.PutObjectInput) error {
		in.Bucket, in.Key, in.Body = aws.String(inbox), aws.String("videos/a.mp4"), strings.NewReader(body)
		_, err := c.PutObject(t.Context(), &in)
		return err
	}
	requireCode(t, write("x", sdk.PutObjectInput{IfMatch: aws.String(`"5d41402abc4b2a76b9719d911017c592"`)}), "NoSuchKey")
	require.NoError(t, write("first", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}))
	requireCode(t, write("second", sdk.PutObjectInput{IfNoneMatch: aws.String("*")}), "PreconditionFailed")
	require.Equal(t, "first", get(t, c, "videos/a.mp4"))

	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("videos/a.mp4")})
	require.NoError(t, err)
	require.NoError(t, write("third", sdk.PutObjectInput{IfMatch: head.ETag}))
	requireCode(t, write("fourth", sdk.PutObjectInput{IfMatch: head.ETag}), "PreconditionFailed")
	require.Equal(t, "third", get(t, c, "videos/a.mp4"))
}

func TestOfManyWritersThatWantTheKeyAbsentOneWins(t *testing.T) {
	t.Parallel()
	a, _ := newS3(t)
	srv := httptest.NewServer(a.Handler)
	t.Cleanup(srv.Close)
	cfg := a.Config()
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), &srv.URL
	c := sdk.NewFromConfig(cfg)
	for round := range 5 {
		key := fmt.Sprintf("race-%d", round)
		var wg sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = c.PutObject(t.Context(), &sdk.PutObjectInput{
					Bucket: aws.String(inbox), Key: &key, Body: strings.NewReader(fmt.Sprint(i)), IfNoneMatch: aws.String("*"),
				})
			})
		}
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil {
				require.Equal(t, -1, winner, "two writers won")
				winner = i
				continue
			}
			requireCode(t, err, "PreconditionFailed")
		}
		require.NotEqual(t, -1, winner)
		require.Equal(t, fmt.Sprint(winner), get(t, c, key))
	}
}

func TestOfManyWritersThatReplaceOneVersionOneWins(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	tag := put(t, c, "v", "start")
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = c.PutObject(t.Context(), &sdk.PutObjectInput{
				Bucket: aws.String(inbox), Key: aws.String("v"), Body: strings.NewReader(fmt.Sprint("by ", i)), IfMatch: &tag,
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			requireCode(t, err, "PreconditionFailed")
		}
	}
	require.Equal(t, 1, won)
}

func TestCopyTakesTheSourceThatWasChecked(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	tag := put(t, c, "src/ü +%2F中.jpg", "picture")
	copyTo := func(key, source string, change func(*sdk.CopyObjectInput)) error {
		in := &sdk.CopyObjectInput{Bucket: aws.String(inbox), Key: &key, CopySource: &source}
		change(in)
		_, err := c.CopyObject(t.Context(), in)
		return err
	}
	source := inbox + "/" + url.QueryEscape("src/ü +%2F中.jpg")
	require.NoError(t, copyTo("staging/a.jpg", source, func(in *sdk.CopyObjectInput) {
		in.CopySourceIfMatch, in.MetadataDirective = &tag, types.MetadataDirectiveReplace
		in.ContentType, in.Metadata = aws.String("image/jpeg"), map[string]string{"job": "j1"}
	}))
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("staging/a.jpg")})
	require.NoError(t, err)
	require.Equal(t, "image/jpeg", aws.ToString(head.ContentType))
	require.Equal(t, map[string]string{"job": "j1"}, head.Metadata)
	require.Equal(t, "picture", get(t, c, "staging/a.jpg"))

	put(t, c, "src/ü +%2F中.jpg", "another picture")
	err = copyTo("staging/b.jpg", source, func(in *sdk.CopyObjectInput) { in.CopySourceIfMatch = &tag })
	requireCode(t, err, "PreconditionFailed")
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("staging/b.jpg")})
	requireCode(t, err, "NotFound")

	none := func(*sdk.CopyObjectInput) {}
	for _, form := range []string{
		inbox + "/" + url.QueryEscape("src/ü +%2F中.jpg"), // only the key encoded
		url.QueryEscape(inbox + "/src/ü +%2F中.jpg"),      // the slash between bucket and key too
		"/" + inbox + "/src/%C3%BC%20%2B%252F%E4%B8%AD.jpg",
	} {
		require.NoError(t, copyTo("forms", form, none), form)
		require.Equal(t, "another picture", get(t, c, "forms"))
	}
	requireCode(t, copyTo("x", inbox+"/absent", none), "NoSuchKey")
	requireCode(t, copyTo("x", inbox, none), "InvalidArgument")
	requireCode(t, copyTo("x", "no-such-bucket/k", none), "NoSuchBucket", "NoSuchKey")
}

func TestListsByPrefixDelimiterAndPage(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	for _, key := range []string{"a.txt", "dir/1", "dir/2", "dir/sub/3", "dir2/4", "dir/", "z"} {
		put(t, c, key, "x")
	}
	list := func(in sdk.ListObjectsV2Input) (keys, prefixes []string) {
		in.Bucket = aws.String(inbox)
		pages := sdk.NewListObjectsV2Paginator(c, &in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Contents)+len(page.CommonPrefixes), int(aws.ToInt32(page.MaxKeys)))
			for _, o := range page.Contents {
				keys = append(keys, aws.ToString(o.Key))
			}
			for _, p := range page.CommonPrefixes {
				prefixes = append(prefixes, aws.ToString(p.Prefix))
			}
		}
		return keys, prefixes
	}
	for _, size := range []int32{1, 2, 1000} {
		keys, prefixes := list(sdk.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: &size})
		require.Equal(t, []string{"a.txt", "z"}, keys)
		require.Equal(t, []string{"dir/", "dir2/"}, prefixes)

		keys, prefixes = list(sdk.ListObjectsV2Input{Prefix: aws.String("dir/"), Delimiter: aws.String("/"), MaxKeys: &size})
		require.Equal(t, []string{"dir/", "dir/1", "dir/2"}, keys)
		require.Equal(t, []string{"dir/sub/"}, prefixes)

		keys, _ = list(sdk.ListObjectsV2Input{StartAfter: aws.String("dir/2"), MaxKeys: &size})
		require.Equal(t, []string{"dir/sub/3", "dir2/4", "z"}, keys)
		keys, _ = list(sdk.ListObjectsV2Input{StartAfter: aws.String("dir/1x"), Prefix: aws.String("dir/"), MaxKeys: &size})
		require.Equal(t, []string{"dir/2", "dir/sub/3"}, keys)
	}
	keys, prefixes := list(sdk.ListObjectsV2Input{Prefix: aws.String("none")})
	require.Empty(t, keys)
	require.Empty(t, prefixes)
}

func TestBucketsAreFoundOrNot(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	_, err := c.HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String(inbox)})
	require.NoError(t, err)
	_, err = c.HeadBucket(t.Context(), &sdk.HeadBucketInput{Bucket: aws.String("absent-bucket")})
	requireCode(t, err, "NotFound")
	location, err := c.GetBucketLocation(t.Context(), &sdk.GetBucketLocationInput{Bucket: aws.String(inbox)})
	require.NoError(t, err)
	require.EqualValues(t, awstest.Region, location.LocationConstraint)
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String("absent-bucket"), Key: aws.String("k"), Body: strings.NewReader("")})
	requireCode(t, err, "NoSuchBucket")
	_, err = c.GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("absent")})
	requireCode(t, err, "NoSuchKey")
	require.Error(t, a.S3.CreateBucket("Not_A_Bucket"))
	require.NoError(t, a.S3.CreateBucket(inbox), "creating a bucket twice changes nothing")
	_, err = c.CreateBucket(t.Context(), &sdk.CreateBucketInput{Bucket: aws.String("made-by-a-client")})
	require.NoError(t, err)
	require.True(t, a.S3.HasBucket("made-by-a-client"))
}

func TestARestartKeepsObjectsAndForgetsHalfWrittenOnes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last s3.Event
	a := awstest.New(t, awstest.InDir(dir), awstest.Buckets(inbox), awstest.OnCreated(func(e s3.Event) { last = e }))
	c := client(a)
	for _, key := range oddKeys {
		put(t, c, key, key)
	}
	put(t, c, "changed", "old")
	put(t, c, "changed", "new")
	put(t, c, "deleted", "gone")
	require.NoError(t, a.S3.Delete(t.Context(), inbox, "deleted"))
	broken := &failingReader{after: strings.NewReader("half of it")}
	require.Error(t, a.S3.Put(t.Context(), inbox, "half", "text/plain", nil, broken))
	before := last

	a = awstest.New(t, awstest.InDir(dir), awstest.OnCreated(func(e s3.Event) { last = e }))
	c = client(a)
	for _, key := range oddKeys {
		require.Equal(t, key, get(t, c, key))
	}
	require.Equal(t, "new", get(t, c, "changed"))
	require.ElementsMatch(t, append([]string{"changed"}, oddKeys...), listAll(t, c))
	put(t, c, "after", "x")
	require.Greater(t, last.Sequencer, before.Sequencer, "sequencers grow over a restart")
}

type failingReader struct{ after io.Reader }

func (r *failingReader) Read(p []byte) (int, error) {
	n, err := r.after.Read(p)
	if err == io.EOF {
		err = io.ErrClosedPipe
	}
	return n, err
}

func TestAReaderKeepsItsVersionWhileTheObjectIsReplaced(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	put(t, c, "k", "old")
	r, info, err := a.S3.Open(t.Context(), inbox, "k")
	require.NoError(t, err)
	put(t, c, "k", "new!")
	body, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, "old", string(body))
	require.EqualValues(t, 3, info.Size)
}

func TestInProcessUseSeesTheSameObjects(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	require.NoError(t, a.S3.Put(t.Context(), inbox, "drop/a b.wav", "audio/wav", map[string]string{"emo-ratio": "3:4"}, strings.NewReader("RIFF")))
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("drop/a b.wav")})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"emo-ratio": "3:4"}, head.Metadata)
	put(t, c, "drop/b", "x")
	infos, err := a.S3.List(t.Context(), inbox, "drop/", "", 0)
	require.NoError(t, err)
	require.Len(t, infos, 2)
	require.Equal(t, "3:4", infos[0].Metadata["emo-ratio"])
	infos, err = a.S3.List(t.Context(), inbox, "drop/", infos[0].Key, 1)
	require.NoError(t, err)
	require.Equal(t, "drop/b", infos[0].Key)

	_, _, err = a.S3.Open(t.Context(), inbox, "absent")
	require.ErrorIs(t, err, s3.ErrNoSuchKey)
	_, err = a.S3.List(t.Context(), "absent", "", "", 0)
	require.ErrorIs(t, err, s3.ErrNoSuchBucket)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, a.S3.Put(ctx, inbox, "k", "", nil, strings.NewReader("x")), context.Canceled)
}

func TestSetupNamesEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := s3.New(s3.Config{})
	require.ErrorContains(t, err, "Dir")
	require.ErrorContains(t, err, "Keys")
}
