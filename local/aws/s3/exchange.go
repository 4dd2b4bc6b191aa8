package s3

import (
	"context"
	"net/http"
	"regexp"
	"strconv"

	"github.com/rclone/gofakes3"
)

// Reasons of an Event.
const (
	reasonPut       = "PutObject"
	reasonPost      = "POST Object"
	reasonCopy      = "CopyObject"
	reasonMultipart = "CompleteMultipartUpload"
)

// exchange is what our layer around gofakes3 and the backend below it tell each
// other about one request. Used by that request's goroutine only.
type exchange struct {
	// conditions are the headers as the client sent them; gofakes3 sees
	// If-Match and its kin rewritten (see gofakesETag).
	conditions http.Header
	// checksumHeader and checksum are the verified checksum of the body, set once the
	// body was read; empty if the client sent none.
	checksumHeader, checksum string
	// reason is for the Event.
	reason string
	// status replaces the 500 that gofakes3 gives to error codes it does not know.
	status int
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{reason: reasonPut}
}

// fail makes an S3 error with a code that gofakes3 does not know.
func (x *exchange) fail(status int, code, message string) error {
	x.status = status
	return gofakes3.ErrorMessage(gofakes3.ErrorCode(code), message)
}

// checkWrite is the condition on the object that a write replaces.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (x *exchange) checkWrite(current *object) error {
	if want := x.conditions.Get("If-Match"); want != "" {
		if current == nil {
			return gofakes3.ErrNoSuchKey
		}
		if !current.ETag.matches(want) {
			return preconditionFailed()
		}
	}
	if unwanted := x.conditions.Get("If-None-Match"); unwanted != "" && current != nil && current.ETag.matches(unwanted) {
		return preconditionFailed()
	}
	return nil
}

func preconditionFailed() error {
	return gofakes3.ErrorMessage(gofakes3.ErrPreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

// gofakes3 prints an object's hash as its ETag and compares conditions with
// that, which leaves no room for the "-N" of a multipart upload. So N travels
// as eight more hex digits on the inside and is translated at the edge.
var (
	outerETag = regexp.MustCompile(`\b([0-9a-f]{32})-(\d{1,5})\b`)
	innerETag = regexp.MustCompile(`^"([0-9a-f]{32})([0-9a-f]{8})"$`)
)

func toInner(value string) string {
	return outerETag.ReplaceAllStringFunc(value, func(tag string) string {
		m := outerETag.FindStringSubmatch(tag)
		n, _ := strconv.Atoi(m[2]) // at most five digits
		return m[1] + strconv.FormatInt(int64(n)|1<<32, 16)[1:]
	})
}

func toOuter(value string) string {
	m := innerETag.FindStringSubmatch(value)
	if m == nil {
		return value
	}
	n, err := strconv.ParseUint(m[2], 16, 32)
	if err != nil {
		return value
	}
	return `"` + m[1] + "-" + strconv.FormatUint(n, 10) + `"`
}
