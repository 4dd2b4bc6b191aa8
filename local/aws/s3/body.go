package s3

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"

	"github.com/rclone/gofakes3"

	"emodrop/local/aws/sigv4"
)

const (
	unsignedPayload         = "UNSIGNED-PAYLOAD"
	streamingUnsigned       = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streamingSigned         = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingSignedTrailing = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	checksumPrefix          = "X-Amz-Checksum-"
)

// newChecksum returns the hash of an x-amz-checksum-<name> header, nil if S3 has none of that name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func newChecksum(name string) hash.Hash {
	switch strings.ToLower(name) {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5))
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// checkedBody hands out a request's plain bytes and refuses the last of them
// unless everything that the client promised about them holds: length, payload
// hash, chunk signatures, checksum in a header or a trailer. So whoever read to
// the promised length knows that the body is good, without waiting for io.EOF.
type checkedBody struct {
	x      *exchange
	src    io.Reader
	chunks *chunkReader // set when the body is aws-chunked
	left   int64
	closer io.Closer
	done   bool
	err    error

	payload     hash.Hash // set when the client signed the payload's hash
	payloadHash string

	sum       hash.Hash // set when a checksum was promised
	sumHeader string
	want      string // base64; read from the trailer when empty
}

// newBody wraps r's body. The returned length is that of the plain bytes.
func newBody(x *exchange, r *http.Request, v *sigv4.Verified, payloadHash string) (*checkedBody, int64, error) {
	b := &checkedBody{x: x, src: r.Body, closer: r.Body, left: r.ContentLength}
	if r.Body == nil {
		b.src, b.closer, b.left = http.NoBody, http.NoBody, 0
	}
	switch payloadHash {
	case unsignedPayload:
	case streamingUnsigned, streamingSigned, streamingSignedTrailing:
		n, err := parseLength(r.Header.Get("X-Amz-Decoded-Content-Length"))
		if err != nil {
			return nil, 0, gofakes3.ErrMissingContentLength
		}
		b.left = n
		b.chunks = newChunkReader(b.src, x)
		if payloadHash != streamingUnsigned {
			b.chunks.signatures = v.Chunks()
		}
		b.src = b.chunks
	default:
		b.payload, b.payloadHash = sha256.New(), payloadHash
	}
	if b.left < 0 {
		return nil, 0, gofakes3.ErrMissingContentLength
	}
	if err := b.promise(r); err != nil {
		return nil, 0, err
	}
	if b.left == 0 {
		// Nobody need read an empty body, so what was promised about it is checked here.
		if b.finish(); b.err != nil {
			return nil, 0, b.err
		}
	}
	return b, b.left, nil
}

// promise notes the checksum that the client sends, if any.
func (b *checkedBody) promise(r *http.Request) error {
	if r.URL.Query().Has("uploadId") && r.Method == http.MethodPost {
		return nil // CompleteMultipartUpload: the header speaks of the object, not of this body
	}
	for name, values := range r.Header {
		algorithm, ok := strings.CutPrefix(name, checksumPrefix)
		if !ok || len(values) == 0 || algorithm == "Type" || algorithm == "Mode" || algorithm == "Algorithm" {
			continue
		}
		if b.sum != nil {
			return b.x.fail(http.StatusBadRequest, "InvalidRequest", "Expecting a single x-amz-checksum- header")
		}
		b.sum, b.sumHeader, b.want = newChecksum(algorithm), name, values[0]
		if b.sum == nil || b.want == "" {
			return b.x.fail(http.StatusBadRequest, "InvalidRequest", "Value for "+strings.ToLower(name)+" header is invalid.")
		}
	}
	trailer := http.CanonicalHeaderKey(strings.TrimSpace(r.Header.Get("X-Amz-Trailer")))
	if trailer == "" || b.chunks == nil {
		return nil
	}
	b.sum, b.sumHeader = newChecksum(strings.TrimPrefix(trailer, checksumPrefix)), trailer
	if b.sum == nil {
		return b.x.fail(http.StatusBadRequest, "InvalidRequest", "The value specified in the x-amz-trailer header is not supported")
	}
	return nil
}

func (b *checkedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.done {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.src.Read(p)
	b.left -= int64(n)
	if b.payload != nil {
		b.payload.Write(p[:n])
	}
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	switch {
	case b.left == 0:
		if b.finish(); b.err != nil {
			return 0, b.err
		}
		return n, io.EOF
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		b.err = incompleteBody()
		return 0, b.err
	case err != nil:
		b.err = err
	}
	return n, err
}

// finish checks everything once the last byte was read.
func (b *checkedBody) finish() {
	b.done = true
	if b.chunks != nil {
		if b.err = b.chunks.finish(); b.err == io.ErrUnexpectedEOF {
			b.err = incompleteBody()
		}
		if b.err != nil {
			return
		}
	}
	if b.payload != nil && hex.EncodeToString(b.payload.Sum(nil)) != b.payloadHash {
		b.err = b.x.fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch",
			"The provided 'x-amz-content-sha256' header does not match what was computed.")
		return
	}
	if b.sum == nil {
		return
	}
	if b.want == "" {
		b.want = b.chunks.trailer.Get(b.sumHeader)
	}
	got := base64.StdEncoding.EncodeToString(b.sum.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(got), []byte(b.want)) != 1 {
		b.err = gofakes3.ErrorMessagef(gofakes3.ErrBadDigest, "The %s you specified did not match the calculated checksum.",
			strings.ToUpper(strings.TrimPrefix(b.sumHeader, checksumPrefix)))
		return
	}
	b.x.checksumHeader, b.x.checksum = b.sumHeader, got
}

func incompleteBody() error {
	return gofakes3.ErrorMessage(gofakes3.ErrIncompleteBody,
		"You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// Close closes the connection's body.
func (b *checkedBody) Close() error { return b.closer.Close() }
