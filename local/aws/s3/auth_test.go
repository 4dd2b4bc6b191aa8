package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/s3"
)

func presign(t *testing.T, cfg aws.Config, key string, life time.Duration) string {
	t.Helper()
	req, err := sdk.NewPresignClient(sdk.NewFromConfig(cfg)).PresignGetObject(t.Context(),
		&sdk.GetObjectInput{Bucket: aws.String(inbox), Key: &key}, sdk.WithPresignExpires(life))
	require.NoError(t, err)
	return req.URL
}

// fetch does a plain GET, as the vendor does with a presigned URL.
func fetch(t *testing.T, a *awstest.AWS, address string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	resp, err := a.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func TestAPresignedURLWorksUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := awstest.New(t, awstest.Buckets(inbox))
		put(t, client(a), "staging/ü +中.jpg", "picture")
		address := presign(t, a.Config(), "staging/ü +中.jpg", 10*time.Minute)
		time.Sleep(10 * time.Minute)
		status, body := fetch(t, a, address)
		require.Equal(t, http.StatusOK, status, body)
		require.Equal(t, "picture", body)

		time.Sleep(time.Second)
		status, body = fetch(t, a, address)
		require.Equal(t, http.StatusForbidden, status)
		require.Contains(t, body, "<Code>AccessDenied</Code>")
		require.Contains(t, body, "Request has expired")
	})
}

func TestAPresignedURLOfTemporaryCredentialsDiesWithThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := awstest.New(t, awstest.Buckets(inbox))
		put(t, client(a), "k", "picture")
		out, err := sts.NewFromConfig(a.Config()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::000000000000:role/signer"), RoleSessionName: aws.String("job-1"), DurationSeconds: aws.Int32(900),
		})
		require.NoError(t, err)
		cr := out.Credentials
		cfg := a.ConfigWith(*cr.AccessKeyId, *cr.SecretAccessKey, *cr.SessionToken)
		address := presign(t, cfg, "k", 12*time.Hour)
		status, body := fetch(t, a, address)
		require.Equal(t, http.StatusOK, status, body)

		time.Sleep(15*time.Minute - time.Second)
		status, _ = fetch(t, a, address)
		require.Equal(t, http.StatusOK, status)
		time.Sleep(time.Second)
		status, body = fetch(t, a, address)
		require.Equal(t, http.StatusBadRequest, status)
		require.Contains(t, body, "<Code>ExpiredToken</Code>")

		_, err = sdk.NewFromConfig(cfg).GetObject(t.Context(), &sdk.GetObjectInput{Bucket: aws.String(inbox), Key: aws.String("k")})
		requireCode(t, err, "ExpiredToken")
	})
}

func TestAnAlteredPresignedURLIsRefused(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	put(t, c, "a", "mine")
	put(t, c, "b", "not yours")
	address := presign(t, a.Config(), "a", time.Hour)
	alter := func(change func(*url.URL, url.Values)) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		q := u.Query()
		change(u, q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, tc := range map[string]struct {
		change func(*url.URL, url.Values)
		code   string
		status int
	}{
		"another key":        {func(u *url.URL, _ url.Values) { u.Path = "/" + inbox + "/b" }, "SignatureDoesNotMatch", 403},
		"a longer life":      {func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "7200") }, "SignatureDoesNotMatch", 403},
		"an endless life":    {func(_ *url.URL, q url.Values) { q.Set("X-Amz-Expires", "604801") }, "AuthorizationQueryParametersError", 400},
		"no life":            {func(_ *url.URL, q url.Values) { q.Del("X-Amz-Expires") }, "AuthorizationQueryParametersError", 400},
		"a parameter more":   {func(_ *url.URL, q url.Values) { q.Set("response-content-type", "text/html") }, "SignatureDoesNotMatch", 403},
		"no signature":       {func(_ *url.URL, q url.Values) { q.Del("X-Amz-Signature") }, "AuthorizationQueryParametersError", 400},
		"another key id":     {func(_ *url.URL, q url.Values) { swap(q, awstest.AccessKeyID, "AKIASOMEONEELSE") }, "InvalidAccessKeyId", 403},
		"another region":     {func(_ *url.URL, q url.Values) { swap(q, awstest.Region, "eu-west-9") }, "AuthorizationQueryParametersError", 400},
		"an invented token":  {func(_ *url.URL, q url.Values) { q.Set("X-Amz-Security-Token", "x") }, "InvalidToken", 400},
		"nothing of it left": {func(_ *url.URL, q url.Values) { clear(q) }, "AccessDenied", 403},
	} {
		status, body := fetch(t, a, alter(tc.change))
		require.Equal(t, tc.status, status, "%s: %s", name, body)
		require.Contains(t, body, "<Code>"+tc.code+"</Code>", name)
		require.NotContains(t, body, "yours", name)
	}
	status, body := fetch(t, a, address)
	require.Equal(t, http.StatusOK, status, body)
}

