package s3_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
)

func TestMultipartUploadsBecomeOneObjectWithAnETagOfParts(t *testing.T) {
	t.Parallel()
	a := awstest.New(t, awstest.Buckets(inbox))
	c := client(a)
	parts := [][]byte{bytes.Repeat([]byte("a"), 5<<20), []byte("end")}
	done := upload(t, c, "big", parts)
	require.Regexp(t, `^"[0-9a-f]{32}-2"$`, aws.ToString(done.ETag))
	require.Equal(t, string(bytes.Join(parts, nil)), get(t, c, "big"))

	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("big"), IfMatch: done.ETag})
	require.NoError(t, err)
	require.Equal(t, done.ETag, head.ETag)
	_, err = c.CopyObject(t.Context(), &sdk.CopyObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("copy"), CopySource: aws.String(inbox + "/big"), CopySourceIfMatch: done.ETag,
	})
	require.NoError(t, err)
	_, err = c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("big"), Body: strings.NewReader("x"), IfMatch: aws.String(`"00000000000000000000000000000000-2"`),
	})
	requireCode(t, err, "PreconditionFailed")
	list, err := c.ListObjectsV2(t.Context(), &sdk.ListObjectsV2Input{Bucket: aws.String(inbox), Prefix: aws.String("big")})
	require.NoError(t, err)
	require.Equal(t, done.ETag, list.Contents[0].ETag)
}

func upload(t *testing.T, c *sdk.Client, key string, parts [][]byte) *sdk.CompleteMultipartUploadOutput {
	t.Helper()
	out, err := tryUpload(t.Context(), c, key, parts)
	require.NoError(t, err)
	return out
}

func tryUpload(ctx context.Context, c *sdk.Client, key string, parts [][]byte) (*sdk.CompleteMultipartUploadOutput, error) {
	up, err := c.CreateMultipartUpload(ctx, &sdk.CreateMultipartUploadInput{Bucket: aws.String(inbox), Key: &key})
	if err != nil {
		return nil, err
	}
	var done []types.CompletedPart
	for i, part := range parts {
		n := aws.Int32(int32(i + 1))
		out, err := c.UploadPart(ctx, &sdk.UploadPartInput{
			Bucket: aws.String(inbox), Key: &key, UploadId: up.UploadId, PartNumber: n, Body: bytes.NewReader(part),
		})
		if err != nil {
			return nil, err
		}
		done = append(done, types.CompletedPart{PartNumber: n, ETag: out.ETag})
	}
	return c.CompleteMultipartUpload(ctx, &sdk.CompleteMultipartUploadInput{
		Bucket: aws.String(inbox), Key: &key, UploadId: up.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
	})
}

func TestMultipartUploadsWithSmallPartsAreRefused(t *testing.T) {
	t.Parallel()
	_, c := newS3(t)
	_, err := tryUpload(t.Context(), c, "small", [][]byte{[]byte("tiny"), []byte("end")})
	requireCode(t, err, "EntityTooSmall")
	_, err = c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: aws.String("small")})
	requireCode(t, err, "NotFound")
}
