package sim

import (
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"emodrop/local/aws/sigv4"
	awswire "emodrop/local/aws/wire"
	"emodrop/shared/job"
)

// objects is S3 on the world's buckets: for what the adapters ask of it, and the links
// that the vendor fetches. Package local/aws/s3 is the whole one; it keeps objects in
// files, which is too slow here, and out of the judge's sight.
//
// What it does not know ends the test: an answer would only be one fault more.
type objects struct {
	buckets map[string]*Bucket
	keys    sigv4.KeySet
}

// Headers that change what a request means; every other x-amz- or conditional one is
// refused.
var s3Headers = map[string][]string{
	http.MethodHead:   {"If-Match", "X-Amz-Checksum-Mode"},
	http.MethodGet:    {"If-Match", "X-Amz-Checksum-Mode"},
	http.MethodDelete: {},
	http.MethodPut: {"If-Match", "If-None-Match", "X-Amz-Trailer", "X-Amz-Decoded-Content-Length", "X-Amz-Sdk-Checksum-Algorithm",
		"X-Amz-Checksum-Crc32", "X-Amz-Copy-Source", "X-Amz-Copy-Source-If-Match", "X-Amz-Metadata-Directive", "X-Amz-Tagging-Directive"},
}

// queries are those of listings; links carry their signature.
var s3Queries = []string{"list-type", "prefix", "delimiter", "start-after", "continuation-token", "max-keys", "encoding-type", "x-id",
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
	"X-Amz-Checksum-Mode"}

// unknown finds what of a request is not known here; empty when all is.
func unknown(r *http.Request) string {
	known, ok := s3Headers[r.Method]
	if !ok {
		return r.Method
	}
	for name := range r.Header {
		special := strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, metaHeader) || strings.HasPrefix(name, "If-") || name == "Range"
		if special && !slices.Contains(known, name) && name != "X-Amz-Date" && name != "X-Amz-Content-Sha256" && name != "X-Amz-Security-Token" {
			return name
		}
	}
	q := r.URL.Query()
	for name := range q {
		if !slices.Contains(s3Queries, name) {
			return name
		}
	}
	if q.Has("list-type") && (!q.Has("max-keys") || q.Get("encoding-type") != "url") {
		return "a listing without max-keys and URL encoding"
	}
	if none := r.Header.Get("If-None-Match"); none != "" && none != "*" {
		return "If-None-Match"
	}
	if r.Header.Get("X-Amz-Copy-Source") != "" && r.Header.Get("If-Match")+r.Header.Get("If-None-Match") != "" {
		return "a copy with a condition on what is there"
	}
	return ""
}

const metaHeader = "X-Amz-Meta-"

// ServeHTTP implements http.Handler.
func (s objects) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if what := unknown(r); what != "" {
		panic(fmt.Sprintf("S3 here does not know %s of %s %s", what, r.Method, r.URL.Path))
	}
	fail := func(status int, code string) { awswire.S3.WriteError(w, r, status, code, code) }
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = unsigned
	}
	by, err := sigv4.Verify(r, s.keys, region, hash)
	name, key := place(r)
	b := s.buckets[name]
	switch {
	case err != nil:
		fail(http.StatusForbidden, "AccessDenied")
	case b == nil:
		fail(http.StatusNotFound, "NoSuchBucket")
	case by.Key.ARN != "" && (r.Method != http.MethodGet || name != outboxName || !strings.HasPrefix(key, "staging/")):
		fail(http.StatusForbidden, "AccessDenied") // the signer's role has no other right
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		s.copy(w, r, b, key, fail)
	case r.Method == http.MethodPut:
		s.put(w, r, b, key, fail)
	case r.Method == http.MethodDelete:
		b.Delete(key)
		w.WriteHeader(http.StatusNoContent)
	case key == "" && r.URL.Query().Get("list-type") == "2":
		s.list(w, b, r.URL.Query())
	default:
		s.get(w, r, b, key, by, fail)
	}
}

