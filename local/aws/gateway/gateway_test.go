package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"emodrop/local/aws/awstest"
	"emodrop/local/aws/gateway"
	"emodrop/local/aws/sigv4"
)

// answer is a service that says who called it with what.
func answer(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := sigv4.Caller(r.Context()); !ok {
			http.Error(w, "not verified", http.StatusTeapot)
			return
		}
		_, _ = io.WriteString(w, body)
	})
}

func newAWS(t *testing.T) *awstest.AWS {
	t.Helper()
	return awstest.New(t,
		awstest.Buckets("inbox"),
		awstest.Service("dynamodb", answer(`{"TableNames":["jobs"]}`)),
		awstest.Service("lambda", answer(`{}`)),
		awstest.Other(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "the page at "+r.URL.Path)
		})),
	)
}

// calls is one call to each service.
func calls(t *testing.T, cfg aws.Config) map[string]func() error {
	cfg.RetryMaxAttempts = 1
	ctx := t.Context()
	return map[string]func() error{
		"s3": func() error {
			_, err := s3.NewFromConfig(cfg).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("inbox")})
			return err
		},
		"dynamodb": func() error {
			_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
			return err
		},
		"lambda": func() error {
			_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{
				FunctionName: aws.String("arn:aws:lambda:eu-central-1:000000000000:function:poll"), Payload: []byte("{}"),
			})
			return err
		},
		"sns": func() error {
			_, err := sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{
				TopicArn: aws.String("arn:aws:sns:eu-central-1:000000000000:jobs"), Message: aws.String("hello"),
			})
			return err
		},
		"events": func() error {
			_, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries("{}")})
			return err
		},
		"secretsmanager": func() error {
			_, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("key")})
			return err
		},
		"sts": func() error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
	}
}

func TestOneAddressServesEveryService(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	a.Secrets.Set("key", "sk-1")
	for name, call := range calls(t, a.Config()) {
		require.NoError(t, call(), name)
	}
	require.Len(t, a.Ledger.Published(), 2)
}

func TestEveryServiceRefusesAWrongSecretAndAnUnknownKeyInItsOwnWords(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	a.Secrets.Set("key", "sk-1")
	type refusal struct {
		status int
		code   string
	}
	check := func(cfg aws.Config, want map[string]refusal) {
		for name, call := range calls(t, cfg) {
			var api smithy.APIError
			err := call()
			require.ErrorAs(t, err, &api, name)
			require.Equal(t, want[name].code, api.ErrorCode(), name)
			var response interface{ HTTPStatusCode() int }
			require.ErrorAs(t, err, &response, name)
			require.Equal(t, want[name].status, response.HTTPStatusCode(), name)
		}
	}
	check(a.ConfigWith(awstest.AccessKeyID, "wrong", ""), map[string]refusal{
		"s3": {403, "SignatureDoesNotMatch"}, "sns": {403, "SignatureDoesNotMatch"}, "sts": {403, "SignatureDoesNotMatch"},
		"dynamodb": {400, "InvalidSignatureException"}, "events": {400, "InvalidSignatureException"},
		"secretsmanager": {400, "InvalidSignatureException"}, "lambda": {403, "InvalidSignatureException"},
	})
	check(a.ConfigWith("AKIANOBODY", awstest.SecretAccessKey, ""), map[string]refusal{
		"s3": {403, "InvalidAccessKeyId"}, "sns": {403, "InvalidClientTokenId"}, "sts": {403, "InvalidClientTokenId"},
		"dynamodb": {400, "UnrecognizedClientException"}, "events": {400, "UnrecognizedClientException"},
		"secretsmanager": {400, "UnrecognizedClientException"}, "lambda": {403, "UnrecognizedClientException"},
	})
	other := a.Config()
	other.Region = "eu-west-9"
	check(other, map[string]refusal{
		"s3": {400, "AuthorizationHeaderMalformed"}, "sns": {403, "SignatureDoesNotMatch"}, "sts": {403, "SignatureDoesNotMatch"},
		"dynamodb": {400, "InvalidSignatureException"}, "events": {400, "InvalidSignatureException"},
		"secretsmanager": {400, "InvalidSignatureException"}, "lambda": {403, "InvalidSignatureException"},
	})
	require.Empty(t, a.Ledger.Published(), "a refused call does nothing")
}

