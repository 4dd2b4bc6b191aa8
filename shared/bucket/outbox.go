package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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

// PutFilm puts a verified film into its place, over what it saw there: never over
// something that came meanwhile, and another job's film, which was paid for, is
// copied to a key of its own first. It returns the object's ETag; a film of the same
// content that is there already is left as it is.
func (b *Outbox) PutFilm(ctx context.Context, j job.Job, f job.Film, file *os.File) (etag string, aside job.Aside, err error) {
	for range 5 {
		in := &s3.PutObjectInput{
			Bucket: &b.bucket, Key: &f.Key, ContentLength: &f.Size, ContentType: aws.String("video/mp4"),
			Metadata: map[string]string{metaJob: j.ID, metaAttempt: fmt.Sprint(j.Attempt), metaSHA256: f.SHA256},
		}
		head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: &f.Key})
		switch err = say("look for the film", err); {
		case err == nil && head.Metadata[metaSHA256] == f.SHA256 && head.Metadata[metaJob] == j.ID:
			return aws.ToString(head.ETag), aside, nil
		case err == nil:
			in.IfMatch = head.ETag
			if aside, err = b.putAside(ctx, j, f.Key, head); changed(err) {
				continue
			} else if err != nil {
				return "", aside, err
			}
		case errors.Is(err, job.ErrNotFound):
			in.IfNoneMatch = aws.String("*")
		default:
			return "", aside, err
		}
		if _, err := file.Seek(0, 0); err != nil {
			return "", aside, fmt.Errorf("store the film: %w", err)
		}
		in.Body = file
		out, err := b.client.PutObject(ctx, in)
		if err == nil {
			return aws.ToString(out.ETag), aside, nil
		}
		// Somebody put or took something there meanwhile: look again.
		if err = say("store the film", err); !changed(err) {
			return "", aside, err
		}
	}
	return "", aside, job.ErrConflict
}

func changed(err error) bool {
	return errors.Is(err, job.ErrConflict) || errors.Is(err, job.ErrNotFound)
}

// putAside copies another job's film from a key that is to be written over.
func (b *Outbox) putAside(ctx context.Context, j job.Job, key string, head *s3.HeadObjectOutput) (job.Aside, error) {
	other := head.Metadata[metaJob]
	if other == "" || other == j.ID {
		return job.Aside{}, nil
	}
	to := job.VideoKey(job.Job{ID: other, Name: j.Name}, false)
	_, err := b.client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: &b.bucket, Key: &to,
		CopySource: aws.String(copySource(b.bucket, key)), CopySourceIfMatch: head.ETag,
		TaggingDirective: types.TaggingDirectiveReplace})
	if err != nil {
		return job.Aside{}, say("put an older film aside", err)
	}
	return job.Aside{Job: other, Key: to}, nil
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

// RemoveRecord deletes a record that no longer holds. One that is gone already is
// no error.
func (b *Outbox) RemoveRecord(ctx context.Context, key string) error {
	if _, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: &key}); err != nil {
		return fmt.Errorf("remove a record: %w", err)
	}
	return nil
}
