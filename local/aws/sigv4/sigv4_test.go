package sigv4

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/require"
)

const docID, docSecret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

func at(t *testing.T, when string) {
	t.Helper()
	moment, err := time.Parse(timeFormat, when)
	require.NoError(t, err)
	time.Sleep(time.Until(moment)) // a bubble begins in 2000
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func TestThePresignedExampleOfTheDocumentationIsAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at(t, "20130524T000000Z")
		const address = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
			"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z" +
			"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
			"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
		req, err := http.NewRequest(http.MethodGet, address, nil)
		require.NoError(t, err)
		v, err := Verify(req, Static(docID, docSecret), "us-east-1", "UNSIGNED-PAYLOAD")
		require.NoError(t, err)
		require.True(t, v.Presigned)
		require.Equal(t, docID, v.Key.AccessKeyID)
	})
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestTheHeaderExampleOfTheDocumentationIsAccepted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at(t, "20130524T000000Z")
		req, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
		require.NoError(t, err)
		for name, value := range map[string]string{
			"Range": "bytes=0-9", "X-Amz-Content-Sha256": EmptyPayload, "X-Amz-Date": "20130524T000000Z",
			"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
				"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date," +
				"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		} {
			req.Header.Set(name, value)
		}
		_, err = Verify(req, Static(docID, docSecret), "us-east-1", EmptyPayload)
		require.NoError(t, err)

		_, err = Verify(req, Static(docID, "another secret"), "us-east-1", EmptyPayload)
		requireReason(t, Mismatch, err)
		_, err = Verify(req, Static("another id", docSecret), "us-east-1", EmptyPayload)
		requireReason(t, UnknownKey, err)
		_, err = Verify(req, Static(docID, docSecret), "eu-west-1", EmptyPayload)
		requireReason(t, WrongRegion, err)
		req.Header.Set("Range", "bytes=0-99")
		_, err = Verify(req, Static(docID, docSecret), "us-east-1", EmptyPayload)
		requireReason(t, Mismatch, err)
	})
}

func requireReason(t *testing.T, want Reason, err error) {
	t.Helper()
	var no *Refusal
	require.ErrorAs(t, err, &no)
	require.Equal(t, want, no.Reason, no.Text)
}

// Whatever the SDK signs is accepted, and only with its own secret.
func FuzzWhatTheSDKSignsIsAccepted(f *testing.F) {
	f.Add("/bucket/key", "a=b&c=d", "value", "s3")
	f.Add("/bucket/a b+c%2Fü//../x/", "list-type=2&prefix=a%20b%2B&x", " two  spaces ", "s3")
	f.Add("/2015-03-31/functions/arn%3Aaws%3Alambda/invocations", "", "nbsp\u00a0 x", "lambda")
	f.Add("/", "Action=Publish&z=1&z=0&a-b=1&a=2", "\ttab", "sns")
	f.Fuzz(func(t *testing.T, path, query, header, service string) {
		if service == "" || strings.ContainsAny(service, "/,=; ") || !strings.HasPrefix(path, "/") {
			return
		}
		for _, c := range []byte(header + service) {
			if c < ' ' && c != '\t' || c == 0x7f {
				return
			}
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for name := range values {
			if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
				return
			}
		}
		// The S3 client writes the path in the canonical encoding; the signer alone does not.
		u := &url.URL{Scheme: "http", Host: "127.0.0.1:4566", Path: path, RawPath: escape(path, true), RawQuery: values.Encode()}
		req, err := http.NewRequest(http.MethodGet, u.String(), nil)
		if err != nil || req.URL.Path != path {
			return
		}
		req.Header.Set("X-Amz-Meta-Note", header)
		req.Header.Set("X-Amz-Content-Sha256", EmptyPayload)
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
		cred := aws.Credentials{AccessKeyID: docID, SecretAccessKey: docSecret}
		require.NoError(t, signer.SignHTTP(t.Context(), cred, req, EmptyPayload, service, "eu-central-1", time.Now()))
		name, signed := Service(req)
		require.True(t, signed)
		require.Equal(t, service, name)
		_, err = Verify(req, Static(docID, docSecret), "", EmptyPayload)
		require.NoError(t, err)
		_, err = Verify(req, Static(docID, docSecret+"x"), "", EmptyPayload)
		requireReason(t, Mismatch, err)
	})
}

// No Authorization header or query makes the parser fail in another way than a refusal.
func FuzzAStrangeSignatureIsRefused(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20260101/r/s3/aws4_request, SignedHeaders=host, Signature=00", "")
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c", "")
	f.Add("", "X-Amz-Credential=a/20260101/r/s3/aws4_request&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260101T000000Z&X-Amz-Expires=1")
	f.Add("Bearer sk-1", "X-Amz-Credential=%zz")
	f.Fuzz(func(t *testing.T, header, query string) {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}}
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Amz-Date", "20260101T000000Z")
		_, _ = Service(r)
		_, err := Verify(r, Static(docID, docSecret), "", EmptyPayload)
		var no *Refusal
		require.ErrorAs(t, err, &no)
	})
}

func TestKeySetsAreAskedInTurn(t *testing.T) {
	t.Parallel()
	keys := Join(nil, Static("a", "1"), Static("b", "2"))
	key, err := keys.Lookup("b", "")
	require.NoError(t, err)
	require.Equal(t, "2", key.SecretAccessKey)
	_, err = keys.Lookup("c", "")
	require.ErrorIs(t, err, ErrUnknownKey)
	_, err = keys.Lookup("a", "token")
	require.ErrorIs(t, err, ErrInvalidToken)
}
