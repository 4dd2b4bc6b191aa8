package lambda

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryWrongFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		Region: "mars", AccountID: "12", Grace: -1, MaxAsyncPayload: 7 << 20, MaxLogLine: -1,
		Functions: []Function{
			{
				Name: "has space", Timeout: time.Hour, MemoryMB: 1, Concurrency: -1, LogLevel: "LOUD",
				Env:   map[string]string{"AWS_REGION": "x", "a=b": "y", "AWS_LAMBDA_ANY": "z"},
				Async: AsyncConfig{MaxRetries: 3, MaxEventAge: 7 * time.Hour, RetryWaits: []time.Duration{-1}, ThrottleWait: time.Hour, MaxQueued: -1},
			},
			{Name: "gone", Binary: "testdata/none"},
			{Name: "folder", Binary: "testdata"},
			{Name: "twice", Binary: "doc.go"},
			{Name: "twice", Binary: "doc.go"},
		},
	})
	for _, part := range []string{
		`Region "mars"`, `AccountID "12"`, "BaseAddr is missing", "Grace is negative", "MaxAsyncPayload", "MaxLogLine",
		`Functions[0] "has space": Name`, "Binary is missing", "Timeout 1h0m0s", "MemoryMB 1", "Concurrency is negative", `"LOUD"`,
		"AWS_REGION is set by Lambda", "AWS_LAMBDA_ANY is set by Lambda", `"a=b" is not a variable name`,
		"MaxRetries 3", "MaxEventAge 7h0m0s", "RetryWaits", "ThrottleWait 1h0m0s", "MaxQueued",
		`Functions[1] "gone": Binary`, "is not a file", "Name is used twice",
	} {
		require.ErrorContains(t, err, part)
	}
	_, err = New(Config{})
	require.ErrorContains(t, err, "Functions is empty")
}

func TestZeroAsyncConfigIsLambdasDefault(t *testing.T) {
	t.Parallel()
	got, err := AsyncConfig{}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, AsyncConfig{
		MaxRetries: 2, RetryWaits: []time.Duration{time.Minute, 2 * time.Minute}, MaxEventAge: 6 * time.Hour,
		ThrottleWait: time.Second, ThrottleWaitMax: 5 * time.Minute, MaxQueued: 10_000,
	}, got)
	got, err = AsyncConfig{MaxRetries: NoRetries}.withDefaults()
	require.NoError(t, err)
	require.Zero(t, got.MaxRetries)
}

func TestFunctionNamesAreUnderstoodInEveryForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][3]any{
		"fn":                          {"fn", "", true},
		"fn:$LATEST":                  {"fn", "$LATEST", true},
		"123456789012:function:fn":    {"fn", "", true},
		"123456789012:function:fn:v1": {"fn", "v1", true},
		"arn:aws:lambda:us-west-2:123456789012:function:fn":       {"fn", "", true},
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:fn:1": {"fn", "1", true},
		"fn:":                        {"", "", false},
		"":                           {"", "", false},
		"a b":                        {"a b", "", false},
		"arn:aws:s3:::bucket":        {"", "", false},
		"x:y:z:w":                    {"", "", false},
		"arn:aws:lambda:r:1:layer:l": {"", "", false},
	} {
		name, qualifier, ok := parseFunctionName(in)
		require.Equal(t, want, [3]any{name, qualifier, ok}, in)
	}
}