func swap(q url.Values, old, with string) {
	q.Set("X-Amz-Credential", strings.Replace(q.Get("X-Amz-Credential"), old, with, 1))
}

func TestAPresignedURLIsForItsMethodOnly(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	put(t, c, "a", "mine")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, presign(t, a.Config(), "a", time.Hour), nil)
	require.NoError(t, err)
	resp, err := a.Client().Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
	require.Equal(t, "mine", get(t, c, "a"))
}

func TestARequestFromAnotherTimeIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := awstest.New(t, awstest.Buckets(inbox))
		sign := func() *http.Request {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+awstest.Host+"/"+inbox, nil)
			require.NoError(t, err)
			req.Header.Set("X-Amz-Content-Sha256", emptyHash)
			key := aws.Credentials{AccessKeyID: awstest.AccessKeyID, SecretAccessKey: awstest.SecretAccessKey}
			require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), key, req, emptyHash, "s3", awstest.Region, time.Now()))
			return req
		}
		req := sign()
		time.Sleep(15 * time.Minute)
		resp, err := a.Client().Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		time.Sleep(time.Second)
		resp, err = a.Client().Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, resp.StatusCode)
		require.Contains(t, string(body), "RequestTimeTooSkewed")

		req = sign()
		req.Header.Set("X-Amz-Meta-Added", "later") // not part of the signature
		resp, err = a.Client().Do(req)
		require.NoError(t, err)
		require.Equal(t, http.StatusForbidden, resp.StatusCode)
	})
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// putRaw sends a signed PUT whose body need not be what was promised.
func putRaw(t *testing.T, a *awstest.AWS, key, promised, body string, headers map[string]string) (status int, text string) {
	t.Helper()
	req := signedPut(t, key, promised, strings.NewReader(body), headers)
	resp, err := a.Client().Do(req)
	require.NoError(t, err)
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(out)
}

func signedPut(t *testing.T, key, promised string, body *strings.Reader, headers map[string]string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+awstest.Host+"/"+inbox+"/"+key, body)
	require.NoError(t, err)
	req.Header.Set("X-Amz-Content-Sha256", promised)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	cred := aws.Credentials{AccessKeyID: awstest.AccessKeyID, SecretAccessKey: awstest.SecretAccessKey}
	require.NoError(t, v4.NewSigner(disableEscaping).SignHTTP(t.Context(), cred, req, promised, "s3", awstest.Region, time.Now()))
	return req
}

// meeting is a body that is not handed out before every other one of the
// meeting is asked for: all have passed the checks that come before the body.
type meeting struct {
	io.Reader
	once sync.Once
	all  *sync.WaitGroup
}

func (m *meeting) Read(p []byte) (int, error) {
	m.once.Do(m.all.Done)
	m.all.Wait()
	return m.Reader.Read(p)
}

func (m *meeting) Close() error { return nil }

func TestOfWritersThatMeetAtTheSameKeyOneWins(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	tag := put(t, c, "there", "first")
	for key, condition := range map[string]map[string]string{
		"absent": {"If-None-Match": "*"}, "there": {"If-Match": tag},
	} {
		const writers = 4
		var all, done sync.WaitGroup
		all.Add(writers)
		codes := make([]int, writers)
		for i := range codes {
			req := signedPut(t, key, "UNSIGNED-PAYLOAD", strings.NewReader("by me"), condition)
			req.Body = &meeting{Reader: strings.NewReader("by me"), all: &all}
			done.Go(func() {
				resp, err := a.Client().Do(req)
				if err == nil {
					codes[i] = resp.StatusCode
				}
			})
		}
		done.Wait()
		slices.Sort(codes)
		require.Equal(t, []int{200, 412, 412, 412}, codes, key)
	}
}

