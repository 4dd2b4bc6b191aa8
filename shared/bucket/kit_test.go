package bucket_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/shared/bucket"
)

const (
	inboxName  = "emodrop-inbox"
	outboxName = "emodrop-outbox"
	signerRole = "arn:aws:iam::000000000000:role/emodrop-signer"
)

// oddKeys are keys as people and programs make them.
var oddKeys = []string{
	"plain.jpg", "week 1/anna maria.jpg", "a+b.jpg", "a%2Fb.jpg", "a%20b.jpg", "100%.jpg", "q?x=1&y=2.jpg", "hash#tag.jpg",
	"a//b.jpg", "/leading.jpg", "//two.jpg", "../../escape.jpg", "a/../b.jpg", "a/./b.jpg", "课程/安娜.mp3",
	"Bu\u0308cher/Mu\u0308ll.mp3", "B\u00fccher/M\u00fcll.mp3", "😀🎬.mp3", "tab\tline\nend.mp3", "ctrl\x01.mp3", "quote\"'<>&.mp3",
	"~*!$'()*,:@;=.mp3", strings.Repeat("k", 1020) + ".mp3",
}

// cloud is a local AWS with the two buckets.
type cloud struct {
	*awstest.AWS
	t      *testing.T
	client *s3.Client
	inbox  *bucket.Inbox
	outbox *bucket.Outbox
	// before runs before each request reaches S3.
	before func(*http.Request)
	// requests are those that S3 was asked.
	mu       sync.Mutex
	requests []*http.Request
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: awstest.New(t, awstest.Buckets(inboxName, outboxName)), t: t}
	ac := c.Config()
	ac.HTTPClient = &http.Client{Transport: c}
	c.client = s3.NewFromConfig(ac, func(o *s3.Options) { o.RetryMaxAttempts = 1 })
	c.inbox = bucket.NewInbox(c.client, inboxName)
	c.outbox = bucket.NewOutbox(c.client, outboxName, inboxName, bucket.NewRoleSigner(sts.NewFromConfig(ac), signerRole))
	return c
}

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.requests = append(c.requests, r)
	c.mu.Unlock()
	if c.before != nil {
		c.before(r)
	}
	return awstest.Transport(c.Handler).RoundTrip(r)
}

// put puts an object and returns its ETag as S3 gives it.
func (c *cloud) put(bucketName, key, body string) string {
	c.t.Helper()
	require.NoError(c.t, c.S3.Put(c.t.Context(), bucketName, key, "application/octet-stream", nil, strings.NewReader(body)), "%q", key)
	out, err := c.client.HeadObject(c.t.Context(), &s3.HeadObjectInput{Bucket: &bucketName, Key: &key})
	require.NoError(c.t, err)
	return aws.ToString(out.ETag)
}

// object is what stands under a key of the outbox.
func (c *cloud) object(key string) (body, contentType string, meta map[string]string) {
	c.t.Helper()
	f, info, err := c.S3.Open(c.t.Context(), outboxName, key)
	require.NoError(c.t, err, "%q", key)
	defer func() { _ = f.Close() }()
	var b bytes.Buffer
	_, err = b.ReadFrom(f)
	require.NoError(c.t, err)
	return b.String(), info.ContentType, info.Metadata
}

func (c *cloud) has(key string) bool {
	f, _, err := c.S3.Open(c.t.Context(), outboxName, key)
	if err == nil {
		_ = f.Close()
	}
	return err == nil
}
