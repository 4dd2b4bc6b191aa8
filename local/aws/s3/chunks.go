package s3

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"emodrop/local/aws/sigv4"
)

// Bounds of the framing, not of the bytes in it.
const (
	maxChunkLine    = 4 << 10
	maxTrailerLines = 16
)

// chunkReader takes the framing off an aws-chunked body and checks the chunk
// signatures when there are any.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
type chunkReader struct {
	x          *exchange
	in         *bufio.Reader
	signatures *sigv4.Chunks
	trailer    http.Header

	left      int64 // bytes left in this chunk
	last      bool  // the chunk of length zero was seen
	signature string
	sum       hash.Hash
}

func newChunkReader(in io.Reader, x *exchange) *chunkReader {
	return &chunkReader{x: x, in: bufio.NewReaderSize(in, maxChunkLine), sum: sha256.New(), trailer: http.Header{}}
}

// Read gives the plain bytes. It returns io.EOF after the chunk of length zero.
func (c *chunkReader) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.last {
			return 0, io.EOF
		}
		if err := c.nextChunk(); err != nil {
			return 0, err
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.sum.Write(p[:n])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil && c.left == 0 {
		err = c.endChunk()
	}
	return n, err
}

// nextChunk reads "<hex size>[;chunk-signature=<hex>]\r\n".
func (c *chunkReader) nextChunk() error {
	line, err := c.line()
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 62)
	if err != nil {
		return c.malformed()
	}
	c.signature = strings.TrimPrefix(extension, "chunk-signature=")
	c.left, c.last = int64(n), n == 0
	c.sum.Reset()
	if c.last {
		return c.checkSignature()
	}
	return nil
}

func (c *chunkReader) endChunk() error {
	if line, err := c.line(); err != nil {
		return err
	} else if line != "" {
		return c.malformed()
	}
	return c.checkSignature()
}

func (c *chunkReader) checkSignature() error {
	if c.signatures == nil || c.signatures.Check(hex.EncodeToString(c.sum.Sum(nil)), c.signature) {
		return nil
	}
	return c.mismatch()
}

// finish reads what follows the last byte: the chunk of length zero and the
// trailing headers. It fails if more bytes come instead.
func (c *chunkReader) finish() error {
	if c.left > 0 {
		return c.malformed()
	}
	if !c.last {
		if err := c.nextChunk(); err != nil {
			return err
		}
		if !c.last {
			return c.malformed()
		}
	}
	return c.readTrailer()
}

func (c *chunkReader) readTrailer() error {
	var signed bytes.Buffer
	for range maxTrailerLines {
		line, err := c.line()
		if errors.Is(err, io.ErrUnexpectedEOF) && line == "" {
			return c.endTrailer(signed.String()) // some clients leave out the empty line at the end
		}
		if err != nil {
			return err
		}
		if line == "" {
			// The empty line may stand between the headers and their signature.
			if c.signatures != nil && signed.Len() > 0 && c.trailer.Get("X-Amz-Trailer-Signature") == "" {
				continue
			}
			return c.endTrailer(signed.String())
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return c.malformed()
		}
		value = strings.TrimSpace(value)
		c.trailer.Set(textproto.TrimString(name), value)
		if !strings.EqualFold(name, "x-amz-trailer-signature") {
			signed.WriteString(strings.ToLower(name) + ":" + value + "\n")
		}
	}
	return c.malformed()
}

func (c *chunkReader) endTrailer(signed string) error {
	if c.signatures == nil || signed == "" {
		return nil
	}
	if c.signatures.CheckTrailer(signed, c.trailer.Get("X-Amz-Trailer-Signature")) {
		return nil
	}
	return c.mismatch()
}

// line returns the next line without its end.
func (c *chunkReader) line() (string, error) {
	text, err := c.in.ReadSlice('\n')
	if err == io.EOF {
		return strings.TrimRight(string(text), "\r\n"), io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", c.malformed()
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (c *chunkReader) malformed() error {
	return c.x.fail(http.StatusBadRequest, "InvalidChunkSizeError", "The aws-chunked body is malformed")
}

func (c *chunkReader) mismatch() error {
	return c.x.fail(http.StatusForbidden, "SignatureDoesNotMatch",
		"The chunk signature we calculated does not match the signature you provided.")
}

func parseLength(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 62)
	return int64(n), err
}