func disableEscaping(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }

func TestABodyThatIsNotWhatWasPromisedStoresNothing(t *testing.T) {
	t.Parallel()
	a, c := newS3(t)
	sum := sha256.Sum256([]byte("hello"))
	hash := hex.EncodeToString(sum[:])
	const streamed, crc = "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "NhCmhg==" // CRC-32 of "hello"
	trailer := func(n string) map[string]string {
		return map[string]string{
			"X-Amz-Trailer": "x-amz-checksum-crc32", "X-Amz-Decoded-Content-Length": n, "Content-Encoding": "aws-chunked",
		}
	}
	for name, tc := range map[string]struct {
		promised, body string
		headers        map[string]string
		code           string
	}{
		"right hash":          {hash, "hello", nil, ""},
		"wrong hash":          {hash, "hallo", nil, "XAmzContentSHA256Mismatch"},
		"empty, wrong hash":   {hash, "", nil, "XAmzContentSHA256Mismatch"},
		"right checksum":      {hash, "hello", map[string]string{"X-Amz-Checksum-Crc32": crc}, ""},
		"wrong checksum":      {"UNSIGNED-PAYLOAD", "hallo", map[string]string{"X-Amz-Checksum-Crc32": crc}, "BadDigest"},
		"wrong MD5":           {"UNSIGNED-PAYLOAD", "hallo", map[string]string{"Content-Md5": "XUFAKrxLKna5cZ2REBfFkg=="}, "BadDigest"},
		"unknown checksum":    {hash, "hello", map[string]string{"X-Amz-Checksum-Crc99": crc}, "InvalidRequest"},
		"right trailer":       {streamed, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n", trailer("5"), ""},
		"two chunks":          {streamed, "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n", trailer("5"), ""},
		"wrong trailer":       {streamed, "5\r\nhallo\r\n0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n", trailer("5"), "BadDigest"},
		"missing trailer":     {streamed, "5\r\nhello\r\n0\r\n\r\n", trailer("5"), "BadDigest"},
		"empty, bad trailer":  {streamed, "0\r\nx-amz-checksum-crc32:" + crc + "\r\n\r\n", trailer("0"), "BadDigest"},
		"cut in a chunk":      {streamed, "5\r\nhel", trailer("5"), "IncompleteBody"},
		"cut after the bytes": {streamed, "5\r\nhello\r\n", trailer("5"), "IncompleteBody"},
		"more than said":      {streamed, "6\r\nhello!\r\n0\r\n\r\n", trailer("5"), "InvalidChunkSizeError"},
		"less than said":      {streamed, "5\r\nhello\r\n0\r\n\r\n", trailer("9"), "IncompleteBody"},
		"no chunk at all":     {streamed, "hello", trailer("5"), "IncompleteBody"},
		"not hex":             {streamed, "zz\r\nhello\r\n", trailer("5"), "InvalidChunkSizeError"},
		"no decoded length":   {streamed, "0\r\n\r\n", map[string]string{"Content-Encoding": "aws-chunked"}, "MissingContentLength"},
	} {
		key := strings.ReplaceAll(name, " ", "-")
		status, text := putRaw(t, a, url.PathEscape(key), tc.promised, tc.body, tc.headers)
		if tc.code == "" {
			require.Equal(t, http.StatusOK, status, "%s: %s", name, text)
			require.Equal(t, "hello", get(t, c, key), name)
			continue
		}
		require.Contains(t, text, "<Code>"+tc.code+"</Code>", name)
		require.True(t, status >= 400 && status < 500, "%s: %d", name, status)
		_, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{Bucket: aws.String(inbox), Key: &key})
		requireCode(t, err, "NotFound")
	}
}

// docUpload is an upload of AWS's documentation, with its keys and its date: 66,560 letters in chunks of 64 KB.
type docUpload struct {
	seed, payload, signed string
	headers               map[string]string
	body                  string
}

