package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func (b *bench) client() *sdk.Client {
	return sdk.New(sdk.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://" + b.addr),
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})
}

func TestTheSDKInvokesAFunctionInEachWay(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	c := b.client()

	for _, name := range []string{"fn", "fn:$LATEST", "arn:aws:lambda:us-east-1:000000000000:function:fn"} {
		out, err := c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: &name, Payload: []byte(`{"n":1}`)})
		require.NoError(t, err)
		require.EqualValues(t, 200, out.StatusCode)
		require.JSONEq(t, `{"n":1}`, string(out.Payload))
		require.Equal(t, "$LATEST", *out.ExecutedVersion)
		require.Nil(t, out.FunctionError)
		require.Nil(t, out.LogResult)
	}

	out, err := c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("fn"), Payload: []byte(`{"do":"exit"}`), LogType: types.LogTypeTail})
	require.NoError(t, err)
	require.EqualValues(t, 200, out.StatusCode)
	require.Equal(t, "Unhandled", *out.FunctionError)
	require.Contains(t, string(out.Payload), "Runtime.ExitError")
	log, err := base64.StdEncoding.DecodeString(*out.LogResult)
	require.NoError(t, err)
	require.Equal(t, "leaving\n", string(log))
	require.Equal(t, "leaving", next(t, b.lines))

	out, err = c.Invoke(t.Context(), &sdk.InvokeInput{
		FunctionName: aws.String("fn"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"do":"print","arg":"hi"}`),
	})
	require.NoError(t, err)
	require.EqualValues(t, 202, out.StatusCode)
	require.Equal(t, "hi", next(t, b.lines))

	out, err = c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("fn"), InvocationType: types.InvocationTypeDryRun})
	require.NoError(t, err)
	require.EqualValues(t, 204, out.StatusCode)
}

func TestTheSDKGetsTypedErrors(t *testing.T) {
	t.Parallel()
	b := one(t, Function{Concurrency: 1, Async: AsyncConfig{MaxQueued: 1}})
	c := b.client()
	invoke := func(name string, kind types.InvocationType, payload []byte) error {
		_, err := c.Invoke(context.Background(), &sdk.InvokeInput{FunctionName: &name, InvocationType: kind, Payload: payload})
		return err
	}

	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, invoke("other", "", nil), &missing)
	require.Equal(t, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:other", missing.ErrorMessage())
	require.Equal(t, "User", *missing.Type)
	require.ErrorAs(t, invoke("fn:prod", "", nil), &missing)
	_, err := c.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("fn"), Qualifier: aws.String("prod")})
	require.ErrorAs(t, err, &missing)

	number := func(n int) []byte { return bytes.Repeat([]byte("1"), n) }
	for _, err := range []error{
		invoke("fn", "", number(maxSyncPayload+1)),
		invoke("fn", types.InvocationTypeEvent, number(maxAsyncPayload+1)),
	} {
		var large smithy.APIError
		require.ErrorAs(t, err, &large)
		require.Equal(t, "RequestEntityTooLargeException", large.ErrorCode())
		var status interface{ HTTPStatusCode() int }
		require.ErrorAs(t, err, &status)
		require.Equal(t, http.StatusRequestEntityTooLarge, status.HTTPStatusCode())
	}
	var content *types.InvalidRequestContentException
	require.ErrorAs(t, invoke("fn", "", []byte("{")), &content)
	var parameter *types.InvalidParameterValueException
	require.ErrorAs(t, invoke("fn", "Later", nil), &parameter)
	require.ErrorAs(t, invoke("f n", "", nil), &parameter)

	require.NoError(t, invoke("fn", types.InvocationTypeEvent, []byte(`{"do":"sleep"}`)))
	require.Equal(t, "sleeping", next(t, b.lines))
	var many *types.TooManyRequestsException
	require.ErrorAs(t, invoke("fn", "", nil), &many)
	require.Equal(t, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, many.Reason)
	require.ErrorAs(t, invoke("fn", types.InvocationTypeEvent, nil), &many)

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_ = b.Close(ctx)
	var service *types.ServiceException
	require.ErrorAs(t, invoke("fn", "", nil), &service)
}

func TestOtherOperationsAreUnknown(t *testing.T) {
	t.Parallel()
	b := one(t, Function{})
	_, err := b.client().GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("fn")})
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, "UnknownOperationException", api.ErrorCode())
	res, err := http.Get("http://" + b.addr + "/2015-03-31/functions/fn/invocations")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}
