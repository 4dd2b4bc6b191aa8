package s3_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/s3"
	"emodrop/local/aws/sigv4"
)

// newChunkServer is an S3 with the key of AWS's documentation.
func newChunkServer(t *testing.T) (*s3.Server, *http.Client) {
	t.Helper()
	srv, err := s3.New(s3.Config{
		Dir: t.TempDir(), Region: "us-east-1",
		Keys: sigv4.Static("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
	})
	require.NoError(t, err)
	require.NoError(t, srv.CreateBucket("examplebucket"))
	return srv, &http.Client{Transport: awstest.Transport(srv.Handler())}
}

func TestEveryNewObjectIsTold(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []s3.Event
	a := awstest.New(t, awstest.Buckets(inbox), awstest.OnCreated(func(e s3.Event) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, e)
	}))
	c := client(a)
	tag := put(t, c, "in/a b+ü.wav", "hello")
	_, err := c.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("copy"), CopySource: aws.String(url.QueryEscape(inbox + "/in/a b+ü.wav")),
	})
	require.NoError(t, err)
	upload(t, c, "parts", [][]byte{bytes.Repeat([]byte("x"), 5<<20), []byte("y")})
	require.NoError(t, a.S3.Put(t.Context(), inbox, "dropped", "", nil, strings.NewReader("d")))
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{Bucket: aws.String(inbox), Key: aws.String("copy"), IfNoneMatch: aws.String("*")})
	require.Error(t, err)
	_, err = c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: aws.String(inbox), Key: aws.String("copy")})
	require.NoError(t, err)

	var reasons, keys []string
	for i, e := range got {
		reasons, keys = append(reasons, e.Reason), append(keys, e.Key)
		require.Equal(t, inbox, e.Bucket)
		require.Regexp(t, `^[0-9A-F]{18}$`, e.Sequencer)
		if i > 0 {
			require.Greater(t, e.Sequencer, got[i-1].Sequencer)
		}
	}
	require.Equal(t, []string{"PutObject", "CopyObject", "CompleteMultipartUpload", "PutObject"}, reasons)
	require.Equal(t, []string{"in/a b+ü.wav", "copy", "parts", "dropped"}, keys)
	require.EqualValues(t, 5, got[0].Size)
	require.Equal(t, tag, `"`+got[0].ETag+`"`)
}

var sample = s3.Event{
	Bucket: "in-bucket", Key: "drop/näh <&> a+b.wav", ETag: "5d41402abc4b2a76b9719d911017c592", Sequencer: "0069A7BDBF00000001",
	Size: 5, Time: time.Date(2026, 3, 4, 5, 6, 7, 123e6, time.UTC), Reason: "PutObject", Region: "eu-central-1", Account: "000000000000",
}

func TestAnEventBridgeEventCarriesTheKeyPlain(t *testing.T) {
	t.Parallel()
	raw := s3.EventBridgeEvent(sample)
	require.Equal(t, raw, s3.EventBridgeEvent(sample), "a repeated event is the same event")
	var e events.CloudWatchEvent // aws-lambda-go's name for an EventBridge event
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	require.NoError(t, dec.Decode(&e))
	require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, e.ID)
	require.JSONEq(t, `{
		"version": "0", "id": "`+e.ID+`", "detail-type": "Object Created", "source": "aws.s3", "account": "000000000000",
		"time": "2026-03-04T05:06:07Z", "region": "eu-central-1", "resources": ["arn:aws:s3:::in-bucket"],
		"detail": {
			"version": "0", "bucket": {"name": "in-bucket"},
			"object": {"key": "drop/näh <&> a+b.wav", "size": 5, "etag": "5d41402abc4b2a76b9719d911017c592", "sequencer": "0069A7BDBF00000001"},
			"request-id": "`+requestIDOf(t, e.Detail)+`", "requester": "000000000000", "source-ip-address": "127.0.0.1", "reason": "PutObject"
		}
	}`, string(raw))
}

func requestIDOf(t *testing.T, detail json.RawMessage) string {
	t.Helper()
	var d struct {
		RequestID string `json:"request-id"`
	}
	require.NoError(t, json.Unmarshal(detail, &d))
	require.Regexp(t, `^[0-9A-F]{16}$`, d.RequestID)
	return d.RequestID
}

func TestADirectNotificationCarriesTheKeyFormEncoded(t *testing.T) {
	t.Parallel()
	var e events.S3Event
	require.NoError(t, json.Unmarshal(s3.NotificationEvent(sample), &e))
	require.Len(t, e.Records, 1)
	r := e.Records[0]
	require.Equal(t, "drop/n%C3%A4h+%3C%26%3E+a%2Bb.wav", r.S3.Object.Key)
	require.Equal(t, sample.Key, r.S3.Object.URLDecodedKey)
	require.Equal(t, "ObjectCreated:Put", r.EventName)
	require.Equal(t, "in-bucket", r.S3.Bucket.Name)
	require.Equal(t, "arn:aws:s3:::in-bucket", r.S3.Bucket.Arn)
	require.EqualValues(t, 5, r.S3.Object.Size)
	require.Equal(t, sample.Sequencer, r.S3.Object.Sequencer)
	require.True(t, sample.Time.Equal(r.EventTime))

	copied := sample
	copied.Reason = "CopyObject"
	require.NoError(t, json.Unmarshal(s3.NotificationEvent(copied), &e))
	require.Equal(t, "ObjectCreated:Copy", e.Records[0].EventName)
}

func FuzzANotificationsKeyDecodesToTheKey(f *testing.F) {
	for _, key := range oddKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if !json.Valid(s3.NotificationEvent(s3.Event{Key: key})) {
			t.Fatal("not JSON")
		}
		var e struct {
			Records []struct {
				S3 struct{ Object struct{ Key string } }
			}
		}
		require.NoError(t, json.Unmarshal(s3.NotificationEvent(s3.Event{Key: key}), &e))
		plain, err := url.QueryUnescape(e.Records[0].S3.Object.Key)
		require.NoError(t, err)
		require.Equal(t, key, plain)
	})
}
