package sigv4

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Reason says why a request was refused; each service has its own words for it.
type Reason int

// The reasons of a refusal.
const (
	// Missing: the request carries no signature.
	Missing Reason = iota + 1
	// Malformed: the signature's parts cannot be read, or one is missing.
	Malformed
	// UnknownKey: nobody gave out the access key id.
	UnknownKey
	// BadToken: the session token does not belong to the key.
	BadToken
	// ExpiredToken: the temporary credentials have ended.
	ExpiredToken
	// Skewed: the request's time is more than 15 minutes from ours.
	Skewed
	// ExpiredURL: a presigned URL's time is over.
	ExpiredURL
	// NotYetValid: a presigned URL's time has not begun.
	NotYetValid
	// WrongRegion: the credential scope names another region.
	WrongRegion
	// UnsignedHeader: an x-amz- header is not part of the signature (S3 only).
	UnsignedHeader
	// Mismatch: the signature is not the one that the key makes.
	Mismatch
)

// Refusal is the error of every request that Verify does not accept. Its text
// holds nothing secret.
type Refusal struct {
	Reason Reason
	Text   string
	// ExpiredAt is when a presigned URL ended; zero for other reasons.
	ExpiredAt time.Time
}

func (r *Refusal) Error() string { return r.Text }

func refuse(reason Reason, text string) *Refusal { return &Refusal{Reason: reason, Text: text} }

// Verified is an accepted request's signature.
type Verified struct {
	Key       Key
	Presigned bool

	parsed     parsed
	signingKey []byte
}

// Verify checks the signature of r over payloadHash: the hex SHA-256 of the
// body, or what the client signed in its place (UNSIGNED-PAYLOAD and such). An
// empty region accepts every region. Errors are *Refusal. The body is not read.
func Verify(r *http.Request, keys KeySet, region, payloadHash string) (*Verified, error) {
	p, err := parse(r)
	if err != nil {
		return nil, err
	}
	key, err := keys.Lookup(p.accessKeyID, p.token)
	switch {
	case errors.Is(err, ErrExpiredToken):
		return nil, refuse(ExpiredToken, "The provided token has expired.")
	case errors.Is(err, ErrInvalidToken):
		return nil, refuse(BadToken, "The provided token is malformed or otherwise invalid.")
	case err != nil:
		return nil, refuse(UnknownKey, "The access key id provided is not known here.")
	}
	if region != "" && p.region != region {
		return nil, refuse(WrongRegion, "the region '"+p.region+"' is wrong; expecting '"+region+"'")
	}
	if err := p.checkTime(time.Now()); err != nil {
		return nil, err
	}
	if p.service == "s3" {
		if name := unsignedHeader(r, p); name != "" {
			return nil, refuse(UnsignedHeader, "There were headers present in the request which were not signed: "+name)
		}
	}
	signing := signingKey(key.SecretAccessKey, p)
	text := strings.Join([]string{
		algorithm, p.signedAt.Format(timeFormat), p.scope(), hexHash(canonicalRequest(r, p, payloadHash)),
	}, "\n")
	if !sameSignature(hex.EncodeToString(mac(signing, text)), p.signature) {
		return nil, refuse(Mismatch, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS secret access key and signing method.")
	}
	return &Verified{Key: key, Presigned: p.presigned, parsed: p, signingKey: signing}, nil
}

func (p parsed) checkTime(now time.Time) error {
	if !p.presigned {
		if skew := now.Sub(p.signedAt); skew > maxClockSkew || skew < -maxClockSkew {
			return refuse(Skewed, "The difference between the request time and the current time is too large.")
		}
		return nil
	}
	if p.signedAt.Sub(now) > maxClockSkew {
		return refuse(NotYetValid, "Request is not valid yet")
	}
	if end := p.signedAt.Add(p.expires); now.After(end) {
		return &Refusal{Reason: ExpiredURL, Text: "Request has expired", ExpiredAt: end}
	}
	return nil
}

func unsignedHeader(r *http.Request, p parsed) string {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(p.signedHeaders, lower) {
			return lower
		}
	}
	return ""
}

func sameSignature(want, got string) bool {
	return subtle.ConstantTimeCompare([]byte(want), []byte(got)) == 1
}

// Chunks returns the checker of the chunk signatures of this request's body.
func (v *Verified) Chunks() *Chunks {
	return &Chunks{verified: v, previous: v.parsed.signature}
}

// Chunks follows the chain of signatures of a streamed body. Not for concurrent use.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type Chunks struct {
	verified *Verified
	previous string
}

// Check reports whether signature is that of the next chunk, whose hex SHA-256 is hash.
func (c *Chunks) Check(hash, signature string) bool {
	return c.next(algorithm+"-PAYLOAD", EmptyPayload+"\n"+hash, signature)
}

// CheckTrailer reports whether signature is that of the trailing headers, given
// as "name:value\n" lines.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func (c *Chunks) CheckTrailer(lines, signature string) bool {
	return c.next(algorithm+"-TRAILER", hexHash(lines), signature)
}

func (c *Chunks) next(kind, rest, signature string) bool {
	p := c.verified.parsed
	text := strings.Join([]string{kind, p.signedAt.Format(timeFormat), p.scope(), c.previous, rest}, "\n")
	want := hex.EncodeToString(mac(c.verified.signingKey, text))
	if !sameSignature(want, signature) {
		return false
	}
	c.previous = want
	return true
}