const docTime = "20130524T000000Z"

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
func docChunks() docUpload {
	return docUpload{
		seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		signed: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
		body: "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
			"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
			"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func docTrailer() docUpload {
	return docUpload{
		seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		signed:  "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
		headers: map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32c"},
		body: "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" + strings.Repeat("a", 65536) + "\r\n" +
			"400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" + strings.Repeat("a", 1024) + "\r\n" +
			"0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
			"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
			"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
	}
}

func (u docUpload) send(t *testing.T, c *http.Client, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://s3.amazonaws.com/examplebucket/chunkObject.txt", strings.NewReader(body))
	require.NoError(t, err)
	req.ContentLength = int64(len(u.body)) // signed; a changed body keeps it
	for name, value := range map[string]string{
		"X-Amz-Date": docTime, "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked",
		"X-Amz-Content-Sha256": u.payload, "X-Amz-Decoded-Content-Length": "66560",
		"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=" + u.signed + ",Signature=" + u.seed,
	} {
		req.Header.Set(name, value)
	}
	for name, value := range u.headers {
		req.Header.Set(name, value)
	}
	resp, err := c.Do(req)
	require.NoError(t, err)
	out, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(out)
}

func TestSignedChunksAndTrailersAreCheckedOneByOne(t *testing.T) {
	t.Parallel()
	for name, u := range map[string]docUpload{"chunks": docChunks(), "trailer": docTrailer()} {
		synctest.Test(t, func(t *testing.T) {
			when, err := time.Parse("20060102T150405Z", docTime)
			require.NoError(t, err)
			srv, c := newChunkServer(t)
			time.Sleep(time.Until(when)) // a bubble begins in 2000
			status, text := u.send(t, c, u.body)
			require.Equal(t, http.StatusOK, status, "%s: %s", name, text)
			f, info, err := srv.Open(t.Context(), "examplebucket", "chunkObject.txt")
			require.NoError(t, err)
			stored, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.True(t, bytes.Equal(bytes.Repeat([]byte("a"), 66560), stored))
			require.NoError(t, srv.Delete(t.Context(), "examplebucket", info.Key))

			// One letter of the content, then one digit of each signature.
			changed := []string{strings.Replace(u.body, "\r\naaaa", "\r\nbaaa", 1)}
			for at := strings.Index(u.body, "signature"); at >= 0; {
				digit := at + strings.IndexAny(u.body[at:], "=:") + 1
				changed = append(changed, u.body[:digit]+"f"+u.body[digit+1:])
				next := strings.Index(u.body[digit:], "signature")
				if next < 0 {
					break
				}
				at = digit + next
			}
			require.GreaterOrEqual(t, len(changed), 4)
			for i, body := range changed {
				status, text = u.send(t, c, body)
				require.Equal(t, http.StatusForbidden, status, "%s, change %d: %s", name, i, text)
				require.Contains(t, text, "SignatureDoesNotMatch")
				_, _, err = srv.Open(t.Context(), "examplebucket", "chunkObject.txt")
				require.ErrorIs(t, err, s3.ErrNoSuchKey)
			}
		})
	}
}

// The path of production: one streamed PutObject over TLS, whose body cannot be
// rewound, with a checksum in the trailer.
func TestAStreamedUploadOverTLSCarriesItsChecksumInTheTrailer(t *testing.T) {
	t.Parallel()
	a, _ := newS3(t)
	seen := ""
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			seen = r.Header.Get("X-Amz-Content-Sha256")
		}
		a.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	cfg := a.Config()
	cfg.HTTPClient, cfg.BaseEndpoint = srv.Client(), &srv.URL
	c := sdk.NewFromConfig(cfg)
	content := strings.Repeat("film", 300_000)
	out, err := c.PutObject(t.Context(), &sdk.PutObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("film.mp4"), ContentLength: aws.Int64(int64(len(content))),
		Body: io.LimitReader(strings.NewReader(content), int64(len(content))), IfNoneMatch: aws.String("*"),
	})
	require.NoError(t, err)
	require.Equal(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", seen)
	require.NotEmpty(t, aws.ToString(out.ChecksumCRC32))
	require.Equal(t, content, get(t, c, "film.mp4"))
	head, err := c.HeadObject(t.Context(), &sdk.HeadObjectInput{
		Bucket: aws.String(inbox), Key: aws.String("film.mp4"), ChecksumMode: types.ChecksumModeEnabled,
	})
	require.NoError(t, err)
	require.Equal(t, out.ChecksumCRC32, head.ChecksumCRC32)
	require.Empty(t, aws.ToString(head.ContentEncoding), "the framing is not part of the object")
}
