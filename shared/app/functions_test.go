package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"emodrop/shared/app"
)

// cloud is an AWS whose buckets, table and queue are empty. It keeps what it was
// asked, as "service: method path target body".
type cloud struct {
	mu    sync.Mutex
	asked []string
	down  bool
	// secrets are in Secrets Manager, items in the table, each as its JSON.
	secrets, items map[string]string
}

func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	service, _, _ := strings.Cut(r.URL.Host, ".")
	c.asked = append(c.asked, strings.Join([]string{service, r.Method, r.URL.Path, r.Header.Get("X-Amz-Target"), string(body)}, " "))
	if c.down {
		return nil, errors.New("no route")
	}
	status, answer := http.StatusOK, "{}"
	switch {
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query"):
		answer = `{"Items":[],"Count":0}`
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem") && strings.Contains(string(body), `"GATE"`):
		answer = `{"Item":{"pk":{"S":"GATE"},"slots":{"M":{}}}}`
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetItem"):
		for key, item := range c.items {
			if strings.Contains(string(body), `"`+key+`"`) {
				answer = `{"Item":` + item + `}`
			}
		}
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems"):
		// The one change that is seen: a job that was running is stored.
		for key, item := range c.items {
			if strings.Contains(string(body), `"`+key+`"`) && strings.Contains(string(body), `"STORING"`) {
				c.items[key] = strings.Replace(item, `{"S":"RUNNING"}`, `{"S":"STORING"}`, 1)
			}
		}
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetSecretValue"):
		for name, value := range c.secrets {
			if strings.Contains(string(body), `"`+name+`"`) {
				answer = `{"SecretString":"` + value + `"}`
			}
		}
	case r.Method == http.MethodHead:
		status, answer = http.StatusNotFound, ""
	case strings.Contains(r.URL.RawQuery, "list-type=2"):
		answer = `<ListBucketResult></ListBucketResult>`
	case strings.Contains(r.URL.Path, "/invocations"):
		status, answer = http.StatusAccepted, ""
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		ContentLength: int64(len(answer)), Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (c *cloud) config() aws.Config {
	return aws.Config{Region: "eu-central-1", HTTPClient: &http.Client{Transport: c}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", "")}
}

// heard says whether something was asked that holds all these words.
func (c *cloud) heard(words ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.asked {
		all := true
		for _, w := range words {
			all = all && strings.Contains(a, w)
		}
		if all {
			return true
		}
	}
	return false
}

// configured is a whole configuration as the template gives it.
func configured(t *testing.T) app.Config {
	t.Helper()
	env := least()
	for k, v := range map[string]string{
		"EMODROP_INBOX": "emodrop-inbox", "EMODROP_OUTBOX": "emodrop-outbox", "EMODROP_TABLE": "emodrop-jobs",
		"EMODROP_SIGNER_ROLE": "arn:aws:iam::111122223333:role/signer", "EMODROP_SUBMIT_FUNCTION": "emodrop-submit",
		"EMODROP_FINALIZE_FUNCTION": "emodrop-finalize", "EMODROP_TOPIC_ARN": "arn:aws:sns:eu-central-1:111122223333:emodrop",
		"EMODROP_EVENT_BUS": "default", "EMODROP_CALLBACK_TOKEN_SECRET": "emodrop-token",
	} {
		env[k] = v
	}
	c, err := from(env)
	require.NoError(t, err)
	return c
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../events/" + name)
	require.NoError(t, err)
	return b
}

type build = func(context.Context, app.Config, aws.Config, *slog.Logger) (app.Handler, error)

// function builds a function over an empty cloud.
func function(t *testing.T, f build) (app.Handler, *cloud, *bytes.Buffer) {
	t.Helper()
	c, logged := &cloud{}, &bytes.Buffer{}
	h, err := f(t.Context(), configured(t), c.config(), slog.New(slog.NewJSONHandler(logged, nil)))
	require.NoError(t, err)
	require.Empty(t, c.asked, "building asks nothing of anybody")
	return h, c, logged
}

func TestSubmitLooksAtItsInboxForWhatTheEventNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"s3-eventbridge-object-created.json", "s3-put.json", "s3-test-event.json"} {
		synctest.Test(t, func(t *testing.T) {
			h, c, _ := function(t, app.Submit)
			out, err := h(t.Context(), sample(t, name))
			require.NoError(t, err, "a file that is not there is nothing")
			require.Nil(t, out)
			require.Equal(t, name != "s3-test-event.json", c.heard("emodrop-inbox HEAD", "/courses/week 1/安娜 + 1."), name)
			require.True(t, c.heard("dynamodb", "GetItem", `"emodrop-jobs"`, `"GATE"`), "it asks whether a slot is free")
		})
	}
}