// get answers GET and HEAD.
func (objects) get(w http.ResponseWriter, r *http.Request, b *Bucket, key string, by *sigv4.Verified, fail func(int, string)) {
	o, ok := b.Get(key)
	switch match := r.Header.Get("If-Match"); {
	case !ok && by.Key.ARN != "":
		fail(http.StatusForbidden, "AccessDenied") // whoever may not list a bucket is not told what is missing
		return
	case !ok:
		fail(http.StatusNotFound, "NoSuchKey")
		return
	case match != "" && match != o.ETag:
		fail(http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	h := w.Header()
	h.Set("ETag", o.ETag)
	h.Set("Last-Modified", o.Modified.Format(http.TimeFormat))
	h.Set("Content-Length", strconv.Itoa(len(o.Data)))
	h.Set("Content-Type", cmp.Or(o.ContentType, "binary/octet-stream"))
	if r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		h.Set("X-Amz-Checksum-Crc32", crcOf(o.Data))
	}
	for name, value := range o.Meta {
		h.Set(metaHeader+name, value)
	}
	if r.Method == http.MethodGet {
		_, _ = w.Write(o.Data) // the client has gone; nobody is left to tell
	}
}

func crcOf(data []byte) string {
	sum := crc32.ChecksumIEEE(data)
	return base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// put writes an object, under its condition.
func (objects) put(w http.ResponseWriter, r *http.Request, b *Bucket, key string, fail func(int, string)) {
	data, err := plainBody(r)
	if err != nil {
		fail(http.StatusBadRequest, err.Error())
		return
	}
	o := Object{Key: key, Data: data, ContentType: r.Header.Get("Content-Type"), Meta: metaOf(r)}
	match := r.Header.Get("If-Match")
	if r.Header.Get("If-None-Match") != "" {
		match = "-"
	}
	etag, err := b.Put(o, match)
	switch {
	case errors.Is(err, job.ErrConflict):
		fail(http.StatusPreconditionFailed, "PreconditionFailed")
	case err != nil:
		fail(http.StatusNotFound, "NoSuchKey")
	default:
		w.Header().Set("ETag", etag)
	}
}

func metaOf(r *http.Request) map[string]string {
	meta := map[string]string{}
	for name := range r.Header {
		if field, ok := strings.CutPrefix(name, metaHeader); ok {
			meta[strings.ToLower(field)] = r.Header.Get(name)
		}
	}
	return meta
}

// copy writes a copy of an object as it was seen.
func (s objects) copy(w http.ResponseWriter, r *http.Request, to *Bucket, key string, fail func(int, string)) {
	source, err := url.PathUnescape(r.Header.Get("X-Amz-Copy-Source"))
	name, from, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	b := s.buckets[name]
	if err != nil || b == nil {
		fail(http.StatusBadRequest, "InvalidRequest")
		return
	}
	o, ok := b.Get(from)
	switch match := r.Header.Get("X-Amz-Copy-Source-If-Match"); {
	case !ok:
		fail(http.StatusNotFound, "NoSuchKey")
		return
	case match != "" && match != o.ETag:
		fail(http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	o.Key = key
	switch r.Header.Get("X-Amz-Metadata-Directive") {
	case "", "COPY":
		o.Meta = maps.Clone(o.Meta)
	default:
		o.ContentType, o.Meta = r.Header.Get("Content-Type"), metaOf(r)
	}
	etag := o.ETag
	if there, ok := to.Get(key); !ok || !again(r) || there.ETag != o.ETag || !maps.Equal(there.Meta, o.Meta) {
		if etag, err = to.Put(o, ""); err != nil { // it has no condition
			panic(err)
		}
	}
	writeXML(w, struct {
		XMLName            xml.Name `xml:"CopyObjectResult"`
		ETag, LastModified string
	}{ETag: etag, LastModified: time.Now().UTC().Format(time.RFC3339)})
}

// again says whether the SDK tries a call again whose answer it did not get. A copy that
// is there already is then no second one.
func again(r *http.Request) bool {
	return !strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1;")
}

func writeXML(w http.ResponseWriter, v any) {
	body, err := xml.Marshal(v)
	if err != nil { // plain strings only
		panic(err)
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(append([]byte(xml.Header), body...)) // the client has gone; nobody is left to tell
}
