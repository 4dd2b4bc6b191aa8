package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rclone/gofakes3"

	"emodrop/local/aws/sigv4"
	"emodrop/local/aws/wire"
)

// serve checks a request, makes it plain, and hands it to gofakes3.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Region != "" {
		w.Header().Set("x-amz-bucket-region", s.cfg.Region)
	}
	payloadHash := payloadHashOf(r)
	verified, err := sigv4.Verify(r, s.cfg.Keys, s.cfg.Region, payloadHash)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	bucketName, key := splitPath(r.URL.Path)
	if !utf8.ValidString(r.URL.Path) {
		wire.S3.WriteError(w, r, http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
		return
	}
	x := &exchange{conditions: r.Header.Clone(), reason: reasonPut}
	if r.Method == http.MethodPost && key == "" {
		x.reason = reasonPost
	}
	body, length, err := newBody(x, r, verified, payloadHash)
	if err != nil {
		s.writeError(w, r, x, err)
		return
	}
	inner := r.Clone(context.WithValue(r.Context(), exchangeKey{}, x))
	inner.Body = body
	if err := plainRequest(inner, length); err != nil {
		s.writeError(w, r, x, err)
		return
	}
	out := &response{ResponseWriter: w, x: x}
	if r.Method == http.MethodGet && key == "" && r.URL.Query().Has("location") && s.HasBucket(bucketName) {
		s.writeLocation(out)
		return
	}
	s.gofakes.ServeHTTP(out, inner)
	if !out.wrote { // an answer without a body: HEAD, PUT
		out.WriteHeader(http.StatusOK)
	}
}

// payloadHashOf returns what stands in the canonical request for the body.
func payloadHashOf(r *http.Request) string {
	if h := r.Header.Get("X-Amz-Content-Sha256"); h != "" {
		return h
	}
	if h := r.URL.Query().Get("X-Amz-Content-Sha256"); h != "" {
		return h
	}
	return unsignedPayload
}

func splitPath(path string) (bucketName, key string) {
	bucketName, key, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	return bucketName, key
}

// plainRequest rewrites what gofakes3 need not or cannot handle itself: the
// body's framing and checksums, multipart ETags, encoded copy sources.
func plainRequest(r *http.Request, length int64) error {
	h := r.Header
	for name := range h {
		if suffix, ok := strings.CutPrefix(name, checksumPrefix); ok && suffix != "Mode" {
			h.Del(name)
		}
	}
	h.Del("X-Amz-Sdk-Checksum-Algorithm")
	h.Del("X-Amz-Trailer")
	h.Del("X-Amz-Decoded-Content-Length")
	h.Set("X-Amz-Content-Sha256", unsignedPayload)
	h.Set("Content-Length", strconv.FormatInt(length, 10))
	r.ContentLength, r.TransferEncoding = length, nil
	for _, name := range []string{
		"If-Match", "If-None-Match", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match",
	} {
		if v := h.Get(name); v != "" {
			h.Set(name, toInner(v))
		}
	}
	source := h.Get("X-Amz-Copy-Source")
	if source == "" {
		return nil
	}
	normal, err := normalCopySource(source)
	if err != nil {
		return err
	}
	h.Set("X-Amz-Copy-Source", normal)
	return nil
}

// normalCopySource decodes a copy source, in which even the slash between bucket
// and key may be encoded, and writes it in the one form that gofakes3 reads. A
// plus sign means a space, as on S3 (ASSUMED; its documentation only says that the
// value must be URL-encoded).
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
func normalCopySource(source string) (string, error) {
	invalid := gofakes3.ErrorInvalidArgument("x-amz-copy-source", source,
		"Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	path, version, versioned := strings.Cut(source, "?versionId=")
	if versioned && version != "null" {
		return "", gofakes3.ErrorMessage(gofakes3.ErrNoSuchVersion, "The buckets of this server are not versioned")
	}
	plain, err := url.QueryUnescape(path)
	if err != nil || !utf8.ValidString(plain) {
		return "", invalid
	}
	bucketName, key, ok := strings.Cut(strings.TrimPrefix(plain, "/"), "/")
	if !ok || bucketName == "" || key == "" {
		return "", invalid
	}
	return bucketName + "/" + url.QueryEscape(key), nil
}

func (s *Server) writeLocation(w http.ResponseWriter) {
	region := s.cfg.Region
	if region == "us-east-1" {
		region = "" // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</LocationConstraint>`, region)
}

// writeError answers with an error from before gofakes3 saw the request.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, x *exchange, err error) {
	var known gofakes3.Error
	if !errors.As(err, &known) {
		s.cfg.Log.Error("s3", "err", err)
		wire.S3.WriteError(w, r, http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again.")
		return
	}
	status := known.ErrorCode().Status()
	if x.status != 0 {
		status = x.status
	}
	_, message, _ := strings.Cut(known.Error(), ": ")
	wire.S3.WriteError(w, r, status, string(known.ErrorCode()), message)
}

// refuse answers in S3's words for what is wrong with a signature.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var no *sigv4.Refusal
	if !errors.As(err, &no) {
		no = &sigv4.Refusal{Reason: sigv4.Missing}
	}
	malformed := "AuthorizationHeaderMalformed"
	if r.Header.Get("Authorization") == "" {
		malformed = "AuthorizationQueryParametersError"
	}
	status, code, extra := http.StatusForbidden, "AccessDenied", []wire.Field(nil)
	message := no.Text
	switch no.Reason {
	case sigv4.Missing:
		message = "Access Denied"
	case sigv4.Malformed:
		status, code = http.StatusBadRequest, malformed
	case sigv4.WrongRegion:
		status, code = http.StatusBadRequest, malformed
		extra = []wire.Field{{Name: "Region", Value: s.cfg.Region}}
	case sigv4.UnknownKey:
		code, message = "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."
	case sigv4.BadToken:
		status, code = http.StatusBadRequest, "InvalidToken"
	case sigv4.ExpiredToken:
		status, code = http.StatusBadRequest, "ExpiredToken"
	case sigv4.Skewed:
		code = "RequestTimeTooSkewed"
		extra = []wire.Field{{Name: "ServerTime", Value: time.Now().UTC().Format(time.RFC3339)}}
	case sigv4.ExpiredURL:
		extra = []wire.Field{
			{Name: "Expires", Value: no.ExpiredAt.UTC().Format(time.RFC3339)},
			{Name: "ServerTime", Value: time.Now().UTC().Format(time.RFC3339)},
		}
	case sigv4.Mismatch:
		code = "SignatureDoesNotMatch"
	}
	wire.S3.WriteError(w, r, status, code, message, extra...)
}

// response corrects what gofakes3 cannot say: multipart ETags, the status of
// error codes it does not know, the checksum of the stored body.
type response struct {
	http.ResponseWriter
	x     *exchange
	wrote bool
}

func (w *response) WriteHeader(status int) {
	if !w.wrote {
		w.wrote = true
		if tag := w.Header().Get("ETag"); tag != "" {
			w.Header().Set("ETag", toOuter(tag))
		}
		if w.x.checksumHeader != "" && status < 300 {
			w.Header().Set(w.x.checksumHeader, w.x.checksum)
		}
		if status == http.StatusInternalServerError && w.x.status != 0 {
			status = w.x.status
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// ReadFrom lets the connection send a file without copying it through us.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return io.Copy(w.ResponseWriter, src)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
