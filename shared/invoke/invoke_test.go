package invoke_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"emodrop/shared/invoke"
	"emodrop/shared/job"
)

// functions is a Lambda service that keeps what it was asked.
type functions struct {
	status  int
	err     error
	request *http.Request
	payload string
}

func (f *functions) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.err != nil {
		return nil, f.err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f.request, f.payload = r, string(b)
	return &http.Response{StatusCode: f.status, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

func newFunctions(f *functions, submit, finalize string) *invoke.Functions {
	return invoke.New(lambda.New(lambda.Options{Region: "eu-central-1", HTTPClient: &http.Client{Transport: f}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", "")}), submit, finalize)
}

func TestAFunctionIsInvokedAsynchronouslyWithWhatItIsToDo(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-central-1:111122223333:function:emodrop-submit"
	f := &functions{status: http.StatusAccepted}
	fs := newFunctions(f, arn, "emodrop-finalize")

	require.NoError(t, fs.Submit(t.Context(), job.Work{Dispatch: true, Stems: []string{"课程/anna"}}))
	require.Equal(t, "/2015-03-31/functions/"+url.PathEscape(arn)+"/invocations", strings.ReplaceAll(f.request.URL.EscapedPath(), "%3A", ":"))
	require.Equal(t, "Event", f.request.Header.Get("X-Amz-Invocation-Type"), "nobody waits for it")
	require.JSONEq(t, `{"dispatch":true,"stems":["课程/anna"]}`, f.payload)

	require.NoError(t, fs.Finalize(t.Context(), "0a1b"))
	require.Equal(t, "/2015-03-31/functions/emodrop-finalize/invocations", f.request.URL.Path)
	require.Equal(t, "Event", f.request.Header.Get("X-Amz-Invocation-Type"))
	require.JSONEq(t, `{"job_id":"0a1b"}`, f.payload)
}

func TestAnInvocationThatIsNotTakenIsAnErrorThatNamesTheFunction(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*functions{
		"refused":     {status: http.StatusForbidden},
		"throttled":   {status: http.StatusTooManyRequests},
		"unreachable": {err: errors.New("no route")},
	} {
		err := newFunctions(f, "emodrop-submit", "emodrop-finalize").Finalize(t.Context(), "0a1b")
		require.ErrorContains(t, err, "invoke emodrop-finalize", name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, newFunctions(&functions{status: 202}, "a", "b").Submit(ctx, job.Work{}), context.Canceled)
}
