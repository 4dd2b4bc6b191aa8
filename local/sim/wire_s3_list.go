package sim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// list answers ListObjectsV2.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
func (objects) list(w http.ResponseWriter, b *Bucket, q url.Values) {
	most, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil || most < 1 {
		panic(fmt.Sprintf("max-keys is %q", q.Get("max-keys")))
	}
	type content struct {
		Key, ETag, LastModified string
		Size                    int
	}
	type folder struct{ Prefix string }
	out := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		EncodingType          string
		KeyCount              int
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
		CommonPrefixes        []folder
	}{EncodingType: "url"}
	prefix, delimiter := q.Get("prefix"), q.Get("delimiter")
	last := max(q.Get("start-after"), q.Get("continuation-token"))
	for _, key := range b.Keys(prefix) {
		entry, below := key, false
		if i := strings.Index(key[len(prefix):], delimiter); delimiter != "" && i >= 0 {
			entry, below = key[:len(prefix)+i+len(delimiter)], true
		}
		if entry <= last {
			continue // seen, or the same folder again
		}
		if out.KeyCount == most {
			out.IsTruncated, out.NextContinuationToken = true, last
			break
		}
		last = entry
		out.KeyCount++
		if below {
			out.CommonPrefixes = append(out.CommonPrefixes, folder{url.QueryEscape(entry)})
		} else if o, ok := b.Get(key); ok {
			out.Contents = append(out.Contents, content{url.QueryEscape(key), o.ETag, o.Modified.Format(time.RFC3339), len(o.Data)})
		}
	}
	writeXML(w, out)
}

// What stands in the place of a payload's hash.
const (
	unsigned  = "UNSIGNED-PAYLOAD"
	streaming = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// plainBody reads what a PUT carries and holds it to the hash and the checksum that it
// promises.
func plainBody(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	crc := r.Header.Get("X-Amz-Checksum-Crc32")
	switch hash := r.Header.Get("X-Amz-Content-Sha256"); hash {
	case unsigned:
	case streaming:
		if data, crc, err = unframed(data); err != nil {
			return nil, err
		}
		if r.Header.Get("X-Amz-Decoded-Content-Length") != strconv.Itoa(len(data)) {
			return nil, errors.New("IncompleteBody")
		}
	default:
		if sum := sha256.Sum256(data); hash != hex.EncodeToString(sum[:]) {
			return nil, errors.New("XAmzContentSHA256Mismatch")
		}
	}
	if crc != "" && crc != crcOf(data) {
		return nil, errors.New("BadDigest")
	}
	return data, nil
}

// unframed takes the framing off an aws-chunked body without signatures, whose checksum
// comes last.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unframed(body []byte) (data []byte, crc string, err error) {
	in := bufio.NewReader(bytes.NewReader(body))
	line := func() string {
		text, rerr := in.ReadString('\n')
		err = errors.Join(err, rerr)
		return strings.TrimRight(text, "\r\n")
	}
	for {
		n, perr := strconv.ParseUint(line(), 16, 31)
		if err != nil || perr != nil {
			return nil, "", errors.New("InvalidChunkSizeError")
		}
		if n == 0 {
			break
		}
		chunk := make([]byte, n)
		if _, rerr := io.ReadFull(in, chunk); rerr != nil || line() != "" {
			return nil, "", errors.New("IncompleteBody")
		}
		data = append(data, chunk...)
	}
	name, crc, _ := strings.Cut(line(), ":")
	if err != nil || !strings.EqualFold(name, "x-amz-checksum-crc32") || crc == "" {
		return nil, "", errors.New("MalformedTrailerError")
	}
	return data, crc, nil
}
