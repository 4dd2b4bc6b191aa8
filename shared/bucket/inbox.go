package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"emodrop/shared/job"
)

// Inbox reads the bucket that files are dropped into. Safe for concurrent use.
type Inbox struct {
	client *s3.Client
	bucket string
}

// NewInbox returns the inbox in that bucket.
func NewInbox(client *s3.Client, bucket string) *Inbox { return &Inbox{client, bucket} }

// Head tells how an object stands now, or job.ErrNotFound.
func (b *Inbox) Head(ctx context.Context, key string) (job.Half, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return job.Half{}, say("look at a hand-in", err)
	}
	h := job.Half{Key: key, ETag: aws.ToString(out.ETag), Size: aws.ToInt64(out.ContentLength),
		Modified: aws.ToTime(out.LastModified).UTC()}
	h.Asks, h.Mark = job.MarkOf(out.Metadata)
	return h, nil
}

// Open reads an object as it stood when it had that ETag: job.ErrConflict when it
// has changed since, job.ErrNotFound when it is gone.
func (b *Inbox) Open(ctx context.Context, key, etag string) (io.ReadCloser, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key, IfMatch: &etag})
	if err != nil {
		return nil, say("open a hand-in", err)
	}
	return out.Body, nil
}

// List gives the keys of one folder (not of those below it) in their order, those
// after a key, at most limit; none means the end. The folder is as it stands in
// keys, with its slash; empty at the top.
func (b *Inbox) List(ctx context.Context, folder, after string, limit int) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(int32(min(limit, 1000))),
		EncodingType: types.EncodingTypeUrl}
	if folder != "" {
		in.Prefix = &folder
	}
	if after != "" {
		in.StartAfter = &after
	}
	for {
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return nil, say("list a folder", err)
		}
		keys := make([]string, len(out.Contents))
		for i, o := range out.Contents {
			if keys[i], err = listedKey(out, o); err != nil {
				return nil, err
			}
		}
		// A page may hold nothing but folders.
		if len(keys) > 0 || !aws.ToBool(out.IsTruncated) {
			return keys, nil
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// Page gives the objects of the whole bucket in the order of their keys, those
// after a key, at most limit; none means the end.
func (b *Inbox) Page(ctx context.Context, after string, limit int) ([]job.Half, error) {
	in := &s3.ListObjectsV2Input{Bucket: &b.bucket, MaxKeys: aws.Int32(int32(min(limit, 1000))), EncodingType: types.EncodingTypeUrl}
	if after != "" {
		in.StartAfter = &after
	}
	out, err := b.client.ListObjectsV2(ctx, in)
	if err != nil {
		return nil, say("list the inbox", err)
	}
	page := make([]job.Half, len(out.Contents))
	for i, o := range out.Contents {
		key, err := listedKey(out, o)
		if err != nil {
			return nil, err
		}
		page[i] = job.Half{Key: key, ETag: aws.ToString(o.ETag), Size: aws.ToInt64(o.Size),
			Modified: aws.ToTime(o.LastModified).UTC()}
	}
	return page, nil
}

// listedKey is a key of a listing. Listings are asked for URL-encoded: XML cannot
// say every character that a key may have, and one such key would keep its whole
// folder from being listed.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func listedKey(out *s3.ListObjectsV2Output, o types.Object) (string, error) {
	key := aws.ToString(o.Key)
	if out.EncodingType != types.EncodingTypeUrl {
		return key, nil
	}
	plain, err := url.QueryUnescape(key)
	if err != nil {
		return "", fmt.Errorf("read a listing: %w", err)
	}
	return plain, nil
}

// say puts S3's answer into the domain's words.
func say(doing string, err error) error {
	if err == nil {
		return nil
	}
	var re *awshttp.ResponseError
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket" {
		// A file that is gone is normal; a bucket that is gone is not.
		return fmt.Errorf("%s: %w", doing, err)
	}
	if errors.As(err, &re) {
		switch re.HTTPStatusCode() {
		case http.StatusNotFound:
			return job.ErrNotFound
		case http.StatusPreconditionFailed, http.StatusConflict:
			return job.ErrConflict
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
