package callback_test

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"emodrop/shared/callback"
)

func TestEveryRequestIsAnsweredAsIfNothingWereThere(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", ""} {
		r := events.LambdaFunctionURLRequest{RawPath: "/x", Body: `{"type":"dashscope:System:AsyncTaskFinish"}`,
			Headers: map[string]string{"x-eventbridge-signature-token": "canary"}}
		r.RequestContext.HTTP.Method = method
		resp, err := callback.Handle(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, 404, resp.StatusCode)
		require.Equal(t, "not found\n", resp.Body, "nothing of the request comes back")
		require.Equal(t, "text/plain; charset=utf-8", resp.Headers["Content-Type"])
	}
}
