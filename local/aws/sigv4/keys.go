// Package sigv4 checks AWS Signature Version 4 on incoming requests, as the
// local stand-ins for AWS need it: header signatures, presigned query strings
// and the chain of chunk signatures of a streamed body.
//
// It does not sign, knows no service's error format and grants no permissions:
// whoever holds a key may do everything. Its one invariant: a request is
// accepted only when its signature was made with a key that the KeySet knows
// now, for this method, path, query and these signed headers.
//
// Reference: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
package sigv4

import (
	"context"
	"errors"
	"time"
)

// Key is one set of credentials.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken is empty for long-lived keys.
	SessionToken string
	// Expires is zero for keys that do not end.
	Expires time.Time
	// ARN names who the key belongs to; empty for the account's own key.
	ARN string
}

// Why a KeySet has no key. A KeySet returns these errors as they are.
var (
	// ErrUnknownKey means that nobody gave out this access key id.
	ErrUnknownKey = errors.New("access key id is not known")
	// ErrInvalidToken means that the session token does not belong to the key.
	ErrInvalidToken = errors.New("session token is not valid")
	// ErrExpiredToken means that the temporary credentials have ended.
	ErrExpiredToken = errors.New("session token has expired")
)

// KeySet finds the secret of a key. Implementations are safe for concurrent use.
type KeySet interface {
	// Lookup returns the key, or ErrUnknownKey, ErrInvalidToken or
	// ErrExpiredToken. The token is empty when the request carried none.
	Lookup(accessKeyID, sessionToken string) (Key, error)
}

type static Key

// Static is a KeySet of one long-lived key.
func Static(accessKeyID, secretAccessKey string) KeySet {
	return static{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}
}

func (s static) Lookup(accessKeyID, sessionToken string) (Key, error) {
	switch {
	case accessKeyID != s.AccessKeyID:
		return Key{}, ErrUnknownKey
	case sessionToken != "":
		return Key{}, ErrInvalidToken
	}
	return Key(s), nil
}

type joined []KeySet

// Join asks each set in turn until one knows the access key id. Nil sets are
// left out.
func Join(sets ...KeySet) KeySet {
	var j joined
	for _, s := range sets {
		if s != nil {
			j = append(j, s)
		}
	}
	return j
}

func (j joined) Lookup(accessKeyID, sessionToken string) (Key, error) {
	for _, s := range j {
		key, err := s.Lookup(accessKeyID, sessionToken)
		if !errors.Is(err, ErrUnknownKey) {
			return key, err
		}
	}
	return Key{}, ErrUnknownKey
}

type callerKey struct{}

// WithCaller returns a context that carries the verified key of a request.
func WithCaller(ctx context.Context, key Key) context.Context {
	return context.WithValue(ctx, callerKey{}, key)
}

// Caller returns the key that WithCaller stored; false when the request was not verified.
func Caller(ctx context.Context) (Key, bool) {
	key, ok := ctx.Value(callerKey{}).(Key)
	return key, ok
}
