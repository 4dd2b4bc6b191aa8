package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"emodrop/shared/job"
)

// Signer gives out credentials fetched for signing links, and says when they end.
type Signer interface {
	Credentials(ctx context.Context) (creds aws.CredentialsProvider, end time.Time, err error)
}

// Outbox holds films, records and staged copies. Safe for concurrent use.
type Outbox struct {
	client        *s3.Client
	links         *s3.PresignClient
	bucket, inbox string
	signer        Signer
}

// NewOutbox returns the outbox in that bucket; staged copies come from inbox.
// Without a signer nothing can be signed.
func NewOutbox(client *s3.Client, bucket, inbox string, signer Signer) *Outbox {
	// Made here: making one writes to what the client's own calls read.
	return &Outbox{client, s3.NewPresignClient(client), bucket, inbox, signer}
}

// Stage copies an input, as it stood when it had that ETag, to a key of the
// outbox: job.ErrConflict when it has changed since, job.ErrNotFound when it is
// gone.
func (b *Outbox) Stage(ctx context.Context, key, etag, to, contentType string) error {
	_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &b.bucket, Key: &to,
		CopySource:        aws.String(copySource(b.inbox, key)),
		CopySourceIfMatch: &etag,
		// The type has to be that of the content: the vendor goes by it.
		ContentType: &contentType, MetadataDirective: types.MetadataDirectiveReplace,
	})
	if err != nil {
		return say("stage an input", err)
	}
	return nil
}

// copySource is the header's form of an object's place: every byte that is not
// plain is escaped, the slashes between parts are not.
func copySource(bucket, key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(url.QueryEscape(p), "+", "%20")
	}
	return bucket + "/" + strings.Join(parts, "/")
}

// Remove deletes staged copies. Those that are gone already are no error.
func (b *Outbox) Remove(ctx context.Context, keys ...string) error {
	for _, k := range keys {
		if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &k}); err != nil {
			return fmt.Errorf("take a staged input back: %w", err)
		}
	}
	return nil
}

// linkLife is what links are signed for; they end earlier when their credentials
// do.
const linkLife = time.Hour

// Sign makes links to staged copies and says when the first of them ends.
func (b *Outbox) Sign(ctx context.Context, keys ...string) ([]job.Secret, time.Time, error) {
	if b.signer == nil {
		return nil, time.Time{}, errors.New("sign links: no signer role is configured")
	}
	creds, end, err := b.signer.Credentials(ctx)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("sign links: %w", err)
	}
	now := time.Now()
	as := func(o *s3.PresignOptions) {
		o.Expires = linkLife
		o.ClientOptions = append(o.ClientOptions, func(o *s3.Options) { o.Credentials = creds })
	}
	urls := make([]job.Secret, len(keys))
	for i, k := range keys {
		r, err := b.links.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &k}, as)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("sign links: %w", err)
		}
		urls[i] = job.Secret(r.URL)
	}
	if by := now.Add(linkLife); end.IsZero() || end.After(by) {
		end = by
	}
	return urls, end, nil
}

// The metadata that a film carries.
const (
	metaJob     = "emodrop-job"
	metaAttempt = "emodrop-attempt"
	metaSHA256  = "emodrop-sha256"
)

// Film tells what stands under a key and whose film it is.
func (b *Outbox) Film(ctx context.Context, key string) (job.Stored, error) {
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return job.Stored{}, say("look for a film", err)
	}
	return job.Stored{Key: key, ETag: aws.ToString(head.ETag), Job: head.Metadata[metaJob], SHA256: head.Metadata[metaSHA256]}, nil
}

// CopyFilm copies a film to another key, as it was seen.
func (b *Outbox) CopyFilm(ctx context.Context, seen job.Stored, to string) error {
	_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.bucket, Key: &to,
		CopySource: aws.String(copySource(b.bucket, seen.Key)), CopySourceIfMatch: &seen.ETag,
		TaggingDirective: types.TaggingDirectiveReplace})
	return say("copy a film", err)
}

// PutFilm puts a film under its key, over what had that ETag or, when that is empty,
// over nothing. It is one PutObject of a file, so nobody sees a part of a film and
// the SDK can try again.
func (b *Outbox) PutFilm(ctx context.Context, j job.Job, f job.Film, file *os.File, over string) (etag string, err error) {
	if _, err := file.Seek(0, 0); err != nil {
		return "", fmt.Errorf("store the film: %w", err)
	}
	return b.putOver(ctx, "store the film", over, &s3.PutObjectInput{
		Key: &f.Key, ContentLength: &f.Size, ContentType: aws.String("video/mp4"), Body: file,
		Metadata: map[string]string{metaJob: j.ID, metaAttempt: fmt.Sprint(j.Attempt), metaSHA256: f.SHA256},
	})
}

// putOver puts an object over what has that ETag or, when that is empty, over nothing;
// what says what for. See say for its errors.
func (b *Outbox) putOver(ctx context.Context, what, over string, in *s3.PutObjectInput) (etag string, err error) {
	in.Bucket = &b.bucket
	if over == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &over
	}
	out, err := b.client.PutObject(ctx, in)
	if err != nil {
		return "", say(what, err)
	}
	return aws.ToString(out.ETag), nil
}

// PutRecord writes a record for people and programs.
func (b *Outbox) PutRecord(ctx context.Context, key string, body []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &key,
		ContentType: aws.String("application/json; charset=utf-8"), Body: bytes.NewReader(body)})
	if err != nil {
		return fmt.Errorf("write a record: %w", err)
	}
	return nil
}

// PutLines writes lines of JSON, those of a manifest's results.
func (b *Outbox) PutLines(ctx context.Context, key string, lines []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &key,
		ContentType: aws.String("application/x-ndjson; charset=utf-8"), Body: bytes.NewReader(lines)})
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// PutLinesOver is PutLines over what has that ETag, or, when that is empty, over nothing:
// job.ErrConflict when something else stands there.
func (b *Outbox) PutLinesOver(ctx context.Context, key string, lines []byte, over string) (etag string, err error) {
	return b.putOver(ctx, "write results", over, &s3.PutObjectInput{Key: &key,
		ContentType: aws.String("application/x-ndjson; charset=utf-8"), Body: bytes.NewReader(lines)})
}

// ETag is that of an object, or job.ErrNotFound.
func (b *Outbox) ETag(ctx context.Context, key string) (string, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return "", say("look for results", err)
	}
	return aws.ToString(out.ETag), nil
}

// maxLines bounds what is read of lines that were written before, in bytes: above the
// results of ten thousand rows with the longest names.
const maxLines = 64 << 20

// Lines reads what PutLines wrote.
func (b *Outbox) Lines(ctx context.Context, key string) ([]byte, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: &key})
	if err != nil {
		return nil, say("read results", err)
	}
	defer out.Body.Close()
	lines, err := io.ReadAll(io.LimitReader(out.Body, maxLines))
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return lines, nil
}

// RemoveRecord deletes a record that no longer holds. One that is gone already is
// no error.
func (b *Outbox) RemoveRecord(ctx context.Context, key string) error {
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key}); err != nil {
		return fmt.Errorf("remove a record: %w", err)
	}
	return nil
}
