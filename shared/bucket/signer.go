package bucket

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// roleLife is how long the signer's credentials live; minLife what is left of
// them at least when something is signed.
const (
	roleLife = time.Hour
	minLife  = 40 * time.Minute
)

// RoleSigner signs with the credentials of a role that may read staged copies and
// nothing else. A Lambda's own credentials do not say when they end, and links die
// with the credentials that signed them. Safe for concurrent use.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
type RoleSigner struct {
	client *sts.Client
	role   string

	// turn is held while the fields below are used, a call included: whoever waits for
	// that of another gives up when its own time is over.
	turn  chan struct{}
	creds aws.CredentialsProvider
	end   time.Time
}

// NewRoleSigner returns a signer for that role.
func NewRoleSigner(client *sts.Client, roleARN string) *RoleSigner {
	return &RoleSigner{client: client, role: roleARN, turn: make(chan struct{}, 1)}
}

// Credentials are the role's, with at least 40 minutes left.
func (s *RoleSigner) Credentials(ctx context.Context) (aws.CredentialsProvider, time.Time, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, time.Time{}, fmt.Errorf("assume the signer role: %w", ctx.Err())
	}
	if time.Until(s.end) >= minLife {
		return s.creds, s.end, nil
	}
	out, err := s.client.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &s.role, RoleSessionName: aws.String("emodrop-sign"),
		DurationSeconds: aws.Int32(int32(roleLife / time.Second)),
	})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("assume the signer role: %w", err)
	}
	c := out.Credentials
	if c == nil {
		return nil, time.Time{}, errors.New("assume the signer role: no credentials in the answer")
	}
	s.creds = credentials.NewStaticCredentialsProvider(aws.ToString(c.AccessKeyId), aws.ToString(c.SecretAccessKey), aws.ToString(c.SessionToken))
	s.end = aws.ToTime(c.Expiration)
	return s.creds, s.end, nil
}
