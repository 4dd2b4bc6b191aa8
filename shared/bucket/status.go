package bucket

import (
	"bytes"
	"context"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// metaMark says what a status file says, in short.
const metaMark = "emodrop-mark"

// maxStatus bounds what is read of a status file, in bytes: the list of a thousand jobs
// with the longest names is half of it.
const maxStatus = 8 << 20

// Status tells which version of a status file stands there, and its mark;
// job.ErrNotFound when there is none.
func (b *Outbox) Status(ctx context.Context, key string) (etag, mark string, err error) {
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return "", "", say("look for a status file", err)
	}
	return aws.ToString(head.ETag), head.Metadata[metaMark], nil
}

// ReadStatus is a status file's content and version; job.ErrNotFound when there is none.
func (b *Outbox) ReadStatus(ctx context.Context, key string) (body []byte, etag string, err error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return nil, "", say("read a status file", err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(out.Body, maxStatus))
	if err != nil {
		return nil, "", say("read a status file", err)
	}
	return body, aws.ToString(out.ETag), nil
}

// PutStatus writes a status file over the version that is named, or, for "", where there
// is none: job.ErrConflict when another one stands there, job.ErrNotFound when the one
// that is named is gone.
func (b *Outbox) PutStatus(ctx context.Context, key string, body []byte, mark, over string) (etag string, err error) {
	in := &s3.PutObjectInput{Key: &key, ContentType: aws.String("application/json; charset=utf-8"),
		// Whoever looks at it in a browser wants to know how things are now.
		CacheControl: aws.String("no-cache"), Body: bytes.NewReader(body)}
	if mark != "" {
		in.Metadata = map[string]string{metaMark: mark}
	}
	return b.putOver(ctx, "write a status file", over, in)
}