func TestTemporaryCredentialsWorkEverywhereUntilTheyEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAWS(t)
		a.Secrets.Set("key", "sk-1")
		out, err := sts.NewFromConfig(a.Config()).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String("arn:aws:iam::000000000000:role/path/signer"), RoleSessionName: aws.String("s-1"),
			DurationSeconds: aws.Int32(900),
		})
		require.NoError(t, err)
		cr := out.Credentials
		require.True(t, strings.HasPrefix(*cr.AccessKeyId, "ASIA"))
		cfg := a.ConfigWith(*cr.AccessKeyId, *cr.SecretAccessKey, *cr.SessionToken)
		for name, call := range calls(t, cfg) {
			require.NoError(t, call(), name)
		}
		for name, call := range calls(t, a.ConfigWith(*cr.AccessKeyId, *cr.SecretAccessKey, "")) {
			require.Error(t, call(), "%s without the token", name)
		}
		require.WithinDuration(t, time.Now().Add(15*time.Minute), *cr.Expiration, time.Second)
		time.Sleep(15 * time.Minute)
		for name, call := range calls(t, cfg) {
			var api smithy.APIError
			require.ErrorAs(t, call(), &api, name)
			require.True(t, strings.HasPrefix(api.ErrorCode(), "ExpiredToken"), "%s: %s", name, api.ErrorCode())
		}
	})
}

func do(t *testing.T, a *awstest.AWS, method, path string, body io.Reader, headers map[string]string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+awstest.Host+path, body)
	require.NoError(t, err)
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := a.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

func TestAnUnsignedRequestIsThePagesUnlessItNamesABucket(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	for _, path := range []string{"/", "/api/v1/tasks", "/inboxes", "/2018-06-01/runtime/invocation/next", "/x/inbox"} {
		status, body := do(t, a, http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "the page at "+path, body)
	}
	status, body := do(t, a, http.MethodPost, "/api/v1/tasks", nil, map[string]string{"Authorization": "Bearer sk-vendor"})
	require.Equal(t, http.StatusOK, status, body)

	for _, path := range []string{"/inbox", "/inbox/", "/inbox/a/key", "//inbox/key"} {
		status, body := do(t, a, http.MethodGet, path, nil, nil)
		require.Equal(t, http.StatusForbidden, status, path)
		require.Contains(t, body, "<Code>AccessDenied</Code>")
	}
	// A bucket that a client makes does not take a path from the page.
	require.NoError(t, a.S3.CreateBucket("api"))
	_, body = do(t, a, http.MethodGet, "/api/v1/tasks", nil, nil)
	require.Equal(t, "the page at /api/v1/tasks", body)
}

func TestABrokenSignatureNeverReachesAService(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	for header, want := range map[string]int{
		"AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/sqs/aws4_request, SignedHeaders=host, Signature=0": http.StatusNotImplemented,
		"AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/sns/aws4_request":                                  http.StatusForbidden,
		"AWS4-HMAC-SHA256 nonsense": http.StatusForbidden,
	} {
		status, _ := do(t, a, http.MethodPost, "/", strings.NewReader("Action=Publish"), map[string]string{"Authorization": header})
		require.Equal(t, want, status, header)
	}
}

func TestABodyChangedOnTheWayIsRefused(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	cfg := a.Config()
	cfg.HTTPClient = &http.Client{Transport: tamper{awstest.Transport(a.Handler)}}
	for _, name := range []string{"sns", "events", "dynamodb", "secretsmanager", "sts"} {
		require.Error(t, calls(t, cfg)[name](), name)
	}
	require.Empty(t, a.Ledger.Published())
}

// tamper changes one byte of every body.
type tamper struct{ next http.RoundTripper }

func (x tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	body[len(body)-1] ^= 1
	r.Body = io.NopCloser(bytes.NewReader(body))
	return x.next.RoundTrip(r)
}

func TestAHugeRequestIsRefused(t *testing.T) {
	t.Parallel()
	a := newAWS(t)
	status, body := do(t, a, http.MethodPost, "/", io.LimitReader(zeros{}, 18<<20), map[string]string{
		"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/events/aws4_request, SignedHeaders=host, Signature=0",
	})
	require.Equal(t, http.StatusRequestEntityTooLarge, status, body)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestSetupNamesEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := gateway.New(gateway.Config{Buckets: []string{"b"}})
	require.ErrorContains(t, err, "SecretAccessKey")
	require.ErrorContains(t, err, "Services")
	require.ErrorContains(t, err, "s3 service")
	_, err = gateway.New(gateway.Config{AccessKeyID: "a", SecretAccessKey: "b", Services: map[string]http.Handler{"sns": nil}})
	require.ErrorContains(t, err, `"sns"`)
}

func entries(detail string) []types.PutEventsRequestEntry {
	return []types.PutEventsRequestEntry{{
		Source: aws.String("emodrop"), DetailType: aws.String("EMO Job State Change"), Detail: &detail,
	}}
}