func TestSubmitAnswersTheQueueWithTheMessageItCannotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _, logged := function(t, app.Submit)
		out, err := h(t.Context(), sample(t, "sqs-batch.json"))
		require.NoError(t, err)
		var batch events.SQSEvent
		require.NoError(t, json.Unmarshal(sample(t, "sqs-batch.json"), &batch))
		b, err := json.Marshal(out)
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[{"itemIdentifier":"`+batch.Records[3].MessageId+`"}]}`, string(b))
		require.Contains(t, logged.String(), batch.Records[3].MessageId)
	})
}

func TestSubmitLooksAtWhatPollHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c, _ := function(t, app.Submit)
		_, err := h(t.Context(), sample(t, "dispatch.json"))
		require.NoError(t, err)
		for _, key := range []string{`STEM#courses/week 1/安娜 + 1`, `DIR#courses/week 1`, `JOB#0a1b2c3d4e5f60718293a4b5c6d7e8f9`} {
			require.True(t, c.heard("dynamodb", key), key)
		}
		require.True(t, c.heard("emodrop-inbox HEAD", "anna.jpg"))
	})
}

func TestPollEndsAtOnceWhenNothingIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c, _ := function(t, app.Poll)
		_, err := h(t.Context(), sample(t, "scheduler-poll.json"))
		require.NoError(t, err)
		require.True(t, c.heard("dynamodb", "Query", `"emodrop-jobs"`))
		require.False(t, c.heard("dashscope"), "an idle stack asks the vendor nothing")
		require.False(t, c.heard("secretsmanager"))
		require.False(t, c.heard("lambda"))
	})
}

func TestFinalizeSaysWhichJobIsNotThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, c, _ := function(t, app.Finalize)
		_, err := h(t.Context(), sample(t, "finalize.json"))
		require.ErrorContains(t, err, "0a1b2c3d4e5f60718293a4b5c6d7e8f9")
		require.True(t, c.heard("dynamodb", "GetItem", "JOB#0a1b2c3d4e5f60718293a4b5c6d7e8f9"))
	})
}

func TestTroubleWithTheTableIsTheInvocationsError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, f := range map[string]build{"finalize.json": app.Finalize, "scheduler-poll.json": app.Poll, "dispatch.json": app.Submit} {
			h, c, _ := function(t, f)
			c.down = true
			_, err := h(t.Context(), sample(t, name))
			require.Error(t, err, name)
		}
	})
}

func TestAFunctionIsNotBuiltWithoutWhatItAloneNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build  build
		change func(*app.Config)
	}{
		"EMODROP_SIGNER_ROLE":           {app.Submit, func(c *app.Config) { c.SignerRole = "" }},
		"EMODROP_SUBMIT_FUNCTION":       {app.Poll, func(c *app.Config) { c.SubmitFunction = "" }},
		"EMODROP_FINALIZE_FUNCTION":     {app.Poll, func(c *app.Config) { c.FinalizeFunction = "" }},
		"EMODROP_CALLBACK_TOKEN_SECRET": {app.Callback, func(c *app.Config) { c.CallbackTokenSecret = "" }},
		"EMODROP_WEBHOOK_SECRET":        {app.Poll, func(c *app.Config) { c.WebhookURL = "https://example.com/" }},
		"and EMODROP_FINALIZE_FUNCTION": {app.Callback, func(c *app.Config) { c.FinalizeFunction = "" }},
		"PostLease":                     {app.Submit, func(c *app.Config) { c.PostLease = c.CreateWithin }},
		"Interval":                      {app.Poll, func(c *app.Config) { c.PollInterval = 2 * c.PollPeriod }},
	} {
		cfg := configured(t)
		c.change(&cfg)
		_, err := c.build(t.Context(), cfg, (&cloud{}).config(), slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, name)
	}
	cfg := configured(t)
	cfg.VendorURL = "no address"
	for _, f := range []build{app.Submit, app.Poll, app.Finalize, app.Callback} {
		_, err := f(t.Context(), cfg, (&cloud{}).config(), slog.New(slog.DiscardHandler))
		require.Error(t, err)
	}
}
